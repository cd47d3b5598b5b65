"""A proxy between a desk and its client."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from tests.support.servers import raw_server, relaying


@dataclass
class Proxy:
    """An HTTP proxy that makes tunnels (RFC 9110 section 9.3.6); with ``login`` for that one alone.
    ``refuses``: the status with which it refuses everybody."""

    login: str = ""
    refuses: int = 0
    address: str = ""
    asked: list[str] = field(default_factory=list)
    """Where tunnels were wanted to."""

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Proxy]:
        """Listens until the block ends."""
        async with raw_server(self._serve) as server:
            self.address = server.address
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        method, target, _ = head.split("\r\n")[0].split(" ")
        self.asked.append(f"{method} {target}")
        wanted = f"Basic {base64.b64encode(self.login.encode()).decode()}\r\n"
        status = self.refuses or (407 if self.login and wanted not in head else 200)
        writer.write(f"HTTP/1.1 {status} Any\r\n".encode())
        if status != 200:
            writer.write(b"Content-Length: 0\r\n\r\n")
            await writer.drain()
            return
        writer.write(b"\r\n")
        await relaying(int(target.rpartition(":")[2]))(reader, writer)
