"""Memory that is free again, given back to the system.

glibc gives back what is free at the end of its heap, and keeps what lies between pieces in use. After
some thousand lookups that is ten MiB, which nobody uses any more.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
from typing import Final

_EVERY_SECONDS: Final = 15.0


async def give_back(every: float = _EVERY_SECONDS) -> None:
    """Gives back now and then what is free, until it is cancelled; ends at once where the C library
    does not know how (``malloc_trim(3)`` is glibc's own)."""
    # Windows has no library without a name.
    library = ctypes.CDLL(None) if os.name == "posix" else None
    trim = getattr(library, "malloc_trim", None)
    while trim is not None:
        await asyncio.sleep(every)
        # Without Python's lock: it takes some milliseconds.
        await asyncio.to_thread(trim, 0)
