"""Slack's Web API as couriers use it: errors told apart, and a message sent once.

A message carries the id of its act as metadata (ids only: anybody in the workspace can read it).
Before a message is sent again it is looked for by that id.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.requests.delivery import Later, Undeliverable
from bot.serving.metrics import Metrics
from bot.store.outbox import Act
from handlers.blocks.message import Message

EVENT_TYPE: Final = "whichroot_act"

#: Errors that pass by themselves.
_TRANSIENT: Final = frozenset(
    {
        "ratelimited",
        "rate_limited",
        "internal_error",
        "fatal_error",
        "service_unavailable",
        "request_timeout",
        "team_added_to_org",
        "access_limited",
    }
)
_SENTENCES: Final = {
    "channel_not_found": "I cannot see this channel: invite me there with /invite @whichroot.",
    "not_in_channel": "I am not a member of this channel: invite me there with /invite @whichroot.",
    "is_archived": "The channel is archived.",
    "restricted_action": "A rule of the workspace keeps me from posting in this channel.",
    "restricted_action_read_only_channel": "The channel is read-only for me.",
    "restricted_action_thread_only_channel": "Only threads are allowed in this channel.",
    "user_not_found": "Slack does not know this person.",
    "user_not_in_channel": "The person is not in this channel.",
    "cannot_dm_bot": "A bot cannot be written to.",
    "user_disabled": "The person's account is no longer active.",
    "message_not_found": "The message is gone.",
    "thread_not_found": "The thread is gone.",
    "cant_update_message": "The message cannot be changed any more.",
    "edit_window_closed": "The message is too old to be changed.",
    "missing_scope": "The app lacks a permission: install it again with the current manifest.",
    "token_revoked": "The app was removed from the workspace.",
    "account_inactive": "The app was removed from the workspace.",
    "invalid_auth": "Slack does not accept the bot's token.",
    "not_authed": "Slack does not accept the bot's token.",
}
#: Errors that say that the bot may not be where it was to post.
NO_ACCESS: Final = frozenset({"channel_not_found", "not_in_channel", "is_archived"})
_MAX_PAGES: Final = 10
_WINDOW: Final = timedelta(minutes=2)


class NoAccess(Undeliverable):
    """The bot may not post there."""


class Gone(Undeliverable):
    """The message that was to be changed is not there any more."""


@asynccontextmanager
async def calling(metrics: Metrics) -> AsyncIterator[None]:
    """Turns what the Web API and the network answer into Later or Undeliverable."""
    try:
        yield
    except SlackApiError as error:
        raise _told_apart(error, metrics) from error
    except (aiohttp.ClientError, SlackClientError, TimeoutError, OSError) as error:
        metrics.slack_errors.labels("network").inc()
        raise Later(None, f"Slack cannot be reached ({type(error).__name__}).") from error


@asynccontextmanager
async def already_sent() -> AsyncIterator[None]:
    """Around what follows something that Slack has taken: where that has to wait, the next attempt
    looks first for what is there."""
    try:
        yield
    except Later as later:
        raise Later(later.seconds, later.message) from later


def _told_apart(error: SlackApiError, metrics: Metrics) -> Later | Undeliverable:
    response = error.response
    data = response.data if isinstance(response.data, dict) else {}
    code = str(data.get("error") or f"http_{response.status_code}")
    metrics.slack_errors.labels(code).inc()
    if response.status_code == 429:
        wait = response.headers.get("Retry-After", "1")
        seconds = float(wait) if wait.isdecimal() else 1.0
        return Later(seconds, "Slack asks to wait.", maybe_delivered=False)
    if response.status_code >= 500 or code in _TRANSIENT or not data:
        return Later(None, f"Slack is unwell ({code}).")
    sentence = _SENTENCES.get(code, f"Slack refuses this ({code}).")
    if code in NO_ACCESS:
        return NoAccess(sentence)
    if code in ("message_not_found", "cant_update_message", "edit_window_closed"):
        return Gone(sentence)
    return Undeliverable(sentence)


async def post(
    client: AsyncWebClient,
    metrics: Metrics,
    act: Act,
    message: Message,
    channel: str,
    thread_ts: str | None = None,
) -> str:
    """Posts once for the reader, and gives the ts."""
    async with calling(metrics):
        if act.maybe_delivered:
            found = await find(client, act, channel, thread_ts)
            if found:
                return found
        answer = await client.chat_postMessage(
            channel=channel,
            thread_ts=thread_ts,
            text=message.text,
            blocks=list(message.blocks) or None,
            metadata={"event_type": EVENT_TYPE, "event_payload": {"act": act.id}},
            unfurl_links=False,
            unfurl_media=False,
            parse="none",
        )
        return str(answer["ts"])


async def update(
    client: AsyncWebClient, metrics: Metrics, message: Message, channel: str, ts: str
) -> None:
    """Changes a message to what it now is; doing so twice changes nothing."""
    async with calling(metrics):
        await client.chat_update(
            channel=channel, ts=ts, text=message.text, blocks=list(message.blocks), parse="none"
        )


async def whisper(
    client: AsyncWebClient,
    metrics: Metrics,
    message: Message,
    channel: str,
    user: str,
    thread_ts: str | None = None,
) -> None:
    """Shows something to one person in a channel. Slack keeps nothing of it, so an attempt that was
    interrupted is made again."""
    async with calling(metrics):
        await client.chat_postEphemeral(
            channel=channel,
            user=user,
            thread_ts=thread_ts,
            text=message.text,
            blocks=list(message.blocks) or None,
        )


async def direct(client: AsyncWebClient, metrics: Metrics, user: str) -> str:
    """The conversation between the bot and ``user``."""
    async with calling(metrics):
        answer = await client.conversations_open(users=user)
        return str(answer["channel"]["id"])


async def find(client: AsyncWebClient, act: Act, channel: str, thread_ts: str | None) -> str | None:
    """The ts of the message that carries this act's id, if there is one."""
    async for message in history(client, act, channel, thread_ts):
        metadata = message.get("metadata") or {}
        payload = metadata.get("event_payload") or {}
        if metadata.get("event_type") == EVENT_TYPE and payload.get("act") == act.id:
            return str(message["ts"])
    return None


async def history(
    client: AsyncWebClient, act: Act, channel: str, thread_ts: str | None
) -> AsyncIterator[Mapping[str, Any]]:
    """The messages since the act was put, in the channel or in the thread."""
    oldest = f"{(act.created_at - _WINDOW).timestamp():.6f}"
    cursor = ""
    for _ in range(_MAX_PAGES):
        if thread_ts:
            answer = await client.conversations_replies(
                channel=channel,
                ts=thread_ts,
                oldest=oldest,
                limit=200,
                cursor=cursor,
                include_all_metadata=True,
            )
        else:
            answer = await client.conversations_history(
                channel=channel,
                oldest=oldest,
                limit=200,
                cursor=cursor,
                include_all_metadata=True,
            )
        for message in answer.get("messages") or ():
            yield message
        cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
        if not cursor:
            return
