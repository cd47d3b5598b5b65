"""Ports for what is started in a moment."""

from __future__ import annotations

import contextlib
import secrets
import socket
from typing import Final

#: Below those that Linux gives to anybody who asks for none (net.ipv4.ip_local_port_range, from 32768).
_FIRST: Final = 20_000
_COUNT: Final = 12_000


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on."""
    while True:
        port = _FIRST + secrets.randbelow(_COUNT)
        with socket.socket() as listening, contextlib.suppress(OSError):
            listening.bind(("127.0.0.1", port))
            return port
