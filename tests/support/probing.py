"""Probing a test's own servers, which listen on the loopback addresses."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from bot.probe.egress import Egress, Proxy, parse_networks
from bot.probe.handshake import probe
from bot.probe.presented import ConnectTo, Limits, Presented
from bot.probe.target import parse_target
from tests.support.authority import Issued

HOST = "server.example.test"
LOCAL = Egress(allow=parse_networks("127.0.0.0/8, ::1"))
#: Long enough for a busy machine; where a test waits for them it has shorter ones.
LIMITS = Limits(connect_seconds=30, prelude_seconds=30, handshake_seconds=30, total_seconds=90)


class Listening(Protocol):
    """What listens somewhere."""

    @property
    def host(self) -> str: ...

    @property
    def port(self) -> int: ...


async def ask(
    server: Listening,
    text: str = HOST,
    *,
    port: int | None = None,
    limits: Limits = LIMITS,
    proxy: Proxy | None = None,
) -> Presented:
    """What ``server`` (at ``port``, by default its own) presents to who asks for ``text``."""
    to = ConnectTo(server.host, port or server.port)
    egress = replace(LOCAL, proxy=proxy)
    (presented,) = await probe(parse_target(text), egress, connect=to, limits=limits)
    return presented


def waiting(seconds: float) -> Limits:
    """Limits for a test in which time runs out behind the connection."""
    return replace(LIMITS, prelude_seconds=seconds, handshake_seconds=seconds)


def codes(presented: Presented) -> list[str]:
    """The codes of everything that was found, the error last."""
    found = [finding.code for finding in presented.findings]
    return [*found, presented.error.code] if presented.error else found


def ders(chain: tuple[Issued, ...]) -> tuple[bytes, ...]:
    return tuple(issued.der for issued in chain)
