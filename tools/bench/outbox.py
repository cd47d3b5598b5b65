"""The outbox on PostgreSQL (with fsync): how many acts two replicas deliver in a second, and whether one
costs more where many wait; and what is read for each person, with many install requests open."""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from subprocess import PIPE, Popen
from typing import Any, Final

from sqlalchemy import func, insert, select, update

from bot.requests.request import Actor, Draft, Installation, RequestedCertificate, TargetSystem
from bot.requests.service import Requests
from bot.store.database import Database
from bot.store.tables import acts, lanes, requests
from tests.support.postgresql import postgresql_server
from tools.bench.table import Row, milliseconds

_DELIVERED: Final = 5000
_REPLICAS: Final = 2
_WAITING: Final = (1, 1_000, 100_000)
_SAMPLE: Final = 200
_OPEN: Final = (10, 10_000)
_READS: Final = 50
_CHUNK: Final = 2_000
_PERSON: Final = Actor("T1", "URITA", "Rita")


def outbox_rows() -> list[Row]:
    """About a minute."""
    with postgresql_server(durable=True) as server:
        rows = [asyncio.run(_throughput(server.new_database()))]
        rows.append(asyncio.run(_growth_of_waiting(server.new_database())))
        rows.append(asyncio.run(_growth_of_requests(server.new_database())))
    return rows


async def _throughput(url: str) -> Row:
    database = Database(url)
    await database.migrate()
    await _put(database, _DELIVERED, 0)
    replicas = [_replica(url) for _ in range(_REPLICAS)]
    for replica in replicas:
        assert replica.stdout is not None  # noqa: S101
        await asyncio.to_thread(replica.stdout.readline)
    started = time.perf_counter()
    for replica in replicas:
        assert replica.stdin is not None  # noqa: S101
        replica.stdin.write(b"\n")
        replica.stdin.flush()
    seconds = await _delivered(database, _DELIVERED, started)
    for replica in replicas:
        with replica:
            assert replica.stdin is not None  # noqa: S101
            replica.stdin.close()
    await database.dispose()
    return Row(
        f"outbox: deliveries, {_REPLICAS} replicas",
        f"{_DELIVERED / seconds:,.0f}/s",
        f"aim ≥ 500/s; {_DELIVERED:,} acts on PostgreSQL, each in a lane of its own",
    )


async def _growth_of_waiting(url: str) -> Row:
    database = Database(url)
    await database.migrate()
    waiting, costs = 0, []
    for count in _WAITING:
        await _put(database, count - waiting, waiting)
        waiting = count
        sample = min(_SAMPLE, count)
        costs.append(await _cost(database, url, sample))
        await _put(database, sample, waiting + _CHUNK * 1000 + count)
    await database.dispose()
    told = ", ".join(
        f"{milliseconds(cost)} of {n:,}" for n, cost in zip(_WAITING, costs, strict=True)
    )
    return Row(
        "outbox: a delivery, 100,000 waiting or 1,000",
        f"× {costs[-1] / costs[1]:.2f}",
        f"aim: flat; {told} waiting (the first with what a round costs)",
    )


async def _cost(database: Database, url: str, count: int) -> float:
    """The seconds that each of ``count`` deliveries takes; one replica."""
    replica = _replica(url)
    assert replica.stdout is not None  # noqa: S101
    assert replica.stdin is not None  # noqa: S101
    await asyncio.to_thread(replica.stdout.readline)
    done = await _done(database)
    started = time.perf_counter()
    replica.stdin.write(b"\n")
    replica.stdin.flush()
    seconds = await _delivered(database, done + count, started)
    extra = await _done(database) - done
    with replica:
        replica.kill()
    # What the replica held is anybody's again.
    async with database.begin() as unit:
        await unit.execute(update(lanes).values(owner=None, due_at=unit.now))
    return seconds / max(extra, count)


async def _growth_of_requests(url: str) -> Row:
    database = Database(url)
    await database.migrate()
    service = Requests(database)
    await service.submit(_draft(), _PERSON, key="bench")
    async with database.begin() as unit:
        row = dict((await unit.execute(select(requests))).one()._mapping)
    times, there = [], 1
    for count in _OPEN:
        async with database.begin() as unit:
            rows = [_copy(row, number) for number in range(there, count)]
            for at in range(0, len(rows), _CHUNK):
                await unit.execute(insert(requests), rows[at : at + _CHUNK])
        there = count
        home = await _median(lambda: service.of_user("T1", "URITA"), lambda: service.open("T1"))
        thread = await _median(lambda: service.find_by_thread("C1", "5.000000"))
        times.append((home, thread))
    await database.dispose()
    (home, thread), (home_then, thread_then) = times
    return Row(
        f"App Home's reads, {_OPEN[-1]:,} requests open",
        milliseconds(home_then),
        f"{milliseconds(home)} with {_OPEN[0]}; a thread's request: {milliseconds(thread_then)}, "
        f"{milliseconds(thread)} with {_OPEN[0]}",
    )


async def _median(*reads: Any) -> float:
    times = []
    for _ in range(_READS):
        started = time.perf_counter()
        for read in reads:
            await read()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


async def _put(database: Database, count: int, first: int) -> None:
    """Acts that are due, each in a lane of its own."""
    now = datetime.now(UTC)
    for start in range(first, first + count, _CHUNK):
        numbers: Sequence[int] = range(start, min(start + _CHUNK, first + count))
        async with database.begin() as unit:
            for number in numbers:
                unit.lanes.put(_act(number, now))


def _act(number: int, now: datetime) -> dict[str, Any]:
    return {
        "id": f"{number:024x}",
        "lane": f"bench:{number}",
        "kind": "say",
        "pool": "posts",
        "payload": {"number": number, "text": "x" * 200},
        "key": None,
        "state": "waiting",
        "blocks": False,
        "attempts": 0,
        "delays": 0,
        "maybe_delivered": False,
        "not_before": now,
        "created_at": now,
    }


async def _done(database: Database) -> int:
    async with database.read() as unit:
        statement = select(func.count()).select_from(acts).where(acts.c.state == "done")
        count: int = (await unit.execute(statement)).scalar_one()
        return count


async def _delivered(database: Database, count: int, started: float) -> float:
    while await _done(database) < count:  # noqa: ASYNC110  another process does it
        await asyncio.sleep(0.02)
    return time.perf_counter() - started


def _replica(url: str) -> Popen[bytes]:
    command = [sys.executable, "-m", "tools.bench.outbox_worker", url]
    return Popen(command, stdin=PIPE, stdout=PIPE)


def _draft() -> Draft:
    certificate = RequestedCertificate(
        "-----BEGIN CERTIFICATE-----\n" + "A" * 1500 + "\n-----END CERTIFICATE-----\n",
        "0" * 64,
        "CN=Root",
        "CN=Root",
        "2036-01-01T00:00:00Z",
        "served: 10.0.0.1",
    )
    predictions = {"21": {"accepted": True, "message": None}}
    return Draft(
        target=TargetSystem("dc01.corp.example", 636, "tls"),
        environment="production",
        installation=Installation("root", (certificate,), predictions),
        connector="AD connector",
        contact="ad-team@corp.example",
        note="",
    )


def _copy(row: dict[str, Any], number: int) -> dict[str, Any]:
    return {
        **row,
        "id": f"bench{number}",
        "short_id": f"R-{number}",
        "open_key": f"bench{number}",
        "requester": f"U{number % 500}",
        "channel": "C1",
        "card_ts": f"{number}.000000",
    }
