"""Lookups kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select

from bot.errors import SettingsError
from bot.store import leases, outbox, tables
from bot.store.database import Database
from bot.store.lookups import Lookups, NewLookup, Standing


async def test_a_lookup_waits_and_is_finished(database: Database) -> None:
    lookups = Lookups(database)
    report = {"verdict": "validated", "summary": "\0 \ud800 €", "findings": []}
    async with database.begin() as unit:
        asked = NewLookup("T1", "U1", "C1", "dc01:636", private=True, thread_ts="1.0")
        added = await lookups.add(unit, asked)
    kept = await lookups.get(added.id, team="T1")
    assert kept == added
    assert (kept.state, kept.report, kept.private, kept.thread_ts) == ("waiting", None, True, "1.0")
    async with database.begin() as unit:
        await lookups.finish(unit, added.id, report, "validated")
        await lookups.note_posted(unit, added.id, "C1", "2.0")
    done = await lookups.find_by_message("C1", "2.0")
    assert done
    assert (done.state, done.report, done.verdict) == ("done", report, "validated")
    assert await lookups.get(added.id, team="T2") is None
    assert await lookups.get("none") is None
    assert await lookups.find_by_message("C1", "3.0") is None
    assert [found.id for found in await lookups.recent("T1", "U1")] == [added.id]
    assert await lookups.recent("T1", "U2") == []


async def test_a_response_url_serves_five_answers_within_half_an_hour(url: str) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    database = Database(url, clock=lambda: now)
    lookups = Lookups(database)
    async with database.begin() as unit:
        one, two = [
            await lookups.add(unit, NewLookup("T1", "U1", "C1", "x", response_url="https://r"))
            for _ in range(2)
        ]
    async with database.begin() as unit:
        uses = [await lookups.use_response_url(unit, one.id) for _ in range(6)]
    assert uses == ["https://r"] * 5 + [None]
    used_up, fresh = await lookups.get(one.id), await lookups.get(two.id)
    assert used_up
    assert fresh
    assert (used_up.response_url, fresh.response_url) == (None, "https://r")
    now += timedelta(minutes=30)
    async with database.begin() as unit:
        assert await lookups.use_response_url(unit, two.id) is None
    await database.dispose()


async def test_a_response_url_lies_encrypted_where_there_is_a_key(database: Database) -> None:
    old, new = (Fernet.generate_key().decode() for _ in range(2))
    secret = "https://hooks.slack.example/commands/T1/secret"
    before, lookups = Lookups(database, [old]), Lookups(database, [new, old])
    async with database.begin() as unit:
        asked = NewLookup("T1", "U1", "C1", "x", response_url=secret)
        added = [await keeping.add(unit, asked) for keeping in (before, lookups)]
    async with database.begin() as unit:
        kept = (await unit.execute(select(tables.lookups.c.response_url))).scalars().all()
        assert all(secret not in url and "hooks" not in url for url in kept)
        uses = [await lookups.use_response_url(unit, each.id) for each in added]
    assert uses == [secret, secret]
    assert [found.response_url for found in await lookups.recent("T1", "U1")] == [secret, secret]
    # Where the key is another one there is no address.
    lost = Lookups(database, [Fernet.generate_key().decode()])
    assert [found.response_url for found in await lost.recent("T1", "U1")] == [None, None]
    with pytest.raises(SettingsError, match="no Fernet key") as raised:
        Lookups(database, ["canary"])
    assert "canary" not in str(raised.value)


async def test_the_queue_knows_its_places(url: str) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    database = Database(url, clock=lambda: now)
    lookups = Lookups(database)
    ids: list[str] = []
    found = []
    for user in ("U1", "U2", "U1"):
        now += timedelta(seconds=1)
        async with database.begin() as unit:
            found.append(await lookups.standing(unit, "T1", user))
            kept = await lookups.add(unit, NewLookup("T1", user, "C1", "x"))
            await outbox.put(unit, f"lookup:{kept.id}", "lookup", {})
            await outbox.put(unit, f"say:{kept.id}", "say", {})
            ids.append(kept.id)
    assert found == [Standing(0, 0), Standing(0, 1), Standing(1, 2)]
    async with database.begin() as unit:
        (lease,) = await leases.claim(unit, outbox.LOOKUPS, "w", 1, timedelta(minutes=1))
        assert lease.act.lane == f"lookup:{ids[0]}"
    async with database.begin() as unit:
        # What has begun is nobody's queue any more, but still one of the user's.
        assert await lookups.queue(unit) == ids[1:]
        assert await lookups.standing(unit, "T1", "U1") == Standing(2, 2)
        await lookups.finish(unit, ids[0], {}, "refused")
        assert await lookups.standing(unit, "T1", "U1") == Standing(1, 2)
        assert await lookups.standing(unit, "T2", "U1") == Standing(0, 2)
    now += timedelta(days=1, seconds=5)
    async with database.begin() as unit:
        assert (await lookups.standing(unit, "T1", "U1")).own == 0
    await database.dispose()


async def test_a_long_queue_is_counted_now_and_then_and_its_length_meanwhile_estimated(
    url: str,
) -> None:
    now = datetime(2026, 5, 1, tzinfo=UTC)
    database = Database(url, clock=lambda: now)
    lookups = Lookups(database)
    async with database.begin() as unit:
        for number in range(600):
            await outbox.put(unit, f"lookup:{number}", "lookup", {})
    async with database.begin() as unit:
        found = [(await lookups.standing(unit, "T1", "U1")).ahead for _ in range(3)]
    assert found == [600, 601, 602]
    async with database.begin() as unit:
        await leases.claim(unit, outbox.LOOKUPS, "w", 590, timedelta(minutes=1))
    now += timedelta(seconds=1)
    async with database.begin() as unit:
        found = [(await lookups.standing(unit, "T1", "U1")).ahead for _ in range(2)]
    assert found == [10, 10]
    await database.dispose()
