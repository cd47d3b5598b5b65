"""Messages: what people write in a request's thread, files that they drop there, mentions.

Slack delivers an event at least once. Each is counted by its id in the transaction that keeps what
follows from it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from slack_bolt.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import WhichrootError
from bot.pki.errors import explain
from bot.requests.request import Actor, InstallRequest
from bot.requests.states import Action, Refused, State
from bot.store import outbox
from bot.store.database import Unit
from handlers.blocks import files as blocks
from handlers.blocks.elements import section, top_text
from handlers.blocks.help import error_message
from handlers.blocks.markup import fill, unescaped, user
from handlers.blocks.message import Message
from handlers.couriers.inquiries import put_explanation
from handlers.couriers.reading import put_readings
from handlers.couriers.slack_errors import UNREACHABLE
from handlers.couriers.tickets import relay
from handlers.externals import EXTERNAL, is_external
from handlers.keys import refusal_of, without_passwords
from handlers.mentions import answer_mention, asks, names_servers
from handlers.parts import Parts, noted_value_of, team_of, user_of
from handlers.requests import refuse
from handlers.saying import say, settle
from handlers.uploads import files_of

_MAX_TEXT: Final = 20_000
#: Subtypes of a message that a person wrote.
_WRITTEN: Final = (None, "", "file_share", "thread_broadcast")

#: How long the bot may not know where the card of a request is, although it is posted.
_POSTING: Final = timedelta(minutes=10)
#: How long a message waits for that, and how often it looks, in seconds: Slack sends it again at
#: once, and then only after a minute.
_CARD_SECONDS: Final = 20.0
_LOOK_SECONDS: Final = 0.2


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
            await _deleted(parts, args, event)
        elif subtype in _WRITTEN and event.get("user") and not event.get("bot_id"):
            await _written(parts, args, event, key)

    async def mention(args: AsyncArgs) -> None:
        event = args.event or {}
        if event.get("bot_id") or not event.get("user"):
            return
        key = f"event:{args.body.get('event_id')}"
        await _mentioned(parts, args, event, key, await _request_of(parts, args, event))

    async def use(args: AsyncArgs) -> None:
        chosen = noted_value_of(args, "request", "file")
        identifier, name = user_of(args.body)
        try:
            request = await _replaceable(parts, args, chosen["request"])
        except Refused as refusal:
            await refuse(args, parts.people.sure(team_of(args), refusal))
            return
        payload = {
            "do": "use",
            "request": request.id,
            "file": chosen["file"],
            "user": identifier,
            "name": name,
        }
        key = f"use:{args.body.get('trigger_id')}"
        note = fill("{} chose this; I check it once more.", user(identifier))
        async with parts.database.begin() as unit:
            await outbox.put(unit, f"say:{key}", "lookup", payload, key=key)
            await settle(unit, args, note)
        await args.ack()

    async def ignore(args: AsyncArgs) -> None:
        chosen = noted_value_of(args, "request", "file")
        identifier, _ = user_of(args.body)
        try:
            await _replaceable(parts, args, chosen["request"])
        except Refused as refusal:
            await refuse(args, refusal)
            return
        async with parts.database.begin() as unit:
            await settle(unit, args, fill("{} set this file aside.", user(identifier)))
        await args.ack()

    app.event("message")(parts.listening("event", message))
    app.event("app_mention")(parts.listening("event", mention))
    app.action(blocks.USE)(parts.listening("action", use))
    app.action(blocks.IGNORE)(parts.listening("action", ignore))


async def _replaceable(parts: Parts, args: AsyncArgs, identifier: str) -> InstallRequest:
    """The request, whose certificate whoever pressed may exchange now. Raises Refused."""
    actor = await parts.people.actor(args.client, team_of(args), *user_of(args.body))
    return await parts.requests.check(identifier, Action.REPLACE, actor)


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
    text = without_passwords(text)
    is_mention = _is_mention(args, event)
    is_asked = is_mention and asks(event)
    if is_asked and not event.get("files"):
        return
    if is_mention and not is_asked and not event.get("files") and not is_error(text):
        # It is talk, and yet whoever wrote it may wait for an answer.
        await answer_mention(parts, team, event, key, request)
    writer = str(event["user"])
    name = await parts.people.name(args.client, team, writer)
    # Whoever answers does so as the requester, not as support.
    actor = Actor(team, writer, name)
    files, others = files_of(event)
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
        if others:
            await _say_left_out(unit, team, event, others, key)


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
    if request is None and await _read_files(parts, args, event, key) and not asks(event):
        return
    if names_servers(event) and await is_external(parts, args, str(event["user"])):
        async with parts.database.begin() as unit:
            await say(
                unit,
                team_of(args),
                error_message(EXTERNAL),
                channel=str(event["channel"]),
                thread_ts=_thread_of(event),
                key=f"mention:{key}",
            )
        return
    await answer_mention(parts, team_of(args), event, key, request)


async def _read_files(parts: Parts, args: AsyncArgs, event: Mapping[str, Any], key: str) -> bool:
    """Has the files beside a question read; whether there are any, and nothing else is asked."""
    team, (files, others) = team_of(args), files_of(event)
    if not files:
        return False
    place = {"channel": str(event["channel"]), "thread_ts": _thread_of(event)}
    async with parts.database.begin() as unit:
        ids = [str(file["id"]) for file in files]
        await put_readings(unit, team, ids, user=str(event["user"]), **place, key=key)
        if others:
            await _say_left_out(unit, team, event, others, key)
    return True


async def _say_left_out(
    unit: Unit, team: str, event: Mapping[str, Any], names: list[str], key: str
) -> None:
    text = blocks.left_out(names)
    await say(
        unit,
        team,
        Message(top_text(text), (section(text),)),
        channel=str(event["channel"]),
        thread_ts=_thread_of(event),
        key=f"left out:{key}",
    )


def _thread_of(event: Mapping[str, Any]) -> str:
    return str(event.get("thread_ts") or event["ts"])


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
    except (SlackApiError, *UNREACHABLE):
        deleted = False
    message = blocks.private_key_message(refusal, deleted, in_text=True)
    async with parts.database.begin() as unit:
        await say(
            unit,
            team,
            message,
            channel=str(event["channel"]),
            thread_ts=_thread_of(event),
            key=f"key:{key}",
        )


async def _changed(parts: Parts, args: AsyncArgs, event: Mapping[str, Any], key: str) -> None:
    message = event.get("message") or {}
    if message.get("bot_id") or not message.get("user") or not message.get("ts"):
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
    text = without_passwords(text)
    async with parts.database.begin() as unit:
        source_id = _source_id(team, event["channel"], message["ts"])
        edited = await parts.messages.edit(unit, "slack", source_id, text)
        await relay(parts, unit, request, edited)
        if edited and is_error(text):
            await put_explanation(unit, request, text, key=key)


async def _deleted(parts: Parts, args: AsyncArgs, event: Mapping[str, Any]) -> None:
    previous = event.get("previous_message") or {}
    team, deleted = team_of(args), event.get("deleted_ts")
    request = await _request_of(parts, args, {"channel": event["channel"], **previous})
    if request is None or not deleted:
        return
    async with parts.database.begin() as unit:
        source_id = _source_id(team, event["channel"], str(deleted))
        await parts.messages.delete(unit, "slack", source_id)


async def _request_of(
    parts: Parts, args: AsyncArgs, event: Mapping[str, Any]
) -> InstallRequest | None:
    """The request whose thread that is. Raises CardUnknown."""
    thread, team = event.get("thread_ts"), team_of(args)
    if not thread:
        return None
    ours = args.context.bot_user_id
    is_ours = event.get("parent_user_id", ours) == ours
    place = str(event["channel"]), str(thread)
    request, is_posting = await _look(parts, team, *place, is_ours=is_ours)
    if is_posting and not parts.card_waits.locked():
        async with parts.card_waits:
            until = time.monotonic() + _CARD_SECONDS
            while is_posting and time.monotonic() < until:
                await asyncio.sleep(_LOOK_SECONDS)
                request, is_posting = await _look(parts, team, *place, is_ours=is_ours)
    if is_posting:
        raise CardUnknown("A card is being posted, and it may be this one.")
    return request if request and request.team == team else None


async def _look(
    parts: Parts, team: str, channel: str, thread: str, *, is_ours: bool
) -> tuple[InstallRequest | None, bool]:
    """The request whose thread that is; where there is none, whether there may be one soon."""
    since = datetime.now(UTC) - _POSTING
    # In this order: between the two the card may become known.
    is_posting = is_ours and await parts.requests.is_posting(team, since=since)
    request = await parts.requests.find_by_thread(channel, thread)
    return request, is_posting and request is None


def _is_mention(args: AsyncArgs, event: Mapping[str, Any]) -> bool:
    """Slack sends a mention as an event of its own too, which is answered there."""
    return f"<@{args.context.bot_user_id}>" in str(event.get("text") or "")


def _source_id(team: str, channel: object, ts: object) -> str:
    return f"{team}:{channel}:{ts}"
