"""A desk that is a mailbox whose message a person sends: offered in the thread, marked as sent."""

from __future__ import annotations

import asyncio
from email import message_from_bytes, policy
from typing import Any

from bot.app import Bot
from bot.desks.writing import desk_file_text
from bot.settings import Settings
from tests.conversation.story import SUPPORT, Story
from tests.conversation.support import Json, Surroundings, shown
from tests.desks.following import line, thread


def _settings(surroundings: Surroundings) -> Settings:
    table: dict[str, Any] = {
        "kind": "email",
        "mode": "download",
        "to": "desk@matrix42.example",
        "sender": "bot@corp.example",
    }
    path = surroundings.folder / "desk.toml"
    path.write_text(desk_file_text(table))
    return surroundings.settings(desk_file=path)


async def _offered(story: Story, count: int) -> Json:
    """The file of the newest of so many messages."""

    def found(state: Json) -> list[Json]:
        messages = [m for channel in state["channels"] for m in channel["messages"]]
        files = [f for m in messages for f in m.get("files") or ()]
        return [f for f in files if str(f["name"]).endswith(".eml")]

    await story.sam.until(lambda state: len(found(state)) >= count, what="message to the desk")
    return found(await story.sam.state())[-1]


async def test_a_message_is_offered_with_the_pem_and_marked_as_sent_once(
    surroundings: Surroundings,
) -> None:
    story = Story(surroundings)
    async with Bot(_settings(surroundings)):
        await story.ask()
        await story.request()
        file = await _offered(story, 1)
        message = message_from_bytes(await story.sam.download(file), policy=policy.default)
        assert message["To"] == "desk@matrix42.example"
        assert "[cert-req R-" in message["Subject"]
        (attached,) = message.iter_attachments()
        assert attached.get_content().strip() == surroundings.root.pem.strip()
        asked = await line(story, "Send", "desk@matrix42.example")
        both = [story.sam.click(asked, "ticket_sent"), story.rita.click(asked, "ticket_sent")]
        await asyncio.gather(*both)
        await line(story, "linked the ticket")
        await story._card("by e-mail [cert-req R-")
        # What is said goes on in Slack alone.
        await story.rita.reply(story.card, "Is anybody there?")
        await story.take()

        # Another certificate is another message: the first one must not be sent any more.
        await story.replace()
        again = await _offered(story, 2)
        message = message_from_bytes(await story.sam.download(again), policy=policy.default)
        (attached,) = message.iter_attachments()
        assert attached.get_content().strip() == story.renewed.pem.strip()
        await surroundings.settled()
    texts = await thread(story)
    assert sum("linked the ticket" in text for text in texts) == 1
    assert not any("⚠️" in text for text in texts)
    asked = next(m for m in await story.sam.messages(SUPPORT) if m["ts"] == asked["ts"])
    assert "sent it" in shown(asked)
