"""Tickets: created once, the PEM attached and compared, and two threads that are one conversation.

Kinds of acts: ``ticket``, ``attachment`` and ``comment`` go to Matrix42, in the lane ``ticket:ID``;
``journal`` brings what happened there into the request's thread, in its lane.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Final

from bot.desks.base import (
    Attachment,
    Desk,
    DeskError,
    DeskUnreachable,
    FileRefused,
    SignInRefused,
    Ticket,
    digest,
    marker_of,
)
from bot.errors import FormatError
from bot.pki.formats import read
from bot.requests.delivery import Courier, Later, Receipt, Undeliverable
from bot.requests.messages import Message as Written
from bot.requests.request import InstallRequest
from bot.requests.states import Action
from bot.store import outbox
from bot.store.database import Unit
from bot.store.outbox import Act
from bot.store.tickets import KeptTicket, Tickets
from bot.text import visible
from handlers.blocks.lines import file_name
from handlers.blocks.tickets import (
    entry_text,
    file_text,
    journal_message,
    ticket_draft,
    written_text,
)
from handlers.couriers import slack
from handlers.couriers.files import download, upload
from handlers.parts import Parts

_MAX_NAME: Final = 100
#: Files that hold keys where they cannot be read.
_KEYSTORES: Final = (".p12", ".pfx", ".jks", ".keystore", ".bcfks", ".key")
_RELAYED: Final = frozenset(Action)


def couriers(parts: Parts) -> Mapping[str, Courier]:
    """The couriers of this module, by kind."""
    return {
        "ticket": TicketCourier(parts),
        "attachment": AttachmentCourier(parts),
        "comment": CommentCourier(parts),
        "journal": JournalCourier(parts),
    }


async def on_delivered(parts: Parts, unit: Unit, act: Act, receipt: Receipt) -> None:
    """What follows from an act for the ticket: a posted card gets one, a PEM is attached to it, a
    change is told there."""
    if parts.desks is None or act.kind not in ("card", "pem", "line", "ticket"):
        return
    request = str(act.payload["request"])
    desk = await _desk(parts, unit, request)
    if desk is None:
        return
    if act.kind == "card" and receipt.get("ts"):
        await _put(unit, "ticket", {"request": request}, key=f"ticket:{request}")
    elif act.kind == "pem" and receipt.get("file"):
        sha256 = list(act.payload["sha256"])
        key = f"attachment:{request}:{receipt['file']}"
        await _put(unit, "attachment", {"request": request, "sha256": sha256}, key=key)
    elif act.kind == "line" and desk.has_journal:
        entry = str(act.payload["entry"])
        await _put(unit, "comment", {"request": request, "entry": entry}, key=f"comment:{entry}")
    elif act.kind == "ticket" and receipt.get("ticket"):
        await _keep_ticket(parts, unit, request, desk, receipt)


async def relay(parts: Parts, unit: Unit, request: InstallRequest, message: Written | None) -> None:
    """A message that somebody wrote or changed in the thread goes to the ticket too."""
    if parts.desks is None or message is None or not (message.text or message.files):
        return
    desk = parts.desks.of(request.environment)
    if desk is None or not desk.has_journal:
        return
    edited = message.edited_at.isoformat() if message.edited_at else ""
    payload = {
        "request": request.id,
        "message": message.id,
        "text": written_text(message),
    }
    await _put(unit, "comment", payload, key=f"comment:{message.id}:{edited}")
    for file in () if edited else message.files:
        found = {"request": request.id, "file": str(file["id"])}
        await _put(unit, "attachment", found, key=f"attachment:{request.id}:{file['id']}")


async def _put(unit: Unit, kind: str, payload: Mapping[str, Any], *, key: str) -> None:
    await outbox.put(unit, f"ticket:{payload['request']}", kind, payload, key=key)


async def _desk(parts: Parts, unit: Unit, request: str) -> Desk | None:
    if parts.desks is None:
        return None
    environment = await Tickets(parts.database).environment(unit, request)
    return parts.desks.of(environment) if environment else None


async def _keep_ticket(
    parts: Parts, unit: Unit, request: str, desk: Desk, receipt: Receipt
) -> None:
    ticket: Mapping[str, Any] = receipt["ticket"]
    due_at = unit.now + timedelta(seconds=desk.pace.first) if desk.has_journal else None
    if not await Tickets(parts.database).add(unit, request, ticket, due_at=due_at):
        return
    shown = {name: ticket[name] for name in ("id", "number", "url")}
    await parts.requests.note_ticket(unit, request, shown)
    if ticket["warnings"]:
        payload = {"request": request, "warnings": list(ticket["warnings"])}
        await outbox.put(unit, f"request:{request}", "journal", payload)


class TicketCourier:
    """``ticket`` {"request"}: creates the ticket, once."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def deliver(self, act: Act) -> Receipt:
        request, desk = await _place(self._parts, act)
        if desk is None or await Tickets(self._parts.database).get(request.id):
            return {}
        marker = marker_of(request.short_id)
        try:
            found = await self._search(act, desk, marker) if _is_doubtful(act) else None
            ticket = found or await desk.create(
                ticket_draft(request, marker, await _thread_link(self._parts, request))
            )
        except SignInRefused as error:
            raise _until_signed_in(error) from error
        except DeskUnreachable as error:
            wait = error.seconds
            if error.maybe_done:
                # The desk may still be at it: a search right now would find nothing.
                wait = max(wait or 0.0, desk.pace.settle)
                await self._is_new_doubt(act)
            maybe = error.maybe_done or act.maybe_delivered
            raise Later(wait, error.message, maybe_delivered=maybe) from error
        except DeskError as error:
            raise Undeliverable(str(error)) from error
        return {"ticket": {**asdict(ticket), "warnings": list(ticket.warnings)}}

    async def _search(self, act: Act, desk: Desk, marker: str) -> Ticket | None:
        """The ticket of an earlier attempt. Whoever made that one may have ended while the desk was
        still at it: only what is not there a while later either is created. Raises Later."""
        found = await desk.find(marker)
        if found is None and desk.has_journal and await self._is_new_doubt(act):
            raise Later(desk.pace.settle, "It is not certain yet whether the ticket was created.")
        return found

    async def _is_new_doubt(self, act: Act) -> bool:
        """Whether no wait has followed this attempt yet; it does now."""
        key = f"ticket:{act.id}:{act.attempts}"
        async with self._parts.database.begin() as unit:
            return await self._parts.seen.first(unit, key) is None


def _is_doubtful(act: Act) -> bool:
    """Whether an earlier attempt may have got through."""
    return act.maybe_delivered or act.attempts > 0


class AttachmentCourier:
    """``attachment`` {"request", "sha256"}: attaches the PEM, reads it back, compares it. A refused
    name falls back to the next suffix; the ticket is never created again for it.

    ``attachment`` {"request", "file"}: the same with a file that somebody put into the thread. One
    that cannot be had, is refused, or holds a private key stays in Slack; the comment names it.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def deliver(self, act: Act) -> Receipt:
        request, desk = await _place(self._parts, act)
        kept = await Tickets(self._parts.database).get(request.id)
        if desk is None or not desk.has_journal:
            return {}
        if kept is None:
            raise Undeliverable("The request has no ticket.")
        theirs = "file" in act.payload
        found = await self._download(request, act) if theirs else _pem(request, act)
        if found is None:
            return {}
        names, content = found
        names = names or [f"{file_name(request).removesuffix('.pem')}{s}" for s in desk.suffixes]
        async with self._parts.database.begin() as unit:
            tickets = Tickets(self._parts.database)
            for number, name in enumerate(names):
                await tickets.note_echo(unit, f"{act.id}:{number}", request.id, f"file:{name}")
        try:
            attachment = await _attach(desk, _ticket(kept), names, content, act)
        except FileRefused as error:
            if theirs:
                return {}
            raise Undeliverable(f"The PEM is not attached to the ticket. {error}") from error
        except SignInRefused as error:
            raise _until_signed_in(error) from error
        except DeskUnreachable as error:
            raise Later(error.seconds, error.message, maybe_delivered=error.maybe_done) from error
        except DeskError as error:
            raise Undeliverable(f"The PEM is not attached to the ticket. {error}") from error
        return {"file": attachment.id, "name": attachment.name}

    async def _download(
        self, request: InstallRequest, act: Act
    ) -> tuple[Sequence[str], bytes] | None:
        """The names that the file of the thread may have there, and its bytes."""
        client = await self._parts.clients.web(request.team)
        try:
            name, content, _ = await download(client, self._parts.metrics, str(act.payload["file"]))
        except FormatError:
            return None
        if await asyncio.to_thread(_holds_key, name, content):
            return None
        name = visible(name, _MAX_NAME).replace("/", "_").replace("\\", "_")
        return (name, f"{name}.txt"), content


def _pem(request: InstallRequest, act: Act) -> tuple[Sequence[str], bytes] | None:
    """The PEM, under names of the desk's; None: the request's certificates are others by now."""
    certificates = request.installation.certificates
    if [certificate.sha256 for certificate in certificates] != list(act.payload["sha256"]):
        return None
    return (), "".join(certificate.pem for certificate in certificates).encode("ascii")


def _holds_key(name: str, content: bytes) -> bool:
    """Whether a file holds a private key, or may hold one that cannot be seen."""
    if b"PRIVATE KEY" in content.upper():
        return True
    try:
        contents = read(content, name=name)
    except FormatError:
        return name.lower().endswith(_KEYSTORES)
    return contents.refusal is not None


async def _attach(
    desk: Desk, ticket: Ticket, names: Sequence[str], content: bytes, act: Act
) -> Attachment:
    refused: FileRefused | None = None
    for name in names:
        if _is_doubtful(act):
            found = await desk.attached(ticket, name)
            if found is not None and _is_same(found, content):
                return found
        try:
            found = await desk.attach(ticket, name, content)
        except FileRefused as refusal:
            refused = refusal
            continue
        if not _is_same(found, content):
            raise DeskError(f"The file “{name}” is another one when it is read back.")
        return found
    raise refused or FileRefused("No name is allowed for the file.")


def _is_same(found: Attachment, content: bytes) -> bool:
    if found.sha256:
        return found.sha256 == hashlib.sha256(content).hexdigest()
    return found.size in (None, len(content))


class CommentCourier:
    """``comment`` {"request", "message", "text"} or {"request", "entry"}: what was said or done in
    Slack, as an entry of the ticket that the customer sees."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def deliver(self, act: Act) -> Receipt:
        parts = self._parts
        request, desk = await _place(parts, act)
        text = await self._text(request, act)
        tickets = Tickets(parts.database)
        kept = await tickets.get(request.id)
        if desk is None or not desk.has_journal or not text:
            return {}
        if kept is None:
            raise Undeliverable("The request has no ticket.")
        ticket = _ticket(kept)
        # Noted first: a poll must know it for the bot's own whenever it appears.
        async with parts.database.begin() as unit:
            mine = await tickets.note_echo(unit, act.id, request.id, digest(text))
        try:
            if _is_doubtful(act):
                there = (await desk.poll(ticket, {})).entries
                if sum(digest(entry.text) == digest(text) for entry in there) >= mine:
                    return {}
            written = await desk.comment(ticket, text)
        except SignInRefused as error:
            raise _until_signed_in(error) from error
        except DeskUnreachable as error:
            raise Later(error.seconds, error.message, maybe_delivered=error.maybe_done) from error
        except DeskError as error:
            raise Undeliverable(str(error)) from error
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
            content = await self._content(request, str(given["id"]), str(given["name"]))
            if content is not None:
                file = await upload(
                    client,
                    parts.metrics,
                    act,
                    name=visible(str(given["name"]), _MAX_NAME),
                    content=content,
                    comment=file_text(str(given["name"])),
                    channel=request.channel,
                    thread_ts=request.card_ts,
                )
                return {"file": file}
        message = journal_message(request, act.payload, written)
        ts = await slack.post(client, parts.metrics, act, message, request.channel, request.card_ts)
        return {"channel": request.channel, "ts": ts}

    async def _content(self, request: InstallRequest, identifier: str, name: str) -> bytes | None:
        """The file's bytes; None: they cannot be had, or are nothing for Slack."""
        desk = self._parts.desks.of(request.environment) if self._parts.desks else None
        kept = await Tickets(self._parts.database).get(request.id)
        if desk is None or kept is None:
            return None
        try:
            content = await desk.download(_ticket(kept), identifier)
        except SignInRefused as error:
            raise _until_signed_in(error) from error
        except DeskUnreachable as error:
            raise Later(error.seconds, error.message, maybe_delivered=False) from error
        except DeskError:
            return None
        if not content or await asyncio.to_thread(_holds_key, name, content):
            return None
        return content


async def _place(parts: Parts, act: Act) -> tuple[InstallRequest, Desk | None]:
    request = await parts.requests.get(str(act.payload["request"]))
    if request is None:
        raise Undeliverable("The request is no longer kept.", final=True)
    return request, parts.desks.of(request.environment) if parts.desks else None


def _until_signed_in(error: SignInRefused) -> Later:
    """A token that has expired is renewed by a person; what waits for that goes on then."""
    return Later(None, str(error), maybe_delivered=False)


def _ticket(kept: KeptTicket) -> Ticket:
    return Ticket(kept.ticket_id, kept.number, kept.url, kept.kind)


async def _thread_link(parts: Parts, request: InstallRequest) -> str:
    """The thread's address; a ticket without it is a ticket all the same."""
    if not request.channel or not request.card_ts:
        return ""
    client = await parts.clients.web(request.team)
    try:
        async with slack.calling(parts.metrics):
            answer = await client.chat_getPermalink(
                channel=request.channel, message_ts=request.card_ts
            )
            return str(answer["permalink"])
    except Undeliverable:
        return ""
