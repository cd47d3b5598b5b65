"""How long delivering is tried."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited for what, in seconds."""

    lease: float = 60.0
    """After the last sign of life of a worker its acts are anybody's."""
    courier: float = 120.0
    """A courier that takes longer is stopped; the attempt has failed."""
    cancelled: float = 5.0
    """One that does not end although it was stopped is left to itself."""
    poll: float = 1.0
    """How often work is looked for that other processes put."""
    first: float = 2.0
    """The wait after the first failed attempt; it doubles each time, …"""
    most: float = 300.0
    """… up to this. Half of each wait is left to chance."""
    attempts: int = 8
    """How many attempts may fail."""

    def wait(self, failures: int) -> float:
        """The wait after that many failures in a row."""
        longest = min(self.most, self.first * 2.0 ** min(failures - 1, 30))
        return longest * random.uniform(0.5, 1.0)  # noqa: S311  not a secret
