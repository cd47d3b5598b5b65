"""A desk that is a mailbox: its messages sent, or offered in the thread and marked as sent."""

from __future__ import annotations

import asyncio
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from bot.app import Bot
from bot.desks.writing import desk_file_text
from bot.settings import Settings
from tests.conversation.story import SUPPORT, Story
from tests.conversation.support import Json, Surroundings, shown
from tests.desks.following import line, thread
from tests.desks.mail import MailServer
from tests.support.authority import make_root


def _settings(surroundings: Surroundings, **other: Any) -> Settings:
    table: dict[str, Any] = {
        "kind": "email",
        "to": "desk@matrix42.example",
        "sender": "bot@corp.example",
        **other,
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
    async with Bot(_settings(surroundings, mode="download")):
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


async def test_a_message_is_sent_once_for_each_certificate(
    surroundings: Surroundings, tmp_path: Path
) -> None:
    root = make_root("Example Mail Root")
    (tmp_path / "roots.pem").write_bytes(root.pem)
    story = Story(surroundings)
    async with MailServer([root.leaf("localhost")], tmp_path).running() as server:
        given = {"host": "localhost", "port": server.port, "ca_bundle": f"{tmp_path}/roots.pem"}
        async with Bot(_settings(surroundings, **given)):
            await story.ask()
            await story.request()
            await line(story, "linked the ticket")
            await story.take()
            await story.replace()
            await surroundings.settled()
        first, second = map(_message, server.taken)
    for message, expected in ((first, surroundings.root), (second, story.renewed)):
        (attached,) = message.iter_attachments()
        assert attached.get_content().strip() == expected.pem.strip()
    assert second["Subject"].split() == ["Re:", *first["Subject"].split()]
    assert second["References"] == first["References"]
    assert second["Message-ID"] != first["Message-ID"]
    assert _text(second).startswith("The certificate was exchanged: install the one")
    assert "exchanged" not in _text(first)
    texts = await thread(story)
    assert sum("linked the ticket" in text for text in texts) == 1
    assert not any("⚠️" in text for text in texts)


def _message(content: bytes) -> EmailMessage:
    message = message_from_bytes(content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def _text(message: EmailMessage) -> str:
    body = message.get_body()
    assert body is not None
    return str(body.get_content())
