"""Install requests in the database: found and locked, added, changed."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Select, or_, select, update
from sqlalchemy.exc import IntegrityError

from bot.requests.refusals import same_is_open
from bot.requests.request import Actor, Draft, Entry, InstallRequest
from bot.requests.rows import entry_of, installation_data, open_key, request_of
from bot.requests.states import Action, Refused, State
from bot.store.database import Unit
from bot.store.tables import entries, requests

#: How much is kept of what people write, in characters.
MAX_TEXT: Final = 10_000
MAX_LABEL: Final = 200

#: Crockford's base 32: no letter that reads as a digit, and no U.
_LETTERS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ID_OCTETS: Final = 12


def named(request_id: str) -> Select[Any]:
    """The query for the request with that id or short id."""
    return select(requests).where(
        or_(requests.c.id == request_id, requests.c.short_id == request_id.upper())
    )


async def find_locked(unit: Unit, request_id: str) -> InstallRequest | None:
    """The request with that id or short id, which nobody else changes until the transaction ends."""
    row = (await unit.execute(named(request_id).with_for_update())).first()
    return None if row is None else request_of(row)


async def add(unit: Unit, draft: Draft, by: Actor, key: str, length: int) -> InstallRequest | None:
    """Keeps ``draft`` as a request of ``by``, with a short id of ``length`` characters. None: that
    is taken, or a request with ``key`` is open."""
    short_id = "R-" + "".join(secrets.choice(_LETTERS) for _ in range(length))
    values = {
        "id": secrets.token_hex(_ID_OCTETS),
        "short_id": short_id,
        "team": by.team,
        "requester": by.user,
        "requester_name": by.name[:MAX_LABEL],
        "lookup_id": draft.lookup_id,
        "host": draft.target.host,
        "port": draft.target.port,
        "protocol": draft.target.protocol,
        "connector": draft.connector.strip()[:MAX_LABEL],
        "environment": draft.environment,
        "contact": draft.contact.strip()[:MAX_LABEL],
        "note": draft.note.strip()[:MAX_TEXT],
        "origin_channel": draft.origin and draft.origin.channel,
        "origin_ts": draft.origin and draft.origin.ts,
        "state": State.SUBMITTED,
        "version": 1,
        "open_key": key,
        "created_at": unit.now,
        "changed_at": unit.now,
        **installation_data(draft.installation),
    }
    statement = unit.insert(requests).values(values).on_conflict_do_nothing()
    row = (await unit.execute(statement.returning(requests))).first()
    return None if row is None else request_of(row)


async def change(unit: Unit, request: InstallRequest) -> InstallRequest:
    """Writes the request as given, one version later. Raises Refused where another open one
    asks for the same, or somebody was first."""
    is_open = request.state.is_open
    key = open_key(request.team, request.target, request.environment, request.installation)
    changed = replace(
        request,
        version=request.version + 1,
        changed_at=unit.now,
        closed_at=None if is_open else request.closed_at or unit.now,
    )
    statement = (
        update(requests)
        .where(requests.c.id == request.id, requests.c.version == request.version)
        .values(
            state=changed.state,
            taken_by=changed.taken_by,
            taken_by_name=changed.taken_by_name,
            ticket=changed.ticket,
            channel=changed.channel,
            card_ts=changed.card_ts,
            pem_file=changed.pem_file,
            version=changed.version,
            open_key=key if is_open else None,
            changed_at=changed.changed_at,
            closed_at=changed.closed_at,
            **installation_data(changed.installation),
        )
    )
    try:
        async with unit.connection.begin_nested():
            written = await unit.execute(statement)
    except IntegrityError:
        same = select(requests.c.short_id).where(requests.c.open_key == key)
        other: str | None = (await unit.execute(same)).scalar_one_or_none()
        raise same_is_open(other or "Another request") from None
    if written.rowcount != 1:
        raise Refused(f"{request.short_id} was changed by somebody else just now.", "Try again.")
    return changed


async def last_deed(unit: Unit, request: InstallRequest) -> Entry | None:
    """What a person did last to the request."""
    statement = (
        select(entries)
        .where(entries.c.request_id == request.id, entries.c.what.in_(list(Action)))
        .order_by(entries.c.number.desc())
        .limit(1)
    )
    row = (await unit.execute(statement)).first()
    return None if row is None else entry_of(row)
