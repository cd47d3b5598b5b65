"""Slack's Web API as couriers use it: errors told apart, and a message sent once.

A message carries the id of its act as metadata (ids only: anybody in the workspace can read it).
Before a message is sent again it is looked for by that id.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.requests.courier import Later
from bot.serving.metrics import Metrics
from bot.store.outbox import Act
from handlers.blocks.message import Message
from handlers.couriers.slack_errors import UNREACHABLE, Gone, NoAccess, code_of, told_apart

__all__ = ["Gone", "NoAccess"]

EVENT_TYPE: Final = "whichroot_act"

_MAX_PAGES: Final = 10
#: How far this machine's clock may be from Slack's, which counts from then on.
_WINDOW: Final = timedelta(days=1)


@asynccontextmanager
async def calling(metrics: Metrics) -> AsyncIterator[None]:
    """Turns what the Web API and the network answer into Later or Undeliverable."""
    try:
        yield
    except SlackApiError as error:
        metrics.slack_errors.labels(code_of(error)).inc()
        raise told_apart(error) from error
    except UNREACHABLE as error:
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
