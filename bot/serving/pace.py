"""How much is done at once: as much as leaves the event loop quick.

Everything that runs gets its turn once in each round of the event loop. So how long a round takes
tells how much is under way, and how long the next command waits for each step of being accepted. What
waits for the outside takes no part in a round, and slows nobody down.
"""

from __future__ import annotations

import asyncio
from typing import Final

#: A round may take so long, in seconds: an acknowledgement is some six rounds away.
_ROUND_SECONDS: Final = 0.005
#: By how much the number that may run at once falls with a round that took longer, and rises with one
#: that did not; and what may run in any case.
_FALL: Final = 0.8
_RISE: Final = 0.2
_LEAST: Final = 2.0


class Pace:
    """Measures the rounds of one event loop. ``most`` may run at once."""

    def __init__(self, most: int) -> None:
        self._most = float(most)
        self._now = float(most)
        self._is_measuring = False

    @property
    def at_once(self) -> int:
        """How many may run at once now."""
        return int(self._now)

    def measure(self) -> None:
        """Something begins: measures the round that follows."""
        if not self._is_measuring:
            self._is_measuring = True
            loop = asyncio.get_running_loop()
            loop.call_soon(self._measured, loop, loop.time())

    def _measured(self, loop: asyncio.AbstractEventLoop, since: float) -> None:
        self._is_measuring = False
        self.note(loop.time() - since)

    def note(self, seconds: float) -> None:
        """A round took so long."""
        if seconds > _ROUND_SECONDS:
            self._now = max(self._now * _FALL, min(_LEAST, self._most))
        else:
            self._now = min(self._now + _RISE, self._most)
