"""What a server named by AIA answers over HTTP: addresses, redirects, headers, bodies."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Iterator
from typing import Final

from bot.probe.download_limits import DownloadError, DownloadLimits
from bot.probe.downloads import download
from bot.probe.web import Connection, Location
from tests.hostile.fuzzing.target import FuzzTarget, as_text, check_told

_LIMITS: Final = DownloadLimits(seconds=5, redirects=3, max_bytes=300)


class Saying:
    """A stream on which the peer says ``content``, in pieces, whatever it hears."""

    def __init__(self, content: bytes) -> None:
        self._pieces = [content[at : at + 100] for at in range(0, len(content), 100)]

    async def read(self) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""

    async def write(self, data: bytes) -> None:
        assert data.startswith(b"GET ")
        assert data.count(b"\r\n\r\n") == 1

    def close(self) -> None:
        self._pieces.clear()


@functools.cache
def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()


def _download(data: bytes) -> None:
    """The first line is the URL; then there is what every server answers."""
    url, _, answer = data.partition(b"\n")

    async def connect(location: Location) -> Connection:
        assert location.scheme in ("http", "https")
        assert 0 < location.port < 65536
        return Connection(Saying(answer))

    try:
        found = _loop().run_until_complete(download(connect, as_text(url), _LIMITS))
    except DownloadError as error:
        check_told(error.message, error.remedy)
        return
    assert len(found) <= _LIMITS.max_bytes


def _answers() -> Iterator[bytes]:
    ok, found = b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 302 Found\r\n"
    url = b"http://aia.example.test/ca.cer\n"
    yield url + ok + b"Content-Type: x/y\r\nContent-Length: 4\r\n\r\nbody"
    yield (
        url + ok + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1;x=y\r\nd\r\n0\r\nT: x\r\n\r\n"
    )
    yield url + b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 OK\r\n\r\nuntil the end"
    yield url + found + b"Location: http://169.254.169.254/\r\n\r\n"
    yield url + found + b"Location: file:///etc/passwd\r\n\r\n"
    yield url + b"HTTP/1.1 307 X\r\nLocation: //[::1]:99999/\r\n\r\n"
    yield b"https://[2001:db8::1]:8443/ca\n" + ok + b"Content-Encoding: gzip\r\n\r\n\x1f\x8b"
    yield b"http://user:pw@h/\n" + ok + b"Content-Length: 99999999\r\n\r\n" + bytes(400)
    yield "http://bücher.example/%zz?\u202e\n".encode() + b"HTTP/1.1 404 No\r\nX: y\r\n\r\n"


TARGETS: Final = (
    FuzzTarget(
        "download",
        _download,
        _answers,
        words=(
            b"Location:",
            b"http://",
            b"//",
            b"@",
            b"[::1]",
            b"%",
            b"Content-Encoding:",
            b"\r\n",
        ),
        max_bytes=1500,
    ),
)
