"""chat.*"""

from __future__ import annotations

from typing import Any

from workspace.activity import Draft
from workspace.conversations import Channel
from workspace.errors import SlackError
from workspace.messages import Message
from workspace.web_api.content import Content
from workspace.web_api.method import Answer, Call, method

_LONGEST_UPDATE = 4000
_LONGEST_MARKDOWN = 12_000
_CONTENT = (
    "channel",
    "text",
    "blocks",
    "attachments",
    "metadata",
    "parse",
    "link_names",
    "as_user",
)
_POSTING = (*_CONTENT, "thread_ts", "icon_emoji", "icon_url", "username")


@method(
    "chat.postMessage",
    scopes=("chat:write",),
    arguments=(
        *_POSTING,
        "mrkdwn",
        "reply_broadcast",
        "unfurl_links",
        "unfurl_media",
        "unfurl_app_links",
        "markdown_text",
    ),
    tier=0,
)
async def post_message(call: Call) -> Answer:
    """Post a message (https://docs.slack.dev/reference/methods/chat.postMessage).

    The channel may be an id, a name, or a user id (the direct message with that user). If the
    message to reply to is gone, Slack posts to the channel, and the answer has no `thread_ts`.
    """
    content = _content(call)
    channel = _destination(call)
    _may_post(call, channel)
    _slow_down(call, channel)
    message = call.services.activity.post(
        channel,
        Draft(
            user=call.installation.bot_user_id,
            bot_id=call.installation.bot_id,
            app_id=call.services.app.id,
            team_id=call.installation.team_id,
            text=content.text,
            blocks=content.blocks,
            attachments=content.attachments,
            metadata=content.metadata,
            thread_ts=call.text("thread_ts"),
            is_broadcast=call.boolean("reply_broadcast"),
        ),
    )
    return {
        "channel": channel.id,
        "ts": message.ts,
        "message": call.services.rendering.message(message, metadata=True, thread=False),
    }


@method(
    "chat.postEphemeral",
    scopes=("chat:write",),
    arguments=(*_POSTING, "user", "markdown_text"),
    tier=4,
)
async def post_ephemeral(call: Call) -> Answer:
    """Show a message to one user (https://docs.slack.dev/reference/methods/chat.postEphemeral); in a
    thread only if that has replies already."""
    content = _content(call)
    channel = _destination(call)
    user = call.required("user")
    _may_post(call, channel)
    if user not in channel.members:
        raise SlackError("user_not_in_channel")
    state = call.services.state
    thread_ts = call.text("thread_ts")
    if thread_ts and not state.messages.replies(channel.id, thread_ts):
        # Slack says yes, but shows it to nobody: the thread has not begun.
        return {"message_ts": state.identifiers.timestamp()}
    message = call.services.activity.post(
        channel,
        Draft(
            user=call.installation.bot_user_id,
            bot_id=call.installation.bot_id,
            app_id=call.services.app.id,
            team_id=call.installation.team_id,
            text=content.text,
            blocks=content.blocks,
            attachments=content.attachments,
            thread_ts=thread_ts,
            ephemeral_to=user,
        ),
    )
    return {"message_ts": message.ts}


@method(
    "chat.update",
    scopes=("chat:write",),
    arguments=(*_CONTENT, "ts", "file_ids", "reply_broadcast", "markdown_text"),
    tier=3,
)
async def update(call: Call) -> Answer:
    """Change a message of the app (https://docs.slack.dev/reference/methods/chat.update)."""
    channel = call.channel()
    message = call.services.state.message(channel.id, call.required("ts"))
    if message.bot_id != call.installation.bot_id:
        raise SlackError("cant_update_message")
    if len(call.text("text")) > _LONGEST_UPDATE:
        raise SlackError("msg_too_long")
    content = _content(call)
    # Without blocks, those before stay only if there is no text; Slack marks a message as edited
    # only then.
    has_blocks = "blocks" in call.arguments or bool(content.blocks)
    has_text = call.given("text")
    call.services.activity.edit(
        message,
        text=content.text if has_text or has_blocks else None,
        blocks=content.blocks if has_text or has_blocks else None,
        attachments=content.attachments if "attachments" in call.arguments else None,
        metadata=content.metadata if "metadata" in call.arguments else None,
        by="" if content.blocks else call.installation.bot_user_id,
    )
    return {
        "channel": channel.id,
        "ts": message.ts,
        "text": message.text,
        "message": call.services.rendering.message(message, metadata=True, thread=False),
    }


@method("chat.delete", scopes=("chat:write",), arguments=("channel", "ts", "as_user"), tier=3)
async def delete(call: Call) -> Answer:
    """Delete a message of the app (https://docs.slack.dev/reference/methods/chat.delete)."""
    channel = call.channel()
    message = call.services.state.message(channel.id, call.required("ts"))
    if message.bot_id != call.installation.bot_id:
        raise SlackError("cant_delete_message")
    call.services.activity.delete(message)
    return {"channel": channel.id, "ts": message.ts}


@method("chat.getPermalink", arguments=("channel", "message_ts"), tier=0)
async def get_permalink(call: Call) -> Answer:
    """A link to a message (https://docs.slack.dev/reference/methods/chat.getPermalink)."""
    channel = call.channel()
    message: Message = call.services.state.message(channel.id, call.required("message_ts"))
    return {"channel": channel.id, "permalink": call.services.rendering.permalink(message)}


def _content(call: Call) -> Content:
    text: str | None = call.text("text")
    blocks: Any = call.json("blocks")
    if call.given("markdown_text"):
        if text or blocks:
            raise SlackError("markdown_text_conflict")
        if len(call.text("markdown_text")) > _LONGEST_MARKDOWN:
            raise SlackError("msg_too_long")
        blocks = [{"type": "markdown", "text": call.text("markdown_text")}]
    return Content.read(text, blocks, call.json("attachments"), call.json("metadata"))


def _destination(call: Call) -> Channel:
    state = call.services.state
    name = call.required("channel")
    if name.startswith(("U", "W")) and name in state.users:
        call.need("chat:write")
        user = state.user_for(call.installation, name)
        return state.direct_message(
            call.installation.team_id, user.id, call.installation.bot_user_id
        )
    if name not in state.channels:
        for channel in state.channels.values():
            if channel.name and channel.name == name.removeprefix("#"):
                return state.channel_for(call.installation, channel.id)
    return state.channel_for(call.installation, name)


def _may_post(call: Call, channel: Channel) -> None:
    if channel.is_archived:
        raise SlackError("is_archived")
    if channel.kind == "im" and not call.services.app.manifest.messages_tab:
        raise SlackError("messages_tab_disabled")
    if call.installation.bot_user_id in channel.members:
        return
    if channel.kind == "channel" and "chat:write.public" in call.installation.scopes:
        return
    raise SlackError("not_in_channel" if channel.kind == "channel" else "channel_not_found")


def _slow_down(call: Call, channel: Channel) -> None:
    wait = call.services.rates.exceeded_in_channel(channel.id)
    if wait:
        raise SlackError("ratelimited", retry_after=wait)
