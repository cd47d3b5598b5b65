"""Slack's and the desk's calls go wrong one by one, in every way, during one story.

The calls are those that the story makes where nothing goes wrong: it is lived and recorded first. Each
case orders one fault at one call, waits until everything is delivered, and counts what came. Held: one
report, one card, one PEM, one line and one notice of each change, one ticket with one file and one
comment, each way the other side's words and files once, and nothing given up.

    python -m tools.soak faults [--only WORDS] [--part N/M] [--at-once N] [--list]
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bot.app import Bot
from bot.desks.writing import desk_file_text
from bot.requests.patience import Patience
from tests.conversation.conftest import MANIFEST
from tests.conversation.support import Surroundings
from tests.desks.support import AnyServer, secret_of
from tools.soak.faults_story import counted, further, given_up, settled, story
from workspace import Cast, Rules, Workspace
from workspace.desks import EnterpriseServer, Fault, ProfessionalServer
from workspace.person import Refused

_RULES: Final = Rules(event_retry_seconds=(0.0, 1.0, 3.0))
_PATIENCE: Final = Patience(lease=5.0, first=0.4, most=2.0, poll=0.1)
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
#: The same at addresses that answer no JSON.
_RAW: Final = {
    "upload": ("429", "500", "slow", "reset before", "reset after"),
    "download": ("429", "500", "slow", "reset before"),
    "response_url": ("429", "500", "slow", "reset before", "reset after"),
}
#: What looks for a message that may have been posted is called only after an answer was lost.
_LOST: Final[Mapping[str, Mapping[str, Any]]] = {
    "conversations.history": {"kind": "reset_after", "method": "chat.postMessage"},
    "conversations.replies": {
        "kind": "reset_after",
        "method": "chat.postMessage",
        "skip": 2,
        "count": 3,
    },
}
#: The same at a desk: the ticket is looked for.
_LOST_TICKET: Final[Mapping[tuple[str, str], tuple[str, Fault]]] = {
    ("professional", "search"): ("create", Fault("cut")),
}
#: Called where the members of the support channel are support staff.
_BY_CHANNEL: Final = "conversations.members"
_CALL: Final = re.compile(
    r"\.((?:auth|chat|conversations|files|team|usergroups|users|views)_[a-zA-Z_]+)\("
)
#: Asked for a connection and not for anything of the story: Socket Mode has cases of its own.
_CONNECTING: Final = frozenset({"apps.connections.open"})
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


@dataclass(frozen=True, slots=True)
class Calls:
    """What a story calls: methods of Slack, and the calls of each kind of desk."""

    slack: frozenset[str]
    desks: Mapping[str, frozenset[str]]


def cases(calls: Calls) -> Iterator[Case]:
    """Every fault at each of the calls."""
    for method in sorted(calls.slack - _CONNECTING):
        for what in _RAW.get(method, tuple(_SLACK)):
            # A token that is refused at the start is wrong, and is told.
            if (method, what) != ("auth.test", "token_revoked for a moment"):
                order = {**_SLACK[what], "method": method}
                yield Case(f"Slack {method}: {what}", slack=order)
    for kind in ("slash_commands", "interactive", "events_api"):
        order = {"kind": "drop_ack", "method": kind}
        yield Case(f"Slack does not hear the acknowledgement: {kind}", slack=order)
    for reason in ("cut", "refresh_requested", "link_disabled", "warning"):
        yield Case(f"Slack connection: {reason}", slack={"disconnect": reason})
    for desk, found in calls.desks.items():
        for call in sorted(found):
            for what, fault in _DESK.items():
                yield Case(f"{desk} {call}: {what}", desk, call=call, fault=fault)
        yield Case(f"{desk}: token expired, renewed after 3 s", desk, signed_out=True)


async def record() -> Calls:
    """Lives the story without a fault, in each way that leads to other calls. Raises RuntimeError where
    it does not hold even so."""
    slack: set[str] = set()
    desks: dict[str, frozenset[str]] = {}
    for case in (
        *(Case(f"recording, {desk}", desk) for desk in _SERVERS),
        *(Case(f"recording {m}", slack={"also": m}) for m in (_BY_CHANNEL, *_LOST)),
        *(Case(f"recording {call}", desk, call=call) for desk, call in _LOST_TICKET),
    ):
        with tempfile.TemporaryDirectory(prefix="whichroot-faults-") as folder:
            made: list[Calls] = []
            problems = await run(case, Path(folder), made.append)
        if problems or not made:
            raise RuntimeError(f"{case.name}: {'; '.join(problems)}")
        slack |= made[0].slack
        for desk, calls in made[0].desks.items():
            desks[desk] = desks.get(desk, frozenset()) | calls
    return Calls(frozenset(slack), desks)


def named_methods() -> frozenset[str]:
    """The methods of Slack that the program's source names."""
    sources = (path.read_text("utf-8") for name in ("bot", "handlers") for path in _files(name))
    return frozenset(
        found.replace("_", ".") for source in sources for found in _CALL.findall(source)
    )


def _files(package: str) -> Iterator[Path]:
    return (Path(__file__).parents[2] / package).rglob("*.py")


async def run(case: Case, folder: Path, called: Callable[[Calls], None] | None = None) -> list[str]:
    """What did not hold, in a sentence each; empty: all did. ``called`` hears what was called."""
    method = str(case.slack.get("also") or case.slack.get("method", ""))
    async with (
        Workspace(MANIFEST, cast=Cast(installed=("acme",)), rules=_RULES) as workspace,
        Surroundings(workspace, folder) as surroundings,
        _SERVERS[case.desk]() as server,
    ):
        support = {"support_by": "channel"} if method == _BY_CHANNEL else {}
        settings = surroundings.settings(desk_file=_desk_file(server, folder), **support)
        rita, sam = (workspace.person(name) for name in ("rita", "sam"))
        if lost := _LOST_TICKET.get((case.desk, case.call)):
            server.faults.order(*lost)
        if case.fault:
            server.faults.order(case.call, case.fault)
        if method in _LOST:
            await rita.fault(**_LOST[method])
        if "kind" in case.slack:
            await rita.fault(**case.slack)
        right = secret_of(server)
        if case.signed_out:
            _set_secret(server, "another")
        try:
            async with Bot(settings, patience=_PATIENCE):
                await workspace.wait_connected(seconds=20)
                card = await story(rita, sam, surroundings.host, case.slack.get("disconnect", ""))
                if case.signed_out:
                    await asyncio.sleep(3)
                    _set_secret(server, right)
                await further(rita, sam, card, surroundings, server)
                await settled(settings.database_url)
                problems = await given_up(settings.database_url)
        except (TimeoutError, Refused) as error:
            return [f"did not come to an end: {type(error).__name__} {str(error)[:300]}"]
        if called:
            made = {entry["method"] for entry in await rita.log("request")}
            # Names of calls; what Slack's own pages do is no call of the bot.
            slack = frozenset(m for m in made if "." in m or m in _RAW)
            called(Calls(slack, {case.desk: frozenset(server.calls)}))
        return problems + await counted(rita, sam, server)


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


def main(arguments: Sequence[str]) -> int:
    """Runs the cases that are asked for; 0: all held, 1: one did not."""
    parser = argparse.ArgumentParser(prog="python -m tools.soak faults", description=__doc__)
    parser.add_argument("--only", default="", help="the cases whose name holds this")
    parser.add_argument("--part", default="1/1", help="N/M: of M parts the N-th (default: all)")
    parser.add_argument("--at-once", type=int, default=4, help="stories lived at once")
    parser.add_argument("--list", action="store_true", help="name the cases and run none")
    given = parser.parse_args(arguments)
    number, _, parts = given.part.partition("/")
    logging.getLogger("whichroot").setLevel(logging.CRITICAL)
    calls = asyncio.run(record())
    left_out = named_methods() - calls.slack
    if left_out:
        print(f"The story does not come to {', '.join(sorted(left_out))}.")
    found = [case for case in cases(calls) if given.only in case.name]
    chosen = found[int(number) - 1 :: int(parts)]
    if given.list:
        print("\n".join(case.name for case in chosen))
        return 0
    begun = time.monotonic()
    failed = asyncio.run(_run_all(chosen, given.at_once))
    minutes = (time.monotonic() - begun) / 60
    print(f"\n{len(chosen)} faults in {minutes:.1f} minutes: {len(chosen) - failed} held.")
    return 1 if failed or left_out else 0


async def _run_all(chosen: Sequence[Case], at_once: int) -> int:
    """How many did not hold. What does not hold among others is tried once more alone: a crowded
    machine is late."""
    limit = asyncio.Semaphore(at_once)

    async def one(case: Case) -> Case | None:
        async with limit:
            return None if await _tried(case) else case

    again = [case for case in await asyncio.gather(*map(one, chosen)) if case]
    return sum([not await _tried(case, " (alone)") for case in again])


async def _tried(case: Case, how: str = "") -> bool:
    with tempfile.TemporaryDirectory(prefix="whichroot-faults-") as folder:
        started = time.monotonic()
        problems = await run(case, Path(folder))
    outcome = "; ".join(problems) or "held"
    print(f"{time.monotonic() - started:5.1f} s  {case.name}{how}: {outcome}", flush=True)
    return not problems


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
