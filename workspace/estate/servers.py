"""What the estate's servers say: TLS at once, LDAP with StartTLS, and plain HTTP for downloads."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeAlias

from workspace.estate.authority import Issued

Script: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

_IDLE_SECONDS: Final = 30.0
_MAX_MESSAGE: Final = 4096
_START_TLS: Final = b"1.3.6.1.4.1.1466.20037"


def server_context(
    chain: Sequence[Issued], client_authority: Issued | None = None
) -> ssl.SSLContext:
    """A context that sends ``chain`` (the server's own first) as it is, and demands a certificate
    of ``client_authority`` if one is given."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # The ssl module reads keys from files alone.
    with tempfile.TemporaryDirectory(prefix="whichroot-estate-") as folder:
        file = Path(folder) / "chain.pem"
        file.touch(mode=0o600)
        file.write_bytes(chain[0].key_pem + b"".join(issued.pem for issued in chain))
        context.load_cert_chain(file)
    if client_authority is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=client_authority.pem.decode())
    return context


class Conversations:
    """Holds a server's conversations, each by ``script``. An idle client is left after a while, and
    one that leaves is no error."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._tasks: set[asyncio.Task[None]] = set()

    async def hold(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._converse(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def end(self) -> None:
        """Ends those that are going on."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, ValueError, EOFError, asyncio.LimitOverrunError):
            try:
                async with asyncio.timeout(_IDLE_SECONDS):
                    await self._script(reader, writer)
            finally:
                writer.close()
                await writer.wait_closed()


async def directory(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A directory server that listens and says nothing until the client leaves."""
    while await reader.read(_MAX_MESSAGE):
        pass


def start_tls(context: ssl.SSLContext) -> Script:
    """Answers the StartTLS extended request (RFC 4511 section 4.14) and speaks TLS from there on;
    any other request ends the conversation."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tag, length = await reader.readexactly(2)
        if tag != 0x30 or length > 0x7F:
            return
        body = await reader.readexactly(length)
        if body[0] != 0x02 or _START_TLS not in body:
            return
        message_id = body[: 2 + body[1]]
        # ExtendedResponse: resultCode success, empty matchedDN and diagnosticMessage.
        answer = message_id + bytes.fromhex("7807 0a0100 0400 0400")
        writer.write(bytes([0x30, len(answer)]) + answer)
        await writer.drain()
        ended = _UntilLost()
        loop = asyncio.get_running_loop()
        await loop.start_tls(writer.transport, ended, context, server_side=True)
        await ended.wait()

    return script


class _UntilLost(asyncio.Protocol):
    """Listens, says nothing, and knows when the client has left."""

    def __init__(self) -> None:
        self._lost = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost.set()

    async def wait(self) -> None:
        await self._lost.wait()


def website(pages: Mapping[str, bytes], content_type: str) -> Script:
    """Answers GET requests with ``pages``, by their paths, and other paths with 404."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        page = pages.get(words[1]) if len(words) == 3 and words[0] == "GET" else None
        status = "404 Not Found" if page is None else "200 OK"
        body = b"There is nothing here.\n" if page is None else page
        fields = (
            f"HTTP/1.1 {status}",
            f"Content-Type: {content_type if page is not None else 'text/plain'}",
            f"Content-Length: {len(body)}",
            "Connection: close",
        )
        writer.write("\r\n".join((*fields, "", "")).encode() + body)
        await writer.drain()

    return script
