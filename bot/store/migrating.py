"""Alembic, run inside a transaction that is already begun."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.script.revision import ResolutionError
from alembic.util.exc import CommandError
from sqlalchemy import Connection

_FOLDER: Final = Path(__file__).with_name("migrations")


class UnknownRevision(Exception):
    """The database is at a revision that this version does not know."""


def upgrade(connection: Connection) -> None:
    """Brings the tables behind ``connection`` up to date. Raises UnknownRevision."""
    config = _config()
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        if isinstance(error.__cause__, ResolutionError):
            raise UnknownRevision from error
        raise


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    return config
