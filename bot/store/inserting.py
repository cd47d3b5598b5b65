"""INSERT … ON CONFLICT, which each database has in a dialect of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from sqlalchemy import Table

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

    Insert: TypeAlias = postgresql.Insert | sqlite.Insert


def insert_into(table: Table, *, is_postgresql: bool) -> Insert:
    """An INSERT that knows ON CONFLICT."""
    # Imported late: a bot needs one of them, and PostgreSQL's takes long.
    if is_postgresql:
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table)
