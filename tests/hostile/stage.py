"""The bot's listeners on a stage: the real ones, on a real store, before a real workspace, without
the couriers, so that what one payload causes can be counted and undone."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Mapping
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Any, Final, Self

import aiohttp
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

import handlers
from bot.lookup import Lookup
from bot.lookup_runner import LookupRunner, Share
from bot.probe.target import Target, parse_target
from bot.report import Report
from bot.requests.messages import Messages
from bot.requests.request import Actor, Draft, InstallRequest, TargetSystem
from bot.requests.service import Requests
from bot.requests.states import Action
from bot.serving.metrics import Metrics
from bot.serving.one_token import OneToken
from bot.serving.tasks import Tasks
from bot.settings import Settings
from bot.store import outbox
from bot.store.database import Database
from bot.store.engine import JsonText
from bot.store.lookups import KeptLookup, Lookups, NewLookup
from bot.store.seen import Seen
from bot.store.tickets import Tickets
from handlers.parts import Parts
from handlers.people import People
from handlers.questions import question_from, target_data
from handlers.queue_news import QueueNews
from handlers.submission import installation_of
from tests.conversation.support import Json, Surroundings
from tests.hostile.policy import STATES

_TABLES: Final = (
    "requests",
    "entries",
    "followers",
    "messages",
    "lookups",
    "acts",
    "lanes",
    "seen",
    "tickets",
)
#: Rows of these are something that happened.
_COUNTED: Final = ("requests", "entries", "followers", "messages", "lookups", "acts", "tickets")
#: By which the bot shows something to whoever pressed.
_VIEWS: Final = ("views.open", "views.publish")
#: How a request comes into each state.
_WAYS: Final[Mapping[str, tuple[Action, ...]]] = {
    "submitted": (),
    "posted": (),
    "taken": (Action.TAKE,),
    "waiting": (Action.TAKE, Action.ASK),
    "installed": (Action.INSTALL,),
    "verified": (Action.INSTALL, Action.VERIFY),
    "rejected": (Action.REJECT,),
    "cancelled": (Action.CANCEL,),
}


class Listening(AsyncApp):
    """An app that knows which listeners were registered, as ``kind:name``."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.found: set[str] = set()

    def action(self, constraints: Any, *more: Any, **named: Any) -> Any:
        self.found.add(f"action:{constraints}")
        return super().action(constraints, *more, **named)

    def view(self, constraints: Any, *more: Any, **named: Any) -> Any:
        self.found.add(f"view:{constraints}")
        return super().view(constraints, *more, **named)

    def shortcut(self, constraints: Any, *more: Any, **named: Any) -> Any:
        self.found.add(f"shortcut:{constraints}")
        return super().shortcut(constraints, *more, **named)

    def command(self, command: Any, *more: Any, **named: Any) -> Any:
        self.found.add(f"command:{command}")
        return super().command(command, *more, **named)

    def event(self, event: Any, *more: Any, **named: Any) -> Any:
        self.found.add(f"event:{event}")
        return super().event(event, *more, **named)


@dataclass(frozen=True)
class Effect:
    """What one payload caused: how many rows were added by table, the requests whose state is
    another, how many views were shown, how many messages were exchanged for another, what whoever
    pressed was told, and the answer's status."""

    rows: Mapping[str, int]
    moved: Mapping[str, str]
    views: int
    exchanged: int
    told: str
    status: int

    @property
    def does_something(self) -> bool:
        """Whether anything was kept or shown but words."""
        return bool(self.rows or self.moved or self.views or self.exchanged)


class Stage:
    """One request in each state, a report, a private report, and an act that was given up."""

    def __init__(self, company: Surroundings, **settings: Any) -> None:
        self.company = company
        self.services = company.workspace.services
        self.settings: Settings = company.settings(**settings)
        self.database = Database(self.settings.database_url)
        self.app: Listening
        self._state = 0
        self.parts: Parts
        self.report: Report
        self.lookup: KeptLookup
        self.private: KeptLookup
        self.requests: dict[str, InstallRequest] = {}
        self.failed = ""
        self._kept: dict[str, set[tuple[Any, ...]]] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self.database.migrate()
        self._stack.push_async_callback(self.database.dispose)
        lookup = Lookup(self.settings)
        runner = LookupRunner(lookup.answer, Share(50, 50), 60.0)
        self._stack.push_async_callback(runner.aclose)
        session = await self._stack.enter_async_context(aiohttp.ClientSession())
        self.parts = Parts(
            settings=self.settings,
            database=self.database,
            lookups=Lookups(self.database),
            requests=Requests(self.database),
            messages=Messages(self.database),
            seen=Seen(),
            runner=runner,
            clients=OneToken(self.settings, session),
            people=People(self.settings),
            tasks=Tasks(),
            metrics=Metrics(),
            queue=QueueNews(self.database, Lookups(self.database), session),
        )
        client = AsyncWebClient(self.settings.slack_bot_token, base_url=self.settings.slack_api_url)
        self.app = Listening(client=client, signing_secret="none", process_before_response=True)
        handlers.register(self.app, self.parts)
        await self._prepare(client)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def send(self, payload: Json) -> Effect:
        """Gives ``payload`` to the bot as Socket Mode does, and says what it caused."""
        log = self.services.log
        mark = log.add("mark", at=0.0)
        answer = await self.app.async_dispatch(AsyncBoltRequest(body=payload, mode="socket_mode"))
        await self.parts.tasks.drain(2.0)
        entries = log.entries()
        since = next(at for at, entry in enumerate(entries) if entry is mark)
        asked = [e for e in entries[since:] if e["kind"] == "request" and e["ok"]]
        now = self.read()
        states = {row[0]: row[self._state] for row in self._kept["requests"]}
        added = {name: len(now[name] - self._kept[name]) for name in _COUNTED}
        moved = {
            row[0]: row[self._state]
            for row in now["requests"]
            if row[0] in states and states[row[0]] != row[self._state]
        }
        said = [e["arguments"] for e in asked if e["method"] == "response_url"]
        words = [str(body.get("text")) for body in said if not body.get("replace_original")]
        return Effect(
            {name: count for name, count in added.items() if count},
            moved,
            sum(e["method"] in _VIEWS for e in asked),
            len(said) - len(words),
            "\n".join([*words, _words(answer)]).strip(),
            answer.status,
        )

    def undo(self) -> None:
        """Puts the store back as it was prepared."""
        changed = self.read()
        with closing(self._connect()) as connection, connection:
            connection.execute("PRAGMA synchronous = OFF")
            changed = {name: rows for name, rows in changed.items() if rows != self._kept[name]}
            if {"requests"} & changed.keys():
                # What belongs to a request goes with it.
                changed = {name: set() for name in _TABLES}
            for name in reversed(changed):
                connection.execute(f"DELETE FROM {name}")
            for name in changed:
                rows = list(self._kept[name])
                if rows:
                    marks = ", ".join("?" * len(rows[0]))
                    connection.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.company.folder / "whichroot.db")

    def keep(self) -> None:
        """What is there now is what `undo` goes back to."""
        self._kept = self.read()

    def read(self) -> dict[str, set[tuple[Any, ...]]]:
        """Every row of every table."""
        with closing(self._connect()) as connection:
            return {name: set(connection.execute(f"SELECT * FROM {name}")) for name in _TABLES}

    async def _prepare(self, client: AsyncWebClient) -> None:
        target = parse_target(self.company.host)
        assert isinstance(target, Target)
        extra = {"target": target_data(target)}
        self.report = await self.parts.runner.run(
            question_from(extra), team="", user="", fresh=True
        )
        self.lookup = await self._keep_lookup(extra, private=False)
        self.private = await self._keep_lookup(extra, private=True)
        for state in STATES:
            self.requests[state] = await self._keep_request(client, state)
        async with self.database.begin() as unit:
            # One of them has a ticket.
            ticket = {"id": "T1", "number": "T1", "url": "", "kind": "ticket"}
            later = unit.now + timedelta(days=1)
            taken = self.requests["taken"].id
            await Tickets(self.database).add(unit, taken, ticket, due_at=later)
            posted = self.requests["posted"].id
            await outbox.put(unit, f"request:{posted}", "card", {"request": posted})
        with closing(self._connect()) as connection, connection:
            connection.execute("DELETE FROM acts WHERE kind != 'card'")
            row = connection.execute("SELECT max(position), id FROM acts").fetchone()
            self.failed = row[1]
            connection.execute("DELETE FROM acts WHERE id != ?", (self.failed,))
            connection.execute("UPDATE acts SET state = 'failed', reason = 'No.'")
            connection.execute("DELETE FROM lanes")
            names = [column[1] for column in connection.execute("PRAGMA table_info(requests)")]
            self._state = names.index("state")
        self.keep()

    async def _keep_lookup(self, extra: Json, *, private: bool) -> KeptLookup:
        workspace = self.company.workspace
        async with self.database.begin() as unit:
            kept = await self.parts.lookups.add(
                unit,
                NewLookup(
                    team=self.team,
                    user=workspace.users["rita"],
                    channel=workspace.channels["connectors"],
                    input=self.company.host,
                    private=private,
                    extra=extra,
                ),
            )
            data, verdict = JsonText(self.report.to_json()), self.report.verdict
            await self.parts.lookups.finish(unit, kept.id, data, verdict)
        return kept

    async def _keep_request(self, client: AsyncWebClient, state: str) -> InstallRequest:
        users, service = self.company.workspace.users, self.parts.requests
        rita = Actor(self.team, users["rita"], "rita")
        sam = Actor(self.team, users["sam"], "sam", is_supporter=True)
        assert self.report.recommended
        draft = Draft(
            TargetSystem(f"{state}.corp.example", 636, "tls"),
            "production",
            installation_of(self.report.recommended),
            lookup_id=self.lookup.id,
        )
        request = (await service.submit(draft, rita, key=state)).request
        await service.submit(draft, Actor(self.team, users["fay"], "fay"), key=f"joined {state}")
        if state != "submitted":
            channel = self.settings.support_channel
            posted = await client.chat_postMessage(channel=channel, text=state)
            async with self.database.begin() as unit:
                await service.note_posted(unit, request.id, channel, str(posted["ts"]))
        for action in _WAYS[state]:
            actor = rita if action in (Action.CANCEL, Action.VERIFY) else sam
            key = secrets.token_hex(4)
            await service.act(request.id, action, actor, text="Why?", key=key)
        found = await service.get(request.id)
        assert found is not None
        assert found.state == state
        return found

    @property
    def team(self) -> str:
        """The workspace whose token the bot has."""
        return next(iter(self.services.app.installations))


def _words(answer: BoltResponse) -> str:
    """What an acknowledgement tells whoever waits for it."""
    return answer.body or ""
