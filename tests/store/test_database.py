"""The database: what it accepts, how it is made, what a transaction promises."""

from __future__ import annotations

import asyncio
import os
import stat
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, insert, select, text
from sqlalchemy.exc import StatementError

from bot.errors import SettingsError
from bot.store import migrating
from bot.store.database import Database, StoreError
from bot.store.revision import HEAD
from bot.store.seen import Seen
from bot.store.tables import metadata, seen
from tests.support.postgresql import PostgreSQL


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mysql://root@localhost/x",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:whichroot.db",
        "postgresql:",
        "postgresql://host:port/x",
        "/var/lib/whichroot.db",
        "\x1b[2Jsqlite",
    ],
)
def test_a_url_that_names_no_database_is_refused_with_what_to_write(url: str) -> None:
    with pytest.raises(SettingsError) as raised:
        Database(url)
    assert "sqlite:///path" in str(raised.value)
    assert "\x1b" not in str(raised.value)


def test_a_password_in_the_url_is_never_shown() -> None:
    for url in ("mysql://root:hunter2@host/x", "postgresql://root:hunter2@host:port/x"):
        with pytest.raises(SettingsError) as raised:
            Database(url)
        assert "hunter2" not in str(raised.value)


def test_a_sqlite_file_in_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere/x\.db.*No such file"):
        Database(f"sqlite:///{tmp_path}/nowhere/x.db")


async def test_a_sqlite_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/x.db")
    await database.migrate()
    modes = {entry.name: stat.S_IMODE(entry.stat().st_mode) for entry in os.scandir(tmp_path)}
    assert modes == {"x.db": 0o600, "x.db-wal": 0o600, "x.db-shm": 0o600}
    await database.dispose()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
async def test_every_spelling_of_postgresql_connects(scheme: str, postgresql: PostgreSQL) -> None:
    rest = postgresql.new_database().partition(":")[2]
    database = Database(f"{scheme}:{rest}")
    await database.ping()
    assert database.is_postgresql
    await database.dispose()


async def test_an_unreachable_server_is_told_without_its_password() -> None:
    database = Database("postgresql://whichroot:hunter2@127.0.0.1:1/whichroot")
    with pytest.raises(StoreError, match="cannot be used at the moment") as raised:
        await database.ping()
    assert "hunter2" not in str(raised.value)
    await database.dispose()


async def test_the_migrations_make_exactly_the_tables(database: Database) -> None:
    def differences(connection: Connection) -> object:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return compare_metadata(context, metadata)

    async with database.read() as unit:
        assert await unit.connection.run_sync(differences) == []


async def test_many_processes_may_migrate_at_once(empty_url: str) -> None:
    replicas = [Database(empty_url) for _ in range(6)]
    await asyncio.gather(*(replica.migrate() for replica in replicas))
    for replica in replicas:
        async with replica.read() as unit:
            revisions = (await unit.execute(text("SELECT version_num FROM alembic_version"))).all()
        assert len(revisions) == 1
        await replica.dispose()


async def test_migrating_again_keeps_what_is_there(database: Database) -> None:
    async with database.begin() as unit:
        await Seen().first(unit, "event:1", "kept")
    await database.migrate()
    async with database.begin() as unit:
        assert await Seen().first(unit, "event:1") == "kept"


async def test_a_database_of_a_newer_version_is_refused(database: Database) -> None:
    async with database.begin() as unit:
        await unit.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="newer version"):
        await database.migrate()


async def test_an_exception_undoes_the_transaction(database: Database) -> None:
    async def fail() -> None:
        async with database.begin() as unit:
            await Seen().first(unit, "event:1")
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    async with database.begin() as unit:
        assert await Seen().first(unit, "event:1") is None


async def test_a_transaction_inside_another_is_a_mistake_that_is_told(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/x.db")
    async with database.begin():
        with pytest.raises(RuntimeError, match="inside another"):
            async with database.begin():
                pass
    await database.dispose()


async def test_many_writers_of_many_processes_all_get_through(url: str) -> None:
    replicas = [Database(url) for _ in range(3)]

    async def write(number: int) -> None:
        async with replicas[number % 3].begin() as unit:
            assert await Seen().first(unit, f"event:{number}") is None

    await asyncio.gather(*(write(number) for number in range(150)))
    async with replicas[0].read() as unit:
        assert len((await unit.execute(select(seen.c.key))).all()) == 150
    for replica in replicas:
        await replica.dispose()


async def test_times_come_back_in_utc_and_need_a_zone(database: Database) -> None:
    moment = datetime(2026, 3, 29, 3, 30, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
    async with database.begin() as unit:
        await unit.execute(insert(seen).values(key="k", value="", expires_at=moment))
        kept = (await unit.execute(select(seen.c.expires_at))).scalar_one()
    assert kept == moment
    assert kept.tzinfo is UTC
    naive = insert(seen).values(key="l", value="", expires_at=moment.replace(tzinfo=None))
    async with database.begin() as unit:
        with pytest.raises(StatementError, match="without its zone"):
            await unit.execute(naive)


async def test_any_text_is_kept(database: Database) -> None:
    async with database.begin() as unit:
        await Seen().first(unit, "a\0b", "\0 \ud800 \U0001f600 \x1b \u202e ' \\")
    async with database.begin() as unit:
        kept = await Seen().first(unit, "a\0b")
    assert kept == "\ufffd ? \U0001f600 \x1b \u202e ' \\"


async def test_of_two_transactions_with_one_key_one_is_first(url: str) -> None:
    replicas = [Database(url), Database(url)]

    async def arrive(number: int) -> str | None:
        async with replicas[number % 2].begin() as unit:
            outcome = await Seen().first(unit, "trigger:1", str(number))
            await asyncio.sleep(0.005)
            return outcome

    outcomes = await asyncio.gather(*(arrive(number) for number in range(12)))
    assert outcomes.count(None) == 1
    assert set(outcomes) - {None} == {str(outcomes.index(None))}
    for replica in replicas:
        await replica.dispose()


async def test_a_key_counts_anew_once_it_expired(url: str) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    database = Database(url, clock=lambda: now)
    async with database.begin() as unit:
        assert await Seen().first(unit, "k", "a", keep=timedelta(hours=1)) is None
        assert await Seen().first(unit, "k", "b", keep=timedelta(hours=1)) == "a"
    now += timedelta(hours=1)
    async with database.begin() as unit:
        assert await Seen().first(unit, "k", "c", keep=timedelta(hours=1)) is None
        assert await Seen().first(unit, "k", "d", keep=timedelta(hours=1)) == "c"
        await Seen().note(unit, "k", "e")
        assert await Seen().first(unit, "k") == "e"
        assert await Seen().forget(unit, "k")
        assert not await Seen().forget(unit, "k")
    await database.dispose()


async def test_a_full_sqlite_file_is_told_and_nothing_is_half_kept(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/x.db", pool_size=1)
    await database.migrate()
    async with database.read() as unit:
        pages = (await unit.execute(text("PRAGMA page_count"))).scalar_one()
        await unit.execute(text(f"PRAGMA max_page_count = {pages}"))

    async def fill() -> None:
        async with database.begin() as unit:
            for number in range(1000):
                await Seen().first(unit, f"event:{number}", "x" * 1000)

    with pytest.raises(StoreError, match="full"):
        await fill()
    async with database.read() as unit:
        assert (await unit.execute(select(seen.c.key))).all() == []
    await database.dispose()


async def test_units_that_share_a_commit_fail_alone_and_are_kept_together(
    tmp_path: Path,
) -> None:
    database = Database(f"sqlite:///{tmp_path}/x.db")
    await database.migrate()
    other = Database(f"sqlite:///{tmp_path}/x.db")

    async def write(number: int) -> bool:
        async with database.begin() as unit:
            assert await Seen().first(unit, f"event:{number}") is None
            if number % 3 == 0:
                raise LookupError
        # It is kept, for every process, by the time that its block has ended.
        async with other.read() as unit:
            found = await unit.execute(select(seen.c.key).where(seen.c.key == f"event:{number}"))
            return found.first() is not None

    outcomes = await asyncio.gather(*(write(n) for n in range(60)), return_exceptions=True)
    assert [outcome is True for outcome in outcomes] == [n % 3 != 0 for n in range(60)]
    async with other.read() as unit:
        assert len((await unit.execute(select(seen.c.key))).all()) == 40
    await database.dispose()
    await other.dispose()


async def test_whoever_is_refused_for_what_another_did_finds_that_kept(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/x.db")
    await database.migrate()

    async def kept() -> list[str]:
        async with database.read() as unit:
            return list((await unit.execute(select(seen.c.key))).scalars())

    async def first() -> None:
        async with database.begin() as unit:
            await Seen().first(unit, "k", "a")

    async def second() -> None:
        async with database.begin() as unit:
            assert await Seen().first(unit, "k", "b") == "a"
            raise LookupError

    async def third() -> list[str]:
        with pytest.raises(LookupError):
            await second()
        return await kept()

    _, found = await asyncio.gather(first(), third())
    assert found == ["k"]
    await database.dispose()


async def test_a_unit_that_is_cancelled_leaves_the_others_their_commit(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/x.db")
    await database.migrate()

    async def write(number: int) -> None:
        async with database.begin() as unit:
            await Seen().first(unit, f"event:{number}")
            await asyncio.sleep(0.001)

    writers = [asyncio.create_task(write(number)) for number in range(20)]
    await asyncio.sleep(0.003)
    for writer in writers[::2]:
        writer.cancel()
    outcomes = await asyncio.gather(*writers, return_exceptions=True)
    assert all(outcome is None for outcome in outcomes[1::2])
    async with database.read() as unit:
        kept = {row.key for row in await unit.execute(select(seen.c.key))}
    assert kept >= {f"event:{number}" for number in range(1, 20, 2)}
    await database.dispose()


def test_the_head_that_is_known_without_the_migrations_is_theirs() -> None:
    script = ScriptDirectory(str(Path(migrating.__file__).with_name("migrations")))
    assert script.get_current_head() == HEAD
