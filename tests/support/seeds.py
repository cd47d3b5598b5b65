"""The seed of a test that tries random cases."""

from __future__ import annotations

import os
import secrets
from typing import Final

_KNOWN: Final = 20261126


def seed() -> int:
    """That of ``WHICHROOT_SEED``; without it a known one in CI, so that a change is judged by what it
    changes, and elsewhere one by chance. Said on standard output, to be repeated."""
    given = os.environ.get("WHICHROOT_SEED")
    found = int(given) if given else _KNOWN if os.environ.get("CI") else secrets.randbelow(10**9)
    print(f"WHICHROOT_SEED={found}")
    return found
