"""Servers for tests: TLS of every kind, and raw sockets that say what they are told to.

    async with tls_server([leaf, intermediate]) as server:
        ...  # connect to server.host, server.port

Every server listens on a port of its own on 127.0.0.1 and is gone when its block ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
import tempfile
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from tests.support.authority import Issued

Script: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

_VERSIONS = {
    "TLSv1": ssl.TLSVersion.TLSv1,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}


@dataclass(slots=True)
class Server:
    """Where a server listens, and what it has noticed."""

    port: int
    host: str = "127.0.0.1"
    connections: int = 0
    server_names: list[str | None] = field(default_factory=list)
    """The SNI of each ClientHello that a TLS server has seen."""

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"


def server_context(
    chain: Sequence[Issued],
    *,
    versions: Sequence[str] = ("TLSv1.2", "TLSv1.3"),
    ciphers: str | None = None,
    curve: str | None = None,
    client_cas: Sequence[Issued] = (),
    demand: ssl.VerifyMode | None = None,
    alpn: Sequence[str] = (),
) -> ssl.SSLContext:
    """A context that sends ``chain`` (the first with its key) exactly in this order, over the
    ``versions`` from the first to the last.

    ``client_cas`` with ``demand`` (``CERT_REQUIRED`` unless given) ask for a client certificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(f"{ciphers or 'ALL:COMPLEMENTOFALL'}:@SECLEVEL=0")
    with warnings.catch_warnings():
        # TLS 1.0 and 1.1 are deprecated, and just what some of these servers are about.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = _VERSIONS[versions[0]]
        context.maximum_version = _VERSIONS[versions[-1]]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        (path / "chain.pem").write_bytes(b"".join(issued.pem for issued in chain))
        (path / "key.pem").write_bytes(chain[0].key_pem)
        context.load_cert_chain(path / "chain.pem", path / "key.pem")
    if curve:
        context.set_ecdh_curve(curve)
    if client_cas or demand is not None:
        context.verify_mode = ssl.CERT_REQUIRED if demand is None else demand
        if client_cas:
            context.load_verify_locations(cadata=b"".join(ca.pem for ca in client_cas).decode())
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


@contextlib.asynccontextmanager
async def tls_server(
    chain: Sequence[Issued] | ssl.SSLContext, script: Script | None = None
) -> AsyncIterator[Server]:
    """A server that speaks TLS at once, as `server_context` makes it by default or as given, and
    then follows ``script`` (which by default waits until the client leaves)."""
    context = chain if isinstance(chain, ssl.SSLContext) else server_context(chain)
    async with _listening(script or until_closed, context) as server:
        yield server


@contextlib.asynccontextmanager
async def raw_server(script: Script) -> AsyncIterator[Server]:
    """A server without TLS that follows ``script`` with every client."""
    async with _listening(script, None) as server:
        yield server


@contextlib.asynccontextmanager
async def _listening(script: Script, context: ssl.SSLContext | None) -> AsyncIterator[Server]:
    server = Server(0)
    running: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        server.connections += 1
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await script(reader, writer)
        finally:
            running.discard(task)
            writer.transport.abort()

    if context is not None:

        def note_name(tls: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
            server.server_names.append(name)

        context.sni_callback = note_name
    listener = await asyncio.start_server(serve, server.host, 0, ssl=context)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def until_closed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Waits until the client leaves."""
    await reader.read()


def saying(*turns: bytes, upgrade: ssl.SSLContext | None = None) -> Script:
    """Says the first of ``turns``, and each further one after the client has said something (an
    empty turn says nothing); then speaks TLS with ``upgrade``, or waits until the client leaves."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for number, turn in enumerate(turns):
            if number and not await reader.read(4096):
                return
            writer.write(turn)
            await writer.drain()
        if upgrade is not None:
            await writer.start_tls(upgrade)
        await reader.read()

    return script


def answering(answer: bytes, *, then: Script = until_closed) -> Script:
    """Says ``answer`` to the client's first words (a ClientHello), then does as ``then`` does."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.write(answer)
        await writer.drain()
        await then(reader, writer)

    return script


async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Reads what is there and closes."""
    await reader.read(4096)
    writer.close()
    await writer.wait_closed()


async def resetting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Reads what is there and resets the connection."""
    await reader.read(4096)
    reset(writer)


def reset(writer: asyncio.StreamWriter) -> None:
    """Closes with RST in place of FIN (SO_LINGER of zero seconds)."""
    connected = writer.get_extra_info("socket")
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def record(kind: int, content: bytes, version: int = 0x0303) -> bytes:
    """One TLS record."""
    return bytes([kind]) + version.to_bytes(2, "big") + len(content).to_bytes(2, "big") + content


def message(kind: int, body: bytes) -> bytes:
    """One TLS handshake message."""
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


def recorded_flight(
    chain: Sequence[bytes],
    *,
    version: int = 0x0303,
    suite: int = 0xC02F,
    after: bytes = b"",
) -> bytes:
    """A ServerHello and a Certificate in the clear, as a server up to TLS 1.2 sends them, followed by
    the handshake messages ``after``. No key is needed: whatever comes next cannot work."""
    hello = version.to_bytes(2, "big") + bytes(range(32)) + b"\0" + suite.to_bytes(2, "big") + b"\0"
    certificates = b"".join(len(der).to_bytes(3, "big") + der for der in chain)
    messages = message(2, hello) + message(11, len(certificates).to_bytes(3, "big") + certificates)
    messages += after
    size = 16 * 1024
    parts = [messages[at : at + size] for at in range(0, len(messages), size)]
    return b"".join(record(22, part, min(version, 0x0303)) for part in parts)


def alert(code: int, *, level: int = 2, version: int = 0x0303) -> bytes:
    """One alert in the clear; level 2 is fatal, 1 a warning."""
    return record(21, bytes([level, code]), version)
