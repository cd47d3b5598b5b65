"""What is there at the end of a story: to be compared with what is there where nobody was killed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from html import unescape
from typing import Final

from sqlalchemy import select

from bot.store import outbox
from bot.store.database import Database
from bot.store.tables import acts, entries, requests
from tests.conversation.support import Json, shown
from tools.soak.crash.story import CrashStory, Server

_SHORT_ID: Final = re.compile(r"\bR-[A-Z0-9]{4,}\b")
_VARYING: Final = re.compile(
    r"[0-9a-f]{8}-[0-9a-f-]{27}|(?:[0-9A-Fa-f]{2}:)+[0-9A-Fa-f]{2}|\b[0-9a-f]{8,}\b|\d+"
)
_SLACKBOT: Final = "USLACKBOT"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What Slack, the desk and the database hold, without what differs from story to story."""

    messages: Counter[str]
    """Of every channel; without those that only one person saw."""
    whispers: Counter[str]
    """Those of the bot, which Slack keeps nothing of."""
    desk: Counter[str]
    """Tickets, files and entries."""
    state: Sequence[str]
    """Requests with their audit trails, and acts that are not done."""

    def differences(self, expected: Evidence) -> list[str]:
        """What is there too often or not often enough, in sentences. Whispers may come twice, and
        never not at all."""
        found = []
        for name in ("messages", "desk"):
            ours, theirs = getattr(self, name), getattr(expected, name)
            found += [f"{n} times too often: {text}" for text, n in (ours - theirs).items()]
            found += [f"{n} times missing: {text}" for text, n in (theirs - ours).items()]
        found += [f"missing: {w}" for w in expected.whispers if w not in self.whispers]
        if self.state != expected.state:
            found.append(f"the database holds {self.state} and not {expected.state}")
        return found

    def repeated_whispers(self, expected: Evidence) -> int:
        """How many whispers came once more than they should."""
        return sum(
            n - expected.whispers[text]
            for text, n in self.whispers.items()
            if text in expected.whispers
        )


async def gather(story: CrashStory, desk: Server, database: Database) -> Evidence:
    """What is there now."""
    found: dict[tuple[str, str], Json] = {}
    for person in (story.rita, story.sam):
        for message in await person.messages():
            found[message["channel"], message["ts"]] = message
    kept = [m for m in found.values() if not m["ephemeral"]]
    whispered = [m for m in found.values() if m["ephemeral"] and m["user"] != _SLACKBOT]
    return Evidence(
        Counter(map(_message, kept)),
        Counter(_message(m) for m in whispered if "⏳" not in shown(m)),
        _of_desk(desk),
        await _of_database(database),
    )


def _message(message: Json) -> str:
    is_reply = message.get("thread_ts") not in (None, message["ts"])
    files = [file["name"] for file in message.get("files") or ()]
    text = " ".join(dict.fromkeys(shown(message).split("\n")))
    who = "bot" if message.get("bot_id") else message["user"]
    place = f"{message['channel']} {'thread' if is_reply else 'top'} {who}"
    return f"{place} | {_plain(f'{text} {files}')}"


def _of_desk(desk: Server) -> Counter[str]:
    found: Counter[str] = Counter()
    for ticket in desk.tickets:
        found[_plain(f"ticket {ticket.subject} {ticket.state}")] += 1
        found.update(_plain(f"file {file.name} {len(file.content)}") for file in ticket.files)
        found.update(
            _plain(f"entry {e.author} {e.visible} {desk.plain(unescape(e.text))}")
            for e in ticket.entries
        )
    return found


async def _of_database(database: Database) -> list[str]:
    async with database.read() as unit:
        found = [
            f"request {row.state}, by {row.requester_name}, taken {row.taken_by is not None}, card "
            f"{row.card_ts is not None}, PEM {row.pem_file is not None}, ticket {row.ticket is not None}"
            for row in await unit.execute(select(requests))
        ]
        trail = await unit.execute(select(entries).order_by(entries.c.at, entries.c.number))
        told = [(row.what, row.who_name) for row in trail]
        undone = await unit.execute(select(acts).where(acts.c.state != "done"))
        found += [f"act {row.kind} {row.state}: {row.reason}" for row in undone]
    # What the bot notes of its own goes on beside what people do.
    own = sorted(what for what, who in told if who == "whichroot")
    return [*found, str([what for what, who in told if who != "whichroot"]), str(own)]


async def settled(database: Database) -> bool:
    """Whether nothing is left to be delivered. Raises AssertionError where something has failed."""
    async with database.read() as unit:
        backlog = await outbox.backlog(unit)
        if backlog.failed:
            failed = await outbox.failed(unit)
            raise AssertionError(f"acts failed: {[(f.act.kind, f.reason) for f in failed]}")
    return not backlog.waiting


def _plain(text: str) -> str:
    return _VARYING.sub("#", _SHORT_ID.sub("R-ID", text))
