"""``DATABASE_URL`` read: the engine of SQLite or PostgreSQL."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from sqlalchemy import URL, Connection, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bot.errors import SettingsError
from bot.store.sqlite import DRIVER, WRITES, connect_arguments
from bot.text import visible

_POSTGRESQL: Final = ("postgres", "postgresql", "postgresql+asyncpg")
_SQLITE: Final = ("sqlite",)
_REMEDY: Final = "Write sqlite:///path/to/whichroot.db or postgresql://user:password@host/database."
#: How long another's lock, a connection, and one statement are waited for, in seconds.
_LOCK_SECONDS: Final = 30
_CONNECT_SECONDS: Final = 10
_STATEMENT_SECONDS: Final = 60


class JsonText(str):
    """JSON that is written already, as the value of a JSON column."""

    __slots__ = ()


def create_engine(url: str, *, pool_size: int = 10, create: bool = True) -> AsyncEngine:
    """The engine for ``url``: ``sqlite:///relative``, ``sqlite:////absolute``, ``postgres://…`` or
    ``postgresql://…`` with the parameters of libpq. Connects nowhere yet; with ``create`` makes an
    empty SQLite file, readable by this user alone, where there is none.

    Raises SettingsError, whose message shows no password.
    """
    scheme = url.partition(":")[0].lower()
    if scheme in _POSTGRESQL:
        return _postgresql_engine(url, pool_size)
    if scheme in _SQLITE:
        return _sqlite_engine(url, pool_size, create)
    raise SettingsError(
        f"DATABASE_URL begins with “{visible(scheme, 30)}”, which is no database that is known.",
        _REMEDY,
    )


def no_database(message: str) -> SettingsError:
    """There is a database to be read, and it is not there."""
    return SettingsError(
        message, "“whichroot serve” makes it; or set DATABASE_URL to the one that the bot uses."
    )


def driver_errors() -> tuple[type[Exception], ...]:
    """What PostgreSQL's driver raises where there is no connection yet."""
    import asyncpg

    return asyncpg.PostgresError, asyncpg.InterfaceError


def _postgresql_engine(url: str, pool_size: int) -> AsyncEngine:
    # Imported late: a bot with SQLite does not need it.
    import asyncpg

    dsn = "postgresql:" + url.partition(":")[2]
    try:
        parts = urlsplit(dsn)
        valid = dsn.startswith("postgresql://") and (parts.hostname or parts.query or parts.path)
        _ = parts.port
    except ValueError:
        valid = False
    if not valid:
        raise SettingsError("DATABASE_URL names PostgreSQL, but cannot be read.", _REMEDY)

    async def connect() -> Any:
        # asyncpg reads the URL, because it knows libpq's parameters (sslmode, several hosts, …).
        return await asyncpg.connect(
            dsn,
            timeout=_CONNECT_SECONDS,
            command_timeout=_STATEMENT_SECONDS,
            server_settings={
                "application_name": "whichroot",
                "lock_timeout": f"{_LOCK_SECONDS}s",
                "idle_in_transaction_session_timeout": "60s",
            },
        )

    return create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        pool_pre_ping=True,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=_LOCK_SECONDS,
        hide_parameters=True,
        json_serializer=_json,
    )


def _sqlite_engine(url: str, pool_size: int, create: bool) -> AsyncEngine:
    rest = url.partition(":")[2]
    name = unquote(rest.removeprefix("///").partition("?")[0])
    if not rest.startswith("///") or not name or name == ":memory:":
        raise SettingsError("DATABASE_URL names SQLite, but no file.", _REMEDY)
    path = Path(name)
    try:
        # It holds what people wrote: for this user's eyes alone.
        os.close(os.open(path, os.O_RDWR | (os.O_CREAT if create else 0), 0o600))
    except (OSError, ValueError) as error:
        if not create and isinstance(error, FileNotFoundError):
            raise no_database(f"There is no database “{visible(str(path))}” yet.") from None
        reason = getattr(error, "strerror", None) or "no such name is possible"
        raise SettingsError(
            f"The database file “{visible(str(path))}” cannot be written: {reason}.",
            "Name a file in a folder that exists and that you may write to.",
        ) from None
    engine = create_async_engine(
        URL.create(DRIVER, database=str(path)),
        connect_args=connect_arguments(),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=_LOCK_SECONDS,
        hide_parameters=True,
        json_serializer=_json,
    )
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _json(value: object) -> str:
    return str(value) if isinstance(value, JsonText) else json.dumps(value)


def _prepare_sqlite(connection: sqlite3.Connection, _: object) -> None:
    cursor = connection.cursor()
    # A commit survives a power cut (FULL), as what was acknowledged must. Each of some 20 connections
    # would keep 2 MB of pages that the system has as well.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-500"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that begins as a reader and then writes fails at once when another has written.
    writes = connection.get_execution_options().get(WRITES)
    begun: Any = connection.connection.driver_connection
    try:
        begun.begin(writes=bool(writes))
    except sqlite3.Error as error:
        raise OperationalError("BEGIN", None, error) from error
