"""The whole story: from the command to a certificate that works."""

from __future__ import annotations

from bot.app import Bot
from tests.conversation.story import Story
from tests.conversation.support import Surroundings


async def test_the_whole_story(surroundings: Surroundings) -> None:
    async with Bot(surroundings.settings()):
        story = Story(surroundings)
        for step in story.steps:
            await step()
