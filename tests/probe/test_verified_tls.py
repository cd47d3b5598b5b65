"""TLS that verifies: what is accepted, what is not, and how it ends."""

from __future__ import annotations

import asyncio
import socket
import ssl

import pytest

from bot.probe.egress import Address
from bot.probe.stream import Stream, open_stream
from bot.probe.verified_tls import NotVerifiedError, verified
from tests.support.authority import Issued, make_root
from tests.support.servers import Script, Server, tls_server

HOST = "server.example.test"


def trusting(root: Issued) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=root.pem.decode())


@pytest.fixture(scope="module")
def served() -> tuple[Issued, Issued]:
    """A server's certificate, and the root that issued it."""
    root = make_root()
    return root.leaf(HOST), root


def answered_with(body: bytes) -> Script:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(body)
        await writer.drain()
        writer.close()

    return script


async def connected(server: Server) -> Stream:
    sockaddr = (server.host, server.port)
    return await open_stream(Address(server.host, server.port, socket.AF_INET, sockaddr), None)


async def test_bytes_go_both_ways_until_the_other_side_ends(served: tuple[Issued, Issued]) -> None:
    body = bytes(range(256)) * 1000
    async with tls_server(served, answered_with(body)) as server:
        stream = await verified(await connected(server), HOST, trusting(served[1]))
        await stream.write(b"GET / HTTP/1.1\r\n\r\n")
        heard = b""
        while data := await asyncio.wait_for(stream.read(), 10):
            heard += data
        stream.close()
    assert heard == body


@pytest.mark.parametrize("host", ["other.example.test", "127.0.0.1", "a..b", ".example.test"])
async def test_another_name_is_not_accepted(host: str, served: tuple[Issued, Issued]) -> None:
    async with tls_server(served) as server:
        stream = await connected(server)
        with pytest.raises(NotVerifiedError):
            await verified(stream, host, trusting(served[1]))
        stream.close()


async def test_another_root_is_not_accepted(served: tuple[Issued, Issued]) -> None:
    async with tls_server(served) as server:
        stream = await connected(server)
        with pytest.raises(NotVerifiedError):
            await verified(stream, HOST, trusting(make_root("Other")))
        stream.close()
