"""Lookups kept, so that the buttons of a report work after a restart and on any replica."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from sqlalchemy import Integer, Row, bindparam, func, or_, select, update

from bot.store.database import Database, Unit
from bot.store.outbox import LOOKUPS, POSTS
from bot.store.prepared import Prepared
from bot.store.sealing import Sealing
from bot.store.tables import acts, lanes, lookups

#: What Slack grants a response_url.
_RESPONSE_USES: Final = 5
#: How long, and from which length on, a queue is not counted anew: that takes the longer, the more wait.
_AHEAD_AGE: Final = timedelta(seconds=0.5)
_MANY_AHEAD: Final = 500
_HELD_UP_AGE: Final = timedelta(seconds=1)
_MOST_TEAMS: Final = 1000
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


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands with the queue of lookups."""

    own: int
    """How many of one user wait."""
    ahead: int
    """How many of everybody's come before a new one: they are due, and nobody has begun them."""


class Lookups:
    """The lookups of ``database``. ``keys``: Fernet keys, with which response_urls are encrypted; raises
    SettingsError for one that is none."""

    def __init__(self, database: Database, keys: Sequence[str] = ()) -> None:
        self._database = database
        self._sealing = Sealing(keys)
        self._held_up: dict[str, tuple[datetime, str | None]] = {}
        self._ahead: tuple[datetime, int] | None = None

    async def add(self, unit: Unit, lookup: NewLookup) -> KeptLookup:
        """Keeps a lookup that waits. Put its act in the same unit."""
        kept = KeptLookup(
            id=secrets.token_urlsafe(_ID_OCTETS),
            team=lookup.team,
            user=lookup.user,
            channel=lookup.channel,
            input=lookup.input,
            private=lookup.private,
            thread_ts=lookup.thread_ts,
            response_url=lookup.response_url,
            extra=dict(lookup.extra),
            state="waiting",
            report=None,
            verdict=None,
            message_channel=None,
            message_ts=None,
            created_at=unit.now,
            finished_at=None,
        )
        columns = {name: getattr(kept, name) for name in _NEW_COLUMNS}
        columns["response_url"] = self._sealing.sealed(kept.response_url)
        await unit.run(_INSERT, {**columns, "response_uses": 0})
        return kept

    async def get(self, lookup_id: str, *, team: str | None = None) -> KeptLookup | None:
        """The lookup; None: there is none (in that workspace)."""
        async with self._database.read() as unit:
            rows = await unit.fetch(_GET, {"lookup": lookup_id})
            if not rows or team not in (None, rows[0].team):
                return None
            return self._kept(rows[0], unit.now)

    async def finish(self, unit: Unit, lookup_id: str, report: Any, verdict: str) -> None:
        """Keeps its report (JSON data, or `JsonText`)."""
        values = {"new_report": report, "new_verdict": verdict, "now": unit.now}
        await unit.run(_FINISH, {"lookup": lookup_id, **values})

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
        where = {"new_channel": channel, "new_ts": ts}
        await unit.run(_POSTED, {"lookup": lookup_id, **where})

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
        return self._sealing.opened((await unit.execute(statement)).scalar_one_or_none())

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
            return None if row is None else self._kept(row, unit.now)

    async def recent(self, team: str, user: str, *, limit: int = 10) -> Sequence[KeptLookup]:
        """What somebody asked, the newest first."""
        statement = (
            select(lookups)
            .where(lookups.c.team == team, lookups.c.user == user)
            .order_by(lookups.c.created_at.desc())
            .limit(limit)
        )
        async with self._database.read() as unit:
            return [self._kept(row, unit.now) for row in await unit.execute(statement)]

    async def standing(self, unit: Unit, team: str, user: str) -> Standing:
        """How it would stand with one more lookup of that user, which is being kept. A long queue is
        counted twice a second; meanwhile its length is an estimate."""
        since = unit.now - _WAITING_AGE
        values = {"team": team, "user": user, "since": since, "now": unit.now}
        if self._ahead and abs(unit.now - self._ahead[0]) < _AHEAD_AGE:
            counted_at, ahead = self._ahead
            self._ahead = counted_at, ahead + 1
            (own,) = await unit.fetch(_OWN, values)
            return Standing(own.own, ahead)
        (row,) = await unit.fetch(_STANDING, values)
        self._ahead = (unit.now, row.ahead + 1) if row.ahead >= _MANY_AHEAD else None
        return Standing(row.own, row.ahead)

    async def held_up(self, team: str) -> str | None:
        """Why reports of the workspace wait that were tried to be posted; None: none does. Looked up
        once a second at most."""
        now = self._database.clock()
        asked_at, known = self._held_up.get(team, (None, None))
        if asked_at is not None and abs(now - asked_at) < _HELD_UP_AGE:
            return known
        # Others need not look it up at the same time.
        self._held_up[team] = now, known
        async with self._database.read() as unit:
            rows = await unit.fetch(_HELD_UP, {"team": team})
        reason: str | None = rows[0].reason if rows else None
        if len(self._held_up) > _MOST_TEAMS:
            self._held_up.clear()
        self._held_up[team] = now, reason
        return reason

    def note_put_off(self) -> None:
        """An act was put off: why reports wait is to be looked up anew."""
        self._held_up.clear()

    async def queue(self, unit: Unit, limit: int = 10_000) -> Sequence[str]:
        """The lookups whose turn has not come yet, by id, the next one first."""
        rows = await unit.fetch(_QUEUE, {"now": unit.now, "limit": limit})
        return [row.lane.removeprefix(_LANE) for row in rows if row.lane.startswith(_LANE)]

    def _kept(self, row: Row[Any], now: datetime) -> KeptLookup:
        usable = row.response_uses < _RESPONSE_USES and row.created_at > now - _RESPONSE_AGE
        return KeptLookup(
            id=row.id,
            team=row.team,
            user=row.user,
            channel=row.channel,
            input=row.input,
            private=row.private,
            thread_ts=row.thread_ts,
            response_url=self._sealing.opened(row.response_url) if usable else None,
            extra=row.extra,
            state=row.state,
            report=row.report,
            verdict=row.verdict,
            message_channel=row.message_channel,
            message_ts=row.message_ts,
            created_at=row.created_at,
            finished_at=row.finished_at,
        )


_LANE: Final = "lookup:"
#: A lookup that was not made within a day was given up.
_WAITING_AGE: Final = timedelta(days=1)

_NEW_COLUMNS: Final = (
    *("id", "team", "user", "channel", "input", "private", "thread_ts", "response_url"),
    *("extra", "state", "created_at"),
)
_INSERT: Final = Prepared(
    lambda _: (
        lookups.insert()
        .values({name: bindparam(name) for name in (*_NEW_COLUMNS, "response_uses")})
        .inline()
    )
)
_GET: Final = Prepared(lambda _: select(lookups).where(lookups.c.id == bindparam("lookup")))
_FINISH: Final = Prepared(
    lambda _: (
        update(lookups)
        .where(lookups.c.id == bindparam("lookup"))
        .values(
            state="done",
            report=bindparam("new_report"),
            verdict=bindparam("new_verdict"),
            finished_at=bindparam("now"),
        )
    )
)
_POSTED: Final = Prepared(
    lambda _: (
        update(lookups)
        .where(lookups.c.id == bindparam("lookup"))
        .values(message_channel=bindparam("new_channel"), message_ts=bindparam("new_ts"))
    )
)
_TURN: Final = (lanes.c.pool == LOOKUPS) & (lanes.c.due_at <= bindparam("now"))
_OWN_COUNT: Final = (
    select(func.count())
    .select_from(lookups)
    .where(
        lookups.c.team == bindparam("team"),
        lookups.c.user == bindparam("user"),
        lookups.c.created_at > bindparam("since"),
        lookups.c.state == "waiting",
    )
    .scalar_subquery()
    .label("own")
)
_OWN: Final = Prepared(lambda _: select(_OWN_COUNT))
_STANDING: Final = Prepared(
    lambda _: select(
        _OWN_COUNT,
        select(func.count()).select_from(lanes).where(_TURN).scalar_subquery().label("ahead"),
    )
)
_QUEUE: Final = Prepared(
    lambda _: (
        select(lanes.c.lane)
        .where(_TURN)
        .order_by(lanes.c.due_at)
        .limit(bindparam("limit", type_=Integer))
    )
)
#: Only the first act of a lane is tried, so that not all lookups that wait need be looked through.
_HELD_UP: Final = Prepared(
    lambda _: (
        select(acts.c.reason)
        .select_from(lanes)
        .join(acts, acts.c.id == lanes.c.head)
        .join(lookups, lookups.c.id == func.substr(lanes.c.lane, len(_LANE) + 1))
        .where(
            lanes.c.pool == POSTS,
            acts.c.state == "waiting",
            acts.c.reason.is_not(None),
            or_(acts.c.kind == "report", acts.c.kind == "table"),
            lookups.c.team == bindparam("team"),
        )
        .limit(1)
    )
)
