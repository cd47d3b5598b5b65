"""What a download may take, and how it fails. Here, because what was downloaded before is had without
all that a download needs."""

from __future__ import annotations

from bot.errors import WhichrootError
from bot.records import record


class DownloadError(WhichrootError):
    """The file could not be had. ``code`` is stable, such as ``timeout`` or ``status``."""

    def __init__(self, code: str, message: str, remedy: str) -> None:
        super().__init__(message, remedy)
        self.code = code


@record
class DownloadLimits:
    """Bounds of one download: seconds from the name's resolution to the last byte, redirects
    followed, bytes of the body."""

    seconds: float = 5.0
    redirects: int = 3
    max_bytes: int = 1 << 20
