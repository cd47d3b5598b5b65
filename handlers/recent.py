"""Reports that were just made, for whoever shows them a moment later in the same process."""

from __future__ import annotations

from typing import Final

from bot.report import Report
from bot.store.lookups import KeptLookup

#: One is some tens of kilobytes. What is not here any more is read from the database.
_MOST: Final = 64


class Recent:
    """The last reports with their lookups, as they were before."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[KeptLookup, Report]] = {}

    def add(self, lookup: KeptLookup, report: Report) -> None:
        """Remembers a report."""
        self._kept[lookup.id] = lookup, report
        while len(self._kept) > _MOST:
            del self._kept[next(iter(self._kept))]

    def take(self, lookup_id: str) -> tuple[KeptLookup, Report] | None:
        """The lookup and its report, once; None: read it."""
        return self._kept.pop(lookup_id, None)
