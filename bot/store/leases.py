"""Leases on the outbox's lanes: what a worker takes, keeps, and gives back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Integer, bindparam, case, or_, select, update

from bot.store.database import Unit
from bot.store.lanework import Settlement, named_lanes
from bot.store.outbox import Act, act_of, lock_lanes
from bot.store.prepared import Prepared
from bot.store.tables import WAITING, acts, lanes

#: A row that was touched this much later than now was so before the clock was set back.
_CLOCK_TOLERANCE: Final = timedelta(minutes=2)


_DUE: Final = Prepared(
    lambda _: (
        select(
            *(column for column in acts.c if column.name not in ("reason", "receipt")),
            lanes.c.owner,
        )
        .join(lanes, lanes.c.head == acts.c.id)
        .where(lanes.c.pool == bindparam("pool"), lanes.c.due_at <= bindparam("now"))
        .order_by(lanes.c.due_at)
        .limit(bindparam("limit", type_=Integer))
        .with_for_update(of=lanes, skip_locked=True)
    )
)
_LEASE: Final = Prepared(
    lambda where: (
        update(lanes)
        .where(named_lanes(where))
        .values(
            owner=bindparam("new_owner"), due_at=bindparam("until"), touched_at=bindparam("now")
        )
    )
)
_RENEW: Final = Prepared(
    lambda _: (
        update(lanes)
        .where(lanes.c.lane == bindparam("name"), lanes.c.owner == bindparam("known_owner"))
        .values(due_at=bindparam("until"), touched_at=bindparam("now"))
    )
)


@dataclass(frozen=True, slots=True)
class Lease:
    """An act that one worker delivers. ``delays``: how often it was put off in a row."""

    act: Act
    owner: str
    pool: str
    blocks: bool
    delays: int
    not_before: datetime


async def claim(
    unit: Unit, pool: str, owner: str, limit: int, length: timedelta
) -> Sequence[Lease]:
    """Leases up to ``limit`` acts of ``pool`` that are due, the longest due first, each the first of
    its lane. ``owner`` must be new with each call. An act whose worker vanished counts one attempt
    more and may have been delivered."""
    due = {"pool": pool, "now": unit.now, "limit": limit}
    rows = await unit.fetch(_DUE, due)
    if not rows:
        return []
    until = {"new_owner": owner, "until": unit.now + length, "now": unit.now}
    await unit.run(_LEASE, {"names": [row.lane for row in rows], **until})
    abandoned = [row.id for row in rows if row.owner is not None]
    if abandoned:
        await unit.execute(
            update(acts)
            .where(acts.c.id.in_(abandoned))
            .values(attempts=acts.c.attempts + 1, maybe_delivered=True)
        )
    return [_lease(row, owner) for row in rows]


async def renew(unit: Unit, leases: Collection[Lease], length: timedelta) -> Collection[Lease]:
    """Prolongs ``leases``; gives those that are lost."""
    lost = []
    # One after the other, in the order in which every transaction locks lanes.
    for lease in sorted(leases, key=lambda lease: lease.act.lane):
        values = {"name": lease.act.lane, "known_owner": lease.owner}
        if not await unit.run(_RENEW, {**values, "until": unit.now + length, "now": unit.now}):
            lost.append(lease)
    return lost


def done(unit: Unit, lease: Lease, receipt: Mapping[str, Any]) -> None:
    """The act is delivered. This and what follows happens at the end of ``unit``, which then raises
    LeaseLost where the lease is not held any more."""
    changes = {"state": "done", "ended_at": unit.now, "receipt": dict(receipt)}
    _settle(unit, lease, changes, stays=False)


def put_off(
    unit: Unit, lease: Lease, until: datetime, reason: str, *, maybe_delivered: bool
) -> None:
    """The act waits until then, without an attempt lost."""
    changes = {"delays": lease.delays + 1, "reason": reason, "not_before": until}
    _settle(unit, lease, changes, due_at=until, maybe_delivered=maybe_delivered)


def try_again(
    unit: Unit, lease: Lease, until: datetime, reason: str, *, maybe_delivered: bool
) -> None:
    """An attempt failed; the act waits for the next until then."""
    changes = {
        "attempts": lease.act.attempts + 1,
        "delays": 0,
        "reason": reason,
        "not_before": until,
    }
    _settle(unit, lease, changes, due_at=until, maybe_delivered=maybe_delivered)


def give_up(unit: Unit, lease: Lease, reason: str, *, maybe_delivered: bool) -> None:
    """The act has failed."""
    changes = {
        "state": "failed",
        "attempts": lease.act.attempts + 1,
        "ended_at": unit.now,
        "reason": reason,
    }
    _settle(unit, lease, changes, stays=lease.blocks, maybe_delivered=maybe_delivered)


def hand_back(unit: Unit, lease: Lease, *, maybe_delivered: bool) -> None:
    """The act was not finished; any worker may take it at once."""
    _settle(unit, lease, {}, due_at=unit.now, maybe_delivered=maybe_delivered)


async def mend_clock(
    unit: Unit, length: timedelta, tolerance: timedelta = _CLOCK_TOLERANCE
) -> None:
    """Makes due what would wait until the clock, set back by more than ``tolerance``, reaches the old
    time again."""
    later = unit.now + tolerance
    heads = select(acts.c.id).where(acts.c.state == WAITING, acts.c.created_at > later)
    concerned = (
        or_(lanes.c.touched_at > later, lanes.c.head.in_(heads)),
        lanes.c.due_at.is_not(None),
    )
    await lock_lanes(unit, *concerned)
    # What waits behind the head of its lane would be due at the old time as well.
    await unit.execute(
        update(acts)
        .where(acts.c.state == WAITING, acts.c.created_at > later, acts.c.not_before > unit.now)
        .values(not_before=unit.now)
    )
    await unit.execute(
        update(lanes)
        .where(*concerned)
        .values(
            due_at=case((lanes.c.owner.is_(None), unit.now), else_=unit.now + length),
            touched_at=unit.now,
        )
    )


def _lease(row: Any, owner: str) -> Lease:
    act = act_of(row)
    if row.owner is not None:
        act = Act(act.id, act.lane, act.kind, act.payload, act.attempts + 1, act.created_at, True)
    return Lease(act, owner, row.pool, row.blocks, row.delays, row.not_before)


def _settle(
    unit: Unit,
    lease: Lease,
    changes: Mapping[str, Any],
    *,
    due_at: datetime | None = None,
    stays: bool = True,
    maybe_delivered: bool = False,
) -> None:
    act = lease.act
    # Every settlement writes the same columns, so that many are written at once.
    unchanged = {
        "state": "waiting",
        "attempts": act.attempts,
        "delays": lease.delays,
        "maybe_delivered": act.maybe_delivered or maybe_delivered,
        "not_before": lease.not_before,
        "ended_at": None,
        "reason": None,
        "receipt": None,
    }
    unit.lanes.settle(
        Settlement(
            act.id, act.lane, lease.pool, lease.owner, {**unchanged, **changes}, due_at, stays
        )
    )
