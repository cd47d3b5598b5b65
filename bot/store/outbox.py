"""The outbox: acts that are written with the change that caused them, and delivered afterwards.

An act belongs to a lane, and the acts of a lane are delivered one after the other in the order in
which they were put. The row of the lane is what a worker leases: it names the act whose turn it is
and when that may be delivered, so that finding work costs the same whatever waits behind it.

What a failed act does to its lane: one of a kind in `BLOCKING` keeps what follows waiting until
somebody retries it, because that makes no sense without it; any other is passed over.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, func, select, update

from bot.store.database import Unit
from bot.store.tables import FAILED, WAITING, acts, lanes

#: Kinds without which the rest of their lane makes no sense.
BLOCKING: Final = frozenset({"lookup", "card", "pem", "ticket"})
#: The pool of everything that is quick, and of the kinds that take long and must not hold that up.
POSTS: Final = "posts"
LOOKUPS: Final = "lookups"
_POOLS: Final[Mapping[str, str]] = {"lookup": LOOKUPS}

_ID_OCTETS: Final = 12


@dataclass(frozen=True, slots=True)
class Act:
    """Something to be done outside, once."""

    id: str
    """A short id, which the courier puts into the message's metadata."""
    lane: str
    """What it must stay in order with, as `request:ID`."""
    kind: str
    """Which courier delivers it."""
    payload: Mapping[str, Any]
    """Ids and data as JSON, never what is rendered from a state that can change."""
    attempts: int
    """How many attempts have failed; delays for rate limits and outages do not count."""
    created_at: datetime
    maybe_delivered: bool
    """An earlier attempt may have reached the other side: look before you send again."""


@dataclass(frozen=True, slots=True)
class FailedAct:
    """An act that was given up, until somebody retries it."""

    act: Act
    reason: str
    """Why, in a sentence."""
    failed_at: datetime


@dataclass(frozen=True, slots=True)
class Backlog:
    """How much is to be delivered."""

    waiting: int
    oldest_at: datetime | None
    """When the oldest of them was put, apart from those that wait behind a failed one."""
    failed: int
    overdue_at: datetime | None
    """Since when the first that nobody takes could have been taken; None: nothing is due."""


async def put(
    unit: Unit,
    lane: str,
    kind: str,
    payload: Mapping[str, Any],
    *,
    not_before: datetime | None = None,
    key: str | None = None,
) -> str:
    """Puts an act at the end of ``lane``, with the change that ``unit`` keeps, and gives its id.

    ``not_before``: not earlier than that. ``key``: an act with a key that was put before is not put
    again (the id given then is of no act).
    """
    act_id = secrets.token_hex(_ID_OCTETS)
    values = {
        "id": act_id,
        "lane": lane,
        "kind": kind,
        "pool": _POOLS.get(kind, POSTS),
        "payload": dict(payload),
        "key": key,
        "state": "waiting",
        "blocks": kind in BLOCKING,
        "attempts": 0,
        "delays": 0,
        "maybe_delivered": False,
        "not_before": max(unit.now, not_before or unit.now),
        "created_at": unit.now,
    }
    unit.lanes.put(values)
    return act_id


async def retry(unit: Unit, act_id: str) -> bool:
    """Takes a failed act up again, and whatever waits behind it; False: it has not failed."""
    statement = select(acts.c.lane, acts.c.pool).where(acts.c.id == act_id, acts.c.state == FAILED)
    row = (await unit.execute(statement)).first()
    if row is None:
        return False
    unit.lanes.retry(act_id, row.lane, row.pool)
    return True


async def find(unit: Unit, act_id: str) -> Act | None:
    """The act with that id; None: there is none (any more)."""
    row = (await unit.execute(select(acts).where(acts.c.id == act_id))).first()
    return None if row is None else act_of(row)


async def hurry_lane(unit: Unit, lane: str) -> None:
    """What waits in ``lane`` for its next attempt is due now. ``unit`` must do nothing else: this
    locks the lane before its end."""
    await unit.execute(
        update(lanes)
        .where(lanes.c.lane == lane, lanes.c.owner.is_(None), lanes.c.due_at > unit.now)
        .values(due_at=unit.now, touched_at=unit.now)
    )


async def failed(
    unit: Unit, *, lanes: Collection[str] | None = None, limit: int | None = 100
) -> Sequence[FailedAct]:
    """The failed acts (of these ``lanes``), the newest first."""
    statement = select(acts).where(acts.c.state == FAILED).order_by(acts.c.ended_at.desc())
    if lanes is not None:
        statement = statement.where(acts.c.lane.in_(lanes))
    rows = await unit.execute(statement.limit(limit))
    return [FailedAct(act_of(row), row.reason or "", row.ended_at) for row in rows]


async def hurry(unit: Unit, reasons: Collection[str]) -> None:
    """What waits for one of these reasons is due now."""
    waiting = select(acts.c.id).where(acts.c.state == WAITING, acts.c.reason.in_(reasons))
    concerned = (lanes.c.owner.is_(None), lanes.c.due_at > unit.now, lanes.c.head.in_(waiting))
    await lock_lanes(unit, *concerned)
    await unit.execute(update(lanes).where(*concerned).values(due_at=unit.now, touched_at=unit.now))


async def lock_lanes(unit: Unit, *concerned: ColumnElement[bool]) -> None:
    """Locks the lanes of which that is true in the order in which everybody locks several: else two
    that change them at once may wait for each other. SQLite has one lock for everything."""
    if unit.is_postgresql:
        in_order = lanes.c.lane.collate("C")
        await unit.execute(
            select(lanes.c.lane).where(*concerned).order_by(in_order).with_for_update()
        )


async def held_up(unit: Unit, *, limit: int = 5) -> Mapping[str, int]:
    """Why acts wait that were tried already, and how many for each reason; the commonest first."""
    count = func.count().label("held_up")
    statement = (
        select(acts.c.reason, count)
        .where(acts.c.state == WAITING, acts.c.reason.is_not(None))
        .group_by(acts.c.reason)
        .order_by(count.desc())
        .limit(limit)
    )
    return {row.reason: row.held_up for row in await unit.execute(statement)}


async def held_up_in(unit: Unit, names: Collection[str]) -> Mapping[str, str]:
    """Why the act waits whose turn it is in each of these lanes, where it was tried already."""
    statement = select(acts.c.lane, acts.c.reason).where(
        acts.c.state == WAITING, acts.c.reason.is_not(None), acts.c.lane.in_(names)
    )
    return {row.lane: row.reason for row in await unit.execute(statement)}


async def backlog(unit: Unit) -> Backlog:
    """How much is to be delivered."""
    waiting = select(func.count()).where(acts.c.state == WAITING).scalar_subquery()
    blocked = select(lanes.c.lane).where(lanes.c.lane == acts.c.lane, lanes.c.due_at.is_(None))
    oldest = (
        select(acts.c.created_at)
        .where(acts.c.state == WAITING, ~blocked.exists())
        .order_by(acts.c.created_at)
        .limit(1)
        .scalar_subquery()
    )
    given_up = select(func.count()).where(acts.c.state == FAILED).scalar_subquery()
    overdue = select(func.min(lanes.c.due_at)).where(lanes.c.due_at <= unit.now).scalar_subquery()
    row = (
        await unit.execute(
            select(
                waiting.label("waiting"),
                oldest.label("oldest"),
                given_up.label("failed"),
                overdue.label("overdue"),
            )
        )
    ).one()
    return Backlog(row.waiting, row.oldest, row.failed, row.overdue)


def act_of(row: Row[Any]) -> Act:
    """The act of a row of the table."""
    return Act(
        id=row.id,
        lane=row.lane,
        kind=row.kind,
        payload=row.payload,
        attempts=row.attempts,
        created_at=row.created_at,
        maybe_delivered=row.maybe_delivered,
    )
