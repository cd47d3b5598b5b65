"""Slack's and the desk's calls go wrong one by one, in every way, during one story.

The story: somebody asks, requests an installation, support takes it, somebody writes into the thread.
Each case orders one fault at one call, waits until everything is delivered, and counts what came. Held:
one report, one card, one PEM, one line and one notice of each change, one ticket with one file and one
comment, and nothing given up.

    python -m tools.soak faults [--only WORDS] [--list]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bot.app import Bot
from bot.desks.writing import desk_file_text
from bot.requests.patience import Patience
from bot.store import outbox
from bot.store.database import Database
from tests.conversation.conftest import MANIFEST
from tests.conversation.story import SUPPORT
from tests.conversation.support import Json, Surroundings, shown
from tests.desks.support import AnyServer, secret_of
from workspace import Cast, Person, Rules, Workspace
from workspace.desks import EnterpriseServer, Fault, ProfessionalServer
from workspace.person import Refused

_RULES: Final = Rules(event_retry_seconds=(0.0, 1.0, 3.0))
_PATIENCE: Final = Patience(lease=5.0, first=0.4, most=2.0, poll=0.1)
_SETTLE_SECONDS: Final = 60.0
_SAID: Final = "It runs on nc01"
#: What goes wrong with a call of Slack's.
_SLACK: Final[Mapping[str, Mapping[str, Any]]] = {
    "429": {"kind": "ratelimited", "seconds": 1},
    "429 without Retry-After": {"kind": "ratelimited", "retry_after": ""},
    "429, Retry-After 0": {"kind": "ratelimited", "retry_after": "0"},
    "429, Retry-After soon": {"kind": "ratelimited", "retry_after": "soon"},
    "500": {"kind": "server_error"},
    "internal_error": {"kind": "error", "code": "internal_error"},
    "fatal_error": {"kind": "error", "code": "fatal_error"},
    "token_revoked for a moment": {"kind": "error", "code": "token_revoked"},
    "truncated JSON": {"kind": "truncated"},
    "slow body": {"kind": "slow_body", "seconds": 1.5},
    "slow": {"kind": "latency", "seconds": 1.5},
    "reset before": {"kind": "reset_before"},
    "reset after": {"kind": "reset_after"},
}
_METHODS: Final = (
    "chat.postMessage",
    "chat.update",
    "chat.getPermalink",
    "conversations.open",
    "conversations.replies",
    "files.getUploadURLExternal",
    "files.completeUploadExternal",
    "files.info",
    "usergroups.users.list",
    "users.info",
    "views.open",
    "auth.test",
)
#: The same at the address that takes a file's bytes, which answers no JSON.
_UPLOAD: Final = ("429", "500", "slow", "reset before", "reset after")
_DESK: Final[Mapping[str, Fault]] = {
    "429": Fault("status", 429, retry_after="1"),
    "429, Retry-After absurd": Fault("status", 429, retry_after="soon"),
    "401": Fault("status", 401),
    "500": Fault("status", 500),
    "503": Fault("status", 503),
    "late": Fault("late", seconds=1.5),
    "truncated JSON": Fault("truncated"),
    "reset before": Fault("drop"),
    "reset after": Fault("cut"),
}
_DESK_CALLS: Final[Mapping[str, Sequence[str]]] = {
    "enterprise": ("sign-in", "create", "object", "attach", "download", "comment"),
    "professional": ("sign-in", "create", "search", "attach", "download", "comment"),
}
_SERVERS: Final = {"enterprise": EnterpriseServer, "professional": ProfessionalServer}


@dataclass(frozen=True, slots=True)
class Case:
    """One fault: ``slack`` is ordered of the workspace, ``fault`` of the desk for ``call``, and with
    ``signed_out`` the desk's secret is another one for three seconds."""

    name: str
    desk: str = "enterprise"
    slack: Mapping[str, Any] = field(default_factory=dict)
    call: str = ""
    fault: Fault | None = None
    signed_out: bool = False


def cases() -> Iterator[Case]:
    """All of them."""
    for method in _METHODS:
        for what, order in _SLACK.items():
            # A token that is refused at the start is wrong, and is told.
            if (method, what) != ("auth.test", "token_revoked for a moment"):
                yield Case(f"Slack {method}: {what}", slack={"method": method, **order})
    for what in _UPLOAD:
        yield Case(f"Slack upload: {what}", slack={"method": "upload", **_SLACK[what]})
    for kind in ("slash_commands", "interactive", "events_api"):
        order = {"kind": "drop_ack", "method": kind}
        yield Case(f"Slack does not hear the acknowledgement: {kind}", slack=order)
    for reason in ("cut", "refresh_requested", "link_disabled", "warning"):
        yield Case(f"Slack connection: {reason}", slack={"disconnect": reason})
    for desk, calls in _DESK_CALLS.items():
        for call in calls:
            for what, fault in _DESK.items():
                yield Case(f"{desk} {call}: {what}", desk, call=call, fault=fault)
        yield Case(f"{desk}: token expired, renewed after 3 s", desk, signed_out=True)


async def run(case: Case, folder: Path) -> list[str]:
    """What did not hold, in a sentence each; empty: all did."""
    async with (
        Workspace(MANIFEST, cast=Cast(installed=("acme",)), rules=_RULES) as workspace,
        Surroundings(workspace, folder) as surroundings,
        _SERVERS[case.desk]() as server,
    ):
        settings = surroundings.settings(desk_file=_desk_file(server, folder))
        rita, sam = (workspace.person(name) for name in ("rita", "sam"))
        if case.fault:
            server.faults.order(case.call, case.fault)
        if case.slack and "disconnect" not in case.slack:
            await rita.fault(**case.slack)
        right = secret_of(server)
        if case.signed_out:
            _set_secret(server, "another")
        try:
            async with Bot(settings, patience=_PATIENCE):
                await workspace.wait_connected(seconds=20)
                await _story(rita, sam, surroundings.host, case)
                if case.signed_out:
                    await asyncio.sleep(3)
                    _set_secret(server, right)
                await _settled(settings.database_url)
                problems = await _given_up(settings.database_url)
        except TimeoutError as error:
            return [f"did not come to an end: {str(error)[:300]}"]
        return problems + await _counted(rita, sam, server)


def _desk_file(server: AnyServer, folder: Path) -> Path:
    name = "api_token" if isinstance(server, EnterpriseServer) else "password"
    (folder / "secret").write_text(secret_of(server))
    pace = {"poll_first": 0.3, "poll_most": 0.6, "settle": 0.5, "timeout": 1.0}
    table = {**server.table(), name: f"file:{folder}/secret", **pace}
    (folder / "desk.toml").write_text(desk_file_text(table))
    return folder / "desk.toml"


def _set_secret(server: AnyServer, value: str) -> None:
    if isinstance(server, EnterpriseServer):
        server.api_token = value
    else:
        server.password = value


async def _story(rita: Person, sam: Person, host: str, case: Case) -> None:
    answer = await rita.command("#connectors", f"/cert {host}")
    if not answer["ok"]:
        # It was refused visibly, so the person tries again; what came of the first is counted too.
        await asyncio.sleep(1)
    report = await _until(rita, lambda m: "Request the root" in shown(m) and not m["ephemeral"])
    view = await _opened(rita, report)
    if reason := case.slack.get("disconnect"):
        await rita.disconnect(reason)
        await asyncio.sleep(0.1)
    values = {"environment": "production", "connector": "AD connector"}
    for _ in range(5):
        answer = await rita.submit(view, values)
        if answer["ok"]:
            break
        await asyncio.sleep(1)
    card = await _until(sam, lambda m: "waiting for support" in shown(m), SUPPORT)
    await _until(sam, lambda m: "asked for this" in shown(m), SUPPORT)
    for _ in range(8):
        # The button is gone once the card shows that it is taken.
        with contextlib.suppress(Refused):
            await sam.click(card, "request_take")
        with contextlib.suppress(TimeoutError):
            await sam.wait_for(lambda m: "took this" in shown(m), channel=SUPPORT, timeout=5)
            break
    await rita.reply(card, _SAID)
    await asyncio.sleep(0.3)


async def _opened(rita: Person, report: Json) -> Json:
    """The modal; where Slack did not open it, the person is told and presses again."""
    for _ in range(6):
        await rita.click(report, "report_request")
        with contextlib.suppress(TimeoutError):
            return await rita.wait_for_view("install", timeout=4)
        told = [m for m in await rita.messages("#connectors") if m["ephemeral"]]
        if not any("❌" in shown(m) or "longer" in shown(m) for m in told):
            raise TimeoutError("the modal did not open, and nobody was told")
    raise TimeoutError("the modal does not open")


async def _until(
    person: Person, wanted: Callable[[Json], bool], channel: str = "#connectors"
) -> Json:
    return await person.wait_for(wanted, channel=channel, timeout=30)


async def _settled(url: str) -> None:
    database = Database(url)
    try:
        async with asyncio.timeout(_SETTLE_SECONDS):
            quiet = 0
            # Events may still come, and put something.
            while quiet < 8:
                async with database.read() as unit:
                    waiting = (await outbox.backlog(unit)).waiting
                quiet = 0 if waiting else quiet + 1
                await asyncio.sleep(0.1)
    except TimeoutError:
        async with database.read() as unit:
            raise TimeoutError(f"still waiting: {dict(await outbox.held_up(unit))}") from None
    finally:
        await database.dispose()


async def _given_up(url: str) -> list[str]:
    database = Database(url)
    async with database.read() as unit:
        found = [f"given up: {f.act.kind}: {f.reason}" for f in await outbox.failed(unit)]
    await database.dispose()
    return found


async def _counted(rita: Person, sam: Person, server: AnyServer) -> list[str]:
    support = [m for m in await sam.messages(SUPPORT) if m.get("bot_id") and not m["ephemeral"]]
    public = [m for m in await rita.messages("#connectors") if not m["ephemeral"]]
    direct = [m for m in await rita.messages("@app") if m.get("bot_id")]
    tickets = list(server.tickets)
    counts = Counter(
        {
            "report": sum("Request the root" in shown(m) for m in public),
            "card": sum(m["thread_ts"] in (None, "", m["ts"]) for m in support if _is_root(m)),
            "PEM": sum(bool(m.get("files")) for m in support),
            "line “asked for this”": sum("asked for this" in shown(m) for m in support),
            "line “took this”": sum("took this" in shown(m) for m in support),
            "notice “took this”": sum("took this" in shown(m) for m in direct),
            "thread “took this”": sum("took this" in shown(m) for m in public),
            "ticket": len(tickets),
            "file of the ticket": sum(len(ticket.files) for ticket in tickets),
            "comment of the ticket": sum(
                _SAID in entry.text for ticket in tickets for entry in ticket.entries
            ),
        }
    )
    return [f"{count} × {what}" for what, count in counts.items() if count != 1]


def _is_root(message: Json) -> bool:
    return "*Taken by*" in shown(message)


def main(arguments: Sequence[str]) -> int:
    """Runs the cases whose names hold ``--only``; 0: all held, 1: one did not."""
    parser = argparse.ArgumentParser(prog="python -m tools.soak faults", description=__doc__)
    parser.add_argument("--only", default="", help="the cases whose name holds this")
    parser.add_argument("--list", action="store_true", help="name the cases and run none")
    given = parser.parse_args(arguments)
    chosen = [case for case in cases() if given.only in case.name]
    if given.list:
        print("\n".join(case.name for case in chosen))
        return 0
    logging.getLogger("whichroot").setLevel(logging.CRITICAL)
    failed = 0
    begun = time.monotonic()
    for case in chosen:
        with tempfile.TemporaryDirectory(prefix="whichroot-faults-") as folder:
            started = time.monotonic()
            problems = asyncio.run(run(case, Path(folder)))
        failed += bool(problems)
        outcome = "; ".join(problems) or "held"
        print(f"{time.monotonic() - started:5.1f} s  {case.name}: {outcome}", flush=True)
    minutes = (time.monotonic() - begun) / 60
    print(f"\n{len(chosen)} faults in {minutes:.1f} minutes: {len(chosen) - failed} held.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
