"""Matrix42 tickets of requests: kept, leased for polling, and what the bot wrote to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal, TypeAlias

from sqlalchemy import Row, delete, func, select, update

from bot.store.database import Database, Unit
from bot.store.tables import requests, ticket_echoes, tickets

#: What stands among a request's echoes while the desk does not let the bot in: the thread knows it, …
REFUSED: Final = "refused"
#: … somebody had it tried again, …
ASKED: Final = "refused, asked"
#: … or polls get through again, which the thread knows.
PASSED: Final = "refused, passed"
#: The digest of what was about to be written to the ticket and was refused there.
NOT_WRITTEN: Final = "not written"
#: What is refused: to read the ticket, or to write to it.
Access: TypeAlias = Literal["read", "write"]


@dataclass(frozen=True, slots=True)
class KeptTicket:
    """A ticket as it stands."""

    request_id: str
    ticket_id: str
    number: str
    url: str
    kind: str
    cursor: Mapping[str, Any]
    state_code: str | None
    """The last state that the desk told; null: none yet."""
    quiet: int
    """How many polls in a row brought nothing, or failed."""
    down_since: datetime | None
    """Since when the desk cannot be asked."""
    down_told: bool
    """The thread was told of that."""
    environment: str
    request_open: bool


@dataclass(frozen=True, slots=True)
class Polled:
    """How a ticket stands after a poll. ``due_at`` None: it is not polled any more."""

    cursor: Mapping[str, Any]
    state_code: str | None
    quiet: int
    due_at: datetime | None
    down_since: datetime | None = None
    down_told: bool = False


class Tickets:
    """The tickets of ``database``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self, unit: Unit, request_id: str, ticket: Mapping[str, str], *, due_at: datetime | None
    ) -> bool:
        """Keeps a ticket (``id``, ``number``, ``url``, ``kind``); False: the request has one."""
        statement = (
            unit.insert(tickets)
            .values(
                request_id=request_id,
                ticket_id=ticket["id"],
                number=ticket["number"],
                url=ticket["url"],
                kind=ticket["kind"],
                cursor={},
                quiet=0,
                due_at=due_at,
                down_told=False,
                created_at=unit.now,
            )
            .on_conflict_do_nothing()
            .returning(tickets.c.request_id)
        )
        return (await unit.execute(statement)).first() is not None

    async def get(self, request_id: str) -> KeptTicket | None:
        """The request's ticket."""
        async with self._database.read() as unit:
            statement = _joined().where(tickets.c.request_id == request_id)
            row = (await unit.execute(statement)).first()
            return None if row is None else _ticket(row)

    async def environment(self, unit: Unit, request_id: str) -> str | None:
        """The request's environment; None: there is no such request."""
        statement = select(requests.c.environment).where(requests.c.id == request_id)
        found: str | None = (await unit.execute(statement)).scalar_one_or_none()
        return found

    async def claim(
        self,
        unit: Unit,
        owner: str,
        limit: int,
        length: timedelta,
        environments: Sequence[str] | None = None,
    ) -> Sequence[KeptTicket]:
        """Leases up to ``limit`` tickets (of requests for ``environments``; None: for any) whose turn it
        is, the longest due first. ``owner`` must be new with each call."""
        statement = (
            _joined()
            .where(tickets.c.due_at <= unit.now)
            .order_by(tickets.c.due_at)
            .limit(limit)
            .with_for_update(of=tickets, skip_locked=True)
        )
        if environments is not None:
            statement = statement.where(requests.c.environment.in_(environments))
        found = [_ticket(row) for row in await unit.execute(statement)]
        if found:
            await unit.execute(
                update(tickets)
                .where(tickets.c.request_id.in_([ticket.request_id for ticket in found]))
                .values(owner=owner, due_at=unit.now + length)
            )
        return found

    async def renew(self, unit: Unit, owner: str, length: timedelta) -> None:
        """Prolongs the leases that ``owner`` holds."""
        statement = update(tickets).where(tickets.c.owner == owner)
        await unit.execute(statement.values(due_at=unit.now + length))

    async def settle(self, unit: Unit, request_id: str, owner: str, polled: Polled) -> bool:
        """Ends the lease; False: it was lost, and nothing that belongs to it may be kept."""
        statement = (
            update(tickets)
            .where(tickets.c.request_id == request_id, tickets.c.owner == owner)
            .values(
                cursor=dict(polled.cursor),
                state_code=polled.state_code,
                quiet=polled.quiet,
                due_at=polled.due_at,
                down_since=polled.down_since,
                down_told=polled.down_told,
                owner=None,
            )
        )
        return (await unit.execute(statement)).rowcount == 1

    async def hold(self, unit: Unit, request_id: str, owner: str, length: timedelta) -> None:
        """Nobody polls the ticket until `note_state`, or for ``length``; what a poll that is under
        way has found is not kept."""
        await unit.execute(
            update(tickets)
            .where(tickets.c.request_id == request_id)
            .values(owner=owner, due_at=unit.now + length)
        )

    async def note_state(
        self, unit: Unit, request_id: str, owner: str, code: str | None, due_at: datetime
    ) -> None:
        """Ends what `hold` began: the bot put the ticket into that state, which is no news then
        (None: it did not), and the ticket is polled from ``due_at`` on."""
        values = {"owner": None, "due_at": due_at, "quiet": 0}
        await unit.execute(
            update(tickets)
            .where(tickets.c.request_id == request_id, tickets.c.owner == owner)
            .values({**values, **({} if code is None else {"state_code": code})})
        )

    async def note_refused(self, unit: Unit, request_id: str, access: Access) -> bool:
        """The desk does not let the bot in. True: the thread must hear that; False: it knows, and
        nothing was tried since."""
        await unit.execute(
            select(requests.c.id).where(requests.c.id == request_id).with_for_update()
        )
        own, other = _refusal(request_id, access), _refusal(request_id, _OTHER[access])
        columns = select(ticket_echoes.c.act_id, ticket_echoes.c.digest)
        rows = await unit.execute(columns.where(ticket_echoes.c.act_id.in_((own, other))))
        found = {row.act_id: row.digest for row in rows}
        if found.get(own) == REFUSED:
            return False
        values = {"act_id": own, "request_id": request_id, "digest": REFUSED}
        insert = unit.insert(ticket_echoes).values(values)
        await unit.execute(
            insert.on_conflict_do_update(
                index_elements=[ticket_echoes.c.act_id], set_={"digest": REFUSED}
            )
        )
        return found.get(other) != REFUSED

    async def is_refused(self, unit: Unit, request_id: str, access: Access) -> bool:
        """Whether the desk did not let the bot in, and has not let it in since."""
        statement = select(ticket_echoes.c.digest).where(
            ticket_echoes.c.act_id == _refusal(request_id, access)
        )
        return (await unit.execute(statement)).first() is not None

    async def ask_again(self, unit: Unit, request_id: str) -> None:
        """Somebody wants to hear again whether the desk lets the bot in."""
        both = [_refusal(request_id, access) for access in _OTHER]
        await unit.execute(
            update(ticket_echoes)
            .where(ticket_echoes.c.act_id.in_(both), ticket_echoes.c.digest == REFUSED)
            .values(digest=ASKED)
        )

    async def note_passed(self, unit: Unit, request_id: str, access: Access) -> bool:
        """The desk lets the bot in; True: the thread must hear that.

        Where reading was refused and writing as well, it hears of both by the first that passes.
        """
        statement = (
            delete(ticket_echoes)
            .where(ticket_echoes.c.act_id == _refusal(request_id, access))
            .returning(ticket_echoes.c.digest)
        )
        found = (await unit.execute(statement)).scalar_one_or_none()
        if found is not None and access == "read":
            await unit.execute(
                update(ticket_echoes)
                .where(ticket_echoes.c.act_id == _refusal(request_id, "write"))
                .values(digest=PASSED)
            )
        return found in (REFUSED, ASKED)

    async def hurry(self, unit: Unit, request_id: str, due_at: datetime) -> None:
        """The ticket is polled by ``due_at`` at the latest, also where that had ended."""
        statement = (
            update(tickets)
            .where(
                tickets.c.request_id == request_id,
                tickets.c.owner.is_(None),
                (tickets.c.due_at > due_at) | tickets.c.due_at.is_(None),
            )
            .values(due_at=due_at, quiet=0)
        )
        await unit.execute(statement)

    async def note_echo(self, unit: Unit, act_id: str, request_id: str, digest: str) -> int:
        """The act is about to write a text with that digest; how many acts do so."""
        values = {"act_id": act_id, "request_id": request_id, "digest": digest}
        insert = unit.insert(ticket_echoes).values(values)
        await unit.execute(
            insert.on_conflict_do_update(
                index_elements=[ticket_echoes.c.act_id], set_={"digest": digest}
            )
        )
        statement = (
            select(func.count())
            .select_from(ticket_echoes)
            .where(ticket_echoes.c.request_id == request_id, ticket_echoes.c.digest == digest)
        )
        count: int = (await unit.execute(statement)).scalar_one()
        return count

    async def echoes(self, unit: Unit, request_id: str) -> frozenset[str]:
        """The digests of what the bot wrote to the request's ticket; and `REFUSED` and the like."""
        statement = select(ticket_echoes.c.digest).where(ticket_echoes.c.request_id == request_id)
        return frozenset((await unit.execute(statement)).scalars())


_OTHER: Final[Mapping[Access, Access]] = {"read": "write", "write": "read"}


def _refusal(request_id: str, access: Access) -> str:
    return f"refused:{request_id}:{access}"


def _joined() -> Any:
    return select(tickets, requests.c.environment, requests.c.closed_at).join(
        requests, requests.c.id == tickets.c.request_id
    )


def _ticket(row: Row[Any]) -> KeptTicket:
    return KeptTicket(
        request_id=row.request_id,
        ticket_id=row.ticket_id,
        number=row.number,
        url=row.url,
        kind=row.kind,
        cursor=row.cursor,
        state_code=row.state_code,
        quiet=row.quiet,
        down_since=row.down_since,
        down_told=row.down_told,
        environment=row.environment,
        request_open=row.closed_at is None,
    )
