"""Two people do something at once."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing

import pytest

from bot.app import Bot
from tests.conversation.story import SUPPORT
from tests.conversation.support import Json, Surroundings, shown
from tests.hostile.acting import open_request


async def _acknowledged(happenings: asyncio.Queue[Json], text: str) -> None:
    """Waits until the bot has acknowledged the event of the message with that text."""
    sent = set()
    async with asyncio.timeout(120):
        while True:
            entry = (await happenings.get()).get("entry") or {}
            if entry.get("kind") == "envelope" and text in str(entry["payload"]):
                sent.add(entry["envelope_id"])
            if entry.get("kind") == "acknowledgement" and entry["envelope_id"] in sent:
                return


def _kept(surroundings: Surroundings) -> list[str]:
    """The messages of people that the bot has kept."""
    with closing(sqlite3.connect(surroundings.folder / "whichroot.db")) as connection:
        return [str(text) for (text,) in connection.execute("SELECT text FROM messages")]


async def test_an_answer_that_comes_after_the_installation_is_kept_as_talk(
    surroundings: Surroundings, caplog: pytest.LogCaptureFixture
) -> None:
    rita, sam = (surroundings.workspace.person(name) for name in ("rita", "sam"))
    async with Bot(surroundings.settings()):
        # The bot does not learn Rita's name yet.
        await sam.fault(kind="error", method="users.info", code="internal_error", count=None)
        await open_request(rita, surroundings.host)
        card = await sam.wait_for(lambda m: "waiting for support" in shown(m), channel=SUPPORT)
        await sam.wait_for(lambda m: "asked for this" in shown(m), channel=SUPPORT)
        await sam.fault(clear=True)
        assert (await sam.click(card, "request_take"))["ok"]
        assert (await sam.click(card, "request_ask"))["ok"]
        view = await sam.wait_for_view("request_words")
        assert (await sam.submit(view, {"words": "Which connector?"}))["ok"]
        question = await sam.wait_for(
            lambda m: "Which connector?" in shown(m) and "request_answer" in str(m), channel=SUPPORT
        )
    # A bot that has just begun knows nobody's name yet.
    async with Bot(surroundings.settings()):
        assert (await sam.click(card, "request_details"))["ok"]
        # The answer is on its way while somebody installs: the bot asks Slack who wrote it, and
        # Slack takes its time.
        await sam.fault(kind="latency", method="users.info", seconds=8)
        async with surroundings.workspace.services.feed.watch() as happenings:
            await rita.reply(card, "The one in Berlin.")
            async with asyncio.timeout(120):
                # Else it is Sam's name that Slack takes its time for.
                while surroundings.workspace.services.faults.listed():  # noqa: ASYNC110  no event tells
                    await asyncio.sleep(0.01)
            assert (await sam.click(card, "request_install"))["ok"]
            await sam.wait_for(
                lambda m: m["ts"] == card["ts"] and "to be confirmed" in shown(m), channel=SUPPORT
            )
            assert "The one in Berlin." not in _kept(surroundings), "it came too early"
            await _acknowledged(happenings, "The one in Berlin.")
        async with asyncio.timeout(120):
            while "The one in Berlin." not in _kept(surroundings):  # noqa: ASYNC110  no event tells
                await asyncio.sleep(0.05)
        await surroundings.settled()
        # The question has no button any more; whoever still sees one is told.
        shown_now = await sam.wait_for(lambda m: m["ts"] == question["ts"], channel=SUPPORT)
        assert "request_answer" not in str(shown_now)
        said = [shown(m) for m in await sam.messages(SUPPORT)]
    assert not any("answered" in text for text in said)
    assert "A listener was stopped." not in caplog.text
