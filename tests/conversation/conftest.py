"""A workspace, servers to look at, and the bot between them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conversation.support import Surroundings
from workspace import Cast, Rules, Workspace

MANIFEST: Any = yaml.safe_load((Path(__file__).parents[2] / "manifest.yml").read_text("utf-8"))

#: Slack repeats an event after one and five minutes, for which no test waits. Its three seconds are
#: doubled, and more, for a busy machine.
RULES = Rules(ack_seconds=6.0, trigger_seconds=30.0, event_retry_seconds=(0.0, 2.0, 15.0))


@pytest.fixture
async def surroundings(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[Surroundings]:
    """A workspace with one team, and two servers of the company's PKI. Its parameter, if any, are
    other rules than RULES."""
    rules = getattr(request, "param", RULES)
    async with (
        Workspace(MANIFEST, cast=Cast(installed=("acme",)), rules=rules) as workspace,
        Surroundings(workspace, tmp_path) as found,
    ):
        yield found
