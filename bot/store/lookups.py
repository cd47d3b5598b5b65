"""Lookups kept, so that the buttons of a report work after a restart and on any replica."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from sqlalchemy import Row, func, literal, select, update

from bot.store.database import Database, Unit
from bot.store.tables import acts, lookups

#: What Slack grants a response_url.
_RESPONSE_USES: Final = 5
_RESPONSE_AGE: Final = timedelta(minutes=30)

_ID_OCTETS: Final = 9


@dataclass(frozen=True, slots=True)
class NewLookup:
    """What somebody asked."""

    team: str
    user: str
    channel: str
    input: str
    """What was typed, without passwords. Untrusted."""
    private: bool = False
    thread_ts: str | None = None
    response_url: str | None = None
    """Slack's, for at most 5 answers within 30 minutes."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """What else the lookup needs, as JSON: protocol, whether no cache may be used, …"""


@dataclass(frozen=True, slots=True)
class KeptLookup:
    """A lookup as it stands."""

    id: str
    """A short text, which buttons carry."""
    team: str
    user: str
    channel: str
    input: str
    private: bool
    thread_ts: str | None
    response_url: str | None
    """None once it is used up or 30 minutes old."""
    extra: Mapping[str, Any]
    state: Literal["waiting", "done"]
    report: Any
    """`bot.report.Report` as JSON data; None while waiting."""
    verdict: str | None
    message_channel: str | None
    """Where the report is shown, once it is."""
    message_ts: str | None
    created_at: datetime
    finished_at: datetime | None


class Lookups:
    """The lookups of ``database``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, unit: Unit, lookup: NewLookup) -> KeptLookup:
        """Keeps a lookup that waits. Put its act in the same unit."""
        statement = (
            lookups.insert()
            .values(
                id=secrets.token_urlsafe(_ID_OCTETS),
                team=lookup.team,
                user=lookup.user,
                channel=lookup.channel,
                input=lookup.input,
                private=lookup.private,
                thread_ts=lookup.thread_ts,
                response_url=lookup.response_url,
                response_uses=0,
                extra=dict(lookup.extra),
                state="waiting",
                created_at=unit.now,
            )
            .returning(lookups)
        )
        return _kept((await unit.execute(statement)).one(), unit.now)

    async def get(self, lookup_id: str, *, team: str | None = None) -> KeptLookup | None:
        """The lookup; None: there is none (in that workspace)."""
        statement = select(lookups).where(lookups.c.id == lookup_id)
        if team is not None:
            statement = statement.where(lookups.c.team == team)
        async with self._database.read() as unit:
            row = (await unit.execute(statement)).first()
            return None if row is None else _kept(row, unit.now)

    async def finish(self, unit: Unit, lookup_id: str, report: Any, verdict: str) -> None:
        """Keeps its report (JSON data)."""
        await unit.execute(
            update(lookups)
            .where(lookups.c.id == lookup_id)
            .values(state="done", report=report, verdict=verdict, finished_at=unit.now)
        )

    async def look_again(self, unit: Unit, parent_id: str, child: str, again: str) -> None:
        """In a lookup that stands for several, ``again`` is what ``child`` is by now."""
        statement = select(lookups.c.report).where(lookups.c.id == parent_id).with_for_update()
        report = (await unit.execute(statement)).scalar_one_or_none()
        if report is None:
            return
        report = {**report, "now": {**report.get("now", {}), child: again}}
        await unit.execute(update(lookups).where(lookups.c.id == parent_id).values(report=report))

    async def note_posted(self, unit: Unit, lookup_id: str, channel: str, ts: str) -> None:
        """The report is shown there."""
        await unit.execute(
            update(lookups)
            .where(lookups.c.id == lookup_id)
            .values(message_channel=channel, message_ts=ts)
        )

    async def use_response_url(self, unit: Unit, lookup_id: str) -> str | None:
        """Its response_url for one more answer; None: used up or too old."""
        statement = (
            update(lookups)
            .where(
                lookups.c.id == lookup_id,
                lookups.c.response_uses < _RESPONSE_USES,
                lookups.c.created_at > unit.now - _RESPONSE_AGE,
            )
            .values(response_uses=lookups.c.response_uses + 1)
            .returning(lookups.c.response_url)
        )
        url: str | None = (await unit.execute(statement)).scalar_one_or_none()
        return url

    async def find_by_message(self, channel: str, ts: str) -> KeptLookup | None:
        """The lookup whose report is that message; the latest, where it was looked up again."""
        statement = (
            select(lookups)
            .where(lookups.c.message_channel == channel, lookups.c.message_ts == ts)
            .order_by(lookups.c.created_at.desc())
            .limit(1)
        )
        async with self._database.read() as unit:
            row = (await unit.execute(statement)).first()
            return None if row is None else _kept(row, unit.now)

    async def recent(self, team: str, user: str, *, limit: int = 10) -> Sequence[KeptLookup]:
        """What somebody asked, the newest first."""
        statement = (
            select(lookups)
            .where(lookups.c.team == team, lookups.c.user == user)
            .order_by(lookups.c.created_at.desc())
            .limit(limit)
        )
        async with self._database.read() as unit:
            return [_kept(row, unit.now) for row in await unit.execute(statement)]

    async def ahead(self, lookup_id: str) -> int:
        """How many lookups wait that were asked before it."""
        own = select(lookups.c.created_at).where(lookups.c.id == lookup_id).scalar_subquery()
        statement = (
            select(func.count())
            .select_from(lookups)
            .where(lookups.c.state == "waiting", lookups.c.created_at < own)
        )
        async with self._database.read() as unit:
            count: int = (await unit.execute(statement)).scalar_one()
            return count

    async def held_up(self, team: str) -> str | None:
        """Why reports of the workspace wait that were tried to be posted; None: none does."""
        statement = (
            select(acts.c.reason)
            .join(lookups, acts.c.lane == literal("lookup:") + lookups.c.id)
            .where(
                acts.c.state == "waiting",
                acts.c.reason.is_not(None),
                acts.c.kind.in_(("report", "table")),
                lookups.c.team == team,
            )
            .limit(1)
        )
        async with self._database.read() as unit:
            reason: str | None = (await unit.execute(statement)).scalar_one_or_none()
            return reason

    async def waiting_of(self, team: str, user: str | None = None) -> int:
        """How many lookups of the workspace (or of that user there) wait."""
        statement = (
            select(func.count())
            .select_from(lookups)
            .where(lookups.c.state == "waiting", lookups.c.team == team)
        )
        if user is not None:
            statement = statement.where(lookups.c.user == user)
        async with self._database.read() as unit:
            count: int = (await unit.execute(statement)).scalar_one()
            return count


def _kept(row: Row[Any], now: datetime) -> KeptLookup:
    usable = row.response_uses < _RESPONSE_USES and row.created_at > now - _RESPONSE_AGE
    return KeptLookup(
        id=row.id,
        team=row.team,
        user=row.user,
        channel=row.channel,
        input=row.input,
        private=row.private,
        thread_ts=row.thread_ts,
        response_url=row.response_url if usable else None,
        extra=row.extra,
        state=row.state,
        report=row.report,
        verdict=row.verdict,
        message_channel=row.message_channel,
        message_ts=row.message_ts,
        created_at=row.created_at,
        finished_at=row.finished_at,
    )
