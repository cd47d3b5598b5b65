"""Envelopes of Socket Mode that come again, as they do when an acknowledgement is lost."""

from __future__ import annotations

from bot.app import Bot
from tests.conversation.story import Story
from tests.conversation.support import Surroundings, shown


async def test_everything_that_slack_sent_can_come_again(surroundings: Surroundings) -> None:
    story = Story(surroundings)
    transport = surroundings.workspace.services.socket_mode
    async with Bot(surroundings.settings()):
        for step in (story.ask, story.request, story.take, story.ask_the_requester, story.answer):
            await step()
        await surroundings.settled()
        before = [shown(m) for m in (*await story.rita.messages(), *await story.sam.messages())]
        sent = [(e["type"], e["payload"]) for e in await story.rita.log("envelope")]
        assert len({kind for kind, _ in sent}) == 3
        for kind, payload in (*sent, *reversed(sent)):
            answer = await transport.send(kind, payload, seconds=30.0)
            assert not hasattr(answer, "error"), (kind, answer)
        await surroundings.settled()
        after = [shown(m) for m in (*await story.rita.messages(), *await story.sam.messages())]
    # What only whoever pressed sees may be said again; nothing else is.
    new = list(after)
    for text in before:
        new.remove(text)
    assert [text for text in new if not text.startswith(("⏳", "🙏"))] == []
