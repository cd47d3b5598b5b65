"""A workspace and a real Bolt app for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.workspace.bench import Bench, bench


@pytest.fixture
async def greeter() -> AsyncIterator[Bench]:
    """The bench with Slack's own rules."""
    async with bench() as made:
        yield made
