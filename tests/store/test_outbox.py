"""The outbox and its leases: order, claims, keys, failures, what it costs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Text, cast, literal, select, text

from bot.store import leases, outbox
from bot.store.database import Database
from bot.store.lanework import LeaseLost
from bot.store.leases import Lease
from bot.store.tables import acts, lanes
from tests.support.postgresql import PostgreSQL

_LENGTH = timedelta(seconds=60)


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, seconds: float) -> None:
        """Forward, or backward where negative."""
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def database(url: str, clock: Clock) -> AsyncIterator[Database]:
    database = Database(url, clock=clock)
    yield database
    await database.dispose()


_owners = iter(range(1_000_000))


async def claim(database: Database, limit: int = 100, pool: str = outbox.POSTS) -> Sequence[Lease]:
    async with database.begin() as unit:
        return await leases.claim(unit, pool, f"worker:{next(_owners)}", limit, _LENGTH)


async def put(database: Database, *acts: tuple[str, str], key: str | None = None) -> list[str]:
    async with database.begin() as unit:
        return [await outbox.put(unit, lane, kind, {"n": 1}, key=key) for lane, kind in acts]


async def end(database: Database, *ended: Lease) -> None:
    async with database.begin() as unit:
        for lease in ended:
            leases.done(unit, lease, {"ts": "1.0"})


async def beside_who_locks_both(database: Database, doing: Coroutine[Any, Any, None]) -> None:
    """Does it while a transaction locks the lanes a and b in this order, as one that puts into both."""
    async with database.begin() as unit:
        await unit.execute(select(lanes).where(lanes.c.lane == "a").with_for_update())
        task = asyncio.create_task(doing)
        await asyncio.sleep(0.3)
        await unit.execute(select(lanes).where(lanes.c.lane == "b").with_for_update())
    await task


async def drain(database: Database) -> list[str]:
    """The ids of the acts in the order in which they were delivered."""
    order: list[str] = []
    while taken := await claim(database):
        order += [lease.act.id for lease in taken]
        await end(database, *taken)
    return order


async def test_a_lane_is_delivered_in_order_and_lanes_beside_each_other(
    database: Database,
) -> None:
    a = await put(database, ("a", "card"), ("a", "pem"), ("b", "card"), ("a", "line"))
    first = await claim(database)
    assert {lease.act.id for lease in first} == {a[0], a[2]}
    assert await claim(database) == []
    await end(database, *first)
    assert await drain(database) == [a[1], a[3]]
    async with database.read() as unit:
        assert (await unit.execute(select(lanes))).all() == []


async def test_what_is_undone_with_its_transaction_is_never_delivered(database: Database) -> None:
    async def fail() -> None:
        async with database.begin() as unit:
            await outbox.put(unit, "a", "card", {})
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await claim(database) == []


async def test_an_act_with_a_known_key_is_put_once(database: Database) -> None:
    [first] = await put(database, ("a", "say"), key="k")
    await put(database, ("b", "say"), key="k")
    await put(database, ("a", "say"), key="k")
    assert await drain(database) == [first]
    await put(database, ("a", "say"), key="k")
    assert await drain(database) == []
    [other] = await put(database, ("a", "say"))
    assert await drain(database) == [other]


async def test_an_act_waits_for_its_time(database: Database, clock: Clock) -> None:
    async with database.begin() as unit:
        await outbox.put(unit, "a", "say", {}, not_before=clock() + timedelta(minutes=5))
        await outbox.put(unit, "a", "say", {})
    assert await claim(database) == []
    clock.move(300)
    assert len(await drain(database)) == 2


async def test_what_nobody_takes_is_overdue_and_what_waits_for_an_outage_is_not(
    database: Database, clock: Clock
) -> None:
    async def overdue() -> float:
        async with database.read() as unit:
            overdue_at = (await outbox.backlog(unit)).overdue_at
        return (clock() - overdue_at).total_seconds() if overdue_at else 0.0

    await put(database, ("a", "comment"))
    clock.move(900)
    assert await overdue() == 900
    [lease] = await claim(database)
    assert await overdue() == 0
    async with database.begin() as unit:
        until = unit.now + timedelta(hours=1)
        leases.put_off(unit, lease, until, "Matrix42 is down.", maybe_delivered=False)
    clock.move(1800)
    await put(database, ("a", "comment"))
    clock.move(600)
    assert await overdue() == 0


async def test_an_abandoned_act_is_taken_again_and_may_have_been_delivered(
    database: Database, clock: Clock
) -> None:
    await put(database, ("a", "card"))
    [lost] = await claim(database)
    assert (lost.act.maybe_delivered, lost.act.attempts) == (False, 0)
    clock.move(59)
    assert await claim(database) == []
    clock.move(1)
    [found] = await claim(database)
    assert found.act.id == lost.act.id
    assert (found.act.maybe_delivered, found.act.attempts) == (True, 1)
    with pytest.raises(LeaseLost):
        await end(database, lost)
    await end(database, found)
    with pytest.raises(LeaseLost):
        await end(database, found)
    assert await claim(database) == []


async def test_a_renewed_lease_is_kept_and_a_lost_one_is_told(
    database: Database, clock: Clock
) -> None:
    await put(database, ("a", "card"), ("b", "card"))
    kept, other = await claim(database)
    clock.move(40)
    async with database.begin() as unit:
        assert await leases.renew(unit, [kept], _LENGTH) == []
    clock.move(40)
    [taken] = await claim(database)
    assert taken.act.id == other.act.id
    async with database.begin() as unit:
        assert await leases.renew(unit, [kept, other], _LENGTH) == [other]


@pytest.mark.parametrize(("kind", "blocks"), [("card", True), ("pem", True), ("line", False)])
async def test_what_a_failed_act_does_to_its_lane(
    kind: str, blocks: bool, database: Database
) -> None:
    failed, behind = await put(database, ("a", kind), ("a", "line"))
    [lease] = await claim(database)
    async with database.begin() as unit:
        leases.give_up(unit, lease, "The channel is archived.", maybe_delivered=False)
    await put(database, ("a", "line"))
    taken = await claim(database)
    assert [one.act.id for one in taken] == ([] if blocks else [behind])
    async with database.read() as unit:
        [given_up] = await outbox.failed(unit, lanes=["a"])
        backlog = await outbox.backlog(unit)
    assert (given_up.act.id, given_up.reason) == (failed, "The channel is archived.")
    assert (backlog.waiting, backlog.failed) == (2, 1)
    assert (backlog.oldest_at is None) == blocks
    await end(database, *taken)

    async with database.begin() as unit:
        assert await outbox.retry(unit, failed)
    order = await drain(database)
    assert failed in order
    assert len(order) == (3 if blocks else 2)
    if blocks:
        assert order[0] == failed
    async with database.begin() as unit:
        assert not await outbox.retry(unit, failed)


async def test_a_retried_act_goes_before_a_later_one_that_waits(
    database: Database, clock: Clock
) -> None:
    failed, behind = await put(database, ("a", "line"), ("a", "line"))
    [lease] = await claim(database)
    async with database.begin() as unit:
        leases.give_up(unit, lease, "No.", maybe_delivered=False)
    [lease] = await claim(database)
    async with database.begin() as unit:
        until = clock() + timedelta(hours=1)
        leases.put_off(unit, lease, until, "Slack asks to wait.", maybe_delivered=False)
    async with database.begin() as unit:
        assert await outbox.retry(unit, failed)
    assert await drain(database) == [failed]
    clock.move(3600)
    assert await drain(database) == [behind]


async def test_an_act_retried_by_two_people_at_once_is_delivered_once(url: str) -> None:
    replicas = [Database(url), Database(url)]
    [failed] = await put(replicas[0], ("a", "line"))
    [lease] = await claim(replicas[0])
    async with replicas[0].begin() as unit:
        leases.give_up(unit, lease, "No.", maybe_delivered=True)

    async def retry(number: int) -> None:
        async with replicas[number % 2].begin() as unit:
            await outbox.retry(unit, failed)
        await drain(replicas[number % 2])

    await asyncio.gather(*(retry(number) for number in range(6)))
    async with replicas[0].read() as unit:
        assert (await unit.execute(select(lanes))).all() == []
        assert (await unit.execute(select(acts.c.state))).scalars().all() == ["done"]
    for replica in replicas:
        await replica.dispose()


async def test_delays_use_up_no_attempt_and_failures_do(database: Database, clock: Clock) -> None:
    await put(database, ("a", "card"))
    for delays in range(1, 4):
        [lease] = await claim(database)
        async with database.begin() as unit:
            until = clock() + timedelta(seconds=30)
            leases.put_off(unit, lease, until, "Slack asks to wait.", maybe_delivered=False)
        assert await claim(database) == []
        clock.move(30)
        [lease] = await claim(database)
        assert (lease.delays, lease.act.attempts, lease.act.maybe_delivered) == (delays, 0, False)
        async with database.begin() as unit:
            leases.hand_back(unit, lease, maybe_delivered=False)
    [lease] = await claim(database)
    async with database.begin() as unit:
        leases.try_again(unit, lease, clock(), "Timed out.", maybe_delivered=True)
    [lease] = await claim(database)
    assert (lease.delays, lease.act.attempts, lease.act.maybe_delivered) == (0, 1, True)


async def test_the_pools_do_not_hold_each_other_up(database: Database) -> None:
    lookup, card = await put(database, ("a", "lookup"), ("b", "card"))
    assert [lease.act.id for lease in await claim(database, pool=outbox.LOOKUPS)] == [lookup]
    assert [lease.act.id for lease in await claim(database, pool=outbox.POSTS)] == [card]


async def test_a_lane_changes_its_pool_with_its_head(database: Database) -> None:
    lookup, report = await put(database, ("a", "lookup"), ("a", "report"))
    [lease] = await claim(database, pool=outbox.LOOKUPS)
    assert await claim(database) == []
    await end(database, lease)
    assert [lease.act.id for lease in await claim(database)] == [report]
    assert lookup != report


@pytest.mark.parametrize("seconds", [-3600, -86400])
async def test_a_clock_that_is_set_back_holds_nothing_up(
    seconds: int, database: Database, clock: Clock
) -> None:
    await put(database, ("a", "card"), ("b", "card"))
    [lease] = await claim(database, 1)
    clock.move(seconds)
    assert await claim(database) == []
    async with database.begin() as unit:
        await leases.mend_clock(unit, _LENGTH)
    assert len(await claim(database)) == 1
    clock.move(60)
    assert lease.act.id in [again.act.id for again in await claim(database)]


@pytest.mark.parametrize("what", ["hurry", "mend_clock"])
async def test_who_changes_many_lanes_locks_them_in_order(
    what: str, postgresql: PostgreSQL, clock: Clock
) -> None:
    database = Database(postgresql.new_database(), clock=clock)
    await database.migrate()
    await put(database, ("a", "card"), ("b", "card"))
    taken = {lease.act.lane: lease for lease in await claim(database)}
    # In the table "b" stands before "a" then.
    for lane in ("b", "a"):
        async with database.begin() as unit:
            later = unit.now + timedelta(hours=1)
            leases.put_off(unit, taken[lane], later, "away", maybe_delivered=False)
    if what == "mend_clock":
        clock.move(-86400)

    async def change() -> None:
        async with database.begin() as unit:
            if what == "hurry":
                await outbox.hurry(unit, ("away",))
            else:
                await leases.mend_clock(unit, _LENGTH)

    await beside_who_locks_both(database, change())
    assert len(await claim(database)) == 2
    await database.dispose()


async def test_many_that_put_and_deliver_at_once_lose_and_repeat_nothing(url: str) -> None:
    replicas = [Database(url) for _ in range(3)]
    delivered: list[str] = []
    expected: dict[str, list[str]] = {}
    putting = 4

    async def produce(number: int) -> None:
        nonlocal putting
        for _ in range(10):
            # Several lanes in one transaction, in an order of its own.
            names = ["a", "b", "c", "d"][number % 4 :] + ["a", "b", "c", "d"][: number % 4]
            async with replicas[number % 3].begin() as unit:
                for name in names:
                    expected.setdefault(name, []).append(
                        await outbox.put(unit, name, "line", {}, key=None)
                    )
        putting -= 1

    async def consume(number: int) -> None:
        while putting or await waiting():
            taken = await claim(replicas[number % 3], 3)
            delivered.extend(lease.act.id for lease in taken)
            await end(replicas[number % 3], *taken)
            await asyncio.sleep(0.001)

    async def waiting() -> int:
        async with replicas[0].read() as unit:
            return (await outbox.backlog(unit)).waiting

    await asyncio.gather(*(produce(n) for n in range(4)), *(consume(n) for n in range(3)))
    assert sorted(delivered) == sorted(act for lane in expected.values() for act in lane)
    async with replicas[0].read() as unit:
        kept = (await unit.execute(select(acts.c.id, acts.c.lane).order_by(acts.c.position))).all()
    for name in expected:
        in_order = [row.id for row in kept if row.lane == name]
        assert [act for act in delivered if act in set(in_order)] == in_order
    for replica in replicas:
        await replica.dispose()


async def test_finding_work_reads_only_what_it_takes_with_100_000_acts_waiting(
    database: Database, clock: Clock
) -> None:
    """Of 50,000 lanes, and of one lane of 50,000 acts, claiming reads the indexes' first rows."""
    await put(database, ("long", "line"))
    numbers = select(literal(1).label("n")).cte("numbers", recursive=True)
    numbers = numbers.union_all(select(numbers.c.n + 1).where(numbers.c.n < 50_000))
    name = cast(numbers.c.n, Text)
    fixed: dict[str, object] = {
        "kind": "line",
        "pool": outbox.POSTS,
        "state": "waiting",
        "payload": {},
    }
    fixed |= {"blocks": False, "attempts": 0, "delays": 0, "maybe_delivered": False}
    fixed |= {"not_before": clock(), "created_at": clock()}
    async with database.begin() as unit:
        for act_id, lane in ((name, name), (literal("long:") + name, literal("long"))):
            row = {"id": act_id, "lane": lane}
            row |= {key: literal(value, acts.c[key].type) for key, value in fixed.items()}
            await unit.execute(acts.insert().from_select(list(row), select(*row.values())))
        row = {"lane": name, "head": name, "pool": literal(outbox.POSTS)}
        row |= {key: literal(clock(), lanes.c[key].type) for key in ("due_at", "touched_at")}
        await unit.execute(lanes.insert().from_select(list(row), select(*row.values())))
        if database.is_postgresql:
            await unit.execute(text("ANALYZE"))
    begun = asyncio.get_running_loop().time()
    for _ in range(10):
        await end(database, *await claim(database, 8))
    assert asyncio.get_running_loop().time() - begun < 5
    plan = await _plan(database, clock)
    assert "ix_lanes_due" in plan
    assert "Seq Scan" not in plan
    assert "SCAN" not in plan


async def _plan(database: Database, clock: Clock) -> str:
    claiming = (
        "SELECT acts.id FROM acts JOIN lanes ON lanes.head = acts.id "
        "WHERE lanes.pool = 'posts' AND lanes.due_at <= '2030-01-01 00:00:00' "
        "ORDER BY lanes.due_at LIMIT 8"
    )
    heads = "SELECT min(position) FROM acts WHERE lane = 'long' AND state = 'waiting'"
    explain = "EXPLAIN" if database.is_postgresql else "EXPLAIN QUERY PLAN"
    async with database.read() as unit:
        rows = [
            row
            for statement in (claiming, heads)
            for row in await unit.execute(text(f"{explain} {statement}"))
        ]
    return json.dumps([[str(cell) for cell in row] for row in rows])


async def test_leases_are_renewed_in_the_order_in_which_lanes_are_locked(
    database: Database,
) -> None:
    # The row of the later lane comes first in the table.
    await put(database, ("b", "line"))
    await put(database, ("a", "line"))
    held = await claim(database)

    async def renewing() -> None:
        async with database.begin() as unit:
            assert not await leases.renew(unit, held, _LENGTH)

    await beside_who_locks_both(database, renewing())
