"""What is forgotten, and when.

Settings that `bot.settings` reads for it: ``WHICHROOT_RETENTION_LOOKUPS`` and
``WHICHROOT_RETENTION_REQUESTS``, in days.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Table, delete, func, or_, select, update

from bot.store.database import Database, Unit
from bot.store.tables import acts, lanes, lookups, requests, seen

#: How long a delivered act is remembered, so that its key is not taken twice.
_KEEP_ACTS: Final = timedelta(days=7)
#: What Slack grants a response_url; it is a secret until then and useless afterwards.
_KEEP_RESPONSE_URL: Final = timedelta(minutes=30)
#: How many rows one transaction removes: others want to write as well.
_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Purged:
    """How many of each were removed."""

    lookups: int
    requests: int
    acts: int
    seen: int


async def purge(
    database: Database,
    now: datetime,
    *,
    lookups_days: int,
    closed_requests_days: int,
    dry_run: bool = False,
) -> Purged:
    """Removes lookups that are older than ``lookups_days``, install requests that have been closed for
    ``closed_requests_days`` with all that was said about them, and what the store needs no more: acts
    delivered a week ago, expired keys, used response_urls. ``dry_run``: counts only.

    What is still to be delivered is kept, but for requests and lookups that are removed.
    """
    old_lookups = (lookups.c.state == "done") & (
        lookups.c.created_at < now - timedelta(days=lookups_days)
    )
    old_requests = requests.c.closed_at < now - timedelta(days=closed_requests_days)
    old_acts = or_(
        (acts.c.state == "done") & (acts.c.ended_at < now - _KEEP_ACTS),
        (acts.c.state == "failed")
        & acts.c.blocks.is_(False)
        & (acts.c.ended_at < now - timedelta(days=closed_requests_days)),
    )
    old_keys = seen.c.expires_at <= now
    if dry_run:
        async with database.read() as unit:
            return Purged(
                await _count(unit, lookups, old_lookups),
                await _count(unit, requests, old_requests),
                await _count(unit, acts, old_acts),
                await _count(unit, seen, old_keys),
            )
    await forget_response_urls(database, now)
    return Purged(
        await _remove(database, lookups, lookups.c.id, old_lookups, prefixes=("lookup:",)),
        await _remove(
            database, requests, requests.c.id, old_requests, prefixes=("request:", "ticket:")
        ),
        await _remove(database, acts, acts.c.id, old_acts),
        await _remove(database, seen, seen.c.key, old_keys),
    )


async def forget_response_urls(database: Database, now: datetime) -> None:
    """Removes the response_urls that Slack takes no more."""
    async with database.begin() as unit:
        await unit.execute_slowly(
            update(lookups)
            .where(
                lookups.c.response_url.is_not(None),
                lookups.c.created_at < now - _KEEP_RESPONSE_URL,
            )
            .values(response_url=None)
        )


async def _count(unit: Unit, table: Table, condition: ColumnElement[bool]) -> int:
    count: int = (
        await unit.execute_slowly(select(func.count()).select_from(table).where(condition))
    ).scalar_one()
    return count


async def _remove(
    database: Database,
    table: Table,
    identity: ColumnElement[Any],
    condition: ColumnElement[bool],
    *,
    prefixes: Sequence[str] = (),
) -> int:
    removed = 0
    while True:
        async with database.begin() as unit:
            found = await unit.execute_slowly(select(identity).where(condition).limit(_BATCH))
            names = found.scalars().all()
            for prefix in prefixes:
                await _remove_lanes(unit, [prefix + name for name in names])
            await unit.execute_slowly(delete(table).where(identity.in_(names)))
        removed += len(names)
        if len(names) < _BATCH:
            return removed


async def _remove_lanes(unit: Unit, names: Sequence[str]) -> None:
    await unit.execute_slowly(delete(acts).where(acts.c.lane.in_(names)))
    await unit.execute_slowly(delete(lanes).where(lanes.c.lane.in_(names)))
