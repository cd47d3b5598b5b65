"""The conversation of a ticket: what is said and done in Slack goes there, what happens there comes
into the thread."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from bot.desks.base import DeskError, DeskUnreachable, NotAllowed, digest
from bot.requests.courier import Later, Receipt, Undeliverable
from bot.requests.messages import Message as Written
from bot.requests.request import InstallRequest
from bot.requests.states import Action
from bot.store.outbox import Act
from bot.store.tickets import Tickets
from bot.text import visible
from handlers.blocks.tickets import entry_text, file_text, journal_message
from handlers.couriers import slack
from handlers.couriers.attachments import MAX_NAME, holds_key
from handlers.couriers.desks import asking, kept_ticket, place, refused, ticket_of
from handlers.couriers.files import upload
from handlers.parts import Parts

_RELAYED: Final = frozenset(Action)
#: How long nobody polls a ticket whose state is being set, in seconds.
_HOLD: Final = timedelta(seconds=120)


class CommentCourier:
    """``comment`` {"request", "message", "text"} or {"request", "entry"}: what was said or done in
    Slack, as an entry of the ticket that the customer sees."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def deliver(self, act: Act) -> Receipt:
        parts = self._parts
        request, desk = await place(parts, act)
        text = await self._text(request, act)
        if desk is None or not desk.has_journal or not text:
            return {}
        ticket = ticket_of(await kept_ticket(parts, request))
        tickets = Tickets(parts.database)
        # Noted first: a poll must know it for the bot's own whenever it appears.
        async with parts.database.begin() as unit:
            mine = await tickets.note_echo(unit, act.id, request.id, digest(text))
        async with asking(parts, act, undone="An entry was not written to the ticket."):
            if act.maybe_delivered or act.attempts:
                there = (await desk.poll(ticket, {})).entries
                if sum(digest(entry.text) == digest(text) for entry in there) >= mine:
                    return {}
            written = await desk.comment(ticket, text)
        async with parts.database.begin() as unit:
            if written.key:
                await tickets.note_echo(unit, f"{act.id}:key", request.id, f"key:{written.key}")
            await tickets.hurry(unit, request.id, unit.now + timedelta(seconds=desk.pace.first))
        return {"key": written.key}

    async def _text(self, request: InstallRequest, act: Act) -> str:
        if "text" in act.payload:
            return str(act.payload["text"])
        entry = await self._parts.requests.entry(str(act.payload["entry"]))
        if entry is None or entry.what not in _RELAYED:
            return ""
        if entry.what == Action.ANSWER and await self._was_said(request, entry.who, entry.text):
            return ""
        return entry_text(entry)

    async def _was_said(self, request: InstallRequest, who: str, text: str) -> bool:
        """An answer that was written in the thread is a message too, and goes as that."""
        messages: Sequence[Written] = await self._parts.messages.of_request(request.id)
        return any(m.author == who and m.text.strip() == text.strip() for m in messages)


class StateCourier:
    """``state`` {"request", "entry"}: gives the ticket the state that stands for the request's,
    where the desk file names one. Superseded where the request is in another state by now."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def deliver(self, act: Act) -> Receipt:
        parts = self._parts
        request, desk = await place(parts, act)
        entry = await parts.requests.entry(str(act.payload["entry"]))
        if desk is None or not desk.has_journal or entry is None or entry.state != request.state:
            return {}
        ticket = ticket_of(await kept_ticket(parts, request))
        tickets = Tickets(parts.database)
        # A poll that sees the new state before it is known for the bot's own would take it for news.
        async with parts.database.begin() as unit:
            await tickets.hold(unit, request.id, act.id, _HOLD)
        code: str | None = None
        try:
            async with asking(parts, act, undone="The state of the ticket is not changed."):
                found = await desk.set_state(ticket, request.state)
                code = None if found is None else found.code
        finally:
            async with parts.database.begin() as unit:
                due_at = unit.now + timedelta(seconds=desk.pace.first)
                await tickets.note_state(unit, request.id, act.id, code, due_at)
        return {"state": code}


class JournalCourier:
    """``journal`` {"request", …}: writes what happened at the desk into the thread."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def deliver(self, act: Act) -> Receipt:
        parts = self._parts
        request = await parts.requests.get(str(act.payload["request"]))
        if request is None or not request.channel or not request.card_ts:
            raise Undeliverable("The request's card is not posted.")
        written = None
        if identifier := act.payload.get("message"):
            messages = await parts.messages.of_request(request.id)
            written = next((m for m in messages if m.id == identifier), None)
            if written is None:
                return {}
        client = await parts.clients.web(request.team)
        if given := act.payload.get("file"):
            content = await self._content(request, act, given)
            if content is not None:
                file = await upload(
                    client,
                    parts.metrics,
                    act,
                    name=visible(str(given["name"]), MAX_NAME),
                    content=content,
                    comment=file_text(str(given["name"])),
                    channel=request.channel,
                    thread_ts=request.card_ts,
                )
                return {"file": file}
        message = journal_message(request, act.payload, written)
        ts = await slack.post(client, parts.metrics, act, message, request.channel, request.card_ts)
        return {"channel": request.channel, "ts": ts}

    async def _content(self, request: InstallRequest, act: Act, given: Any) -> bytes | None:
        """The file's bytes; None: they cannot be had, or are nothing for Slack."""
        desk = self._parts.desks.of(request.environment) if self._parts.desks else None
        kept = await Tickets(self._parts.database).get(request.id)
        if desk is None or kept is None:
            return None
        try:
            content = await desk.download(ticket_of(kept), str(given["id"]))
        except DeskUnreachable as error:
            maybe = act.maybe_delivered
            raise Later(error.seconds, error.message, maybe_delivered=maybe) from error
        except NotAllowed as error:
            # What follows in the ticket's lane waits as well: somebody must know why.
            maybe = act.maybe_delivered
            raise await refused(self._parts, act, error, maybe_delivered=maybe) from error
        except DeskError:
            return None
        if not content or await asyncio.to_thread(holds_key, str(given["name"]), content):
            return None
        return content
