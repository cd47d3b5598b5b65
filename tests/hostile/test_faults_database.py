"""The database is full, may only be read, goes away, or its clock moves: what is refused is refused
aloud, what was accepted is delivered once."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, text

from bot.app import Bot
from bot.requests.courier import Receipt
from bot.requests.delivery import Delivery
from bot.requests.patience import Patience
from bot.store import outbox
from bot.store.database import Database, StoreError, Unit
from bot.store.outbox import Act
from tests.conversation.processes import BotProcess
from tests.conversation.support import Surroundings, shown
from tests.hostile.test_faults_slack import ready
from tests.support.ports import free_port
from tests.support.postgresql import PostgreSQL, postgresql_server


@contextmanager
def read_only() -> Iterator[Callable[[bool], None]]:
    """SQLite refuses to write, as it does where the file may only be read."""
    wanted = False

    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(f"PRAGMA query_only = {'ON' if wanted else 'OFF'}")

    def switch(on: bool) -> None:
        nonlocal wanted
        wanted = on

    event.listen(Engine, "begin", begin)
    try:
        yield switch
    finally:
        event.remove(Engine, "begin", begin)


async def test_while_sqlite_may_only_be_read_nothing_is_accepted_and_everybody_is_told(
    surroundings: Surroundings,
) -> None:
    rita = surroundings.workspace.person("rita")
    with read_only() as switch:
        async with Bot(surroundings.settings()) as bot:
            switch(True)
            answer = await rita.command("#connectors", f"/cert {surroundings.host}")
            assert answer["ok"], answer
            told = await rita.wait_for(lambda m: "Nothing was accepted" in shown(m))
            assert "readonly database" in shown(told)
            found = await ready(bot.port)
            assert "readonly database" in found["problems"]["database"]
            await rita.say("@app", f"check {surroundings.host}")
            await rita.wait_for(lambda m: "not taken in yet" in shown(m), channel="@app")
            switch(False)
            # Slack sends the message again.
            await rita.wait_for(lambda m: "Request the root" in shown(m), channel="@app")
            assert (await rita.command("#connectors", f"/cert {surroundings.host}"))["ok"]
            await rita.wait_for(lambda m: "Request the root" in shown(m), channel="#connectors")
            assert (await ready(bot.port))["ready"]
        reports = [m for m in await rita.messages() if "Request the root" in shown(m)]
        hints = [m for m in await rita.messages("@app") if "not taken in yet" in shown(m)]
    assert (len(reports), len(hints)) == (2, 1)


async def test_a_full_disk_refuses_aloud_and_what_was_accepted_comes_once_there_is_room(
    surroundings: Surroundings,
) -> None:
    rita = surroundings.workspace.person("rita")
    port = free_port()
    surroundings.slow_seconds = 1.0
    environment = surroundings.environment(WHICHROOT_LISTEN_PORT=str(port))
    async with BotProcess(environment) as bot:
        assert (await rita.command("#connectors", f"/cert {surroundings.host}"))["ok"]
        # From now on no file of the process may grow, as on a full disk.
        bot.limit_files(1)
        answer = await rita.command("#connectors", f"/cert {surroundings.unproven_host}")
        assert answer["ok"], answer
        await rita.wait_for(lambda m: "Nothing was accepted" in shown(m))
        found = await ready(port)
        assert "database" in found["problems"], found
        await asyncio.sleep(1.0)
        bot.limit_files(resource.RLIM_INFINITY)
        await rita.wait_for(lambda m: "Request the root" in shown(m) and not m["ephemeral"])
        await surroundings.settled()
        assert (await ready(port))["ready"]
    reports = [m for m in await rita.messages("#connectors") if not m["ephemeral"]]
    assert len(reports) == 1
    assert not any("Traceback" in line for line in bot.output)


@pytest.fixture
def server() -> Iterator[PostgreSQL]:
    """A server of its own, which can be stopped."""
    with postgresql_server() as found:
        yield found


async def test_a_restart_of_postgresql_in_use_loses_nothing(
    surroundings: Surroundings, server: PostgreSQL
) -> None:
    rita = surroundings.workspace.person("rita")
    surroundings.slow_seconds = 1.0
    async with Bot(surroundings.settings(database_url=server.new_database())) as bot:
        assert (await rita.command("#connectors", f"/cert {surroundings.host}"))["ok"]
        server.stop()
        answer = await rita.command("#connectors", f"/cert {surroundings.unproven_host}")
        assert answer["ok"], answer
        await rita.wait_for(lambda m: "Nothing was accepted" in shown(m))
        await rita.open_home()
        await rita.wait_for_home(lambda view: "Nothing is lost" in str(view))
        assert "database" in (await ready(bot.port))["problems"]
        await asyncio.sleep(0.5)
        server.start()
        await rita.wait_for(lambda m: "Request the root" in shown(m) and not m["ephemeral"])
        await asyncio.sleep(0.5)
        reports = [m for m in await rita.messages("#connectors") if not m["ephemeral"]]
        assert (await ready(bot.port))["ready"]
    assert len(reports) == 1


async def test_a_database_that_does_not_answer_is_told_before_slack_gives_up(
    surroundings: Surroundings,
) -> None:
    rita = surroundings.workspace.person("rita")
    async with Bot(surroundings.settings()):
        async with blocked(surroundings.settings().database_url):
            answer = await rita.command("#connectors", f"/cert {surroundings.host}")
            assert answer["ok"], answer
            await rita.wait_for(lambda m: "takes longer than usual" in shown(m))
        await rita.wait_for(lambda m: "Checking" in shown(m))
        await rita.wait_for(lambda m: "Request the root" in shown(m))


@asynccontextmanager
async def blocked(url: str) -> AsyncIterator[None]:
    """Somebody else writes, and does not end."""
    database = Database(url)
    try:
        async with database.begin() as unit:
            await unit.execute(text("UPDATE seen SET value = value"))
            yield
    finally:
        await database.dispose()


class Counting:
    """A courier that counts."""

    def __init__(self) -> None:
        self.delivered: list[str] = []

    async def deliver(self, act: Act) -> Receipt:
        self.delivered.append(act.id)
        await asyncio.sleep(0.2)
        return {}


@pytest.mark.parametrize("moved", [timedelta(days=1), timedelta(days=-1), timedelta(minutes=-3)])
async def test_a_clock_that_moves_neither_loses_nor_repeats(
    tmp_path: Path, moved: timedelta
) -> None:
    offset = timedelta()

    def clock() -> datetime:
        return datetime.now(UTC) + offset

    database = Database(f"sqlite:///{tmp_path}/x.db", clock=clock)
    await database.migrate()
    courier = Counting()

    async def nothing(unit: Unit, act: Act, receipt: Receipt) -> None:
        return

    patience = Patience(lease=6.0, poll=0.05)
    delivery = Delivery(
        database, {"card": courier, "line": courier}, nothing, patience=patience, concurrency=2
    )
    task = asyncio.create_task(delivery.run())
    put: list[str] = []
    for number in range(4):
        async with database.begin() as unit:
            put += [await outbox.put(unit, f"lane{n}", "line", {}) for n in range(3)]
        if number == 1:
            await asyncio.sleep(0.1)
            offset = moved
    await wait_until_empty(database)
    await delivery.stop(1)
    await task
    await database.dispose()
    assert sorted(courier.delivered) == sorted(put)


async def wait_until_empty(database: Database) -> None:
    """Until nothing is to be delivered."""
    async with asyncio.timeout(120):
        while True:
            async with database.read() as unit:
                if not (await outbox.backlog(unit)).waiting:
                    return
            await asyncio.sleep(0.05)


async def test_whether_the_database_writes_is_known(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/x.db", pool_size=1)
    await database.migrate()
    await database.check_writing()
    with read_only() as switch:
        switch(True)
        with pytest.raises(StoreError, match="readonly") as raised:
            await database.check_writing()
    assert not raised.value.maybe_kept
    found: Any = raised.value.remedy
    assert "Try again" in found
    await database.dispose()
