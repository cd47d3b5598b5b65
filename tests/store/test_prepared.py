"""Statements that are compiled once: the same values in and out as by SQLAlchemy, the same errors."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import bindparam, insert, select
from sqlalchemy.exc import IntegrityError

from bot.store import leases, outbox
from bot.store.database import Database
from bot.store.prepared import Prepared
from bot.store.sqlite import driver_of
from bot.store.tables import acts, seen

_COLUMNS = [column for column in acts.c if column.name != "position"]
_NAMES = [column.name for column in _COLUMNS]
_PUT = Prepared(lambda _: acts.insert().values({n: bindparam(n) for n in _NAMES}).inline())
_GET = Prepared(lambda _: select(*_COLUMNS).where(acts.c.id == bindparam("wanted")))
_NEW_KEY = Prepared(
    lambda _: (
        seen.insert().values(key=bindparam("key"), value="", expires_at=bindparam("until")).inline()
    )
)

_moments = st.datetimes(
    min_value=datetime(1970, 1, 2),
    max_value=datetime(9998, 1, 1),
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45))]),
)
_words = st.text(max_size=20)
_rows = st.fixed_dictionaries(
    {
        "lane": _words,
        "kind": _words,
        "pool": _words,
        "payload": st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5),
            st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53)),
            max_size=3,
        ),
        "key": st.none(),
        "state": _words,
        "blocks": st.booleans(),
        "attempts": st.integers(0, 2**31 - 1),
        "delays": st.integers(0, 2**31 - 1),
        "maybe_delivered": st.booleans(),
        "not_before": _moments,
        "created_at": _moments,
        "ended_at": st.none() | _moments,
        "reason": st.none() | _words,
        "receipt": st.none() | st.just({"ts": "1.5"}),
    }
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(row=_rows)
async def test_what_is_written_and_read_is_what_sqlalchemy_writes_and_reads(
    database: Database, row: Mapping[str, Any]
) -> None:
    written: list[Any] = []
    async with database.begin() as unit:
        await unit.execute(acts.delete())
        await unit.execute(insert(acts).values({"id": "by sqlalchemy", **row}))
        await unit.run(_PUT, {"id": "prepared", **row})
        for wanted in ("by sqlalchemy", "prepared"):
            statement = select(*_COLUMNS).where(acts.c.id == wanted)
            (by_sqlalchemy,) = (await unit.execute(statement)).all()
            (prepared,) = await unit.fetch(_GET, {"wanted": wanted})
            assert tuple(prepared) == tuple(by_sqlalchemy)
            assert prepared.not_before.tzinfo is not None
            written.append(tuple(prepared)[1:])
    assert written[0] == written[1]


async def test_a_time_without_its_zone_is_refused(database: Database) -> None:
    with pytest.raises(Exception, match="without its zone"):
        async with database.begin() as unit:
            await unit.run(_NEW_KEY, {"key": "k", "until": datetime(2026, 1, 1)})


async def test_a_rule_of_the_table_that_is_broken_is_the_same_error(database: Database) -> None:
    async with database.begin() as unit:
        values = {"key": "k", "until": unit.now}
        await unit.run(_NEW_KEY, values)
    with pytest.raises(IntegrityError):
        async with database.begin() as unit:
            await unit.run(_NEW_KEY, values)


async def test_it_says_how_many_rows_it_changed(database: Database) -> None:
    async with database.begin() as unit:
        assert await unit.run(_NEW_KEY, {"key": "k", "until": unit.now}) == 1


async def test_in_sqlite_keeping_an_outcome_costs_the_same_however_much_waits(
    tmp_path: Path,
) -> None:
    database = Database(f"sqlite:///{tmp_path / 'flat.db'}")
    await database.migrate()
    few = await _steps(database, 20)
    many = await _steps(database, 2_000)
    await database.dispose()
    assert 0 < many < 3 * few


async def _steps(database: Database, waiting: int) -> int:
    """Takes one act of so many more, and keeps its outcome; gives the steps of SQLite's machine for
    that, in tens."""
    async with database.begin() as unit:
        for number in range(waiting):
            await outbox.put(unit, f"lane:{waiting}:{number}", "line", {})
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1

    async with database.begin() as unit:
        driver_of(unit.connection).set_progress_handler(step, 10)
        owner = f"worker {waiting}"
        (lease,) = await leases.claim(unit, outbox.POSTS, owner, 1, timedelta(seconds=60))
        leases.done(unit, lease, {})
    async with database.begin() as unit:
        driver_of(unit.connection).set_progress_handler(None, 0)
    return steps
