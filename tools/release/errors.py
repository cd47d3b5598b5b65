"""Why a release is not made."""

from __future__ import annotations

from bot.errors import WhichrootError


class ReleaseError(WhichrootError):
    """The release cannot be made; the message says why."""
