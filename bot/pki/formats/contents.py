"""What a container holds, before anything is made of it."""

from __future__ import annotations

from dataclasses import field

from bot.records import record


@record(frozen=False)
class Contents:
    """``certificates`` are (DER, where in the container); ``private_keys`` name kinds and places;
    ``notes`` are sentences; ``locked`` means that a password is needed for the rest."""

    certificates: list[tuple[bytes, str]] = field(default_factory=list)
    private_keys: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    locked: bool = False
