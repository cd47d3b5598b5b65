"""Databases with their tables, made once and copied for each test."""

from __future__ import annotations

import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bot.store.database import Database
from tests.support.postgresql import PostgreSQL

_TEMPLATES: dict[object, str] = {}


async def migrated_url(kind: str, request: pytest.FixtureRequest, folder: Path) -> str:
    """The URL of a new database of ``kind``, `sqlite` in ``folder`` or `postgresql`."""
    if kind == "postgresql":
        server: PostgreSQL = request.getfixturevalue("postgresql")
        if server not in _TEMPLATES:
            url = server.new_database()
            await _migrate(url)
            _TEMPLATES[server] = urlsplit(url).path.strip("/")
        return server.new_database(_TEMPLATES[server])
    if kind not in _TEMPLATES:
        factory: pytest.TempPathFactory = request.getfixturevalue("tmp_path_factory")
        _TEMPLATES[kind] = str(factory.mktemp("template") / "whichroot.db")
        await _migrate(f"sqlite:///{_TEMPLATES[kind]}")
    shutil.copy(_TEMPLATES[kind], folder / "whichroot.db")
    return f"sqlite:///{folder}/whichroot.db"


async def _migrate(url: str) -> None:
    database = Database(url)
    await database.migrate()
    await database.dispose()
