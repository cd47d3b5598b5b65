"""Messages: what people write in a request's thread, files that they drop there, mentions.

Slack delivers an event at least once. Each is counted by its id in the transaction that keeps what
follows from it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from slack_bolt.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import WhichrootError
from bot.pki.errors import explain
from bot.requests.request import InstallRequest
from bot.requests.states import Action, Refused, State, check_role
from bot.store import outbox
from bot.store.database import Unit
from handlers.blocks import files as blocks
from handlers.blocks.markup import fill, unescaped, user
from handlers.couriers.inquiries import put_explanation
from handlers.couriers.tickets import relay
from handlers.keys import refusal_of
from handlers.mentions import answer_mention, asks
from handlers.parts import Parts, settle, team_of, user_of
from handlers.requests import kept_request, refuse
from handlers.saying import say

_MAX_FILES: Final = 5
_MAX_TEXT: Final = 20_000
#: Subtypes of a message that a person wrote.
_WRITTEN: Final = (None, "", "file_share", "thread_broadcast")

#: How long the bot may not know where the card of a request is, although it is posted.
_POSTING: Final = timedelta(minutes=10)


class CardUnknown(WhichrootError):
    """It is not known yet whose thread that is: Slack is to send the event again."""


def register(app: AsyncApp, parts: Parts) -> None:
    """Listens to messages, mentions, and the buttons under a file."""

    async def message(args: AsyncArgs) -> None:
        event = args.event or {}
        subtype = event.get("subtype")
        key = f"event:{args.body.get('event_id')}"
        if subtype == "message_changed":
            await _changed(parts, args, event, key)
        elif subtype == "message_deleted":
            await _deleted(parts, args, event, key)
        elif subtype in _WRITTEN and event.get("user") and not event.get("bot_id"):
            await _written(parts, args, event, key)

    async def mention(args: AsyncArgs) -> None:
        event = args.event or {}
        if event.get("bot_id") or not event.get("user"):
            return
        key = f"event:{args.body.get('event_id')}"
        await _mentioned(parts, args, event, key, await _request_of(parts, args, event))

    async def use(args: AsyncArgs) -> None:
        chosen = json.loads(str((args.action or {}).get("value")))
        try:
            request = await kept_request(parts, args, chosen["request"])
            identifier, name = user_of(args.body)
            actor = await parts.people.actor(args.client, team_of(args), identifier, name)
            check_role(Action.REPLACE, await parts.requests.roles(request, actor))
        except Refused as refusal:
            await refuse(args, refusal)
            return
        payload = {
            "do": "use",
            "request": request.id,
            "file": chosen["file"],
            "user": identifier,
            "name": name,
        }
        key = f"use:{args.body.get('trigger_id')}"
        async with parts.database.begin() as unit:
            await outbox.put(unit, f"say:{key}", "lookup", payload, key=key)
        await args.ack()
        note = fill("{} chose this; I check it once more.", user(identifier))
        await parts.in_background(settle(args, note), "a file's buttons")

    async def ignore(args: AsyncArgs) -> None:
        identifier, _ = user_of(args.body)
        await args.ack()
        note = fill("{} set this file aside.", user(identifier))
        await parts.in_background(settle(args, note), "a file's buttons")

    app.event("message")(parts.listening("event", message))
    app.event("app_mention")(parts.listening("event", mention))
    app.action(blocks.USE)(parts.listening("action", use))
    app.action(blocks.IGNORE)(parts.listening("action", ignore))


async def _written(parts: Parts, args: AsyncArgs, event: Mapping[str, Any], key: str) -> None:
    team = team_of(args)
    if event.get("channel_type") == "im":
        await _mentioned(parts, args, event, key, None)
        return
    request = await _request_of(parts, args, event)
    if request is None:
        return
    text = unescaped(str(event.get("text") or ""))[:_MAX_TEXT]
    refusal = await asyncio.to_thread(refusal_of, text)
    if refusal:
        await _refuse_key(parts, args.client, event, team, refusal, key)
        return
    is_mention = _is_mention(args, event)
    is_asked = is_mention and asks(event)
    if is_asked and not event.get("files"):
        return
    if is_mention and not is_asked and not event.get("files") and not is_error(text):
        # It is talk, and yet whoever wrote it may wait for an answer.
        await answer_mention(parts, team, event, key, request)
    writer = str(event["user"])
    name = await parts.people.name(args.client, team, writer)
    actor = await parts.people.actor(args.client, team, writer, name)
    files = [file for file in event.get("files") or () if file.get("id")][:_MAX_FILES]
    async with parts.database.begin() as unit:
        added = await parts.messages.add(
            unit,
            request.id,
            source="slack",
            source_id=_source_id(team, event["channel"], event["ts"]),
            author=writer,
            author_name=name,
            text=text,
            files=[{"id": file["id"], "name": str(file.get("name") or "")} for file in files],
        )
        if added is None:
            return
        await relay(parts, unit, request, added)
        if request.state is State.WAITING and text and not files and writer == request.requester:
            # Somebody else may have been quicker: then it is talk, and kept as that.
            with contextlib.suppress(Refused):
                await parts.requests.act(
                    request.id, Action.ANSWER, actor, text=text, key=key, unit=unit
                )
        spoken = "" if is_asked else text
        await _look_at(unit, request, spoken, [str(file["id"]) for file in files], key)


async def _mentioned(
    parts: Parts,
    args: AsyncArgs,
    event: Mapping[str, Any],
    key: str,
    request: InstallRequest | None,
) -> None:
    """Answers a mention. In a request's thread it is a message of the thread as well: keys, files
    and errors in it are looked at there."""
    text = unescaped(str(event.get("text") or ""))[:_MAX_TEXT]
    refusal = await asyncio.to_thread(refusal_of, text)
    if refusal and request is None:
        await _refuse_key(parts, args.client, event, team_of(args), refusal, key)
    if refusal:
        return
    if request and not asks(event):
        return
    await answer_mention(parts, team_of(args), event, key, request)


async def _look_at(
    unit: Unit, request: InstallRequest, text: str, files: list[str], key: str
) -> None:
    for file in files:
        payload = {"do": "file", "request": request.id, "file": file}
        await outbox.put(unit, f"file:{key}:{file}", "lookup", payload, key=f"file:{key}:{file}")
    if is_error(text):
        await put_explanation(unit, request, text, key=key)


def is_error(text: str) -> bool:
    """Whether a message is, or holds, the text of an error and not talk about one."""
    if len(text) < 20:
        return False
    found = explain(text)
    return found.is_recognised and ("Exception" in text or ":" in text or len(found.also) > 0)


async def _refuse_key(
    parts: Parts,
    client: AsyncWebClient,
    event: Mapping[str, Any],
    team: str,
    refusal: str,
    key: str,
) -> None:
    try:
        await client.chat_delete(channel=str(event["channel"]), ts=str(event["ts"]))
        deleted = True
    except SlackApiError:
        deleted = False
    message = blocks.private_key_message(refusal, deleted, in_text=True)
    async with parts.database.begin() as unit:
        await say(
            unit,
            team,
            message,
            channel=str(event["channel"]),
            thread_ts=str(event.get("thread_ts") or event["ts"]),
            key=f"key:{key}",
        )


async def _changed(parts: Parts, args: AsyncArgs, event: Mapping[str, Any], key: str) -> None:
    message = event.get("message") or {}
    if message.get("bot_id") or not message.get("user"):
        return
    place = {"channel": event["channel"], **message}
    team = team_of(args)
    request = await _request_of(parts, args, place)
    if request is None:
        return
    text = unescaped(str(message.get("text") or ""))[:_MAX_TEXT]
    refusal = await asyncio.to_thread(refusal_of, text)
    if refusal:
        await _refuse_key(parts, args.client, place, team, refusal, key)
        return
    async with parts.database.begin() as unit:
        source_id = _source_id(team, event["channel"], message["ts"])
        edited = await parts.messages.edit(unit, "slack", source_id, text)
        await relay(parts, unit, request, edited)
        if edited and is_error(text):
            await put_explanation(unit, request, text, key=key)


async def _deleted(parts: Parts, args: AsyncArgs, event: Mapping[str, Any], key: str) -> None:
    previous = event.get("previous_message") or {}
    team = team_of(args)
    request = await _request_of(parts, args, {"channel": event["channel"], **previous})
    if request is None:
        return
    async with parts.database.begin() as unit:
        source_id = _source_id(team, event["channel"], str(event["deleted_ts"]))
        await parts.messages.delete(unit, "slack", source_id)


async def _request_of(
    parts: Parts, args: AsyncArgs, event: Mapping[str, Any]
) -> InstallRequest | None:
    """The request whose thread that is. Raises CardUnknown."""
    thread, team = event.get("thread_ts"), team_of(args)
    if not thread:
        return None
    request = await parts.requests.find_by_thread(str(event["channel"]), str(thread))
    if request:
        return request if request.team == team else None
    if event.get("parent_user_id", args.context.bot_user_id) == args.context.bot_user_id:
        since = datetime.now(UTC) - _POSTING
        for found in await parts.requests.open(team):
            if found.card_ts is None and found.created_at > since:
                raise CardUnknown("A card is being posted, and it may be this one.")
    return None


def _is_mention(args: AsyncArgs, event: Mapping[str, Any]) -> bool:
    """Slack sends a mention as an event of its own too, which is answered there."""
    return f"<@{args.context.bot_user_id}>" in str(event.get("text") or "")


def _source_id(team: str, channel: object, ts: object) -> str:
    return f"{team}:{channel}:{ts}"
