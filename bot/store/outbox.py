"""The outbox: acts that are written with the change that caused them, and delivered afterwards.

An act belongs to a lane, and the acts of a lane are delivered one after the other in the order in
which they were put. The row of the lane is what a worker leases: it names the act whose turn it is
and when that may be delivered, so that finding work costs the same whatever waits behind it.

What a failed act does to its lane: one of a kind in `BLOCKING` keeps what follows waiting until
somebody retries it, because that makes no sense without it; any other is passed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from bot.store.database import Unit

#: Kinds without which the rest of their lane makes no sense.
BLOCKING: Final = frozenset({"lookup", "card", "pem"})
#: The pools whose acts take long and must not hold up the others, by kind. The rest is `POSTS`.
POOLS: Final[Mapping[str, str]] = {"lookup": "lookups"}
POSTS: Final = "posts"
LOOKUPS: Final = "lookups"


@dataclass(frozen=True, slots=True)
class Act:
    """Something to be done outside, once."""

    id: str
    """A short id, which the courier puts into the message's metadata."""
    lane: str
    """What it must stay in order with, as `request:ID`."""
    kind: str
    """Which courier delivers it."""
    payload: Mapping[str, Any]
    """Ids and data as JSON, never what is rendered from a state that can change."""
    attempts: int
    """How many attempts have failed; delays for rate limits and outages do not count."""
    created_at: datetime
    maybe_delivered: bool
    """An earlier attempt may have reached the other side: look before you send again."""


async def put(
    unit: Unit,
    lane: str,
    kind: str,
    payload: Mapping[str, Any],
    *,
    not_before: datetime | None = None,
    key: str | None = None,
) -> str:
    """Puts an act at the end of ``lane``, with the change that ``unit`` keeps, and gives its id.

    ``not_before``: not earlier than that. ``key``: an act with a key that was put before is not put
    again (the id given then is of no act).
    """
    raise NotImplementedError
