"""People press a second time, because Slack told them that the first time failed."""

from __future__ import annotations

import asyncio

from bot.app import Bot
from tests.conversation.story import SUPPORT, Story
from tests.conversation.support import Surroundings, shown


async def test_a_file_that_is_chosen_twice_at_once_is_used_once_and_nobody_is_told_off(
    surroundings: Surroundings,
) -> None:
    story = Story(surroundings)
    async with Bot(surroundings.settings()):
        await story.ask()
        await story.request()
        file = await story.rita.upload("renewed.pem", story.renewed.pem)
        await story.rita.reply(story.card, "", files=[file])
        compared = await story.sam.wait_for(
            lambda m: "another certificate of the same key" in shown(m), channel=SUPPORT
        )
        # Both look at the server before either has changed anything.
        surroundings.slow_seconds = 0.5
        presses = [story.sam.click(compared, "file_use") for _ in range(2)]
        assert [answer["ok"] for answer in await asyncio.gather(*presses)] == [True, True]
        await story.sam.wait_for(lambda m: "exchanged the certificate" in shown(m), channel=SUPPORT)
        await surroundings.settled()
        thread = [shown(m) for m in await story.sam.messages(SUPPORT)]
    assert sum("exchanged the certificate" in text for text in thread) == 1
    assert not [text for text in thread if "already" in text]


async def test_a_pem_that_is_asked_for_twice_comes_once(surroundings: Surroundings) -> None:
    story = Story(surroundings)
    async with Bot(surroundings.settings()):
        await story.ask()
        for _ in range(2):
            assert (await story.rita.click(story.report, "report_pem"))["ok"]
        await surroundings.settled()
        thread = await story.rita.messages("#connectors")
    assert sum(bool(message.get("files")) for message in thread) == 1
