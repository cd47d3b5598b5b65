"""Lookups kept, so that the buttons of a report work after a restart and on any replica."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from bot.store.database import Database, Unit


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
    """What else the lookup needs, as JSON: protocol, `fresh` (no cache), the report's parent."""


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
        raise NotImplementedError

    async def get(self, lookup_id: str, *, team: str | None = None) -> KeptLookup | None:
        """The lookup; None: there is none (in that workspace)."""
        raise NotImplementedError

    async def finish(self, unit: Unit, lookup_id: str, report: Any, verdict: str) -> None:
        """Keeps its report (JSON data)."""
        raise NotImplementedError

    async def note_posted(self, unit: Unit, lookup_id: str, channel: str, ts: str) -> None:
        """The report is shown there."""
        raise NotImplementedError

    async def use_response_url(self, unit: Unit, lookup_id: str) -> str | None:
        """Its response_url for one more answer; None: used up or too old."""
        raise NotImplementedError

    async def find_by_message(self, channel: str, ts: str) -> KeptLookup | None:
        """The lookup whose report is that message."""
        raise NotImplementedError

    async def recent(self, team: str, user: str, *, limit: int = 10) -> Sequence[KeptLookup]:
        """What somebody asked, the newest first."""
        raise NotImplementedError

    async def ahead(self, lookup_id: str) -> int:
        """How many lookups wait that were asked before it."""
        raise NotImplementedError

    async def waiting_of(self, team: str, user: str | None = None) -> int:
        """How many lookups of the workspace (or of that user there) wait."""
        raise NotImplementedError
