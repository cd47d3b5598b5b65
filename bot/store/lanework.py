"""What a transaction does to the outbox, done together at its end.

Every transaction locks the lanes that it touches at its very end, all of them in one order, so that
no two wait for each other; and it does so in few statements, however many acts it puts or settles.
Whoever holds the lock of a lane sees all acts that were put into it before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import JSON, ColumnElement, Row, bindparam, delete, func, select, update

from bot.store.inserting import insert_into
from bot.store.prepared import Prepared
from bot.store.tables import FAILED, WAITING, acts, lanes

if TYPE_CHECKING:
    from sqlalchemy.sql.dml import ReturningInsert

    from bot.store.database import Unit
    from bot.store.inserting import Insert

#: What every settlement writes.
OUTCOME: Final = (
    *("state", "attempts", "delays", "maybe_delivered", "not_before", "ended_at", "reason"),
    "receipt",
)


def named_lanes(is_postgresql: bool) -> ColumnElement[bool]:
    """Whether a lane is one of the parameter ``names``."""
    if is_postgresql:
        return lanes.c.lane.in_(bindparam("names", expanding=True))
    names = func.json_each(bindparam("names", type_=JSON)).table_valued("value")
    return lanes.c.lane.in_(select(names.c.value))


_FOUND: Final = Prepared(lambda where: select(lanes).where(named_lanes(where)))
_REMOVE: Final = Prepared(lambda where: delete(lanes).where(named_lanes(where)))
_OUTCOME: Final = Prepared(
    lambda _: (
        update(acts)
        .where(acts.c.id == bindparam("act_id"))
        .values({name: bindparam(f"new_{name}") for name in OUTCOME})
    )
)
_ACTS: Final = acts.alias()
_HEADS: Final = Prepared(
    lambda where: (
        select(acts.c.lane, acts.c.id, acts.c.pool, acts.c.not_before)
        .select_from(lanes)
        .join(
            acts,
            acts.c.position
            == select(func.min(_ACTS.c.position))
            .where(_ACTS.c.lane == lanes.c.lane, _ACTS.c.state == WAITING)
            .scalar_subquery(),
        )
        .where(named_lanes(where))
    )
)
_NEW_HEAD: Final = Prepared(
    lambda _: (
        update(lanes)
        .where(lanes.c.lane == bindparam("name"))
        .values(
            head=bindparam("new_head"),
            pool=bindparam("new_pool"),
            due_at=bindparam("new_due_at"),
            owner=None,
            touched_at=bindparam("now"),
        )
    )
)
_NEW_LANE: Final = ("lane", "head", "pool", "due_at", "touched_at")
_NEW_ACT: Final = (
    *("id", "lane", "kind", "pool", "payload", "key", "state", "blocks", "attempts", "delays"),
    *("maybe_delivered", "not_before", "created_at"),
)


def _locking(is_postgresql: bool) -> Insert:
    insert = insert_into(lanes, is_postgresql=is_postgresql)
    insert = insert.values({name: bindparam(name) for name in _NEW_LANE})
    if not is_postgresql:
        # Whoever writes at all has locked everything.
        return insert.on_conflict_do_nothing(index_elements=[lanes.c.lane])
    return insert.on_conflict_do_update(
        index_elements=[lanes.c.lane], set_={"lane": insert.excluded.lane}
    )


def _keyed(is_postgresql: bool) -> ReturningInsert[Any]:
    insert = insert_into(acts, is_postgresql=is_postgresql)
    insert = insert.values({name: bindparam(name) for name in _NEW_ACT})
    return insert.on_conflict_do_nothing(index_elements=[acts.c.key]).returning(acts.c.id)


_LOCK: Final = Prepared(_locking)
_PUT_KEYED: Final = Prepared(_keyed)
_PUT: Final = Prepared(
    lambda _: acts.insert().values({name: bindparam(name) for name in _NEW_ACT}).inline()
)


class LeaseLost(Exception):
    """The lease ran out and somebody else has taken the act."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """What becomes of a leased act. ``due_at``: when it may be delivered (again); None where it has
    ended, or blocks its lane until somebody retries it."""

    act_id: str
    lane: str
    pool: str
    owner: str
    changes: Mapping[str, Any]
    """The columns of `OUTCOME`."""
    due_at: datetime | None
    stays: bool
    """Whether it stays at the head of its lane."""


class LaneWork:
    """The acts that one transaction puts, settles and takes up again."""

    def __init__(self) -> None:
        self._puts: list[Mapping[str, Any]] = []
        self._settled: list[Settlement] = []
        self._retried: list[tuple[str, str, str]] = []

    def put(self, values: Mapping[str, Any]) -> None:
        """A new act, as the row of its table."""
        self._puts.append(values)

    def settle(self, settlement: Settlement) -> None:
        """The outcome of a leased act."""
        self._settled.append(settlement)

    def retry(self, act_id: str, lane: str, pool: str) -> None:
        """A failed act is taken up again."""
        self._retried.append((act_id, lane, pool))

    async def finish(self, unit: Unit) -> Set[str]:
        """Does all of it; gives the pools of which something may be delivered now. Raises
        LeaseLost."""
        if not (self._puts or self._settled or self._retried):
            return frozenset()
        await self._lock(unit)
        found = await self._found(unit)
        if any(
            found[item.lane].owner != item.owner or found[item.lane].head != item.act_id
            for item in self._settled
        ):
            raise LeaseLost
        stale = await self._insert(unit, found) | await self._take_up(unit, found)
        await self._keep_outcomes(unit)
        stale |= {item.lane for item in self._settled if not item.stays}
        pools = {str(values["pool"]) for values in self._puts}
        pools |= {pool for _, _, pool in self._retried}
        pools |= {item.pool for item in self._settled if item.due_at is not None}
        return pools | await _find_heads(unit, stale)

    async def _lock(self, unit: Unit) -> None:
        rows = {
            lane: {
                "lane": lane,
                "head": act_id,
                "pool": pool,
                "due_at": due_at,
                "touched_at": unit.now,
            }
            for lane, act_id, pool, due_at in reversed(
                [
                    *((s.lane, s.act_id, s.pool, s.due_at) for s in self._settled),
                    *((lane, act_id, pool, unit.now) for act_id, lane, pool in self._retried),
                    *((p["lane"], p["id"], p["pool"], p["not_before"]) for p in self._puts),
                ]
            )
        }
        await unit.run(_LOCK, [rows[lane] for lane in sorted(rows)])

    async def _found(self, unit: Unit) -> Mapping[str, Row[Any]]:
        """The locked lanes of which more must be known."""
        names = {item.lane for item in self._settled} | {lane for _, lane, _ in self._retried}
        names |= {values["lane"] for values in self._puts if values["key"] is not None}
        if not names:
            return {}
        rows = await unit.fetch(_FOUND, {"names": list(names)})
        return {row.lane: row for row in rows}

    async def _insert(self, unit: Unit, found: Mapping[str, Row[Any]]) -> set[str]:
        """Gives the lanes whose head is an act that was put before under the same key."""
        stale = set()
        plain: list[Mapping[str, Any]] = []
        for values in self._puts:
            if values["key"] is None:
                plain.append(values)
                continue
            await _insert_many(unit, plain)
            plain = []
            kept = await unit.fetch(_PUT_KEYED, values)
            if not kept and found[values["lane"]].head == values["id"]:
                stale.add(values["lane"])
        await _insert_many(unit, plain)
        return stale

    async def _take_up(self, unit: Unit, found: Mapping[str, Row[Any]]) -> set[str]:
        """Gives the lanes whose head may be another now."""
        stale = set()
        for act_id, lane, _ in self._retried:
            taken = await unit.execute(
                update(acts)
                .where(acts.c.id == act_id, acts.c.state == FAILED)
                .values(state="waiting", attempts=0, delays=0, not_before=unit.now, ended_at=None)
            )
            found_lane = found[lane]
            if found_lane.owner is not None:
                continue
            if found_lane.head == act_id and taken.rowcount:
                blocked = update(lanes).where(lanes.c.lane == lane)
                await unit.execute(blocked.values(due_at=unit.now, touched_at=unit.now))
            elif found_lane.head == act_id or found_lane.due_at is not None:
                stale.add(lane)
        return stale

    async def _keep_outcomes(self, unit: Unit) -> None:
        if not self._settled:
            return
        await unit.run(
            _OUTCOME,
            [
                {
                    "act_id": item.act_id,
                    **{f"new_{name}": value for name, value in item.changes.items()},
                }
                for item in self._settled
            ],
        )
        staying = [item for item in self._settled if item.stays]
        if staying:
            await _update_lanes(
                unit,
                [(item.lane, item.act_id, item.pool, item.due_at) for item in staying],
            )


async def _insert_many(unit: Unit, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        await unit.run(_PUT, rows)


async def _find_heads(unit: Unit, names: set[str]) -> Set[str]:
    """Gives each of these locked lanes the first of its waiting acts, or removes it; gives the pools
    of the new heads."""
    if not names:
        return frozenset()
    heads = await unit.fetch(_HEADS, {"names": list(names)})
    if heads:
        await _update_lanes(
            unit,
            [(row.lane, row.id, row.pool, max(unit.now, row.not_before)) for row in heads],
        )
    empty = names - {row.lane for row in heads}
    if empty:
        await unit.run(_REMOVE, {"names": list(empty)})
    return {row.pool for row in heads}


async def _update_lanes(unit: Unit, rows: Sequence[tuple[str, str, str, datetime | None]]) -> None:
    """Writes lane, head, pool and due_at; nobody owns the lane then."""
    await unit.run(
        _NEW_HEAD,
        [
            {
                "name": lane,
                "new_head": head,
                "new_pool": pool,
                "new_due_at": due_at,
                "now": unit.now,
            }
            for lane, head, pool, due_at in rows
        ],
    )
