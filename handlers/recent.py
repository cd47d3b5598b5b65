"""Lookups that were just kept, and reports that were just made, for whoever needs them a moment later
in the same process: what is read here is not read from the database."""

from __future__ import annotations

from typing import Final, TypeVar

from bot.report import Report
from bot.store.lookups import KeptLookup

#: A report is some tens of kilobytes. What is not here any more is read from the database.
_MOST_REPORTS: Final = 64
_MOST_LOOKUPS: Final = 1000


_Value = TypeVar("_Value")


class Recent:
    """The last of them. Each is given once."""

    def __init__(self) -> None:
        self._lookups: dict[str, KeptLookup] = {}
        self._reports: dict[str, tuple[KeptLookup, Report]] = {}

    def keep_lookup(self, lookup: KeptLookup) -> None:
        """Remembers a lookup that waits; only once it is kept in the database."""
        _put(self._lookups, lookup.id, lookup, _MOST_LOOKUPS)

    def keep_report(self, lookup: KeptLookup, report: Report) -> None:
        """Remembers a report with its lookup, as that was before."""
        _put(self._reports, lookup.id, (lookup, report), _MOST_REPORTS)

    def lookup(self, lookup_id: str) -> KeptLookup | None:
        """The lookup, which waits; None: read it."""
        return self._lookups.pop(lookup_id, None)

    def report(self, lookup_id: str) -> tuple[KeptLookup, Report] | None:
        """The lookup and its report; None: read them."""
        return self._reports.pop(lookup_id, None)


def _put(kept: dict[str, _Value], key: str, value: _Value, most: int) -> None:
    kept[key] = value
    while len(kept) > most:
        del kept[next(iter(kept))]
