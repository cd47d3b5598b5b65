"""What the couriers of tickets share: the request's desk, and how its failures are told apart."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from bot.desks.base import (
    Desk,
    DeskError,
    DeskUnreachable,
    FileRefused,
    MappingRejected,
    NotAllowed,
    Ticket,
    TicketGone,
)
from bot.requests.courier import Later, Undeliverable
from bot.requests.request import InstallRequest
from bot.store import outbox
from bot.store.outbox import Act
from bot.store.tickets import KeptTicket, Tickets
from handlers.parts import Parts

#: What waits because the desk does not let the bot in is tried this often; a poll that gets through,
#: and *Retry*, end the wait.
_REFUSED_SECONDS: Final = 600.0


async def place(parts: Parts, act: Act) -> tuple[InstallRequest, Desk | None]:
    """The request of ``act``, and its desk. Raises Undeliverable."""
    request = await parts.requests.get(str(act.payload["request"]))
    if request is None:
        raise Undeliverable("The request is no longer kept.", final=True)
    return request, parts.desks.of(request.environment) if parts.desks else None


async def kept_ticket(parts: Parts, request: InstallRequest) -> KeptTicket:
    """The request's ticket. Raises Undeliverable."""
    kept = await Tickets(parts.database).get(request.id)
    if kept is None:
        raise Undeliverable("The request has no ticket.")
    return kept


def ticket_of(kept: KeptTicket) -> Ticket:
    """As its desk knows it."""
    return Ticket(kept.ticket_id, kept.number, kept.url, kept.kind)


@asynccontextmanager
async def asking(
    parts: Parts, act: Act, *, undone: str, settle: float = 0.0
) -> AsyncIterator[None]:
    """Turns a desk's errors into Later and Undeliverable. ``undone``: the sentence that says what
    has not been done then; ``settle``: how long is waited at least after a doubt, in seconds.
    Whatever is refused, the desk may have done it and refuse to show it: the next attempt looks.

    Where the desk does not let the bot in, the thread hears it at once; what was to be done waits,
    loses no attempt, and keeps its place before what follows.
    """
    try:
        yield
    except DeskUnreachable as error:
        wait = error.seconds
        if error.maybe_done:
            wait = max(wait or 0.0, settle) or None
        maybe = error.maybe_done or act.maybe_delivered
        raise Later(wait, error.message, maybe_delivered=maybe) from error
    except NotAllowed as error:
        raise await refused(parts, act, error, maybe_delivered=True) from error
    except DeskError as error:
        # What the desk said of this very thing it will say again.
        final = isinstance(error, MappingRejected | FileRefused | TicketGone)
        raise Undeliverable(f"{undone} {error}", final=final, maybe_delivered=True) from error


async def refused(parts: Parts, act: Act, error: NotAllowed, *, maybe_delivered: bool) -> Later:
    """What becomes of ``act`` where the desk does not let the bot in, which the thread hears once."""
    request = str(act.payload["request"])
    async with parts.database.begin() as unit:
        if await Tickets(parts.database).note_refused(unit, request, "write"):
            payload = {"request": request, "refused": str(error)}
            await outbox.put(unit, f"request:{request}", "journal", payload)
    return Later(_REFUSED_SECONDS, str(error), maybe_delivered=maybe_delivered)
