"""What was seen before, so that a delivery of Slack that comes twice counts once."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from bot.store.database import Unit

#: Slack repeats an event for minutes, a person a click for hours.
_KEEP: Final = timedelta(days=1)


class Seen:
    """Keys (event id, trigger id, view id, each behind a word for its kind) with what came of them."""

    async def first(
        self, unit: Unit, key: str, value: str = "", *, keep: timedelta = _KEEP
    ) -> str | None:
        """None the first time, and ``value`` is kept with ``key``; afterwards the value kept. Of two
        transactions at once the second waits for the first."""
        raise NotImplementedError

    async def forget(self, unit: Unit, key: str) -> bool:
        """Whether ``key`` was known and had not expired; it is no longer."""
        raise NotImplementedError
