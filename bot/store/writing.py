"""Units that share a commit: SQLite has one writer, and a commit waits for the disk.

Whoever wants to write waits for the commit that is under way. Then all who wait are let in within one
round of the event loop, because hardly anything that they do takes another: the first begins a
transaction, the others join, each inside a savepoint of its own, so that one that fails undoes nothing
of the others; then one COMMIT keeps them all, and only then does any of them go on. A unit sees what
those before it in the same transaction did: either all of that is kept, or neither; one that fails says
so only then.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable
from typing import Any, Final, TypeAlias

from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.store import sqlite
from bot.store.ended import Ended

#: Told, once that is known, whether something was kept.
Afterwards: TypeAlias = Callable[[bool], None]

_SAVEPOINT: Final = "unit"


class _Round:
    """One transaction and who takes part in it."""

    def __init__(self, connection: AsyncConnection, driver: Any) -> None:
        self.connection = connection
        self.driver = driver
        #: Told once it is kept, or with the error, where it is not.
        self._loop = asyncio.get_running_loop()
        self.ended = Ended(self._loop)
        self.afterwards: list[Afterwards] = []

    def end(self, error: BaseException | None = None) -> None:
        """It is kept, or not: first what was to be told of that, then whoever waits."""
        for tell in self.afterwards:
            self._loop.call_soon(tell, error is None)
        self.ended.tell(error)


class Writing:
    """The writers of one SQLite database in this process."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._writer: asyncio.Task[Any] | None = None
        self._round: _Round | None = None
        #: Whether the round is being committed, or is about to be: nobody joins it any more.
        self._is_closed = False
        self._waiting: list[asyncio.Future[None]] = []
        self._commits: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def unit(self) -> AsyncIterator[tuple[AsyncConnection, list[Afterwards]]]:
        """A transaction's connection, and a list for what is to be told whether it was kept. It is kept
        when the block has ended without an exception, and undone otherwise. Raises what SQLAlchemy
        raises, also where the commit fails."""
        task = asyncio.current_task()
        if task is self._writer:
            raise RuntimeError("a transaction was begun inside another")
        failed: Exception | None = None
        while self._writer is not None or self._is_closed:
            await self._changed()
        self._writer = task
        try:
            taking_part = self._round or await self._begin()
            afterwards: list[Afterwards] = []
            try:
                async with _savepoint(taking_part):
                    yield taking_part.connection, afterwards
            except BaseException as error:
                for tell in afterwards:
                    tell(False)
                if not isinstance(error, Exception):
                    raise
                failed = error
            else:
                taking_part.afterwards += afterwards
        finally:
            self._writer = None
            self._let_in()
        if failed is not None:
            # Perhaps because of what another did in the same transaction: whoever hears of it must
            # find that kept.
            try:
                await taking_part.ended.wait()
            except Exception:
                if not isinstance(failed, DBAPIError):
                    raise
            raise failed
        await taking_part.ended.wait()

    async def drain(self) -> None:
        """Waits for commits under way."""
        if self._commits:
            await asyncio.wait(self._commits)

    async def _begin(self) -> _Round:
        connection = await sqlite.begun(self._engine, writes=True)
        begun = self._round = _Round(connection, sqlite.driver_of(connection))
        # It runs after those who were let in together with this one.
        committing = asyncio.create_task(self._commit(begun))
        self._commits.add(committing)
        committing.add_done_callback(self._commits.discard)
        return begun

    async def _commit(self, begun: _Round) -> None:
        self._is_closed = True
        try:
            while self._writer is not None:
                await self._changed()
            try:
                _check(begun)
            except DBAPIError:
                await sqlite.undone(begun.connection)
                raise
            await sqlite.kept(begun.connection)
        except Exception as error:
            begun.end(error)
        except BaseException as error:
            begun.end(error)
            raise
        else:
            begun.end()
        finally:
            self._round = None
            self._is_closed = False
            self._let_in()

    async def _changed(self) -> None:
        """Returns when somebody may have become free to write."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        await waiter

    def _let_in(self) -> None:
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)
        self._waiting.clear()


@contextlib.asynccontextmanager
async def _savepoint(taking_part: _Round) -> AsyncIterator[None]:
    _check(taking_part)
    _run(taking_part, f"SAVEPOINT {_SAVEPOINT}")
    try:
        yield
    except BaseException:
        # A full disk may have undone the whole transaction already.
        if taking_part.driver.in_transaction:
            _run(taking_part, f"ROLLBACK TO {_SAVEPOINT}")
            _run(taking_part, f"RELEASE {_SAVEPOINT}")
        raise
    _run(taking_part, f"RELEASE {_SAVEPOINT}")


def _run(taking_part: _Round, statement: str) -> None:
    try:
        taking_part.driver.execute(statement)
    except sqlite3.Error as error:
        raise OperationalError(statement, None, error) from error


def _check(taking_part: _Round) -> None:
    """Raises DBAPIError where the transaction is no more, and with it what others did in it."""
    if not taking_part.driver.in_transaction:
        raise DBAPIError("COMMIT", None, Exception("the transaction was undone"))
