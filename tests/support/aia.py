"""A web server that publishes certificates, or does what such a server should not.

async with aia_server() as aia:
    root = make_root()
    aia.pages["/root.cer"] = page(root.der)
    leaf = root.leaf("www.example.test", ca_issuers=[aia.url("/root.cer")])
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from tests.support.authority import Issued
from tests.support.servers import Script, Server, raw_server, tls_server


@dataclass(slots=True)
class AiaServer:
    """``pages`` says by path how to answer; ``requests`` are the paths asked for, ``headers`` what
    the latest request said, header names in lower case."""

    server: Server
    scheme: str
    pages: dict[str, Script] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)

    def url(self, path: str) -> str:
        return f"{self.scheme}://{self.server.address}{path}"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").splitlines()
        path = head[0].split(" ")[1]
        self.requests.append(path)
        fields = (line.partition(": ") for line in head[1:] if line)
        self.headers = {name.lower(): value for name, _, value in fields}
        await self.pages.get(path, page(b"not here", status=404))(reader, writer)


@contextlib.asynccontextmanager
async def aia_server(chain: Sequence[Issued] = ()) -> AsyncIterator[AiaServer]:
    """The server; with a ``chain`` it speaks TLS."""
    aia: AiaServer

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await aia.answer(reader, writer)

    async with tls_server(chain, script) if chain else raw_server(script) as server:
        aia = AiaServer(server, "https" if chain else "http")
        yield aia


def page(body: bytes, content_type: str = "application/pkix-cert", *, status: int = 200) -> Script:
    """Answers with ``body``."""
    return _answer(status, body, {"Content-Type": content_type})


def encoded(body: bytes, encoding: str) -> Script:
    """Answers with a ``body`` that is encoded, though nobody asked for it."""
    return _answer(200, body, {"Content-Encoding": encoding})


def redirect(location: str, body: bytes = b"") -> Script:
    """Sends the client elsewhere."""
    return _answer(302, body, {"Location": location})


def endless(piece: bytes, headers: bytes = b"", status: bytes = b"200 OK") -> Script:
    """Sends ``piece`` again and again until the client leaves."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 " + status + b"\r\n" + headers + b"\r\n")
        while not writer.is_closing():
            writer.write(piece)
            await writer.drain()

    return script


def silent(asked: asyncio.Event) -> Script:
    """Sets ``asked``, answers with the first half of a header and waits for the client to leave."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-")
        asked.set()
        await reader.read()

    return script


def held(asked: asyncio.Event, release: asyncio.Event, then: Script) -> Script:
    """Sets ``asked`` and goes on once ``release`` is set."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await release.wait()
        await then(reader, writer)

    return script


def _answer(status: int, body: bytes, headers: dict[str, str]) -> Script:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"HTTP/1.1 {status} Any\r\n{lines}Content-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode("latin-1") + body)
        await writer.drain()
        await reader.read()

    return script
