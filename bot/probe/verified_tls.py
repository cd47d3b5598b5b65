"""TLS that verifies the other side: its certificate by the public roots, and its name."""

from __future__ import annotations

import functools
import ssl
from collections.abc import Callable
from typing import TypeVar

import certifi

from bot.probe.stream import CHUNK, Stream

T = TypeVar("T")


class NotVerifiedError(Exception):
    """The handshake failed, or there is no certificate for such a name."""


async def verified(stream: Stream, host: str, trusted: ssl.SSLContext) -> Stream:
    """``stream`` under TLS with ``host``, a name in A-label form or an address, whose certificate must
    be one that ``trusted`` accepts. Raises `NotVerifiedError`, and OSError as the stream does."""
    try:
        protected = _Protected(stream, host, trusted)
    except ValueError as error:
        raise NotVerifiedError from error
    await protected.begin()
    return protected


class _Protected:
    def __init__(self, stream: Stream, host: str, trusted: ssl.SSLContext) -> None:
        self._stream = stream
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = trusted.wrap_bio(self._incoming, self._outgoing, server_hostname=host)

    async def begin(self) -> None:
        try:
            await self._done(self._tls.do_handshake)
        except ssl.SSLError as error:
            raise NotVerifiedError from error

    async def read(self) -> bytes:
        try:
            return await self._done(functools.partial(self._tls.read, CHUNK))
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            # HTTP tells by itself whether that is too early.
            return b""

    async def write(self, data: bytes) -> None:
        await self._done(functools.partial(self._tls.write, data))

    def close(self) -> None:
        self._stream.close()

    async def _done(self, step: Callable[[], T]) -> T:
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                await self._flush()
                if data := await self._stream.read():
                    self._incoming.write(data)
                else:
                    self._incoming.write_eof()
            else:
                await self._flush()
                return result

    async def _flush(self) -> None:
        if data := self._outgoing.read():
            await self._stream.write(data)


@functools.cache
def public_roots() -> ssl.SSLContext:
    """Trusts what browsers trust. Reading that takes longer than a download: one serves all."""
    return ssl.create_default_context(cafile=certifi.where())
