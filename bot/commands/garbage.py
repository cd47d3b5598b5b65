"""How often Python looks for garbage."""

from __future__ import annotations

import gc
from typing import Final

#: Objects made; a fiftieth as often as Python does by itself.
_COLLECTED_AFTER: Final = 35_000


def collect_seldom() -> None:
    """For commands that do one thing thousands of times: most of what that makes is freed at once or
    kept in bounded caches, and to look for garbage in it as often as usual takes a tenth of the time."""
    gc.set_threshold(_COLLECTED_AFTER)
