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
from bot.store.tables import acts
from bot.store.tables import tickets as kept_tickets
from bot.store.tickets import Polled, Tickets
from tests.desks.polling import desks, journal, texts, two_desks, with_tickets
from tests.desks.support import AnyServer, secret_of
from workspace.desks import EnterpriseServer, Fault, ProfessionalServer

_TICKETS = 200
Replica = Callable[..., Poller]


class Clock:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
async def replica(server: AnyServer) -> AsyncIterator[Replica]:
    """Makes pollers, whose connections are closed at the end."""
    opened = []

    def make(database: Database, table: dict[str, Any], turns: Turns | None = None) -> Poller:
        opened.append(desks(table, secret_of(server)))
        return Poller(database, opened[-1], turns)

    yield make
    for made in opened:
        await made.aclose()


@pytest.fixture
async def server(url: str) -> AsyncIterator[AnyServer]:
    """A desk of each kind, each with a database of another kind."""
    kind = ProfessionalServer if url.startswith("sqlite") else EnterpriseServer
    async with kind() as server:
        yield server


async def test_200_tickets_polled_by_two_replicas(
    database: Database, url: str, server: AnyServer, replica: Replica
) -> None:
    requests = await with_tickets(database, server, _TICKETS)
    for number, ticket in enumerate(server.tickets):
        server.answer(ticket, f"answer {number}")
    other = Database(url)
    table = server.table(poll_first=3600, poll_most=3600)
    both = [replica(database, table), replica(other, table)]
    polls = [0, 0]

    async def poll(number: int) -> None:
        while taken := await both[number].once():
            polls[number] += taken

    async with asyncio.timeout(120):
        await asyncio.gather(poll(0), poll(1))
        # Each took its share, and none a ticket of the other.
        assert sum(polls) == _TICKETS
        assert min(polls) > 0
        # Those at which something happens come first again, and the cursors know what was told.
        for number, ticket in enumerate(list(server.tickets)[:40]):
            server.answer(ticket, f"more {number}")
        async with database.begin() as unit:
            first = [request.id for request in requests[:40]]
            due = update(kept_tickets).where(kept_tickets.c.request_id.in_(first))
            await unit.execute(due.values(due_at=unit.now))
        await asyncio.gather(poll(0), poll(1))
    assert sum(polls) == _TICKETS + 40
    expected = [f"answer {n}" for n in range(_TICKETS)] + [f"more {n}" for n in range(40)]
    assert Counter(await texts(database)) == Counter(expected)
    await other.dispose()


async def test_a_day_without_the_desk_loses_nothing_and_is_told_once(
    url: str, server: AnyServer, replica: Replica
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
        # The longest interval is ten minutes.
        clock.now += timedelta(seconds=600)
        polls += await poller.once()
    assert polls == 144
    server.answer(ticket, "written in the evening")
    server.move(ticket, "204" if isinstance(server, EnterpriseServer) else "06")
    server.faults.down = False
    for _ in range(4):
        clock.now += timedelta(seconds=600)
        await poller.once()
    news = await journal(database)
    assert ["down" in n for n in news].count(True) == 1
    assert ["back" in n for n in news].count(True) == 1
    since = datetime.fromisoformat(news[0]["down"]["since"])
    assert since - began <= timedelta(minutes=10)
    assert await texts(database) == ["written in the morning", "written in the evening"]
    assert [n["state"]["meaning"] for n in news if "state" in n] == ["closed"]
    assert {n["request"] for n in news} == {request.id}
    await database.dispose()


async def test_a_quiet_ticket_is_asked_for_ever_less_often_until_something_happens(
    url: str, server: AnyServer, replica: Replica
) -> None:
    clock = Clock()
    database = Database(url, clock=clock)
    await database.migrate()
    await with_tickets(database, server, 1)
    (ticket,) = server.tickets
    poller = replica(database, server.table())

    async def wait() -> float:
        """Polls when it is due, and gives how long it then is to the next poll."""
        assert await poller.once() == 1
        async with database.read() as unit:
            due_at = (await unit.execute(select(kept_tickets.c.due_at))).scalar_one()
        waited: float = (due_at - clock.now).total_seconds()
        clock.now = due_at
        return waited

    waits = [await wait() for _ in range(12)]
    assert 17 <= waits[0] <= 31
    assert all(after > before for before, after in zip(waits, waits[2:9], strict=False))
    assert all(540 <= wait <= 600 for wait in waits[9:])
    server.answer(ticket, "an answer")
    assert await wait() <= 20
    await database.dispose()


async def test_a_short_outage_is_not_told(url: str, server: AnyServer, replica: Replica) -> None:
    clock = Clock()
    database = Database(url, clock=clock)
    await database.migrate()
    await with_tickets(database, server, 1)
    poller = replica(database, server.table())
    call = "fragments" if isinstance(server, EnterpriseServer) else "read"
    server.faults.order(call, Fault("status", 503, retry_after="120"))
    assert await poller.once() == 1
    clock.now += timedelta(seconds=100)
    assert await poller.once() == 0
    clock.now += timedelta(seconds=30)
    assert await poller.once() == 1
    assert await journal(database) == []
    await database.dispose()


async def test_a_replica_killed_in_mid_poll_is_replaced(
    database: Database, url: str, server: AnyServer, replica: Replica
) -> None:
    await with_tickets(database, server, 3)
    for number, ticket in enumerate(server.tickets):
        server.answer(ticket, f"answer {number}")
    call = "fragments" if isinstance(server, EnterpriseServer) else "read"
    server.faults.order(call, *[Fault("late", seconds=60)] * 3)
    given = {"url": url, "table": server.table(), "secret": secret_of(server), "lease": 1.0}
    calls = server.calls.count(call)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.desks.polling", json.dumps(given)
    )
    async with asyncio.timeout(120):
        while server.calls.count(call) < calls + 3:  # noqa: ASYNC110  the server tells
            await asyncio.sleep(0.02)
    process.kill()
    await process.wait()
    assert await texts(database) == []
    poller = replica(database, server.table())
    async with asyncio.timeout(120):
        while len(await texts(database)) < 3:
            await poller.once()
            await asyncio.sleep(0.05)
    assert sorted(await texts(database)) == ["answer 0", "answer 1", "answer 2"]
    assert len(await journal(database)) == 3


async def test_a_poll_that_takes_longer_than_the_lease_keeps_it(
    database: Database, server: AnyServer, replica: Replica
) -> None:
    await with_tickets(database, server, 1)
    call = "fragments" if isinstance(server, EnterpriseServer) else "read"
    server.faults.order(call, Fault("late", seconds=60))
    slow = asyncio.create_task(replica(database, server.table(), Turns(lease=1.5)).once())

    async def leased_until() -> datetime | None:
        async with database.read() as unit:
            statement = select(kept_tickets.c.due_at).where(kept_tickets.c.owner.is_not(None))
            found: datetime | None = (await unit.execute(statement)).scalar()
            return found

    async with asyncio.timeout(120):
        while (first := await leased_until()) is None:  # noqa: ASYNC110  the database has no event
            await asyncio.sleep(0.05)
        while (now := await leased_until()) is None or now <= first:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    slow.cancel()
    await asyncio.gather(slow, return_exceptions=True)


async def test_who_lost_the_lease_keeps_nothing(
    database: Database, server: AnyServer, replica: Replica
) -> None:
    (request,) = await with_tickets(database, server, 1)
    (ticket,) = server.tickets
    server.answer(ticket, "an answer")
    call = "fragments" if isinstance(server, EnterpriseServer) else "read"
    answers = asyncio.Event()
    server.faults.order(call, Fault("late", held=answers))
    poller = replica(database, server.table())
    calls = server.calls.count(call)
    slow = asyncio.create_task(poller.once())
    while server.calls.count(call) == calls:  # noqa: ASYNC110  the server tells
        await asyncio.sleep(0.02)
    tickets = Tickets(database)
    async with database.begin() as unit:
        # The lease ran out, and another replica took the ticket.
        await unit.execute(update(kept_tickets).values(owner="another", due_at=unit.now))
    answers.set()
    assert await slow == 1
    assert (await texts(database), await journal(database)) == ([], [])
    async with database.begin() as unit:
        assert not await tickets.settle(unit, request.id, "nobody", Polled({}, None, 0, None))


async def test_a_private_key_in_the_journal_is_not_kept(
    database: Database, server: AnyServer, replica: Replica
) -> None:
    await with_tickets(database, server, 1)
    (ticket,) = server.tickets
    server.answer(ticket, "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----")
    await replica(database, server.table()).once()
    assert await texts(database) == ["(An entry with a private key is not shown here.)"]


async def test_a_ticket_that_is_gone_is_told_once_and_not_polled_again(
    database: Database, server: AnyServer, replica: Replica
) -> None:
    await with_tickets(database, server, 1)
    call = "fragments" if isinstance(server, EnterpriseServer) else "read"
    server.faults.order(call, Fault("status", 404))
    quick = server.table(poll_first=0.01, poll_most=0.01)
    poller = replica(database, quick)
    assert await poller.once() == 1
    await asyncio.sleep(0.1)
    assert await poller.once() == 0
    (told,) = await journal(database)
    assert "does not have that" in told["gone"]


async def test_of_many_new_files_the_first_are_brought_and_the_rest_is_counted(
    database: Database, server: AnyServer, replica: Replica
) -> None:
    (request,) = await with_tickets(database, server, 1)
    (ticket,) = server.tickets
    poller = replica(database, server.table(poll_first=0.01, poll_most=0.01))
    await poller.once()
    server.answer(ticket, "Here are the logs")
    for number in range(12):
        server.tickets.attach(ticket, f"{number}.log", b"log")
    for _ in range(3):
        await asyncio.sleep(0.02)
        assert await poller.once() == 1
    news = await journal(database)
    names = [n["file"]["name"] for n in news if "file" in n]
    assert names == [f"{number}.log" for number in range(10)]
    assert [n["files_left"] for n in news if "files_left" in n] == [2]
    async with database.read() as unit:
        wanted = select(acts.c.lane, acts.c.payload).where(acts.c.kind == "journal")
        rows = (await unit.execute(wanted)).all()
    # A desk that does not give a file holds up nothing of the thread.
    assert {row.lane for row in rows if "file" in row.payload} == {f"ticket:{request.id}"}
    assert {row.lane for row in rows if "file" not in row.payload} == {f"request:{request.id}"}


async def test_a_desk_that_refuses_the_bot_is_told_once_and_when_it_lets_it_in_again(
    database: Database, server: AnyServer, replica: Replica
) -> None:
    await with_tickets(database, server, 2)
    poller = replica(database, server.table(poll_first=0.01, poll_most=0.01))
    server.lacks_role = True
    for _ in range(3):
        assert await poller.once() == 2
        await asyncio.sleep(0.02)
    told = await journal(database)
    assert len({n["request"] for n in told}) == len(told) == 2
    assert all("403" in n["refused"] for n in told)
    server.lacks_role = False
    for _ in range(2):
        assert await poller.once() == 2
        await asyncio.sleep(0.02)
    assert ["back" in n for n in await journal(database)] == [False, False, True, True]


async def test_a_poll_that_hangs_holds_up_neither_other_tickets_nor_the_other_desk(
    database: Database, server: AnyServer
) -> None:
    await with_tickets(database, server, 2)
    call = "fragments" if isinstance(server, EnterpriseServer) else "read"
    async with type(server)() as second:
        await with_tickets(database, second, 1, "test")
        both = two_desks(server, second, poll_first=0.1, poll_most=0.2)
        poller = Poller(database, both, Turns(batch=2, look=0.05))
        # One of the two polls in production gets no answer.
        server.faults.order(call, Fault("late", seconds=60))
        for place in (server, second):
            for ticket in place.tickets:
                place.answer(ticket, "an answer")
        running = asyncio.create_task(poller.run())
        try:
            async with asyncio.timeout(30):
                while len(await texts(database)) < 2:  # noqa: ASYNC110  the database has no event
                    await asyncio.sleep(0.05)
                for place in (server, second):
                    for ticket in place.tickets:
                        place.answer(ticket, "another answer")
                while len(await texts(database)) < 4:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await both.aclose()
