"""The database: SQLite or PostgreSQL, one transaction at a time for whoever writes.

Settings that `bot.settings` reads for it: ``DATABASE_URL`` (``sqlite:///path``, ``postgres://…`` or
``postgresql://…``; by default a SQLite file in the working directory).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence, Set
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from sqlalchemy import CursorResult, Executable, Table, text
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import WhichrootError
from bot.store import sqlite
from bot.store.engine import create_engine, driver_errors, no_database
from bot.store.inserting import insert_into
from bot.store.lanework import LaneWork
from bot.store.prepared import Prepared, Values
from bot.store.revision import HEAD, revision
from bot.store.tables import seen
from bot.store.writing import Afterwards, Writing
from bot.text import visible

if TYPE_CHECKING:
    from bot.store.inserting import Insert

Clock: TypeAlias = Callable[[], datetime]

#: "whichroot" in ASCII, cut to 63 bits: the advisory lock under which tables are made.
_MIGRATION_LOCK: Final = 0x7768696368726F6F


class StoreError(WhichrootError):
    """The database cannot be reached, or cannot keep what it is given. Trying later may help.

    ``maybe_kept``: it broke while it was keeping a transaction, which may have been kept.
    """

    def __init__(self, message: str, remedy: str = "", *, maybe_kept: bool = False) -> None:
        super().__init__(message, remedy)
        self.maybe_kept = maybe_kept


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


class Unit:
    """One transaction. Everything in it is kept, or nothing."""

    def __init__(
        self, connection: AsyncConnection, now: datetime, wake: Callable[[Set[str]], None]
    ) -> None:
        self.connection = connection
        self.is_postgresql = connection.dialect.name == "postgresql"
        """Whether this is PostgreSQL, else SQLite."""
        self._here: Any = connection.sync_connection
        self._driver: Any = None if self.is_postgresql else sqlite.driver_of(connection)
        #: The transaction's time.
        self.now = now
        self._wake = wake
        #: The pools of which something may be delivered once it is kept.
        self.woken: Set[str] = frozenset()
        #: How many places are free again once it is kept, by who fills them.
        self.freed: Counter[Take] = Counter()
        #: What it does to the outbox, at its end.
        self.lanes = LaneWork()

    async def execute(
        self,
        statement: Executable,
        parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    ) -> CursorResult[Any]:
        """Runs ``statement``. Read the rows before the next one."""
        if self.is_postgresql:
            return await self.connection.execute(statement, parameters)
        # Nothing is waited for, so this needs none of what makes waiting possible.
        result: CursorResult[Any] = self._here.execute(statement, parameters)
        return result

    async def fetch(self, statement: Prepared, values: Values) -> Sequence[Any]:
        """The rows that ``statement`` gives, with its columns as attributes."""
        if self.is_postgresql:
            found = await self.connection.execute(statement.for_postgresql, values)
            return found.all()
        return statement.for_sqlite(self._here.dialect).fetch(self._driver, values)

    async def run(self, statement: Prepared, values: Values | Sequence[Values]) -> int:
        """Runs ``statement``, with each of several ``values`` in turn; gives how many rows it changed,
        which PostgreSQL does not say of several."""
        if self.is_postgresql:
            done = await self.connection.execute(statement.for_postgresql, values)
            return done.rowcount
        return statement.for_sqlite(self._here.dialect).run(self._driver, values)

    async def execute_slowly(self, statement: Executable) -> CursorResult[Any]:
        """Runs a ``statement`` that may have much to look through: not in the event loop."""
        if self.is_postgresql:
            return await self.connection.execute(statement)
        work = partial(self._here.execute, statement)
        running = asyncio.get_running_loop().run_in_executor(None, work)
        try:
            result: CursorResult[Any] = await asyncio.shield(running)
        except asyncio.CancelledError:
            # The connection is in use until then.
            await asyncio.wait({running})
            raise
        return result

    def insert(self, table: Table) -> Insert:
        """An INSERT that knows ON CONFLICT."""
        return insert_into(table, is_postgresql=self.is_postgresql)

    async def finish(self) -> None:
        """Does to the outbox what was asked for; `Database.begin` calls it."""
        self.woken = await self.lanes.finish(self)

    def tell(self) -> None:
        """The transaction is kept; `Database.begin` calls it."""
        if self.woken:
            self._wake(self.woken)


#: Takes acts within a unit; what it gives is told whether that was kept.
Take: TypeAlias = Callable[[Unit], Awaitable[Afterwards]]


class Database:
    """The database that ``url`` names. ``clock`` gives the time of each transaction.

    ``create`` False: the database is there, or it is an error.

    Raises SettingsError for a URL that names neither SQLite nor PostgreSQL.
    """

    def __init__(
        self, url: str, *, clock: Clock = utc_now, pool_size: int = 10, create: bool = True
    ) -> None:
        self.clock = clock
        self._engine = create_engine(url, pool_size=pool_size, create=create)
        #: What connecting raises: the driver's own errors, and the network's.
        self._unreachable: tuple[type[Exception], ...] = (
            *(DBAPIError, PoolTimeout, OSError, TimeoutError),
            *(driver_errors() if self.is_postgresql else ()),
        )
        self._writing = Writing(self._engine)
        self._wakes: dict[Callable[[], None], str] = {}
        self._takes: dict[Take, str] = {}

    @property
    def is_postgresql(self) -> bool:
        """Whether this is PostgreSQL, else SQLite."""
        return self._engine.dialect.name == "postgresql"

    async def migrate(self) -> None:
        """Makes the tables, or brings them up to date. Several processes may do so at once: one
        works, the others wait. Raises StoreError, also where a newer version made the tables."""
        async with self.begin() as unit:
            if self.is_postgresql:
                lock = text("SELECT pg_advisory_xact_lock(:lock)")
                await unit.execute(lock, {"lock": _MIGRATION_LOCK})
            if await unit.connection.run_sync(revision) == HEAD:
                return
            # Imported late: most starts find the tables as they are to be.
            from bot.store.migrating import UnknownRevision, upgrade

            try:
                await unit.connection.run_sync(upgrade)
            except UnknownRevision:
                raise StoreError(
                    "The database was made by a newer version of whichroot.",
                    "Start that version, or name another DATABASE_URL.",
                ) from None

    async def check_tables(self) -> None:
        """Raises SettingsError where the tables are not there as this version makes them."""
        async with self.read() as unit:
            if await unit.connection.run_sync(revision) != HEAD:
                raise no_database("The database has no tables of this version of whichroot.")

    @contextlib.asynccontextmanager
    async def begin(self) -> AsyncIterator[Unit]:
        """A transaction that may write; kept at its end, undone by an exception. A task must not
        begin a second one inside it. Raises StoreError where the database fails."""
        if self.is_postgresql:
            async with self._unit() as unit:
                yield unit
            return
        try:
            async with self._writing.unit() as (connection, afterwards):
                unit = Unit(connection, self.clock(), self._wake)
                yield unit
                await unit.finish()
                for take, pool in tuple(self._takes.items()):
                    if pool in unit.woken or take in unit.freed:
                        afterwards.append(await take(unit))
        except _OURS:
            raise
        except (DBAPIError, PoolTimeout) as error:
            raise _store_error(error) from error
        unit.tell()

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncIterator[Unit]:
        """A transaction that only reads. Raises StoreError where the database fails."""
        if self.is_postgresql:
            async with self._unit() as unit:
                yield unit
            return
        try:
            connection = await sqlite.begun(self._engine, writes=False)
            try:
                yield Unit(connection, self.clock(), self._wake)
            finally:
                await sqlite.undone(connection)
        except _OURS:
            raise
        except (DBAPIError, PoolTimeout) as error:
            raise _store_error(error) from error

    def on_put_within(self, pool: str, take: Take) -> Callable[[], None]:
        """Has ``take`` called at the end of each transaction of this process after which acts of ``pool``
        may be delivered, or that frees places of ``take``; what it gives is called once that is kept.
        Whoever takes acts there needs no transaction more. SQLite alone, which has one writer: elsewhere
        two that take and put might wait for each other. Gives what ends that."""
        if not self.is_postgresql:
            self._takes[take] = pool

        def forget() -> None:
            self._takes.pop(take, None)

        return forget

    async def ping(self) -> None:
        """Raises StoreError where the database does not answer."""
        async with self.read() as unit:
            await unit.execute(text("SELECT 1"))

    async def check_writing(self) -> None:
        """Writes one row. Raises StoreError where the database keeps nothing: it is out of reach, its
        disk is full, or it may only be read."""
        async with self.begin() as unit:
            values = {"key": "checked", "value": "", "expires_at": unit.now}
            await unit.execute(
                unit.insert(seen)
                .values(values)
                .on_conflict_do_update(index_elements=[seen.c.key], set_={"expires_at": unit.now})
            )

    def on_put(self, pool: str, wake: Callable[[], None]) -> Callable[[], None]:
        """Calls ``wake`` whenever acts of ``pool`` may be delivered because of what this process has
        done; gives what ends that."""
        self._wakes[wake] = pool

        def forget() -> None:
            self._wakes.pop(wake, None)

        return forget

    async def dispose(self) -> None:
        """Closes all connections."""
        await self._writing.drain()
        await self._engine.dispose()

    @contextlib.asynccontextmanager
    async def _unit(self) -> AsyncIterator[Unit]:
        """A transaction of PostgreSQL's."""
        async with contextlib.AsyncExitStack() as stack:
            try:
                connection = await stack.enter_async_context(self._engine.connect())
                transaction = await stack.enter_async_context(connection.begin())
            except self._unreachable as error:
                raise _store_error(error) from error
            unit = Unit(connection, self.clock(), self._wake)
            keeping = False
            try:
                yield unit
                await unit.finish()
                keeping = True
                await transaction.commit()
            except _OURS:
                raise
            except DBAPIError as error:
                # A connection that broke does not say whether it was kept.
                raise _store_error(error, maybe_kept=keeping) from error
        unit.tell()

    def _wake(self, pools: Set[str]) -> None:
        for wake, pool in tuple(self._wakes.items()):
            if pool in pools:
                wake()


#: Mistakes of whoever wrote the statement, or what it asked to find out.
_OURS: Final = (IntegrityError, ProgrammingError, DataError)


def _store_error(error: BaseException, *, maybe_kept: bool = False) -> StoreError:
    reason = str(error.orig) if isinstance(error, DBAPIError) else str(error)
    reason = reason.rsplit(">: ", 1)[-1] or type(error).__name__
    return StoreError(
        f"The database cannot be used at the moment: {visible(reason, 160)}.",
        "Try again in a minute; if that does not help, ask whoever runs the bot.",
        maybe_kept=maybe_kept,
    )
