"""Replies that must not be lost: put with the change that causes them, said by their courier."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from slack_bolt.kwargs_injection.async_args import AsyncArgs
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.requests.courier import Receipt
from bot.serving.logs import logger
from bot.store import outbox
from bot.store.database import Unit
from bot.store.lookups import KeptLookup
from bot.store.outbox import Act
from handlers.blocks.elements import section, top_text
from handlers.blocks.markup import Markup, fill
from handlers.blocks.message import Message
from handlers.couriers import slack
from handlers.parts import Parts, team_of


async def say(
    unit: Unit,
    team: str,
    message: Message,
    *,
    channel: str,
    key: str,
    lane: str | None = None,
    thread_ts: str | None = None,
    user: str | None = None,
) -> None:
    """Puts a reply: a statement of fact, which no later change makes wrong. With ``user`` that person
    alone sees it; with ``channel`` empty it is a direct message to ``user``. ``key``: the same
    again says nothing more."""
    payload = {
        "team": team,
        "channel": channel,
        "thread_ts": thread_ts,
        "user": user,
        "text": message.text,
        "blocks": list(message.blocks),
    }
    await outbox.put(unit, lane or f"say:{key}", "say", payload, key=f"say:{key}")


async def settle(unit: Unit, args: AsyncArgs, note: Markup) -> None:
    """Puts ``note`` in the place of the buttons of the message whose button was pressed: whoever sees
    it sees that it was. The first note stays."""
    shown, channel = args.body.get("message") or {}, args.body.get("channel") or {}
    if not shown.get("ts") or not channel.get("id"):
        return
    kept = [block for block in shown.get("blocks") or () if block.get("type") != "actions"]
    payload = {
        "team": team_of(args),
        "channel": str(channel["id"]),
        "ts": str(shown["ts"]),
        "text": top_text(fill("{} {}", Markup(shown.get("text") or ""), note)),
        "blocks": [*kept, section(note)],
    }
    key = f"settle:{payload['team']}:{payload['channel']}:{payload['ts']}"
    await outbox.put(unit, f"say:{key}", "say", payload, key=key)


class SayCourier:
    """``say``: posts what `say` put, or changes what `settle` did."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def deliver(self, act: Act) -> Receipt:
        parts, payload = self._parts, act.payload
        client = await parts.clients.web(str(payload["team"]))
        message = _message(payload)
        if payload.get("ts"):
            await self._change(client, message, str(payload["channel"]), str(payload["ts"]))
            return {}
        channel, user, thread_ts = payload["channel"], payload["user"], payload["thread_ts"]
        if channel and user:
            try:
                await slack.whisper(client, parts.metrics, message, channel, user, thread_ts)
            except slack.NoAccess:
                channel, thread_ts = "", None
            else:
                return {}
        if not channel:
            channel = await slack.direct(client, parts.metrics, str(user))
        ts = await slack.post(client, parts.metrics, act, message, channel, thread_ts)
        return {"channel": channel, "ts": ts}

    async def _change(
        self, client: AsyncWebClient, message: Message, channel: str, ts: str
    ) -> None:
        with contextlib.suppress(slack.Gone):
            await slack.update(client, self._parts.metrics, message, channel, ts)


async def tell_privately(parts: Parts, lookup: KeptLookup, text: Markup) -> None:
    """Tells whoever asked, where they asked, even where the bot may not post. Best effort: what
    matters has been said elsewhere."""
    async with parts.database.begin() as unit:
        url = await parts.lookups.use_response_url(unit, lookup.id)
    if url is None:
        return
    try:
        await AsyncWebhookClient(url).send(
            text=text, blocks=[section(text)], response_type="ephemeral"
        )
    except Exception as error:
        logger.warning("A hint was not delivered.", extra={"error": type(error).__name__})


async def exchange(parts: Parts, lookup: KeptLookup, message: Message | None) -> bool:
    """Puts ``message`` (None: nothing) in the place of what only whoever asked sees and pressed;
    whether Slack let the bot. It does for half an hour."""
    async with parts.database.begin() as unit:
        url = await parts.lookups.use_response_url(unit, lookup.id)
    if url is None:
        return False
    try:
        webhook = AsyncWebhookClient(url)
        if message is None:
            answer = await webhook.send(delete_original=True)
        else:
            answer = await webhook.send(
                text=message.text,
                blocks=list(message.blocks),
                response_type="ephemeral",
                replace_original=True,
            )
    except Exception as error:
        logger.warning("A report was not exchanged.", extra={"error": type(error).__name__})
        return False
    return answer.status_code == 200


def _message(payload: Mapping[str, Any]) -> Message:
    return Message(str(payload["text"]), tuple(payload["blocks"]))
