"""The main lines: commands, messages, buttons, modals, files."""

from __future__ import annotations

from typing import Any

from tests.workspace.bench import Bench


async def test_a_command_is_acknowledged_and_answered_only_to_who_typed_it(
    greeter: Bench,
) -> None:
    @greeter.app.command("/greet")
    async def greet(ack: Any, command: dict[str, Any], respond: Any) -> None:
        await ack(f"Looking for {command['text']} …")
        await respond("Found")

    await greeter.connect()
    rita, sam = greeter.workspace.person("rita"), greeter.workspace.person("sam")
    assert (await rita.command("#connectors", "/greet  dc01.corp.example:636 "))["ok"]
    first = await rita.wait_for(lambda m: "Looking" in m["text"], channel="#connectors")
    assert first["text"] == "Looking for dc01.corp.example:636 …"
    assert first["ephemeral"]
    await rita.wait_for(lambda m: m["text"] == "Found")
    assert not await sam.messages("#connectors")


async def test_a_button_opens_a_modal_that_is_submitted(greeter: Bench) -> None:
    channel = greeter.workspace.channels["connectors"]
    submitted: list[dict[str, Any]] = []

    @greeter.app.action("open")
    async def opening(ack: Any, body: dict[str, Any], client: Any) -> None:
        await ack()
        await client.views_open(
            trigger_id=body["trigger_id"],
            view={
                "type": "modal",
                "callback_id": "form",
                "title": {"type": "plain_text", "text": "Form"},
                "submit": {"type": "plain_text", "text": "Send"},
                "blocks": [
                    {
                        "type": "input",
                        "block_id": "who",
                        "label": {"type": "plain_text", "text": "Who"},
                        "element": {"type": "plain_text_input", "action_id": "text"},
                    }
                ],
            },
        )

    @greeter.app.view("form")
    async def form(ack: Any, view: dict[str, Any]) -> None:
        name = view["state"]["values"]["who"]["text"]["value"]
        if name == "nobody":
            await ack(response_action="errors", errors={"who": "Nobody is not somebody"})
            return
        submitted.append(view)
        await ack()

    await greeter.connect()
    await greeter.client.chat_postMessage(
        channel=channel,
        text="Press",
        blocks=[
            {
                "type": "actions",
                "elements": [
                    {
                        "type": "button",
                        "action_id": "open",
                        "text": {"type": "plain_text", "text": "Open"},
                    }
                ],
            }
        ],
    )
    sam = greeter.workspace.person("sam")
    message = await sam.wait_for(lambda m: m["text"] == "Press")
    assert (await sam.click(message, "open"))["ok"]
    view = await sam.wait_for_view("form")
    assert (await sam.submit(view))["errors"] == {"who": "Please complete this required field."}
    assert (await sam.submit(view, {"who": "nobody"}))["errors"] == {
        "who": "Nobody is not somebody"
    }
    assert (await sam.submit(view, {"who": "Rita"}))["ok"]
    assert submitted[0]["id"] == view["id"]
    assert not (await sam.state())["views"]


async def test_a_file_is_uploaded_and_shared_in_a_thread_a_little_later(greeter: Bench) -> None:
    channel = greeter.workspace.channels["connectors"]
    root = await greeter.client.chat_postMessage(channel=channel, text="Root")
    answer = await greeter.client.files_upload_v2(
        channel=channel, thread_ts=root["ts"], filename="root.pem", content=b"-----BEGIN", title="R"
    )
    assert "shares" not in answer["file"]
    rita = greeter.workspace.person("rita")
    message = await rita.wait_for(lambda m: m.get("files"))
    assert message["thread_ts"] == root["ts"]
    assert await rita.download(message["files"][0]) == b"-----BEGIN"
    info = await greeter.client.files_info(file=answer["file"]["id"])
    assert info["file"]["shares"]["public"][channel][0]["ts"] == message["ts"]
    replies = await greeter.client.conversations_replies(channel=channel, ts=root["ts"])
    assert [item["text"] for item in replies["messages"]] == ["Root", ""]
