"""SQLite inside the event loop: a dialect of SQLAlchemy's that runs statements where they are asked
for, and in a thread only what waits for the disk.

A statement takes some microseconds, a switch to another thread and back a hundred; so only COMMIT of
what was written, which waits until it is on the disk, leaves the event loop. Another process's lock
is waited for by asking again now and then, which blocks nobody.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.pool import AsyncAdaptedQueuePool, Pool
from sqlalchemy.util import await_only, greenlet_spawn

from bot.store.ended import Ended

#: What begins the URL of an engine with this dialect.
DRIVER: Final = "sqlite+whichroot"

#: The execution option that says whether a transaction may write.
WRITES: Final = "whichroot_writes"

#: How long another's lock is waited for in all, between two tries at most, and by a reader, whom
#: nothing but a recovery after a crash can hold up; in seconds.
_LOCK_SECONDS: Final = 30.0
_RETRY_SECONDS: Final = (0.001, 0.05)
_READER_SECONDS: Final = 1.0


class SQLiteConnection(sqlite3.Connection):
    """A connection that knows whether its transaction has written."""

    _changes_before = 0
    _writes = False

    def begin(self, *, writes: bool) -> None:
        """Begins a transaction; one that ``writes`` gets the lock for that at once. Runs where
        SQLAlchemy's calls may wait. Raises sqlite3.OperationalError where the lock cannot be had."""
        self._writes = writes
        if not writes:
            self.execute(f"PRAGMA busy_timeout={_READER_SECONDS * 1000:.0f}")
            self.execute("BEGIN")
            return
        self.execute("PRAGMA busy_timeout=0")
        try:
            self.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if not _is_locked(error):
                raise
            await_only(self._begin_later())
        self._changes_before = self.total_changes

    async def _begin_later(self) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _LOCK_SECONDS
        pause, most = _RETRY_SECONDS
        while True:
            await asyncio.sleep(pause)
            pause = min(2 * pause, most)
            try:
                self.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if not _is_locked(error) or loop.time() > deadline:
                    raise
            else:
                return

    @property
    def waits_for_the_disk(self) -> bool:
        """Whether a COMMIT has something to write."""
        return self._writes and self.total_changes != self._changes_before


class Dialect(SQLiteDialect_pysqlite):
    """SQLite for an asynchronous engine."""

    driver = "whichroot"
    supports_statement_cache = True
    is_async = True

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # There is one writer at a time.
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="sqlite-commit")

    @classmethod
    def get_pool_class(cls, url: URL) -> type[Pool]:
        """A pool that waits without blocking."""
        return AsyncAdaptedQueuePool

    def get_driver_connection(self, connection: Any) -> Any:
        """The driver's connection: there is nothing between it and SQLAlchemy."""
        return connection

    def do_commit(self, dbapi_connection: Any) -> None:
        """COMMIT."""
        if dbapi_connection.waits_for_the_disk:
            await_only(self._in_thread(dbapi_connection.commit))
        else:
            dbapi_connection.commit()

    async def _in_thread(self, work: Callable[[], None]) -> None:
        # Not by `run_in_executor`: what it gives knows of the end only some rounds of the event loop
        # later, and everybody waits for this one.
        loop = asyncio.get_running_loop()
        ended = Ended(loop)

        def run() -> None:
            error: Exception | None = None
            try:
                work()
            except Exception as raised:
                error = raised
            with contextlib.suppress(RuntimeError):  # the loop is closed, and nobody waits
                loop.call_soon_threadsafe(ended.tell, error)

        self._disk.submit(run)
        try:
            await ended.wait()
        except asyncio.CancelledError:
            # The connection is in use until then.
            with contextlib.suppress(Exception):
                await ended.wait()
            raise


async def begun(engine: AsyncEngine, *, writes: bool) -> AsyncConnection:
    """A connection with a transaction. Give it to `kept` or `undone`. Raises what SQLAlchemy raises."""
    # In one go: each time that SQLAlchemy may wait costs more than what it does here.
    return AsyncConnection(engine, await greenlet_spawn(_begun, engine.sync_engine, writes))


def driver_of(connection: AsyncConnection) -> SQLiteConnection:
    """The driver's connection beneath it."""
    here: Any = connection.sync_connection
    found: SQLiteConnection = here.connection.driver_connection
    return found


async def kept(connection: AsyncConnection) -> None:
    """Commits, and gives the connection back. Raises what SQLAlchemy raises."""
    await greenlet_spawn(_kept, connection.sync_connection)


async def undone(connection: AsyncConnection) -> None:
    """Rolls back, and gives the connection back."""
    await greenlet_spawn(_closed, connection.sync_connection)


def _begun(engine: Engine, writes: bool) -> Connection:
    connection = engine.connect()
    try:
        connection.execution_options(**{WRITES: writes})
        connection.begin()
    except BaseException:
        connection.close()
        raise
    return connection


def _kept(connection: Connection) -> None:
    try:
        connection.commit()
    finally:
        connection.close()


def _closed(connection: Connection) -> None:
    connection.close()


def connect_arguments() -> dict[str, Any]:
    """What connections of this dialect are opened with."""
    return {
        "factory": SQLiteConnection,
        "isolation_level": None,
        "check_same_thread": False,
        "timeout": _READER_SECONDS,
    }


def _is_locked(error: sqlite3.OperationalError) -> bool:
    return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY


registry.register("sqlite.whichroot", __name__, "Dialect")
