"""The same company and workspace as in the conversation's tests, and a stage with everybody."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.conversation.conftest import MANIFEST, RULES, surroundings
from tests.conversation.support import Surroundings
from tests.hostile.stage import Stage
from workspace import Cast, Workspace
from workspace.cast import Person

__all__ = ["stage", "surroundings"]

#: Everybody of the policy. The app is installed in the workspace of Acme and in that of Globex.
EVERYBODY = Cast(
    people=(
        *Cast().people,
        Person("fay", "Fay Follower"),
        Person("gus", "Gus Guest", guest=True),
        Person("robo", "Robo Bot", bot=True),
    ),
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """Acme's bot, with something in every state; whoever changes that undoes it."""
    tmp_path = tmp_path_factory.mktemp("stage")
    async with (
        Workspace(MANIFEST, cast=EVERYBODY, rules=RULES) as workspace,
        Surroundings(workspace, tmp_path) as company,
        Stage(company) as made,
    ):
        yield made
