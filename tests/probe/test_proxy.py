"""Probing through an outbound proxy, a real little one."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import pytest

from bot.probe.egress import Proxy, parse_networks
from bot.probe.handshake import probe
from bot.probe.presented import ConnectTo
from bot.probe.target import parse_target
from tests.support.authority import Issued
from tests.support.probing import HOST, LIMITS, LOCAL, ask, codes, ders
from tests.support.servers import (
    Script,
    Server,
    answering,
    closing,
    leaving,
    raw_server,
    resetting,
    tls_server,
    until_closed,
)

Chain = tuple[Issued, ...]


@dataclass
class _ConnectProxy:
    """Connects where CONNECT says, or ``instead``, after ``established``; remembers the requests."""

    instead: Server | None = None
    established: bytes = b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n"
    requests: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.requests.append(head)
        host, _, port = head.split(" ")[1].rpartition(":")
        to = (self.instead.host, self.instead.port) if self.instead else (host.strip("[]"), port)
        inner, outer = await asyncio.open_connection(*to)
        writer.write(self.established)
        try:
            await asyncio.gather(_copy(reader, outer), _copy(inner, writer))
        finally:
            outer.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.write_eof()


@contextlib.asynccontextmanager
async def _proxy(script: Script) -> AsyncIterator[Proxy]:
    async with raw_server(script) as server:
        yield Proxy(server.host, server.port, bypass=())


async def test_a_chain_comes_through_the_tunnel(chain: Chain) -> None:
    tunnel = _ConnectProxy()
    async with tls_server(chain) as server, _proxy(tunnel.serve) as proxy:
        presented = await ask(server, proxy=proxy)
    assert presented.chain == ders(chain)
    assert codes(presented) == []
    assert presented.address == "127.0.0.1"
    assert tunnel.requests == [
        f"CONNECT 127.0.0.1:{server.port} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n"
    ]
    assert server.server_names == [HOST.encode()]


async def test_credentials_go_to_the_proxy_and_nowhere_else(chain: Chain) -> None:
    tunnel = _ConnectProxy()
    async with tls_server(chain) as server, _proxy(tunnel.serve) as proxy:
        proxy = replace(proxy, username="bot", password="s3cret:ü")
        presented = await ask(server, proxy=proxy)
    assert presented.chain == ders(chain)
    credentials = base64.b64encode("bot:s3cret:ü".encode()).decode()
    assert f"Proxy-Authorization: Basic {credentials}\r\n" in tunnel.requests[0]
    assert "s3cret" not in repr(presented)


async def test_a_bypassed_network_is_contacted_directly(chain: Chain) -> None:
    tunnel = _ConnectProxy()
    async with tls_server(chain) as server, _proxy(tunnel.serve) as proxy:
        proxy = replace(proxy, bypass=parse_networks("127.0.0.0/8"))
        presented = await ask(server, proxy=proxy)
    assert presented.chain == ders(chain)
    assert tunnel.requests == []


async def test_what_is_denied_is_not_asked_of_the_proxy() -> None:
    tunnel = _ConnectProxy()
    async with _proxy(tunnel.serve) as proxy:
        egress = replace(LOCAL, allow=(), proxy=proxy)
        (presented,) = await probe(parse_target("169.254.169.254"), egress, limits=LIMITS)
    assert codes(presented) == ["egress_denied"]
    assert tunnel.requests == []


async def test_a_name_that_cannot_be_resolved_is_left_to_a_proxy_that_can(chain: Chain) -> None:
    async with tls_server(chain) as server:
        tunnel = _ConnectProxy(instead=server)
        async with _proxy(tunnel.serve) as proxy:
            egress = replace(LOCAL, proxy=replace(proxy, resolves_names=True))
            target = parse_target("www.corp.invalid")
            (presented,) = await probe(target, egress, limits=LIMITS)
            (unresolved,) = await probe(target, replace(LOCAL, proxy=proxy), limits=LIMITS)
    assert presented.chain == ders(chain)
    assert presented.address == ""
    assert tunnel.requests[0].startswith("CONNECT www.corp.invalid:443 HTTP/1.1\r\n")
    assert codes(unresolved) == ["unresolvable"]


async def test_words_that_come_with_the_answer_belong_to_the_server() -> None:
    tunnel = _ConnectProxy(established=b"HTTP/1.0 200 OK\r\n\r\nSSH-2.0-eager\r\n")
    async with raw_server(until_closed) as server, _proxy(tunnel.serve) as proxy:
        presented = await ask(server, proxy=proxy)
    assert codes(presented) == ["plaintext"]
    assert "SSH-2.0-eager" in (presented.error.message if presented.error else "")


@pytest.mark.parametrize(
    ("script", "text"),
    [
        (answering(b"HTTP/1.1 403 Forbidden\r\n\r\n", then=closing), '"HTTP/1.1 403 Forbidden"'),
        (answering(b"HTTP/1.1 407 \x1b[31m\r\n\r\n", then=closing), "\\x1b"),
        (answering(b"HTTP/1.1 200\r\n", then=leaving), "no HTTP answer"),
        (answering(b"SSH-2.0-x\r\n\r\n", then=closing), "no HTTP answer"),
        (answering(b"HTTP/1.1 " + b"x" * 40_000, then=closing), "no HTTP answer"),
        (closing, "no HTTP answer"),
        (resetting, "no HTTP answer"),
    ],
    ids=["403", "control characters", "cut off", "no HTTP", "endless", "closes", "resets"],
)
async def test_a_proxy_that_does_not_connect_is_told(script: Script, text: str) -> None:
    async with raw_server(until_closed) as server, _proxy(script) as proxy:
        presented = await ask(server, proxy=proxy)
    assert codes(presented) == ["proxy_failed"]
    assert presented.error is not None
    assert text in presented.error.message
    assert presented.error.message.isprintable()
    assert server.connections == 0


async def test_a_proxy_that_is_not_there_is_told() -> None:
    proxy = Proxy("127.0.0.1", 9, "bot", "s3cret", bypass=())
    presented = await ask(Server(443), proxy=proxy)
    assert codes(presented) == ["proxy_failed"]
    assert "127.0.0.1:9 cannot be reached" in (presented.error.message if presented.error else "")
    assert "s3cret" not in repr(presented)


async def test_a_silent_proxy_is_given_up() -> None:
    async with _proxy(until_closed) as proxy:
        presented = await ask(Server(443), proxy=proxy, limits=replace(LIMITS, connect_seconds=0.3))
    assert codes(presented) == ["connect_timeout"]


async def test_a_connection_elsewhere_goes_through_the_proxy_too(chain: Chain) -> None:
    tunnel = _ConnectProxy()
    async with tls_server(chain, host="::1") as server, _proxy(tunnel.serve) as proxy:
        egress = replace(LOCAL, proxy=proxy)
        to = ConnectTo("::1", server.port)
        (presented,) = await probe(parse_target(HOST), egress, connect=to, limits=LIMITS)
    assert presented.chain == ders(chain)
    assert tunnel.requests[0].startswith(f"CONNECT [::1]:{server.port} HTTP/1.1\r\n")
