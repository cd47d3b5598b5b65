"""Servers for tests: TLS of every kind, and raw sockets that say what they are told to.

    async with tls_server([leaf, intermediate]) as server:
        ...  # connect to server.host, server.port

Every server listens on a port of its own, by default on 127.0.0.1, and is gone when its block ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from OpenSSL import SSL

from tests.support.authority import Issued

Script: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

_VERSIONS = {
    "TLSv1": SSL.TLS1_VERSION,
    "TLSv1.1": SSL.TLS1_1_VERSION,
    "TLSv1.2": SSL.TLS1_2_VERSION,
    "TLSv1.3": SSL.TLS1_3_VERSION,
}


@dataclass(slots=True)
class Server:
    """Where a server listens, and what it has noticed."""

    port: int
    host: str = "127.0.0.1"
    connections: int = 0
    server_names: list[bytes | None] = field(default_factory=list)
    """The SNI of each ClientHello that a TLS server has seen."""

    @property
    def address(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def server_context(
    chain: Sequence[Issued],
    *,
    versions: Sequence[str] = ("TLSv1.2", "TLSv1.3"),
    ciphers: str = "ALL:COMPLEMENTOFALL",
    curve: ec.EllipticCurve | None = None,
    client_cas: Sequence[Issued] = (),
    demands_certificate: bool = True,
    alpn: bytes | None = None,
) -> SSL.Context:
    """A context that sends ``chain`` (the first with its key) exactly in this order, over the
    ``versions`` from the first to the last.

    ``client_cas`` are named to the client, which must have a certificate from one of them, or may.
    With ``alpn`` the client must offer that protocol.
    """
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(_VERSIONS[versions[0]])
    context.set_max_proto_version(_VERSIONS[versions[-1]])
    context.set_cipher_list(f"{ciphers}:@SECLEVEL=0".encode())
    context.set_options(SSL.OP_CIPHER_SERVER_PREFERENCE)
    key = chain[0].key
    assert isinstance(
        key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
    )
    context.use_privatekey(key)
    context.use_certificate(chain[0].certificate)
    for issued in chain[1:]:
        context.add_extra_chain_cert(issued.certificate)
    if curve is not None:
        context.set_tmp_ecdh(curve)
    if client_cas:
        demand = SSL.VERIFY_FAIL_IF_NO_PEER_CERT if demands_certificate else 0
        context.set_verify(SSL.VERIFY_PEER | demand, lambda *verdict: bool(verdict[-1]))
        for ca in client_cas:
            context.add_client_ca(ca.certificate)
    if alpn is not None:
        context.set_alpn_select_callback(lambda connection, offered: _selected(alpn, offered))
    return context


def _selected(wanted: bytes, offered: list[bytes]) -> bytes:
    if wanted not in offered:
        raise ValueError("no common application protocol")
    return wanted


@contextlib.asynccontextmanager
async def tls_server(
    chain: Sequence[Issued] | SSL.Context,
    script: Script | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
) -> AsyncIterator[Server]:
    """A server that speaks TLS at once, with a context that `server_context` makes by default or as
    given, and then follows ``script`` inside TLS (by default it waits until the client leaves)."""
    context = chain if isinstance(chain, SSL.Context) else server_context(chain)
    async with raw_server(upgrading(context, script), host, port) as server:
        context.set_tlsext_servername_callback(
            lambda connection: server.server_names.append(connection.get_servername())
        )
        yield server


def upgrading(context: SSL.Context, script: Script | None = None) -> Script:
    """Speaks TLS from here on, and follows ``script`` inside."""

    async def upgraded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        transport = _TlsTransport(context, reader, writer)
        if await transport.handshake():
            inside = asyncio.StreamReader()
            protocol = asyncio.StreamReaderProtocol(inside)
            loop = asyncio.get_running_loop()
            listening = loop.create_task(transport.listen(inside))
            try:
                outside = asyncio.StreamWriter(transport, protocol, inside, loop)
                await (script or until_closed)(inside, outside)
            finally:
                listening.cancel()
            transport.close()
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    return upgraded


class _TlsTransport(asyncio.Transport):
    """The server's side of TLS over a pair of streams. Unlike asyncio's own it sends the alert that
    says why a handshake failed."""

    def __init__(
        self, context: SSL.Context, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        super().__init__()
        self._connection = SSL.Connection(context)
        self._connection.set_accept_state()
        self._reader = reader
        self._writer = writer

    async def handshake(self) -> bool:
        """Whether it succeeds."""
        while True:
            try:
                self._connection.do_handshake()
            except SSL.WantReadError:
                self._flush()
                data = await self._reader.read(65536)
                if not data:
                    return False
                self._connection.bio_write(data)
            except SSL.Error:
                self._flush()
                return False
            else:
                self._flush()
                return True

    async def listen(self, inside: asyncio.StreamReader) -> None:
        """Feeds ``inside`` with what the client says."""
        with contextlib.suppress(SSL.Error, OSError):
            while True:
                # The first words may have come along with the end of the handshake.
                with contextlib.suppress(SSL.WantReadError):
                    while True:
                        inside.feed_data(self._connection.recv(65536))
                if not (data := await self._reader.read(65536)):
                    break
                self._connection.bio_write(data)
        inside.feed_eof()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._connection.sendall(bytes(data))
        self._flush()

    def close(self) -> None:
        with contextlib.suppress(SSL.Error):
            self._connection.shutdown()
        self._flush()

    def abort(self) -> None:
        self._writer.transport.abort()

    def is_closing(self) -> bool:
        return self._writer.is_closing()

    def get_extra_info(self, name: str, default: object = None) -> object:
        return self._writer.get_extra_info(name, default)

    def _flush(self) -> None:
        with contextlib.suppress(SSL.WantReadError):
            self._writer.write(self._connection.bio_read(1 << 20))


@contextlib.asynccontextmanager
async def raw_server(
    script: Script, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[Server]:
    """A server that follows ``script`` with every client; port 0 is any that is free."""
    server = Server(port, host)
    running: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await script(reader, writer)

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A task of our own: asyncio would report one that is cancelled at the end as an error.
        server.connections += 1
        task = asyncio.get_running_loop().create_task(serve(reader, writer))
        running.add(task)
        # Here, because a task that is cancelled before it begins closes nothing.
        task.add_done_callback(lambda _: writer.transport.abort())
        task.add_done_callback(running.discard)

    listener = await asyncio.start_server(accept, server.host, server.port)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        await asyncio.sleep(0)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def until_closed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Waits until the client leaves."""
    await reader.read()


def saying(*turns: bytes, then: Script = until_closed) -> Script:
    """Says the first of ``turns``, and each further one after the client has said something; an
    empty turn says nothing. Then does as ``then`` does."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for number, turn in enumerate(turns):
            if number and not await reader.read(4096):
                return
            writer.write(turn)
            await writer.drain()
        await then(reader, writer)

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


async def leaving(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Closes at once."""
    writer.close()
    await writer.wait_closed()


async def breaking(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Resets the connection at once, after what was written has arrived."""
    await asyncio.sleep(0.05)
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
    certificates = b"".join(len(der).to_bytes(3, "big") + der for der in chain)
    messages = message(11, len(certificates).to_bytes(3, "big") + certificates)
    messages += after
    size = 16 * 1024
    parts = [messages[at : at + size] for at in range(0, len(messages), size)]
    hello = server_hello(version=version, suite=suite)
    return hello + b"".join(record(22, part, version) for part in parts)


def server_hello(*, version: int = 0x0303, suite: int = 0xC02F) -> bytes:
    """A ServerHello of up to TLS 1.2 in a record of its own, without extensions."""
    number, random = version.to_bytes(2, "big"), bytes(range(32))
    hello = number + random + b"\0" + suite.to_bytes(2, "big") + b"\0"
    return record(22, message(2, hello), version)


def dh_key_exchange(bits: int) -> bytes:
    """A ServerKeyExchange of DHE with a prime of that length (RFC 5246 section 7.4.3), whose signature
    is worthless."""
    prime = (1 << bits) - 1
    numbers = [prime.to_bytes(bits // 8, "big"), b"\2", b"\x40" + bytes(bits // 8 - 1)]
    body = b"".join(len(number).to_bytes(2, "big") + number for number in numbers)
    return message(12, body + b"\x04\x01" + b"\0\x80" + bytes(128))


def alert(code: int, *, level: int = 2, version: int = 0x0303) -> bytes:
    """One alert in the clear; level 2 is fatal, 1 a warning."""
    return record(21, bytes([level, code]), version)


def relaying(port: int, heard: bytearray | None = None) -> Script:
    """Hands everything on to a server at ``port``; what is sent there is added to ``heard``."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        ways = [
            asyncio.create_task(_pipe(reader, inner_writer, heard)),
            asyncio.create_task(_pipe(inner_reader, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            inner_writer.close()

    return script


async def _pipe(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: bytearray | None = None
) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            if heard is not None:
                heard.extend(data)
            writer.write(data)
            await writer.drain()
