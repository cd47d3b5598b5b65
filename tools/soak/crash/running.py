"""One story: lived with kills at its aims, and compared with one that was lived without."""

from __future__ import annotations

import asyncio
import secrets
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bot.desks.writing import desk_file_text
from bot.store.database import Database
from tests.conversation.conftest import MANIFEST
from tests.conversation.support import Surroundings
from tools.soak.crash.bots import Bots
from tools.soak.crash.evidence import Evidence, gather, settled
from tools.soak.crash.judge import Aim, Judge, Point
from tools.soak.crash.people import StubbornPerson
from tools.soak.crash.story import CrashStory, Server
from workspace import Cast, Rules, Workspace
from workspace.desks import EnterpriseServer, ProfessionalServer

#: Slack waits three seconds, and tries an event again after one and five minutes. A crowded machine
#: needs longer, and a story is to be short.
_ACK_SECONDS: Final = 6.0
_RULES: Final = Rules(
    ack_seconds=_ACK_SECONDS,
    trigger_seconds=60.0,
    event_retry_seconds=(0.0, 1.0, 2.0, 4.0, 8.0, 16.0),
)
_QUICK: Final = {"poll_first": 0.3, "poll_most": 0.6, "settle": 0.3, "timeout": 20.0}
_SETTLE_SECONDS: Final = 120.0
#: How long a step goes on where its point has not come yet, as those of polls may not.
_EXTRA_SECONDS: Final = 1.5
#: Whatever would come twice has come after this.
_QUIET_SECONDS: Final = 0.5
START: Final = "start"
#: What the bot logs where whoever pressed is told to try again.
_TRY_AGAIN: Final = ("A listener takes long.", "The support staff cannot be listed.")


@dataclass(frozen=True, slots=True)
class Setting:
    """Under what a story is lived. ``new_database`` gives the URL of an empty database, given a
    folder; ``drop_database`` removes it. ``lease``: in seconds; what a replica that was killed had
    begun waits so long, and one that is starved for so long loses it though it lives."""

    new_database: Callable[[Path], Awaitable[str]]
    drop_database: Callable[[str], Awaitable[None]]
    replicas: int
    desk: type[Server]
    lease: float = 8.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a story. ``problem``: empty where all was as expected."""

    aims: Sequence[Aim]
    struck: Sequence[Aim]
    points: Sequence[Point]
    evidence: Evidence | None
    problem: str
    repeated_whispers: int
    seconds: float
    log: str


async def live(setting: Setting, aims: Sequence[Aim], expected: Evidence | None) -> Outcome:
    """Lives the story and kills at ``aims``; compares with ``expected`` where that is given."""
    began = time.monotonic()
    with TemporaryDirectory(prefix="whichroot-crash-") as name:
        folder = Path(name)
        judge = Judge(aims)
        evidence, problem, repeated = None, "", 0
        try:
            async with _lived(setting, folder, judge) as (story, desk, database):
                evidence = await gather(story, desk, database)
            if expected is not None:
                problem = "\n".join(evidence.differences(expected))
                repeated = evidence.repeated_whispers(expected)
        except Exception as error:
            where = traceback.format_exc(limit=-3)
            problem = f"in the step “{judge.step}”: {type(error).__name__}: {error}\n{where}"
        log = (folder / "bot.log").read_text("utf-8") if (folder / "bot.log").exists() else ""
    return Outcome(
        aims,
        judge.struck,
        judge.points,
        evidence,
        problem,
        repeated,
        time.monotonic() - began,
        log,
    )


@asynccontextmanager
async def _lived(
    setting: Setting, folder: Path, judge: Judge
) -> AsyncIterator[tuple[CrashStory, Server, Database]]:
    """The surroundings at the end of the story."""
    url = await setting.new_database(folder)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(setting.drop_database, url)
        workspace = await stack.enter_async_context(
            Workspace(MANIFEST, cast=Cast(installed=("acme",)), rules=_RULES)
        )
        company = await stack.enter_async_context(Surroundings(workspace, folder))
        desk: Server = setting.desk()
        await stack.enter_async_context(desk)

        database = Database(url)
        stack.push_async_callback(database.dispose)

        async def ready() -> None:
            await bots.ready()
            await workspace.wait_connected(1, _SETTLE_SECONDS)

        async def recovered() -> None:
            await ready()
            await _calm(database)

        def slow() -> int:
            log = folder / "bot.log"
            text = log.read_text("utf-8") if log.exists() else ""
            return sum(text.count(line) for line in _TRY_AGAIN)

        rita, sam = [
            await stack.enter_async_context(
                StubbornPerson(workspace.url, workspace.users[name], recovered, slow)
            )
            for name in ("rita", "sam")
        ]

        story = CrashStory(company, desk, rita, sam, recovered)

        def environment(proxy: str) -> dict[str, str]:
            return {
                **company.environment(DATABASE_URL=url),
                "WHICHROOT_DESK_FILE": str(_desk_file(desk, folder, proxy)),
                "WHICHROOT_LEASE": str(setting.lease),
                "HTTP_PROXY": proxy,
                "XDG_STATE_HOME": str(folder),
            }

        bots = await stack.enter_async_context(
            Bots(
                setting.replicas,
                judge,
                environment,
                folder / "bot.log",
                absence=_ACK_SECONDS + 0.1,
                somebody_waits=lambda: story.somebody_waits,
            )
        )
        judge.step = START
        await bots.complete()
        await workspace.wait_connected(setting.replicas, _SETTLE_SECONDS)
        for name, step in story.named_steps:
            judge.step = name
            await step()
            await _calm(database)
            await _wait_for_point(judge, name)
            await bots.complete()
            await workspace.wait_connected(setting.replicas, _SETTLE_SECONDS)
            await _calm(database)
        judge.step = ""
        await asyncio.sleep(_QUIET_SECONDS)
        await _calm(database)
        yield story, desk, database


async def _calm(database: Database) -> None:
    """Returns once everything is delivered."""
    try:
        async with asyncio.timeout(_SETTLE_SECONDS):
            while not await settled(database):  # noqa: ASYNC110  the database has no event
                await asyncio.sleep(0.03)
    except TimeoutError:
        raise AssertionError("the outbox does not become empty") from None


async def _wait_for_point(judge: Judge, step: str) -> None:
    end = time.monotonic() + _EXTRA_SECONDS
    while judge.aims_at(step) and time.monotonic() < end:  # noqa: ASYNC110  it has no event
        await asyncio.sleep(0.02)


def _desk_file(desk: Server, folder: Path, proxy: str) -> Path:
    """The desk file of the replica behind that proxy."""
    number = proxy.rpartition(":")[2]
    # Of its own: the other replica may read its files at this moment.
    secret = folder / f"secret-{number}"
    token = desk.api_token if isinstance(desk, EnterpriseServer) else desk.password
    secret.write_text(token, "utf-8")
    name = "api_token" if isinstance(desk, EnterpriseServer) else "password"
    table = {**desk.table(), name: f"file:{secret}", **_QUICK, "proxy": proxy}
    path = folder / f"desk-{number}.toml"
    path.write_text(desk_file_text(table), "utf-8")
    return path


async def new_sqlite(folder: Path) -> str:
    """A SQLite database that is made when it is first used."""
    return f"sqlite:///{folder / f'{secrets.token_hex(4)}.db'}"


async def drop_sqlite(_: str) -> None:
    """It goes with its folder."""


DESKS: Final[dict[str, type[Server]]] = {
    "enterprise": EnterpriseServer,
    "professional": ProfessionalServer,
}
