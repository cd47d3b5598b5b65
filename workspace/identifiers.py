"""Identifiers and timestamps as Slack makes them."""

from __future__ import annotations

import time
from collections import Counter


class Identifiers:
    """Makes ids such as `C0000000001`, counted per prefix, and message timestamps.

    Ids are deterministic: the same story gives the same ids. Timestamps are Slack's `ts`
    (`seconds.microseconds`), strictly increasing over the whole workspace.
    """

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._last_microseconds = 0

    def new(self, prefix: str) -> str:
        """The next id with this prefix (`C`, `D`, `U`, `F`, `V`, `Ev`, …)."""
        self._counts[prefix] += 1
        return f"{prefix}{self._counts[prefix]:010d}"

    def timestamp(self) -> str:
        """A `ts` later than every one before."""
        now = max(time.time_ns() // 1000, self._last_microseconds + 1)
        self._last_microseconds = now
        return f"{now // 1_000_000}.{now % 1_000_000:06d}"
