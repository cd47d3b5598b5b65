"""``python -m bot`` is ``whichroot``."""

from __future__ import annotations

from bot.cli import start

start()
