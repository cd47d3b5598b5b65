"""Statements that run often, compiled once.

SQLAlchemy takes ten times as long to run a statement as SQLite does. So its compiler and its types say
once what a statement is in SQLite, and SQLite's driver runs it. PostgreSQL is waited for in any case,
and there SQLAlchemy runs it.
"""

from __future__ import annotations

import sqlite3
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from sqlalchemy import Dialect
from sqlalchemy.exc import DBAPIError

from bot.store.tables import Moment

if TYPE_CHECKING:
    from sqlalchemy import Delete, Insert, Select, Update

    #: A statement whose parameters are named by `bindparam`, none of them `expanding`.
    Statement: TypeAlias = Select[Any] | Insert | Update | Delete

Values: TypeAlias = Mapping[str, Any]
_Processor: TypeAlias = Callable[[Any], Any]


class Prepared:
    """One statement; ``statement(is_postgresql)`` gives it."""

    def __init__(self, statement: Callable[[bool], Statement]) -> None:
        self._statement = statement
        self._sqlite: _Compiled | None = None
        self._postgresql: Statement | None = None

    @property
    def for_postgresql(self) -> Statement:
        """The statement as SQLAlchemy runs it with PostgreSQL."""
        if self._postgresql is None:
            self._postgresql = self._statement(True)
        return self._postgresql

    def for_sqlite(self, dialect: Dialect) -> _Compiled:
        """The statement as SQLite's driver runs it. Every engine here has the same ``dialect``."""
        if self._sqlite is None:
            self._sqlite = _Compiled(self._statement(False), dialect)
        return self._sqlite


class _Compiled:
    def __init__(self, statement: Statement, dialect: Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect)
        self._text = str(compiled)
        constants = compiled.params
        #: For each question mark the name of its value, what is to be done to it, and what it is where
        #: nothing is given.
        self._binds: Final[list[tuple[str, _Processor | None, Any]]] = []
        for name in compiled.positiontup or ():
            process = _binding(compiled.binds[name].type, dialect)
            constant = constants[name]
            self._binds.append((name, process, process(constant) if process else constant))
        columns = list(statement.exported_columns)
        self._row = _row_of([column.name for column in columns])
        processors = [_reading(column.type, dialect) for column in columns]
        self._results: Final = [(i, process) for i, process in enumerate(processors) if process]

    def fetch(self, driver: sqlite3.Connection, values: Values) -> Sequence[Any]:
        """The rows that it gives, with its columns as attributes. Raises DBAPIError."""
        try:
            found = driver.execute(self._text, self._bound(values)).fetchall()
        except sqlite3.Error as error:
            raise self._failure(error) from error
        return [self._row._make(self._read(row)) for row in found]

    def run(self, driver: sqlite3.Connection, values: Values | Sequence[Values]) -> int:
        """Runs it, with each of several values in turn; gives how many rows it changed. Raises
        DBAPIError."""
        try:
            if isinstance(values, Mapping):
                return driver.execute(self._text, self._bound(values)).rowcount
            return driver.executemany(self._text, [self._bound(each) for each in values]).rowcount
        except sqlite3.Error as error:
            raise self._failure(error) from error

    def _bound(self, values: Values) -> list[Any]:
        return [
            (process(values[name]) if process else values[name]) if name in values else constant
            for name, process, constant in self._binds
        ]

    def _read(self, row: Sequence[Any]) -> Sequence[Any]:
        if not self._results:
            return row
        read = list(row)
        for index, process in self._results:
            read[index] = process(read[index])
        return read

    def _failure(self, error: sqlite3.Error) -> BaseException:
        return DBAPIError.instance(self._text, None, error, sqlite3.Error, hide_parameters=True)


def _binding(kind: Any, dialect: Dialect) -> _Processor | None:
    if isinstance(kind, Moment):
        return _text_of
    process: _Processor | None = kind.dialect_impl(dialect).bind_processor(dialect)
    return process


def _reading(kind: Any, dialect: Dialect) -> _Processor | None:
    if isinstance(kind, Moment):
        return _moment_of
    process: _Processor | None = kind.dialect_impl(dialect).result_processor(dialect, None)
    return process


def _text_of(moment: datetime | None) -> str | None:
    """The same as `Moment` with SQLAlchemy's DATETIME gives, a few times as fast."""
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise TypeError("a time without its zone cannot be stored")
    return moment.astimezone(UTC).isoformat(" ", "microseconds")[:26]


def _moment_of(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).replace(tzinfo=UTC)


def _row_of(names: Sequence[str]) -> Any:
    # The names are known here alone, so that no class with types can be written for them.
    return namedtuple("Row", names)
