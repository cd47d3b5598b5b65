"""A small real Bolt app that shows the page every kind of block and modal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from workspace import Workspace

MANIFEST: dict[str, Any] = {
    "display_information": {"name": "Sampler"},
    "features": {
        "app_home": {"home_tab_enabled": True, "messages_tab_enabled": True},
        "bot_user": {"display_name": "sampler"},
        "slash_commands": [
            {
                "command": "/sample",
                "description": "Shows a block of every kind",
                "usage_hint": "blocks | modal | silent | many <count>",
            },
            {"command": "/simple", "description": "Answers"},
        ],
        "shortcuts": [
            {
                "name": "Look at this message",
                "type": "message",
                "callback_id": "look",
                "description": "Says what the message says",
            }
        ],
    },
    "oauth_config": {
        "scopes": {
            "bot": [
                "app_mentions:read",
                "channels:history",
                "chat:write",
                "commands",
                "files:read",
                "files:write",
                "im:history",
            ]
        }
    },
    "settings": {
        "event_subscriptions": {"bot_events": ["app_home_opened", "app_mention"]},
        "interactivity": {"is_enabled": True},
        "socket_mode_enabled": True,
    },
}

LONG_NAME = "CN=" + "a-very-long-common-name-without-any-break-" * 6 + ",O=Example"
PLACES = ({"line": "/sample blocks", "shows": "Every kind of block."},)


def text(content: str, kind: str = "mrkdwn") -> dict[str, str]:
    """A text object."""
    return {"type": kind, "text": content}


def option(name: str) -> dict[str, Any]:
    """An option whose value is its text."""
    return {"text": text(name, "plain_text"), "value": name}


def button(name: str, action: str, **more: Any) -> dict[str, Any]:
    """A button."""
    return {
        "type": "button",
        "text": text(name, "plain_text"),
        "action_id": action,
        "value": name,
        **more,
    }


def blocks(user: str) -> list[dict[str, Any]]:
    """A block of every kind that messages may have."""
    confirm = {
        "title": text("Delete it?", "plain_text"),
        "text": text("It is *gone* then."),
        "confirm": text("Delete", "plain_text"),
        "deny": text("Keep", "plain_text"),
        "style": "danger",
    }
    return [
        {"type": "header", "text": text("A header &amp; more :tada:", "plain_text")},
        {
            "type": "section",
            "block_id": "marks",
            "text": text(
                "*bold* _italic_ ~struck~ `code &lt;b&gt;` a_b_c 2*3*4 "
                f"<https://example.com/|a link> <@{user}> &lt;!channel&gt; &lt;script&gt;\n"
                "> quoted\n> again\n```pre *not bold*\n  kept```after"
            ),
        },
        {
            "type": "section",
            "text": text("With a button beside it"),
            "accessory": button("Press", "press"),
        },
        {"type": "section", "text": text(LONG_NAME)},
        {
            "type": "section",
            "fields": [
                text("*State*\nopen"),
                text("*Taken by*\nnobody"),
                text("*Root*\nCorp Root"),
            ],
        },
        {"type": "divider"},
        {"type": "context", "elements": [text("Small words with `code`")]},
        {
            "type": "actions",
            "block_id": "actions",
            "elements": [
                button("Go", "go", style="primary"),
                button("Delete", "delete", style="danger", confirm=confirm),
                button("Nobody answers", "silent"),
                {
                    "type": "static_select",
                    "action_id": "colour",
                    "placeholder": text("Choose a colour", "plain_text"),
                    "options": [option("red"), option("green")],
                },
                {
                    "type": "users_select",
                    "action_id": "person",
                    "placeholder": text("Choose a person", "plain_text"),
                },
                {"type": "datepicker", "action_id": "day", "initial_date": "2026-11-25"},
                {
                    "type": "overflow",
                    "action_id": "more",
                    "options": [option("first"), option("second")],
                },
            ],
        },
        {
            "type": "actions",
            "elements": [
                {
                    "type": "checkboxes",
                    "action_id": "boxes",
                    "options": [option("one"), option("two")],
                    "initial_options": [option("two")],
                },
                {
                    "type": "radio_buttons",
                    "action_id": "radio",
                    "options": [option("a"), option("b")],
                },
            ],
        },
        {
            "type": "rich_text",
            "elements": [
                {
                    "type": "rich_text_section",
                    "elements": [
                        {"type": "text", "text": "rich ", "style": {"bold": True}},
                        {"type": "emoji", "name": "key"},
                        {"type": "link", "url": "https://example.com/", "text": " link"},
                    ],
                },
                {
                    "type": "rich_text_list",
                    "style": "ordered",
                    "elements": [
                        {
                            "type": "rich_text_section",
                            "elements": [{"type": "text", "text": "one"}],
                        },
                        {
                            "type": "rich_text_section",
                            "elements": [{"type": "text", "text": "two"}],
                        },
                    ],
                },
            ],
        },
        {
            "type": "table",
            "rows": [
                [{"type": "raw_text", "text": "Host"}, {"type": "raw_text", "text": "Days"}],
                [
                    {"type": "raw_text", "text": "dc01.corp.example"},
                    {"type": "raw_text", "text": "90"},
                ],
            ],
            "column_settings": [{"is_wrapped": True}, {"align": "right"}],
        },
        {
            "type": "image",
            "image_url": "https://example.com/a.png",
            "alt_text": "A picture of a tree",
        },
        {
            "type": "input",
            "block_id": "note",
            "dispatch_action": True,
            "optional": True,
            "label": text("A note", "plain_text"),
            "element": {"type": "plain_text_input", "action_id": "note"},
        },
    ]


def modal(**more: Any) -> dict[str, Any]:
    """A modal with an input of every kind."""
    return {
        "type": "modal",
        "callback_id": "form",
        "title": text("A form", "plain_text"),
        "submit": text("Send", "plain_text"),
        "close": text("Cancel", "plain_text"),
        "blocks": [
            {"type": "section", "text": text("*Read this* first.")},
            {
                "type": "input",
                "block_id": "name",
                "label": text("Name", "plain_text"),
                "hint": text("As in the certificate.", "plain_text"),
                "element": {"type": "plain_text_input", "action_id": "name"},
            },
            {
                "type": "input",
                "block_id": "choice",
                "label": text("Option", "plain_text"),
                "element": {
                    "type": "radio_buttons",
                    "action_id": "choice",
                    "options": [
                        option("root") | {"description": text("Recommended.", "plain_text")},
                        option("server"),
                    ],
                    "initial_option": option("root")
                    | {"description": text("Recommended.", "plain_text")},
                },
            },
            {
                "type": "input",
                "block_id": "files",
                "optional": True,
                "label": text("Another certificate", "plain_text"),
                "element": {
                    "type": "file_input",
                    "action_id": "files",
                    "filetypes": ["pem"],
                    "max_files": 1,
                },
            },
            {"type": "actions", "block_id": "inner", "elements": [button("Next page", "next")]},
        ],
        **more,
    }


@dataclass
class Sampler:
    """The running app: `workspace`, and what people `did`: (what, value)."""

    workspace: Workspace
    did: list[tuple[str, Any]] = field(default_factory=list)


@asynccontextmanager
async def sampler(**rules: Any) -> AsyncIterator[Sampler]:
    """The app in a workspace, both running."""
    async with Workspace(MANIFEST, places=PLACES, **rules) as workspace:
        client = AsyncWebClient(token=workspace.bot_token, base_url=workspace.api_url)
        app = AsyncApp(client=client, signing_secret=workspace.signing_secret)
        running = Sampler(workspace)
        _listen(app, running)
        handler = AsyncSocketModeHandler(app, workspace.app_token)
        await handler.connect_async()  # type: ignore[no-untyped-call]
        await workspace.wait_connected()
        try:
            yield running
        finally:
            await handler.close_async()  # type: ignore[no-untyped-call]


def _listen(app: AsyncApp, running: Sampler) -> None:
    did = running.did

    async def command(ack: Any, body: Any, client: Any) -> None:
        word, _, rest = body["text"].partition(" ")
        if word == "silent":
            await asyncio.sleep(30)
        await ack()
        channel = body["channel_id"]
        match word:
            case "blocks":
                user = body["user_id"]
                await client.chat_postMessage(channel=channel, text="Blocks", blocks=blocks(user))
            case "modal":
                await client.views_open(trigger_id=body["trigger_id"], view=modal())
            case "many":
                for number in range(int(rest)):
                    await client.chat_postMessage(channel=channel, text=f"Message {number}")
            case "file":
                await client.files_upload_v2(
                    channel=channel,
                    content="".join(f"line {number}\n" for number in range(20)),
                    filename="root.pem",
                    title="The root",
                    initial_comment="Here it is",
                )
            case _:
                await client.chat_postEphemeral(
                    channel=channel, user=body["user_id"], text=f"You said {rest or word}"
                )

    async def action(ack: Any, body: Any, client: Any) -> None:
        used = body["actions"][0]
        value = next(
            (used[key] for key in used if key == "value" or key.startswith("selected_")), None
        )
        did.append((used["action_id"], value))
        if used["action_id"] == "silent":
            await asyncio.sleep(30)
        await ack()
        if used["action_id"] == "next":
            await client.views_push(
                trigger_id=body["trigger_id"],
                view=modal(title=text("Second page", "plain_text")),
            )
        if used["action_id"] == "go":
            await client.chat_update(
                channel=body["channel"]["id"], ts=body["message"]["ts"], text="Gone on", blocks=[]
            )

    async def submitted(ack: Any, body: Any) -> None:
        values = body["view"]["state"]["values"]
        name = values["name"]["name"]["value"]
        if name == "wrong":
            await ack(response_action="errors", errors={"name": "That is the wrong name."})
            return
        did.append(("form", values))
        await ack()

    async def looked(ack: Any, body: Any, client: Any) -> None:
        await ack()
        await client.chat_postMessage(
            channel=body["channel"]["id"],
            thread_ts=body["message"]["ts"],
            text=f"It says: {body['message']['text']}",
        )

    async def opened(event: Any, client: Any) -> None:
        await client.views_publish(
            user_id=event["user"],
            view={
                "type": "home",
                "blocks": [
                    {"type": "header", "text": text("Welcome home", "plain_text")},
                    {"type": "actions", "elements": [button("At home", "at_home")]},
                ],
            },
        )

    async def mentioned(event: Any, client: Any) -> None:
        await client.chat_postMessage(
            channel=event["channel"],
            thread_ts=event.get("thread_ts") or event["ts"],
            text=f"<@{event['user']}> called",
        )

    app.command("/sample")(command)
    app.command("/simple")(command)
    for name in (
        *("press", "go", "delete", "silent", "colour", "person", "day", "more", "boxes", "radio"),
        *("note", "next", "at_home"),
    ):
        app.action(name)(action)
    app.view("form")(submitted)
    app.shortcut("look")(looked)
    app.event("app_home_opened")(opened)
    app.event("app_mention")(mentioned)
