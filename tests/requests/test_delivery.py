"""Delivery: outcomes, patience, hooks, leases, stopping, a database that goes away."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from bot.requests.courier import Delivered, Later, Receipt, Undeliverable
from bot.requests.delivery import Delivery
from bot.requests.outcomes import OnDelivered
from bot.requests.patience import Patience
from bot.store import outbox
from bot.store.database import Database, StoreError, Unit
from bot.store.outbox import Act
from bot.store.seen import Seen
from bot.store.tables import acts, lanes, seen
from tests.support.postgresql import postgresql_server

_QUICK = Patience(lease=30.0, courier=60.0, poll=0.05, first=0.01, most=0.02, attempts=3)


@pytest.fixture(autouse=True)
def _incidents_of_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


class Doing:
    """A courier that does what it is told, attempt by attempt; the last one again and again."""

    def __init__(self, *attempts: Callable[[Act], Awaitable[Receipt]]) -> None:
        self._attempts = list(attempts)
        self.acts: list[Act] = []

    async def deliver(self, act: Act) -> Receipt:
        self.acts.append(act)
        attempt = self._attempts[0] if len(self._attempts) == 1 else self._attempts.pop(0)
        return await attempt(act)


async def succeed(_: Act) -> Receipt:
    return {"ts": "1.5"}


async def refuse(_: Act) -> Receipt:
    raise Undeliverable("The channel is archived.")


async def break_down(_: Act) -> Receipt:
    raise ZeroDivisionError("secret detail")


async def never_end(_: Act) -> Receipt:
    await asyncio.Event().wait()
    return {}


async def ignore_cancellation(_: Act) -> Receipt:
    for _number in range(10):
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0.2)
    return {}


def later(
    seconds: float | None, *, maybe_delivered: bool = True
) -> Callable[[Act], Awaitable[Receipt]]:
    async def raise_later(_: Act) -> Receipt:
        raise Later(seconds, "Slack asks to wait.", maybe_delivered=maybe_delivered)

    return raise_later


async def remember(unit: Unit, act: Act, receipt: Receipt) -> None:
    assert await Seen().first(unit, f"delivered:{act.id}", str(receipt)) is None


@contextlib.asynccontextmanager
async def delivering(
    database: Database, courier: Doing, patience: Patience = _QUICK, **options: Any
) -> AsyncIterator[Delivery]:
    hook: OnDelivered = options.pop("on_delivered", remember)
    delivery = Delivery(
        database, {"card": courier, "line": courier}, hook, patience=patience, **options
    )
    task = asyncio.create_task(delivery.run())
    try:
        yield delivery
    finally:
        await delivery.stop(0.1)
        await task


async def put(database: Database, kind: str = "card", lane: str = "a") -> str:
    async with database.begin() as unit:
        return await outbox.put(unit, lane, kind, {"request": "r"})


async def state(database: Database, act_id: str) -> str:
    async with database.read() as unit:
        found: str = (
            await unit.execute(select(acts.c.state).where(acts.c.id == act_id))
        ).scalar_one()
        return found


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 120) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110  the database says it
            await asyncio.sleep(0.02)


async def until_state(database: Database, act_id: str, wanted: str) -> None:
    async def reached() -> bool:
        return await state(database, act_id) == wanted

    await until(reached)


async def test_an_act_is_delivered_and_its_receipt_kept_with_the_hook(database: Database) -> None:
    courier = Doing(succeed)
    async with delivering(database, courier):
        act_id = await put(database)
        await until_state(database, act_id, "done")
    async with database.begin() as unit:
        assert await Seen().first(unit, f"delivered:{act_id}") == "{'ts': '1.5'}"
        receipt = (await unit.execute(select(acts.c.receipt))).scalar_one()
    assert receipt == {"ts": "1.5"}
    [act] = courier.acts
    assert (act.payload, act.lane, act.attempts, act.maybe_delivered) == (
        {"request": "r"},
        "a",
        0,
        False,
    )


async def test_what_is_put_here_is_delivered_without_waiting_for_the_poll(
    database: Database,
) -> None:
    courier = Doing(succeed)
    async with delivering(database, courier, Patience(poll=60)):
        await asyncio.sleep(0.2)
        first, second = await put(database), await put(database)
        await until_state(database, first, "done")
        await until_state(database, second, "done")


async def test_rate_limits_and_outages_use_up_no_attempt(database: Database) -> None:
    waits = [later(0.01, maybe_delivered=False)] * 3 + [later(None)] * 3
    courier = Doing(*waits, succeed)
    async with delivering(database, courier):
        await until_state(database, await put(database), "done")
    assert [act.attempts for act in courier.acts] == [0] * 7
    assert [act.maybe_delivered for act in courier.acts] == [False] * 4 + [True] * 3


async def refuse_for_good(_: Act) -> Receipt:
    raise Undeliverable("There is no such category.", final=True, maybe_delivered=True)


async def test_what_would_fail_again_is_given_up_at_once_and_a_retry_looks_first(
    database: Database,
) -> None:
    courier = Doing(refuse_for_good, succeed)
    async with delivering(database, courier):
        act_id = await put(database)
        await until_state(database, act_id, "failed")
        assert len(courier.acts) == 1
        async with database.begin() as unit:
            assert await outbox.retry(unit, act_id)
        await until_state(database, act_id, "done")
    assert [act.maybe_delivered for act in courier.acts] == [False, True]


async def test_what_waits_is_hurried_and_what_has_failed_is_not(database: Database) -> None:
    courier = Doing(later(3600, maybe_delivered=False), succeed)
    failing = Doing(refuse_for_good)
    async with delivering(database, courier):
        act_id = await put(database)
        async with asyncio.timeout(120):
            while not courier.acts:  # noqa: ASYNC110  the courier tells
                await asyncio.sleep(0.02)

        async def hurried() -> bool:
            async with database.begin() as unit:
                await outbox.hurry_lane(unit, "a")
            return await state(database, act_id) == "done"

        await until(hurried)
    assert len(courier.acts) == 2
    async with delivering(database, failing):
        act_id = await put(database)
        await until_state(database, act_id, "failed")
        async with database.begin() as unit:
            await outbox.hurry_lane(unit, "a")
        await asyncio.sleep(0.1)
    assert len(failing.acts) == 1


@pytest.mark.parametrize(
    ("attempt", "reason", "maybe_delivered"),
    [
        (refuse, "The channel is archived.", False),
        (break_down, "Something went wrong. This is a fault of the program", True),
    ],
)
async def test_an_act_that_keeps_failing_is_given_up_with_its_reason(
    attempt: Callable[[Act], Awaitable[Receipt]],
    reason: str,
    maybe_delivered: bool,
    database: Database,
) -> None:
    courier = Doing(attempt, attempt, attempt, succeed)
    told: list[str] = []

    async def on_failed(unit: Unit, act: Act, reason: str) -> None:
        told.append(reason)
        await outbox.put(unit, "b", "line", {})

    async with delivering(database, courier, on_failed=on_failed):
        act_id = await put(database)
        await until_state(database, act_id, "failed")
        async with database.read() as unit:
            [failed] = await outbox.failed(unit)
        assert failed.reason.startswith(reason)
        assert told == [failed.reason]
        assert "secret detail" not in failed.reason
        attempts = [act for act in courier.acts if act.lane == "a"]
        assert [act.attempts for act in attempts] == [0, 1, 2]
        assert attempts[-1].maybe_delivered == maybe_delivered
        async with database.begin() as unit:
            assert await outbox.retry(unit, act_id)
        await until_state(database, act_id, "done")


async def test_a_kind_without_courier_fails_with_a_sentence(database: Database) -> None:
    async with delivering(database, Doing(succeed)):
        act_id = await put(database, "pigeon")
        await until_state(database, act_id, "failed")
    async with database.read() as unit:
        [failed] = await outbox.failed(unit)
    assert "“pigeon”" in failed.reason


@pytest.mark.parametrize("hang", [never_end, ignore_cancellation])
async def test_a_courier_that_hangs_is_bounded_and_the_rest_goes_on(
    hang: Callable[[Act], Awaitable[Receipt]], tmp_path: Path
) -> None:
    database = Database(f"sqlite:///{tmp_path}/x.db")
    await database.migrate()
    courier = Doing(hang, succeed)
    patience = Patience(courier=0.2, cancelled=0.2, poll=0.05, first=0.01, attempts=3)
    async with delivering(database, courier, patience):
        hanging = await put(database)
        await until(lambda: _is(len(courier.acts) == 1))
        other = await put(database, lane="b")
        await until_state(database, other, "done")
        await until_state(database, hanging, "done")
    again = [act for act in courier.acts if act.id == hanging]
    assert [(act.attempts, act.maybe_delivered) for act in again] == [(0, False), (1, True)]
    await database.dispose()


async def _is(value: bool) -> bool:
    return value


async def test_a_hook_that_raises_keeps_nothing_and_the_act_is_tried_again(
    database: Database,
) -> None:
    calls = 0

    async def hook(unit: Unit, act: Act, receipt: Receipt) -> None:
        nonlocal calls
        calls += 1
        await outbox.put(unit, "b", "line", {})
        if calls == 1:
            raise ZeroDivisionError

    courier = Doing(succeed)

    async def b_done() -> bool:
        return [act.lane for act in courier.acts].count("b") > 0

    async with delivering(database, courier, on_delivered=hook):
        act_id = await put(database)
        await until_state(database, act_id, "done")
        await until(b_done)
    mine = [act for act in courier.acts if act.lane == "a"]
    assert [(act.attempts, act.maybe_delivered) for act in mine] == [(0, False), (1, True)]


async def test_hooks_that_always_raise_end_in_failure(database: Database) -> None:
    async def hook(unit: Unit, act: Act, receipt: object) -> None:
        raise ZeroDivisionError

    async with delivering(database, Doing(succeed), on_delivered=hook, on_failed=hook):
        act_id = await put(database)
        await until_state(database, act_id, "failed")


async def test_a_long_delivery_keeps_its_lease(database: Database, url: str) -> None:
    other = Database(url)

    async def take_long(_: Act) -> Receipt:
        await asyncio.sleep(3.5)
        return {}

    courier = Doing(take_long)
    patience = Patience(lease=2.5, poll=0.05)
    async with delivering(database, courier, patience), delivering(other, courier, patience):
        act_id = await put(database)
        await until_state(database, act_id, "done")
    assert len(courier.acts) == 1
    await other.dispose()


async def test_stopping_waits_for_what_is_under_way_and_takes_nothing_more(
    database: Database,
) -> None:
    release = asyncio.Event()

    async def wait(_: Act) -> Receipt:
        await release.wait()
        return {}

    courier = Doing(wait)
    delivery = Delivery(database, {"card": courier}, remember, patience=_QUICK)
    task = asyncio.create_task(delivery.run())
    first, second = await put(database), await put(database)
    await until(lambda: _is(len(courier.acts) == 1))
    stopping = asyncio.create_task(delivery.stop(10))
    await asyncio.sleep(0.1)
    release.set()
    await stopping
    await task
    assert (await state(database, first), await state(database, second)) == ("done", "waiting")


async def test_what_does_not_end_in_time_is_handed_back_at_once(database: Database) -> None:
    courier = Doing(never_end)
    patience = Patience(lease=3600, poll=0.05)
    async with delivering(database, courier, patience):
        act_id = await put(database)
        await until(lambda: _is(len(courier.acts) == 1))
    async with database.read() as unit:
        lane = (await unit.execute(select(lanes))).one()
    assert lane.owner is None
    assert lane.due_at <= datetime.now(UTC)
    second = Doing(succeed)
    async with delivering(database, second):
        await until_state(database, act_id, "done")
    assert [(act.maybe_delivered, act.attempts) for act in second.acts] == [(True, 0)]


async def test_deliveries_go_on_when_postgresql_comes_back() -> None:
    with postgresql_server() as server:
        database = Database(server.new_database())
        await database.migrate()
        started, release = asyncio.Event(), asyncio.Event()

        async def wait(_: Act) -> Receipt:
            started.set()
            await release.wait()
            return {}

        courier = Doing(wait)
        async with delivering(database, courier, Patience(poll=0.05)):
            act_id = await put(database)
            await started.wait()
            server.stop()
            release.set()
            await asyncio.sleep(0.5)
            with pytest.raises(StoreError, match="cannot be used at the moment"):
                await put(database)
            server.start()
            await until_state(database, act_id, "done")
            await until_state(database, await put(database), "done")
        assert len(courier.acts) == 2
        await database.dispose()


async def test_deliveries_go_on_when_a_full_sqlite_file_has_room_again(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/x.db", pool_size=1)
    await database.migrate()
    courier = Doing(succeed)
    act_id = await put(database)

    async def limit(pages: int) -> None:
        async with database.read() as unit:
            await unit.execute(text(f"PRAGMA max_page_count = {pages}"))

    async def large_receipt(_: Act) -> Receipt:
        await limit(1)
        return {"text": "x" * 100_000}

    courier = Doing(large_receipt)
    async with delivering(database, courier):
        await until(lambda: _is(len(courier.acts) == 1))
        await asyncio.sleep(0.5)
        assert await state(database, act_id) == "waiting"
        await limit(100_000)
        await until_state(database, act_id, "done")
    assert len(courier.acts) == 1
    await database.dispose()


async def test_a_fault_while_taking_acts_ends_nothing(database: Database) -> None:
    courier = Doing(succeed)
    act_id = await put(database)
    async with database.begin() as unit:
        await unit.execute(text("ALTER TABLE lanes RENAME TO elsewhere"))
    async with delivering(database, courier):
        await asyncio.sleep(0.3)
        async with database.begin() as unit:
            await unit.execute(text("ALTER TABLE elsewhere RENAME TO lanes"))
        await until_state(database, act_id, "done")
    assert len(courier.acts) == 1


async def test_couriers_that_only_wait_take_no_place(database: Database) -> None:
    waiting = [0]
    courier = Doing(never_end)
    options = {"concurrency": 1, "waiting": lambda: waiting[0]}
    async with delivering(database, courier, Patience(poll=60), **options) as delivery:
        for lane in "abc":
            await put(database, lane=lane)
        await until(_counted(courier, 1))
        await asyncio.sleep(0.3)
        assert len(courier.acts) == 1
        waiting[0] = 1
        delivery.look_again()
        await until(_counted(courier, 2))
        await asyncio.sleep(0.1)
        assert len(courier.acts) == 2


async def test_no_more_begin_than_leave_room_for_others(database: Database) -> None:
    room = [2]
    courier = Doing(never_end)
    for number in range(9):
        await put(database, lane=f"{number}")
    patience = Patience(poll=0.05)
    async with delivering(database, courier, patience, at_once=lambda: room[0]):
        await until(_counted(courier, 2))
        await asyncio.sleep(0.3)
        assert len(courier.acts) == 2
        room[0] = 5
        await until(_counted(courier, 5))


async def test_in_sqlite_the_next_act_is_taken_with_the_end_of_the_last(tmp_path: Path) -> None:
    database = Transactions(f"sqlite:///{tmp_path / 'few.db'}")
    await database.migrate()
    courier = Doing(succeed)
    for number in range(20):
        await put(database, lane=f"{number}")
    last = await put(database, lane="last")
    database.count = 0
    async with delivering(database, courier, Patience(poll=60), concurrency=1):
        await until_state(database, last, "done")
    assert len(courier.acts) == 21
    # One in which the first is taken, one for the end of each, and few others.
    assert database.count <= 30
    await database.dispose()


async def test_in_sqlite_nothing_more_is_looked_for_where_nothing_more_is_due(
    tmp_path: Path,
) -> None:
    database = Transactions(f"sqlite:///{tmp_path / 'few.db'}")
    await database.migrate()
    courier = Doing(succeed)
    async with delivering(database, courier, Patience(lease=3000, poll=60), concurrency=8):
        await until_state(database, await put(database), "done")
        database.count = 0
        for _ in range(20):
            await until_state(database, await put(database), "done")
    # One that puts the act and takes it, and one for its end.
    assert database.count == 40
    await database.dispose()


class Transactions(Database):
    """Counts them."""

    count = 0

    @contextlib.asynccontextmanager
    async def begin(self) -> AsyncIterator[Unit]:
        self.count += 1
        async with super().begin() as unit:
            yield unit


async def test_what_is_more_urgent_is_given_way_to_but_not_for_ever(database: Database) -> None:
    urgent, came = [True], list[float]()
    clock = asyncio.get_running_loop().time

    async def note(_: Act) -> Receipt:
        came.append(clock())
        return {}

    courier = Doing(note)
    for number in range(9):
        await put(database, lane=f"{number}")
    begun = clock()
    async with delivering(database, courier, Patience(poll=0.05), gives_way=lambda: urgent[0]):
        await until(_counted(courier, 8))
        urgent[0] = False
        await until(_counted(courier, 9))
    assert came[0] - begun > 0.9
    # Four, and then the next.
    assert came[4] - came[3] > 0.5


async def test_what_a_receipt_brings_is_kept_with_the_end_of_its_act(database: Database) -> None:
    kept: list[int] = []

    async def keep(unit: Unit) -> None:
        kept.append(len(kept))
        await Seen().first(unit, f"kept:{kept[-1]}")
        if len(kept) == 1:
            raise ZeroDivisionError

    async def bring(_: Act) -> Receipt:
        return Delivered(keep, ts="1.5")

    courier = Doing(bring)
    async with delivering(database, courier):
        act_id = await put(database)
        await until_state(database, act_id, "done")
    async with database.read() as unit:
        known = await unit.execute(select(seen.c.key).where(seen.c.key.like("kept:%")))
        assert [row.key for row in known] == ["kept:1"]
        assert (await unit.execute(select(acts.c.receipt))).scalar_one() == {"ts": "1.5"}


def _counted(courier: Doing, count: int) -> Callable[[], Awaitable[bool]]:
    async def reached() -> bool:
        return len(courier.acts) >= count

    return reached
