"""Which revision of the tables this version works with, known without what makes them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, inspect, text

#: The last of the migrations.
HEAD: Final = "0002_tickets"


def revision(connection: Connection) -> str | None:
    """The revision of the tables behind ``connection``; None: there are none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(
        text("SELECT version_num FROM alembic_version")
    ).scalar_one_or_none()
    return found
