"""How far the fragments of M42Services were read: rowversions, and dates as SQL's datetime has them."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from bot.desks.base import moment

#: A file and an entry that are no further apart were made together.
_TOGETHER: Final = timedelta(minutes=2)
_MAX_SEEN: Final = 500


def rowversion(given: object, before: int) -> int:
    """The eight octets of a rowversion as a number (big-endian)."""
    try:
        octets = base64.b64decode(str(given), validate=True)
    except ValueError:
        return before
    return max(int.from_bytes(octets, "big"), before) if len(octets) == 8 else before


def later(since: str, seen: set[str], found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Where the journal is to be read from next: SQL's datetime rounds, so what has the last moments
    is asked for again and known by its id. So is what has a date to come, which would otherwise hide
    everything until then."""
    dated = [(at, str(row["ID"])) for row in found if row.get("ID") and (at := date_of(row))]
    known = seen | {identifier for _, identifier in dated}
    if not dated:
        return {"since": since, "seen": sorted(known)[:_MAX_SEEN]}
    newest = min(max(at for at, _ in dated), datetime.now(UTC))
    start = newest - timedelta(seconds=2)
    kept = {identifier for at, identifier in dated if at >= start}
    first = moment(since)
    if first and first > start:
        start, kept = first, known
    return {"since": start.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3], "seen": sorted(kept)[:_MAX_SEEN]}


def is_for_customer(
    uploaded_at: str, found: Sequence[Mapping[str, Any]], now: datetime
) -> bool | None:
    """Whether the customer may see a file that was uploaded then. Matrix42 does not tell: the entry
    that was written next to it decides, once no nearer one can come any more (until then None).
    Where there is none the file stays: what is internal must never leave Matrix42. So does one
    without a readable date."""
    uploaded = moment(uploaded_at)
    if uploaded is None:
        return False
    near = [
        (abs(written - uploaded), row.get("VisibleInPortal") is True)
        for row in found
        if (written := date_of(row)) and abs(written - uploaded) <= _TOGETHER
    ]
    if near:
        distance, visible = min(near)
        return visible if now - uploaded >= distance else None
    return None if now - uploaded < _TOGETHER else False


def date_of(row: Mapping[str, Any]) -> datetime | None:
    """When a journal entry was created; None: it does not say."""
    return moment(str(row.get("CreatedDate") or ""))
