"""The table that is printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured, the result with its unit, and what else is to know."""

    what: str
    result: str
    details: str = ""


def milliseconds(seconds: float) -> str:
    """A duration in milliseconds, to two digits at least."""
    value = seconds * 1000
    return f"{value:.0f} ms" if value >= 10 else f"{value:.2f} ms"


def table(rows: Sequence[Row]) -> str:
    """The rows below each other, in columns."""
    what = max(len(row.what) for row in rows)
    result = max(len(row.result) for row in rows)
    return "\n".join(
        f"{row.what:<{what}}  {row.result:>{result}}  {row.details}".rstrip() for row in rows
    )
