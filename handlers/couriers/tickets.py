"""Tickets: created once, the PEM attached and compared, and two threads that are one conversation.

Kinds of acts: ``ticket``, ``attachment``, ``comment`` and ``state`` go to Matrix42, in the lane
``ticket:ID``; ``journal`` brings what happened there into the request's thread, in its lane.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Final

from bot.desks.base import Compared, Desk, Ticket, TicketDraft, marker_of
from bot.desks.email import EmailDesk
from bot.requests.courier import Courier, Later, Receipt, Undeliverable
from bot.requests.messages import Message as Written
from bot.requests.request import Actor, InstallRequest
from bot.requests.states import Action
from bot.store import outbox
from bot.store.database import Unit
from bot.store.outbox import Act
from bot.store.tickets import Tickets
from handlers.blocks.tickets import message_text, ticket_draft, written_text
from handlers.couriers import slack
from handlers.couriers.attachments import AttachmentCourier
from handlers.couriers.desks import asking, place
from handlers.couriers.files import upload
from handlers.couriers.journal import CommentCourier, JournalCourier, StateCourier
from handlers.parts import Parts

#: What writes to a desk, and what has something written there.
_WRITING: Final = frozenset({"ticket", "attachment", "comment", "state"})
_HOOKED: Final = frozenset({"card", "pem", "line"}) | _WRITING
#: What people do to a request may change its state, and the ticket's with it.
_DEEDS: Final = frozenset(Action)


def couriers(parts: Parts) -> Mapping[str, Courier]:
    """The couriers of this module, by kind."""
    return {
        "ticket": TicketCourier(parts),
        "attachment": AttachmentCourier(parts),
        "comment": CommentCourier(parts),
        "state": StateCourier(parts),
        "journal": JournalCourier(parts),
    }


async def on_delivered(parts: Parts, unit: Unit, act: Act, receipt: Receipt) -> None:
    """What follows from an act for the ticket: a posted card gets one, a PEM is attached to it, a
    change is told there."""
    if parts.desks is None or act.kind not in _HOOKED:
        return
    request = str(act.payload["request"])
    desk = await _desk(parts, unit, request)
    if desk is None:
        return
    if act.kind in _WRITING and await Tickets(parts.database).note_passed(unit, request, "write"):
        await outbox.put(unit, f"request:{request}", "journal", {"request": request, "back": True})
    if act.kind == "card" and receipt.get("ts") and not isinstance(desk, EmailDesk):
        await _put(unit, "ticket", {"request": request}, key=f"ticket:{request}")
    elif act.kind == "pem" and receipt.get("file"):
        sha256 = list(act.payload["sha256"])
        if isinstance(desk, EmailDesk):
            # Each PEM has its own: one that was exchanged must not be installed.
            meant = {"request": request, "sha256": sha256}
            await _put(unit, "ticket", meant, key=f"ticket:{receipt['file']}")
            return
        key = f"attachment:{request}:{receipt['file']}"
        await _put(unit, "attachment", {"request": request, "sha256": sha256}, key=key)
    elif act.kind == "attachment" and "sha256" in act.payload and receipt.get("file"):
        await _tell_compared(unit, request, receipt)
    elif act.kind == "line" and desk.has_journal:
        payload = {"request": request, "entry": str(act.payload["entry"])}
        await _put(unit, "comment", payload, key=f"comment:{payload['entry']}")
        entry = await parts.requests.entry(payload["entry"])
        if entry is not None and entry.what in _DEEDS:
            await _put(unit, "state", payload, key=f"state:{payload['entry']}")
    elif act.kind == "ticket" and receipt.get("ticket"):
        await _keep_ticket(parts, unit, request, desk, receipt)
    elif act.kind == "ticket" and receipt.get("offered"):
        payload = {"request": request, "offered": receipt["offered"]}
        await outbox.put(unit, f"request:{request}", "journal", payload)


async def on_failed(unit: Unit, act: Act, reason: str) -> None:
    """The thread hears that something did not reach the ticket, and can have it tried again."""
    if act.kind not in _WRITING:
        return
    request = str(act.payload["request"])
    payload = {"request": request, "failed": {"act": act.id, "reason": reason}}
    await outbox.put(unit, f"request:{request}", "journal", payload)


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


async def note_sent(parts: Parts, unit: Unit, request: InstallRequest, by: Actor) -> bool:
    """``by`` sent the e-mail that was offered; False: that is known."""
    marker = marker_of(request.short_id)
    ticket = {"id": marker, "number": f"by e-mail {marker}", "url": "", "kind": "email"}
    if not await Tickets(parts.database).add(unit, request.id, ticket, due_at=None):
        return False
    shown = {name: ticket[name] for name in ("id", "number", "url")}
    await parts.requests.note_ticket(unit, request.id, shown, by)
    return True


def offers_file(desk: Desk) -> bool:
    """Whether the desk is a mailbox whose message a person sends."""
    return isinstance(desk, EmailDesk) and desk.mode == "download"


async def _put(unit: Unit, kind: str, payload: Mapping[str, Any], *, key: str) -> None:
    await outbox.put(unit, f"ticket:{payload['request']}", kind, payload, key=key)


async def _desk(parts: Parts, unit: Unit, request: str) -> Desk | None:
    if parts.desks is None:
        return None
    environment = await Tickets(parts.database).environment(unit, request)
    return parts.desks.of(environment) if environment else None


async def _tell_compared(unit: Unit, request: str, receipt: Receipt) -> None:
    """The thread hears, once, where less of the attached PEM was compared than its bytes."""
    if receipt["compared"] == Compared.SHA256:
        return
    payload = {"request": request, "compared": receipt["compared"], "name": receipt["name"]}
    await outbox.put(unit, f"request:{request}", "journal", payload, key=f"compared:{request}")


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
    """``ticket`` {"request"}: creates the ticket, once.

    ``ticket`` {"request", "sha256"}, where the desk is a mailbox: sends the message with that PEM, or
    puts it into the thread as a file that a person sends. One whose PEM was exchanged since is left to
    its successor.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def deliver(self, act: Act) -> Receipt:
        parts = self._parts
        request, desk = await place(parts, act)
        if desk is None:
            return {}
        if _is_superseded(request, act):
            return {}
        exists = await Tickets(parts.database).get(request.id) is not None
        if isinstance(desk, EmailDesk) and offers_file(desk):
            draft = await self._draft(request, replaces=exists)
            return {"offered": await self._offer(act, request, desk, draft)}
        if exists and not isinstance(desk, EmailDesk):
            return {}
        settle = desk.pace.settle  # The desk may still be at it: a search would find nothing.
        try:
            async with asking(parts, act, undone="No ticket was created.", settle=settle):
                found = await self._search(act, desk, request) if _in_doubt(act) else None
                ticket = found or await desk.create(await self._draft(request, replaces=exists))
        except Later as later:
            if later.maybe_delivered:
                # What follows is a wait; after it only what is not there is created.
                await self._is_new_doubt(act)
            raise
        return {"ticket": {**asdict(ticket), "warnings": list(ticket.warnings)}}

    async def _search(self, act: Act, desk: Desk, request: InstallRequest) -> Ticket | None:
        """The ticket of an earlier attempt. Whoever made that one may have ended while the desk was
        still at it: only what is not there a while later either is created. Raises Later."""
        found = await desk.find(marker_of(request.short_id))
        if found is None and desk.has_journal and await self._is_new_doubt(act):
            raise Later(desk.pace.settle, "It is not certain yet whether the ticket was created.")
        return found

    async def _is_new_doubt(self, act: Act) -> bool:
        """Whether no wait has followed this attempt yet; it does now."""
        key = f"ticket:{act.id}:{act.attempts}"
        async with self._parts.database.begin() as unit:
            return await self._parts.seen.first(unit, key) is None

    async def _draft(self, request: InstallRequest, *, replaces: bool = False) -> TicketDraft:
        thread = await _thread_link(self._parts, request)
        return ticket_draft(request, marker_of(request.short_id), thread, replaces=replaces)

    async def _offer(
        self, act: Act, request: InstallRequest, desk: EmailDesk, draft: TicketDraft
    ) -> Mapping[str, Any]:
        """Puts the message into the thread; gives what is said of it."""
        if not request.channel or not request.card_ts:
            raise Undeliverable("The request's card is not posted.")
        file = desk.message_file(draft)
        await upload(
            await self._parts.clients.web(request.team),
            self._parts.metrics,
            act,
            name=file.name,
            content=file.content,
            comment=message_text(file.name),
            channel=request.channel,
            thread_ts=request.card_ts,
        )
        return {"name": file.name, "to": str(desk.message(draft)["To"])}


def _is_superseded(request: InstallRequest, act: Act) -> bool:
    certificates = request.installation.certificates
    meant = act.payload.get("sha256")
    return meant is not None and [certificate.sha256 for certificate in certificates] != list(meant)


def _in_doubt(act: Act) -> bool:
    return act.maybe_delivered or act.attempts > 0


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
