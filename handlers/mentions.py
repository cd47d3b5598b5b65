"""What is asked by mentioning the bot, in a channel, a thread or a direct message."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bot.errors import WhichrootError
from bot.probe.target import Target
from bot.requests.request import InstallRequest
from bot.store import outbox
from bot.store.lookups import KeptLookup
from handlers.blocks.card import STATES, target_of
from handlers.blocks.details import details_message
from handlers.blocks.elements import section, top_text
from handlers.blocks.help import error_message, help_message, talk_message
from handlers.blocks.home import mine_message
from handlers.blocks.markup import Markup, code, fill, unescaped, user
from handlers.blocks.message import Message
from handlers.cert import Asker, accept, check_room, explanation, keep
from handlers.couriers.inquiries import put_explanation
from handlers.couriers.lookups import put_lookup
from handlers.parts import Parts
from handlers.questions import report_of, target_data, target_of_request
from handlers.saying import say
from handlers.words import Asked, Check, Explain, Talk, parse_mention


async def answer_mention(
    parts: Parts, team: str, event: Mapping[str, Any], key: str, request: InstallRequest | None
) -> None:
    """Answers in the thread where the bot was mentioned. ``request``: the one whose thread that is."""
    asked = _asked(event)
    asker = Asker(
        team,
        str(event["user"]),
        str(event["channel"]),
        str(event.get("thread_ts") or event["ts"]),
        by_mention=True,
    )
    message = await _answer(parts, asker, asked, key, request)
    if message is None:
        return
    async with parts.database.begin() as unit:
        await say(
            unit,
            team,
            message,
            channel=asker.channel,
            thread_ts=asker.thread_ts,
            key=f"mention:{key}",
        )


def asks(event: Mapping[str, Any]) -> bool:
    """Whether a mention asks something of the bot, and is no talk that names it. Files alone are no
    question for help."""
    asked = _asked(event)
    if event.get("files") and not _said(event).strip():
        return False
    if isinstance(asked, Check):
        return any(isinstance(target, Target) for target in asked.targets)
    return not isinstance(asked, Talk)


def names_servers(event: Mapping[str, Any]) -> bool:
    """Whether a mention names servers to look at."""
    return isinstance(_asked(event), Check)


def _asked(event: Mapping[str, Any]) -> Asked:
    return parse_mention(unescaped(_said(event)))


def _said(event: Mapping[str, Any]) -> str:
    """The text without the mention at its beginning."""
    return re.sub(r"^\s*<@[A-Z0-9]+>[\s:,]*", "", str(event.get("text") or ""))


async def _answer(
    parts: Parts,
    asker: Asker,
    asked: Asked,
    key: str,
    request: InstallRequest | None,
) -> Message | None:
    """What to say; None where an act brings the answer."""
    if isinstance(asked, Check):
        try:
            said = await accept(parts, asker, asked, key=f"mention:{key}")
        except WhichrootError as error:
            return error_message(error)
        # "Checking …" is for commands: in a thread the report follows at once.
        return said if said.blocks else None
    if isinstance(asked, Explain):
        if request and asked.text.strip():
            async with parts.database.begin() as unit:
                await put_explanation(unit, request, asked.text, key=key)
            return None
        return explanation(asked)
    if isinstance(asked, Talk):
        return talk_message(asked.word)
    if asked.word == "help":
        return help_message()
    if asked.word == "mine":
        return mine_message(await parts.requests.of_user(asker.team, asker.user))
    if asked.word == "status" and request:
        return status_message(request)
    return await _about_thread(parts, asker, asked.word, key, request)


async def _about_thread(
    parts: Parts, asker: Asker, word: str, key: str, request: InstallRequest | None
) -> Message | None:
    """``recheck``, ``chain``, ``pem`` and ``status`` are about the server of the thread."""
    lookup = await _lookup_of(parts, asker, request)
    if lookup is None:
        return error_message(
            WhichrootError(
                "This thread is not about a server that I have checked.",
                "Name the server, as in: check dc01.corp.example:636.",
            )
        )
    report = report_of(lookup)
    if word == "recheck" or report is None:
        target = target_data(target_of_request(request)) if request else lookup.extra["target"]
        extra = {**lookup.extra, "target": target, "fresh": True, "mention": True}
        extra |= {"parent": None, "table": None, "replaces": None}
        async with parts.database.begin() as unit:
            if await parts.seen.first(unit, f"mention:{key}") is None:
                try:
                    await check_room(parts, unit, asker)
                except WhichrootError as error:
                    return error_message(error)
                await put_lookup(unit, await keep(parts, unit, asker, lookup.input, extra))
        return None
    if word == "pem":
        if report.recommended is None:
            return error_message(
                WhichrootError("There is no certificate to hand over.", report.summary)
            )
        payload = {
            "lookup": lookup.id,
            "user": asker.user,
            "channel": asker.channel,
            "thread_ts": asker.thread_ts,
        }
        async with parts.database.begin() as unit:
            await outbox.put(unit, f"say:{key}", "file", payload, key=f"pem:{key}")
        return None
    return details_message(report)


async def _lookup_of(
    parts: Parts, asker: Asker, request: InstallRequest | None
) -> KeptLookup | None:
    if request:
        return await parts.lookups.get(request.lookup_id or "", team=asker.team)
    lookup = await parts.lookups.find_by_message(asker.channel, asker.thread_ts or "")
    # A shared channel belongs to several workspaces.
    return lookup if lookup and lookup.team == asker.team else None


def status_message(request: InstallRequest) -> Message:
    """Where a request stands."""
    taken = fill(", taken by {}", user(request.taken_by)) if request.taken_by else Markup("")
    text = fill(
        "*{}* for {}: {}{}.",
        request.short_id,
        code(target_of(request)),
        STATES[request.state],
        taken,
    )
    return Message(top_text(text), (section(text),))
