"""Two people do something at once."""

from __future__ import annotations

import asyncio
import sqlite3

import pytest

from bot.app import Bot
from tests.conversation.story import SUPPORT
from tests.conversation.support import Surroundings, shown
from tests.hostile.acting import open_request


async def test_an_answer_that_comes_after_the_installation_is_kept_as_talk(
    surroundings: Surroundings, caplog: pytest.LogCaptureFixture
) -> None:
    rita, sam = (surroundings.workspace.person(name) for name in ("rita", "sam"))
    async with Bot(surroundings.settings()):
        await open_request(rita, surroundings.host)
        card = await sam.wait_for(lambda m: "waiting for support" in shown(m), channel=SUPPORT)
        await sam.wait_for(lambda m: "asked for this" in shown(m), channel=SUPPORT)
        assert (await sam.click(card, "request_take"))["ok"]
        assert (await sam.click(card, "request_ask"))["ok"]
        view = await sam.wait_for_view("request_words")
        assert (await sam.submit(view, {"words": "Which connector?"}))["ok"]
        question = await sam.wait_for(
            lambda m: "Which connector?" in shown(m) and "request_answer" in str(m), channel=SUPPORT
        )
        # The answer is on its way while somebody installs.
        await sam.fault(kind="latency", method="users.info", seconds=2)
        answering = asyncio.create_task(rita.reply(card, "The one in Berlin."))
        await asyncio.sleep(0.5)
        assert (await sam.click(card, "request_install"))["ok"]
        await answering
        await asyncio.sleep(3)
        await rita.click(question, "request_answer")
        await rita.wait_for(lambda m: "waits for no answer" in shown(m), channel=SUPPORT)
    kept = "".join(
        str(row[0])
        for file in surroundings.folder.rglob("*.db")
        for row in sqlite3.connect(file).execute("SELECT text FROM messages")
    )
    said = [shown(m) for m in await sam.messages(SUPPORT)]
    assert not any("answered" in text for text in said), "it came before the installation"
    assert "A listener was stopped." not in caplog.text
    assert "The one in Berlin." in kept
