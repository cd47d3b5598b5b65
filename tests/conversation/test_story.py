"""The whole story: from the command to a certificate that works, whatever happens to the bot."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from bot.app import Bot
from tests.conversation.processes import ForkedBotProcess
from tests.conversation.story import Story
from tests.conversation.support import Surroundings

if TYPE_CHECKING:
    from tests.support.postgresql import PostgreSQL


async def test_the_whole_story(surroundings: Surroundings) -> None:
    async with Bot(surroundings.settings()):
        await _live(Story(surroundings))


async def test_the_bot_is_killed_right_after_it_accepted_each_step(
    surroundings: Surroundings,
) -> None:
    async with ForkedBotProcess(surroundings.environment()) as bot:

        async def kill_and_restart() -> None:
            await bot.restart()
            await surroundings.workspace.wait_connected()

        await _live(Story(surroundings, accepted=kill_and_restart))


async def test_two_replicas_on_postgresql_of_which_one_is_killed_now_and_then(
    surroundings: Surroundings, postgresql: PostgreSQL
) -> None:
    environment = surroundings.environment(DATABASE_URL=postgresql.new_database())
    async with AsyncExitStack() as stack:
        bots = [
            await stack.enter_async_context(ForkedBotProcess(environment)),
            await stack.enter_async_context(ForkedBotProcess(environment)),
        ]
        await surroundings.workspace.wait_connected(2)
        turn = 0

        async def kill_one() -> None:
            nonlocal turn
            turn += 1
            if turn % 4 == 1:
                await bots[turn // 4 % 2].restart()
                await surroundings.workspace.wait_connected(2)

        await _live(Story(surroundings, accepted=kill_one))


async def _live(story: Story) -> None:
    for step in story.steps:
        await step()
    await story.check_that_nothing_came_twice()
