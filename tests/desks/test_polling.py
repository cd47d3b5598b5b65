"""Polling: nothing lost and nothing twice, whatever happens to desks and replicas."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.desks.polling import Poller, Turns
from bot.store.database import Database
from bot.store.tables import tickets as table
from bot.store.tickets import Polled, Tickets
from tests.desks.polling import desks, journal, texts, with_tickets
from workspace.desks import EnterpriseServer, Fault

_TICKETS = 200
Replica = Callable[..., Poller]


class Clock:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
async def replica(server: EnterpriseServer) -> AsyncIterator[Replica]:
    """Makes pollers, whose connections are closed at the end."""
    opened = []

    def make(database: Database, table: dict[str, Any], turns: Turns | None = None) -> Poller:
        opened.append(desks(table, server.api_token))
        return Poller(database, opened[-1], turns)

    yield make
    for made in opened:
        await made.aclose()


@pytest.fixture
async def server() -> AsyncIterator[EnterpriseServer]:
    async with EnterpriseServer() as server:
        yield server


async def test_200_tickets_polled_by_two_replicas(
    database: Database, url: str, server: EnterpriseServer, replica: Replica
) -> None:
    await with_tickets(database, server, _TICKETS)
    for number, ticket in enumerate(server.tickets):
        server.answer(ticket, f"answer {number}")
    other = Database(url)
    # They poll again and again meanwhile.
    table = server.table(poll_first=2.0, poll_most=3.0)
    both = [
        replica(database, table, Turns(look=0.02)),
        replica(other, table, Turns(look=0.02)),
    ]
    running = [asyncio.create_task(poller.run()) for poller in both]
    async with asyncio.timeout(90):
        while len(await texts(database)) < _TICKETS:  # noqa: ASYNC110  the database says it
            await asyncio.sleep(0.1)
        await asyncio.sleep(1)
    for poller in both:
        poller.stop()
    await asyncio.gather(*running)
    assert Counter(await texts(database)) == Counter(f"answer {n}" for n in range(_TICKETS))
    await other.dispose()


async def test_a_day_without_the_desk_loses_nothing_and_is_told_once(
    url: str, server: EnterpriseServer, replica: Replica
) -> None:
    clock = Clock()
    database = Database(url, clock=clock)
    await database.migrate()
    (request,) = await with_tickets(database, server, 1)
    (ticket,) = server.tickets
    poller = replica(database, server.table())
    assert await poller.once() == 1
    began = clock.now
    server.faults.down = True
    server.answer(ticket, "written in the morning")
    polls = 0
    while clock.now < began + timedelta(days=1):
        clock.now += timedelta(seconds=300)
        polls += await poller.once()
    # The longest interval is ten minutes.
    assert 100 < polls < 400
    server.answer(ticket, "written in the evening")
    server.move(ticket, "204")
    server.faults.down = False
    for _ in range(6):
        clock.now += timedelta(seconds=300)
        await poller.once()
    news = await journal(database)
    assert ["down" in n for n in news].count(True) == 1
    assert ["back" in n for n in news].count(True) == 1
    since = datetime.fromisoformat(news[0]["down"]["since"])
    assert since - began < timedelta(minutes=10)
    assert await texts(database) == ["written in the morning", "written in the evening"]
    assert [n["state"]["code"] for n in news if "state" in n] == ["204"]
    assert {n["request"] for n in news} == {request.id}
    await database.dispose()


async def test_a_short_outage_is_not_told(
    url: str, server: EnterpriseServer, replica: Replica
) -> None:
    clock = Clock()
    database = Database(url, clock=clock)
    await database.migrate()
    await with_tickets(database, server, 1)
    poller = replica(database, server.table())
    server.faults.order("fragments", Fault("status", 503, retry_after="120"))
    assert await poller.once() == 1
    clock.now += timedelta(seconds=100)
    assert await poller.once() == 0
    clock.now += timedelta(seconds=30)
    assert await poller.once() == 1
    assert await journal(database) == []
    await database.dispose()


async def test_a_replica_killed_in_mid_poll_is_replaced(
    database: Database, url: str, server: EnterpriseServer, replica: Replica
) -> None:
    await with_tickets(database, server, 3)
    for number, ticket in enumerate(server.tickets):
        server.answer(ticket, f"answer {number}")
    server.faults.order("fragments", *[Fault("late", seconds=60)] * 3)
    given = {"url": url, "table": server.table(), "secret": server.api_token, "lease": 2.0}
    calls = server.calls.count("fragments")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.desks.polling", json.dumps(given)
    )
    async with asyncio.timeout(20):
        while server.calls.count("fragments") < calls + 3:  # noqa: ASYNC110  the server tells
            await asyncio.sleep(0.05)
    process.kill()
    await process.wait()
    assert await texts(database) == []
    poller = replica(database, server.table())
    async with asyncio.timeout(20):
        while len(await texts(database)) < 3:
            await poller.once()
            await asyncio.sleep(0.1)
    assert sorted(await texts(database)) == ["answer 0", "answer 1", "answer 2"]
    assert len(await journal(database)) == 3


async def test_a_poll_that_takes_longer_than_the_lease_keeps_it(
    database: Database, server: EnterpriseServer, replica: Replica
) -> None:
    await with_tickets(database, server, 1)
    server.faults.order("fragments", Fault("late", seconds=60))
    slow = asyncio.create_task(replica(database, server.table(), Turns(lease=0.6)).once())

    async def leased_until() -> datetime | None:
        async with database.read() as unit:
            statement = select(table.c.due_at).where(table.c.owner.is_not(None))
            found: datetime | None = (await unit.execute(statement)).scalar()
            return found

    async with asyncio.timeout(20):
        while (first := await leased_until()) is None:  # noqa: ASYNC110  the database has no event
            await asyncio.sleep(0.05)
        while (now := await leased_until()) is None or now <= first:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    slow.cancel()
    await asyncio.gather(slow, return_exceptions=True)


async def test_who_lost_the_lease_keeps_nothing(
    database: Database, server: EnterpriseServer, replica: Replica
) -> None:
    (request,) = await with_tickets(database, server, 1)
    (ticket,) = server.tickets
    server.answer(ticket, "an answer")
    server.faults.order("fragments", Fault("late", seconds=0.5))
    poller = replica(database, server.table())
    slow = asyncio.create_task(poller.once())
    await asyncio.sleep(0.2)
    tickets = Tickets(database)
    async with database.begin() as unit:
        # The lease ran out, and another replica took the ticket.
        await unit.execute(update(table).values(owner="another", due_at=unit.now))
    assert await slow == 1
    assert (await texts(database), await journal(database)) == ([], [])
    async with database.begin() as unit:
        assert not await tickets.settle(unit, request.id, "nobody", Polled({}, None, 0, None))


async def test_a_private_key_in_the_journal_is_not_kept(
    database: Database, server: EnterpriseServer, replica: Replica
) -> None:
    await with_tickets(database, server, 1)
    (ticket,) = server.tickets
    server.answer(ticket, "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----")
    await replica(database, server.table()).once()
    assert await texts(database) == ["(An entry with a private key is not shown here.)"]


async def test_a_ticket_that_is_gone_is_told_once_and_not_polled_again(
    database: Database, server: EnterpriseServer, replica: Replica
) -> None:
    await with_tickets(database, server, 1)
    server.faults.order("fragments", Fault("status", 404))
    quick = server.table(poll_first=0.01, poll_most=0.01)
    poller = replica(database, quick)
    assert await poller.once() == 1
    await asyncio.sleep(0.1)
    assert await poller.once() == 0
    (told,) = await journal(database)
    assert "does not have that" in told["gone"]
