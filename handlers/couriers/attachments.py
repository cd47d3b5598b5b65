"""Files that go to a ticket: the PEM, and what people put into the thread."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from bot.desks.base import Attachment, Desk, DeskError, FileRefused, Ticket
from bot.errors import FormatError
from bot.pki.formats import read
from bot.requests.courier import Receipt
from bot.requests.request import InstallRequest
from bot.store.outbox import Act
from bot.store.tickets import NOT_WRITTEN, Tickets
from bot.text import visible
from handlers.blocks.lines import file_name
from handlers.couriers.desks import asking, kept_ticket, place, ticket_of
from handlers.couriers.files import download
from handlers.parts import Parts

MAX_NAME: Final = 100
#: Files that hold keys where they cannot be read.
_KEYSTORES: Final = (".p12", ".pfx", ".jks", ".keystore", ".bcfks", ".key")


class AttachmentCourier:
    """``attachment`` {"request", "sha256"}: attaches the PEM, reads it back, compares it. A refused
    name falls back to the next suffix; the ticket is never created again for it.

    ``attachment`` {"request", "file"}: the same with a file that somebody put into the thread. One
    that cannot be had, is refused, or holds a private key stays in Slack; the comment names it.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def deliver(self, act: Act) -> Receipt:
        parts = self._parts
        request, desk = await place(parts, act)
        if desk is None or not desk.has_journal:
            return {}
        ticket = ticket_of(await kept_ticket(parts, request))
        theirs = "file" in act.payload
        found = await self._download(request, act) if theirs else _pem(request, act)
        if found is None:
            return {}
        names, content = found
        names = names or [f"{file_name(request).removesuffix('.pem')}{s}" for s in desk.suffixes]
        # Noted first: a poll must know the file for the bot's own whenever it appears.
        await self._note(act, request, [f"file:{name}" for name in names])
        undone = "The file of the thread" if theirs else "The PEM"
        async with asking(parts, act, undone=f"{undone} is not attached to the ticket."):
            try:
                attachment = await _attach(desk, ticket, names, content, act)
            except FileRefused:
                if not theirs:
                    raise
                # A file of that name is somebody else's then.
                await self._note(act, request, [NOT_WRITTEN] * len(names))
                return {}
        # From now on another file of that name is news.
        await self._note(act, request, [f"file-id:{attachment.id}"] * len(names))
        return {
            "file": attachment.id,
            "name": attachment.name,
            "compared": attachment.compared.value,
        }

    async def _note(self, act: Act, request: InstallRequest, digests: Sequence[str]) -> None:
        tickets = Tickets(self._parts.database)
        async with self._parts.database.begin() as unit:
            for number, digest in enumerate(digests):
                await tickets.note_echo(unit, f"{act.id}:{number}", request.id, digest)

    async def _download(
        self, request: InstallRequest, act: Act
    ) -> tuple[Sequence[str], bytes] | None:
        """The names that the file of the thread may have there, and its bytes."""
        client = await self._parts.clients.web(request.team)
        try:
            name, content, _ = await download(client, self._parts.metrics, str(act.payload["file"]))
        except FormatError:
            return None
        if await asyncio.to_thread(holds_key, name, content):
            return None
        name = visible(name, MAX_NAME).replace("/", "_").replace("\\", "_")
        return (name, f"{name}.txt"), content


def holds_key(name: str, content: bytes) -> bool:
    """Whether a file holds a private key, or may hold one that cannot be seen."""
    if b"PRIVATE KEY" in content.upper():
        return True
    try:
        contents = read(content, name=name)
    except FormatError:
        return name.lower().endswith(_KEYSTORES)
    return contents.refusal is not None


def _pem(request: InstallRequest, act: Act) -> tuple[Sequence[str], bytes] | None:
    """The PEM, under names of the desk's; None: the request's certificates are others by now."""
    certificates = request.installation.certificates
    if [certificate.sha256 for certificate in certificates] != list(act.payload["sha256"]):
        return None
    return (), "".join(certificate.pem for certificate in certificates).encode("ascii")


async def _attach(
    desk: Desk, ticket: Ticket, names: Sequence[str], content: bytes, act: Act
) -> Attachment:
    refused: FileRefused | None = None
    for name in names:
        if act.maybe_delivered or act.attempts:
            found = await desk.attached(ticket, name)
            if found is not None and found.matches(content):
                return found
        try:
            found = await desk.attach(ticket, name, content)
        except FileRefused as refusal:
            refused = refusal
            continue
        if not found.matches(content):
            raise DeskError(f"The file “{name}” is another one when it is read back.")
        return found
    raise refused or FileRefused("No name is allowed for the file.")
