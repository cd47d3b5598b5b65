"""Buttons that go when they are done with, files in direct messages, tables and whispers that are
looked at again, and how soon somebody is no longer of the support staff."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from bot.app import Bot
from tests.conversation.story import SUPPORT
from tests.conversation.support import HOST, Json, Surroundings, shown
from tests.hostile.acting import open_request
from tests.support.ports import free_port
from tests.support.servers import tls_server
from workspace import Person


async def test_a_question_loses_its_buttons_wherever_it_is_shown(
    surroundings: Surroundings,
) -> None:
    rita, sam = (surroundings.workspace.person(name) for name in ("rita", "sam"))
    async with Bot(surroundings.settings()):
        await open_request(rita, surroundings.host)
        card = await _card(sam)
        await sam.click(card, "request_ask")
        view = await sam.wait_for_view("request_words")
        await sam.submit(view, {"words": "Which connector?"})
        asking = await rita.until(_where("request_answer", 4), what="question in four places")
        # The card, the thread, the direct message and the thread where Rita began.
        assert len(asking) == 4
        await rita.reply(card, "The one in Berlin.")
        await rita.until(_where("request_answer", 0, done=True), what="end of the question")
        await sam.click(card, "request_install")
        await rita.until(_where("request_verify", 4), what="four more questions")
        assert (await rita.click(card, "request_verify"))["ok"]
        await rita.until(_where("request_verify", 0, done=True), what="end of these")
        texts = [shown(m) for m in await rita.messages()]
    assert sum("Which connector?" in text for text in texts) == 3, "the question itself stays"


async def test_files_are_read_in_direct_messages_and_those_left_out_are_named(
    surroundings: Surroundings,
) -> None:
    rita, sam = (surroundings.workspace.person(name) for name in ("rita", "sam"))
    async with Bot(surroundings.settings()):
        pem = surroundings.root.pem
        sent = await rita.say("@app", "", files=[await rita.upload("root.pem", pem)])
        await _reply(rita, sent, "root.pem", "CN=Corp Root CA")
        key = await rita.upload("key.pem", surroundings.leaf.key_pem)
        sent = await rita.say("@app", "What is this?", files=[key])
        await _reply(rita, sent, "This file holds a private key")
        replies = [shown(m) for m in await rita.messages("@app") if m.get("bot_id")]
        assert len(replies) == 2, replies
        many = [await rita.upload(f"{number}.pem", pem) for number in range(7)]
        sent = await rita.say("#connectors", "@whichroot", files=many)
        await _reply(rita, sent, "Left out", "5.pem", "6.pem")
        await _reply(rita, sent, "4.pem", "CN=Corp Root CA")
        await open_request(rita, surroundings.host)
        card = await _card(sam)
        many = [await rita.upload(f"{number}.pem", pem) for number in range(6)]
        await rita.reply(card, "All of these?", files=many)
        # There Slack tells no names: the channel is shared with another company.
        await _reply(sam, card, "Left out: the last one.")
        message = await rita.say(
            "#connectors", "", files=[await rita.upload(f"{n}.pem", pem) for n in range(6)]
        )
        await rita.shortcut("analyse_certificate", message)
        await rita.wait_for_view(lambda v: "Left out" in shown(v) and "4.pem" in shown(v))


async def test_what_is_checked_again_takes_the_place_of_what_was_shown(
    surroundings: Surroundings,
) -> None:
    rita = surroundings.workspace.person("rita")
    port = free_port()
    lost = f"{HOST}:{port}"
    async with Bot(surroundings.settings()):
        await rita.command("#connectors", f"/cert {surroundings.host} {lost}")
        table = await rita.wait_for(lambda m: "1 of 2 servers have" in shown(m))
        await surroundings.settled()
        report = await rita.wait_for(
            lambda m: m.get("thread_ts") == table["ts"] and "Cannot reach" in shown(m)
        )
        async with tls_server([surroundings.leaf, surroundings.issuing], port=port):
            assert (await rita.click(report, "report_again"))["ok"]
            await rita.wait_for(lambda m: m["ts"] == table["ts"] and "2 of 2 servers" in shown(m))
        # Once more, from the report that took the first one's place.
        assert (await rita.click(report, "report_again"))["ok"]
        await rita.wait_for(lambda m: m["ts"] == table["ts"] and "1 of 2 servers" in shown(m))
        # A report that only Rita sees is exchanged as well.
        await rita.command("#connectors", f"/cert {lost}")
        whisper = await rita.wait_for(lambda m: m["ephemeral"] and "Cannot reach" in shown(m))
        assert (await rita.click(whisper, "report_again"))["ok"]
        await surroundings.settled()
        whispers = [
            m for m in await rita.messages() if m["ephemeral"] and "Cannot reach" in shown(m)
        ]
        assert [m["ts"] for m in whispers] == [whisper["ts"]]
        async with tls_server([surroundings.leaf, surroundings.issuing], port=port):
            assert (await rita.click(whisper, "report_again"))["ok"]
            await rita.wait_for(
                lambda m: lost in shown(m) and "Request the root" in shown(m) and not m["ephemeral"]
            )
            await surroundings.settled()
        gone = [m for m in await rita.messages() if m["ephemeral"] and "Cannot reach" in shown(m)]
    assert gone == []


async def test_who_leaves_the_support_staff_can_do_nothing_more_two_seconds_later(
    surroundings: Surroundings,
) -> None:
    rita, sam = (surroundings.workspace.person(name) for name in ("rita", "sam"))
    group = surroundings.workspace.services.state.groups[
        surroundings.workspace.groups["matrix42-support"]
    ]
    async with Bot(surroundings.settings()):
        await open_request(rita, surroundings.host)
        card = await _card(sam)
        assert (await sam.click(card, "request_take"))["ok"]
        await sam.wait_for(lambda m: "being worked on" in shown(m), channel=SUPPORT)
        group.members.remove(sam.id)
        # The bot knows for two seconds who is of the group; a busy machine needs some more.
        left = time.monotonic()
        while not any("🙏 Only" in m["text"] for m in await sam.messages() if m["ephemeral"]):
            await sam.click(card, "request_ask")
            for view in (await sam.state())["views"]:
                await sam.close_view(view)
            assert time.monotonic() - left < 30


async def _card(person: Person) -> Json:
    """The card of the request, once the bot knows whose thread that is."""
    await person.wait_for(lambda m: "asked for this" in shown(m), channel=SUPPORT)
    return await person.wait_for(lambda m: "waiting for support" in shown(m), channel=SUPPORT)


def _where(action_id: str, count: int, *, done: bool = False) -> Callable[[Json], Any]:
    def wanted(state: Json) -> list[Json] | bool:
        found = [
            message
            for channel in state["channels"]
            for message in channel["messages"]
            if f"'{action_id}'" in str(message.get("blocks"))
        ]
        return not found if done else found if len(found) >= count else []

    return wanted


async def _reply(person: Person, message: Json, *texts: str) -> Json:
    return await person.wait_for(
        lambda m: (
            m.get("thread_ts") == message["ts"]
            and bool(m.get("bot_id"))
            and all(text in shown(m) for text in texts)
        )
    )
