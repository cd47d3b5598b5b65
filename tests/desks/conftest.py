"""A database of each kind, and requests that have tickets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.store.database import Database
from tests.conversation.conftest import MANIFEST
from tests.conversation.support import Surroundings
from tests.desks.support import AnyServer, Place
from workspace import Cast, Workspace
from workspace.desks import EnterpriseServer, ProfessionalServer


@pytest.fixture(autouse=True)
def _incidents_of_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/whichroot.db"
    url: str = request.getfixturevalue("postgresql").new_database()
    return url


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    """A database with its tables."""
    database = Database(url)
    await database.migrate()
    yield database
    await database.dispose()


@pytest.fixture
async def surroundings(tmp_path: Path) -> AsyncIterator[Surroundings]:
    """A company, its workspace and its servers."""
    async with (
        Workspace(MANIFEST, cast=Cast(installed=("acme",))) as workspace,
        Surroundings(workspace, tmp_path) as found,
    ):
        yield found


@pytest.fixture(params=[EnterpriseServer, ProfessionalServer])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[AnyServer]:
    """A desk of each kind."""
    async with request.param() as server:
        yield server


@pytest.fixture
async def place(server: AnyServer) -> AsyncIterator[Place]:
    """The desk, and clients of it."""
    place = Place(server)
    yield place
    await place.aclose()
