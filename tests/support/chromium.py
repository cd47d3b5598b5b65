"""How the tests start Chromium, as the system has it."""

from __future__ import annotations

import os
import shutil

#: Quiet: it asks for nothing but the pages of the tests.
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def path() -> str:
    """Where it is: ``CHROMIUM`` in the environment, else on the path."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
