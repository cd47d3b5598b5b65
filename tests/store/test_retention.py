"""What is forgotten, and what is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from bot.requests.messages import Messages
from bot.requests.service import Requests
from bot.requests.states import Action
from bot.store import leases, outbox, tables
from bot.store.database import Database
from bot.store.lookups import Lookups, NewLookup
from bot.store.retention import Purged, forget_response_urls, purge
from bot.store.seen import Seen
from tests.requests.people import RITA, draft


async def count(database: Database, name: str) -> int:
    async with database.read() as unit:
        statement = select(func.count()).select_from(tables.metadata.tables[name])
        found: int = (await unit.execute(statement)).scalar_one()
        return found


async def test_what_is_old_is_removed_and_what_is_open_or_new_stays(url: str) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    database = Database(url, clock=lambda: now)
    requests, lookups, messages = Requests(database), Lookups(database), Messages(database)

    async def fill(number: int) -> None:
        async with database.begin() as unit:
            await Seen().first(unit, f"event:{number}")
            done = await lookups.add(unit, NewLookup("T1", "U1", "C1", "host", response_url="u"))
            await lookups.finish(unit, done.id, {"verdict": "validated"}, "validated")
            waiting = await lookups.add(unit, NewLookup("T1", "U1", "C1", "host"))
            await outbox.put(unit, f"lookup:{done.id}", "report", {}, key=f"report:{number}")
            await outbox.put(unit, f"lookup:{waiting.id}", "lookup", {})
        closed = (await requests.submit(draft(number), RITA, key=f"a{number}")).request
        await requests.submit(draft(number + 100), RITA, key=f"b{number}")
        await requests.act(closed.id, Action.CANCEL, RITA, key=f"c{number}")
        async with database.begin() as unit:
            await outbox.put(unit, f"ticket:{closed.id}", "say", {}, key=f"ticket:{number}")
            await messages.add(
                unit,
                closed.id,
                source="slack",
                source_id=f"T:C:{number}",
                author="U",
                author_name="R",
                text="x",
            )
        async with database.begin() as unit:
            await outbox.put(unit, f"say:{number}", "say", {}, key=f"say:{number}")
        async with database.begin() as unit:
            for lease in await leases.claim(unit, outbox.POSTS, f"w{number}", 99, timedelta(1)):
                if lease.act.lane.startswith("say:"):
                    leases.done(unit, lease, {})
                else:
                    leases.hand_back(unit, lease, maybe_delivered=False)

    await fill(1)
    now += timedelta(days=30)
    await fill(2)
    now += timedelta(hours=1)
    before = {name: await count(database, name) for name in tables.metadata.tables}
    expected = Purged(lookups=1, requests=1, acts=1, seen=4)
    counted = await purge(database, now, lookups_days=30, closed_requests_days=30, dry_run=True)
    assert counted == expected
    assert before == {name: await count(database, name) for name in tables.metadata.tables}

    assert await purge(database, now, lookups_days=30, closed_requests_days=30) == expected
    assert await count(database, "lookups") == before["lookups"] - 1
    assert await count(database, "requests") == before["requests"] - 1
    assert await count(database, "messages") == before["messages"] - 1
    assert await count(database, "entries") == before["entries"] - 2
    async with database.read() as unit:
        rows = (await unit.execute(select(tables.lookups.c.response_url))).scalars().all()
        assert rows == [None] * len(rows)
        # No lane is left without its act, no waiting act without its lane.
        heads = (await unit.execute(select(tables.lanes.c.head, tables.lanes.c.lane))).all()
        waiting = (
            await unit.execute(
                select(tables.acts.c.id, tables.acts.c.lane).where(tables.acts.c.state == "waiting")
            )
        ).all()
    assert {row.head for row in heads} <= {row.id for row in waiting}
    assert {row.lane for row in heads} == {row.lane for row in waiting}
    assert len(waiting) > 4
    # Of the one that was removed nothing waits for its ticket either.
    assert len([row for row in waiting if row.lane.startswith("ticket:")]) == 1
    assert await purge(database, now, lookups_days=30, closed_requests_days=30) == Purged(
        0, 0, 0, 0
    )
    await database.dispose()


async def test_many_are_removed_in_several_transactions(database: Database) -> None:
    async with database.begin() as unit:
        expired = unit.now - timedelta(seconds=1)
        await unit.execute(
            tables.seen.insert(),
            [{"key": str(n), "value": "", "expires_at": expired} for n in range(1203)],
        )
    purged = await purge(database, database.clock(), lookups_days=1, closed_requests_days=1)
    assert purged.seen == 1203
    assert await count(database, "seen") == 0


async def test_response_urls_are_forgotten_after_half_an_hour(url: str) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    database = Database(url, clock=lambda: now)
    await database.migrate()
    lookups = Lookups(database)
    for _ in range(2):
        async with database.begin() as unit:
            await lookups.add(unit, NewLookup("T1", "U1", "C1", "x", response_url="https://r"))
        now += timedelta(minutes=20)
    await forget_response_urls(database, now)
    async with database.read() as unit:
        statement = select(tables.lookups.c.response_url).order_by(tables.lookups.c.created_at)
        assert (await unit.execute(statement)).scalars().all() == [None, "https://r"]
    await database.dispose()
