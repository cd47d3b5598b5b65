"""What a server named by AIA answers over HTTP: addresses, redirects, headers, bodies."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Iterator
from typing import Final

import httpx

from bot.probe.download_limits import DownloadError, DownloadLimits
from bot.probe.downloads import download
from tests.hostile.fuzzing.target import FuzzTarget, as_text, check_told

_LIMITS: Final = DownloadLimits(seconds=5, redirects=3, max_bytes=300)


class Body(httpx.AsyncByteStream):
    """A body in pieces."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for at in range(0, len(self._content), 100):
            yield self._content[at : at + 100]

    async def aclose(self) -> None:
        return None


@functools.cache
def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()


def _download(data: bytes) -> None:
    """The first line is the URL, the next ones a status and headers; then there is a body."""
    url, _, rest = data.partition(b"\n")
    status, _, rest = rest.partition(b"\n")
    lines, _, body = rest.partition(b"\n\n")
    headers = [
        (name, value) for line in lines.split(b"\n") for name, _, value in [line.partition(b":")]
    ]
    code = 200 + int(status) % 300 if status.isdigit() and len(status) < 9 else 200

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.scheme in ("http", "https")
        assert not request.url.userinfo
        return httpx.Response(code, headers=headers, stream=Body(body))

    async def fetched() -> bytes:
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
            return await download(client, as_text(url), _LIMITS)

    try:
        found = _loop().run_until_complete(fetched())
    except DownloadError as error:
        check_told(error.message, error.remedy)
        return
    assert len(found) <= _LIMITS.max_bytes


def _answers() -> Iterator[bytes]:
    yield b"http://aia.example.test/ca.cer\n0\nContent-Type: x/y\n\nbody"
    yield b"http://aia.example.test/ca.cer\n102\nLocation: http://169.254.169.254/\n\n"
    yield b"http://aia.example.test/ca.cer\n101\nLocation: file:///etc/passwd\n\n"
    yield b"http://aia.example.test/ca.cer\n107\nLocation: //[::1]:99999/\n\n"
    yield b"https://[2001:db8::1]:8443/ca\n0\nContent-Encoding: gzip\n\n\x1f\x8b"
    yield b"http://user:pw@h/\n0\nContent-Length: 99999999\n\n" + bytes(400)
    yield "http://bücher.example/%zz?\u202e\n204\nX: y\n\n".encode()


TARGETS: Final = (
    FuzzTarget(
        "download",
        _download,
        _answers,
        words=(b"Location:", b"http://", b"//", b"@", b"[::1]", b"%", b"Content-Encoding:", b"\\"),
        max_bytes=1500,
    ),
)
