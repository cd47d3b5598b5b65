"""Slack fails in the middle of a delivery: what arrived before is not sent again."""

from __future__ import annotations

import asyncio

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.app import Bot
from tests.conversation.story import SUPPORT
from tests.conversation.support import Surroundings, shown
from tests.hostile.acting import open_modal, open_request
from workspace import Rules


async def test_a_rate_limit_after_the_upload_does_not_attach_the_pem_twice(
    surroundings: Surroundings,
) -> None:
    rita, sam = (surroundings.workspace.person(name) for name in ("rita", "sam"))
    async with Bot(surroundings.settings()):
        await sam.fault(kind="ratelimited", method="files.info", seconds=1)
        await open_request(rita, surroundings.host)
        await sam.wait_for(lambda m: "asked for this" in shown(m), channel=SUPPORT)
        files = [f["name"] for m in await sam.messages(SUPPORT) for f in m.get("files") or ()]
    assert len(files) == 1, files


async def test_a_rate_limit_in_the_original_thread_does_not_repeat_the_direct_message(
    surroundings: Surroundings,
) -> None:
    rita, sam = (surroundings.workspace.person(name) for name in ("rita", "sam"))
    async with Bot(surroundings.settings()):
        await open_request(rita, surroundings.host)
        card = await sam.wait_for(lambda m: "waiting for support" in shown(m), channel=SUPPORT)
        await rita.wait_for(lambda m: "posted this" in shown(m), channel="#connectors")
        await sam.wait_for(lambda m: "asked for this" in shown(m), channel=SUPPORT)
        # The card is slow, so that the line behind it comes last: the direct message is the first
        # that is posted, the original thread's the second.
        await sam.fault(kind="latency", method="chat.update", seconds=2.5)
        await sam.fault(kind="ratelimited", method="chat.postMessage", skip=1, seconds=1)
        assert (await sam.click(card, "request_take"))["ok"]
        await rita.wait_for(lambda m: "took this" in shown(m), channel="#connectors")
        told = [m for m in await rita.messages("@app") if "took this" in shown(m)]
        here = [m for m in await rita.messages("#connectors") if "took this" in shown(m)]
    assert len(told) == 1
    assert len(here) == 1


async def test_a_lost_answer_and_a_late_share_do_not_attach_the_pem_twice(
    surroundings: Surroundings,
) -> None:
    rita, sam = (surroundings.workspace.person(name) for name in ("rita", "sam"))
    async with Bot(surroundings.settings()):
        await sam.fault(kind="reset_after", method="files.completeUploadExternal")
        await sam.fault(kind="delay_share", method="*", seconds=3)
        await open_request(rita, surroundings.host)
        await sam.wait_for(lambda m: "asked for this" in shown(m), channel=SUPPORT)
        # By then a file that was on its way would be there as well.
        await asyncio.sleep(3)
        files = [f["name"] for m in await sam.messages(SUPPORT) for f in m.get("files") or ()]
    assert len(files) == 1, files


async def test_a_deleted_card_is_shown_again_in_its_thread(surroundings: Surroundings) -> None:
    rita, sam, bea = (surroundings.workspace.person(name) for name in ("rita", "sam", "bea"))
    async with Bot(surroundings.settings()):
        await open_request(rita, surroundings.host)
        await sam.wait_for(lambda m: "asked for this" in shown(m), channel=SUPPORT)
        card = await sam.wait_for(lambda m: "waiting for support" in shown(m), channel=SUPPORT)
        client = AsyncWebClient(
            surroundings.workspace.bot_token, base_url=surroundings.workspace.api_url
        )
        await client.chat_delete(channel=card["channel"], ts=card["ts"])
        # The same is wanted by somebody else, who joins: the card is to be changed.
        await open_request(bea, surroundings.host)
        await sam.wait_for(lambda m: "follows this request" in shown(m), channel=SUPPORT)
        again = await sam.wait_for(
            lambda m: m["ts"] != card["ts"] and "*Taken by*" in shown(m), channel=SUPPORT
        )
        assert again["thread_ts"] == card["ts"]
        assert (await sam.click(again, "request_take"))["ok"]
        await sam.wait_for(lambda m: "took this" in shown(m), channel=SUPPORT)


# With Slack's own rules it repeats the message at once, and then only after a minute.
@pytest.mark.parametrize("surroundings", [Rules()], indirect=True)
async def test_a_file_that_is_dropped_before_the_bot_knows_its_card_is_read(
    surroundings: Surroundings,
) -> None:
    rita, sam = (surroundings.workspace.person(name) for name in ("rita", "sam"))
    async with Bot(surroundings.settings()):
        file = await sam.upload("root.pem", surroundings.root.pem)
        view = await open_modal(rita, surroundings.host)
        # The card is posted, and the bot does not hear that it is until it looks for it, which takes
        # longer than Slack waits for an acknowledgement.
        await sam.fault(kind="reset_after", method="chat.postMessage")
        await sam.fault(kind="latency", method="conversations.history", seconds=7)
        await rita.submit(view, {"environment": "production"})
        card = await sam.wait_for(lambda m: "waiting for support" in shown(m), channel=SUPPORT)
        await sam.reply(card, "Is it this one?", files=[file])
        await sam.wait_for(lambda m: "exactly what is requested" in shown(m), channel=SUPPORT)


async def test_messages_that_wait_for_a_card_hold_up_no_command(surroundings: Surroundings) -> None:
    rita, sam = (surroundings.workspace.person(name) for name in ("rita", "sam"))
    async with Bot(surroundings.settings()):
        view = await open_modal(rita, surroundings.host)
        await sam.fault(kind="reset_after", method="chat.postMessage")
        await sam.fault(kind="latency", method="conversations.history", seconds=12)
        await rita.submit(view, {"environment": "production"})
        card = await sam.wait_for(lambda m: "waiting for support" in shown(m), channel=SUPPORT)
        # More than are accepted at once.
        for number in range(70):
            await sam.reply(card, f"Message {number}")
        assert (await sam.command("#connectors", "/cert help"))["ok"]


async def test_the_buttons_of_a_file_go_although_slack_fails_at_first(
    surroundings: Surroundings,
) -> None:
    rita, sam = (surroundings.workspace.person(name) for name in ("rita", "sam"))
    async with Bot(surroundings.settings()):
        await open_request(rita, surroundings.host)
        card = await sam.wait_for(lambda m: "waiting for support" in shown(m), channel=SUPPORT)
        file = await sam.upload("server.pem", surroundings.leaf.pem)
        await sam.reply(card, "Or this one?", files=[file])
        reading = await sam.wait_for(
            lambda m: "server.pem" in shown(m) and "Ignore" in shown(m), channel=SUPPORT
        )
        await sam.fault(kind="server_error", method="chat.update")
        await sam.fault(kind="server_error", method="response_url")
        assert (await sam.click(reading, "file_ignore"))["ok"]
        settled = await sam.wait_for(lambda m: "set this file aside" in shown(m), channel=SUPPORT)
    assert settled["ts"] == reading["ts"]
    assert "Ignore" not in shown(settled)


@pytest.mark.parametrize(
    ("code", "told"),
    [("expired_trigger_id", "Slack waited too long"), ("fatal_error", "Something went wrong")],
)
async def test_a_view_that_slack_does_not_open_is_told_without_a_files_path(
    surroundings: Surroundings, code: str, told: str
) -> None:
    rita = surroundings.workspace.person("rita")
    async with Bot(surroundings.settings()):
        assert (await rita.command("#connectors", f"/cert {surroundings.host}"))["ok"]
        report = await rita.wait_for(lambda m: "equest the root" in shown(m) and not m["ephemeral"])
        await rita.fault(kind="error", method="views.open", code=code)
        await rita.click(report, "report_request")
        answer = await rita.wait_for(lambda m: told in shown(m), channel="#connectors")
    assert "/" not in shown(answer), shown(answer)
    assert "incidents.log" not in shown(answer)
