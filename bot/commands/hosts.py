"""The hosts that a run is about, as they come: from the command line, a file, a pipe or a terminal."""

from __future__ import annotations

import asyncio
import codecs
import io
import os
from collections.abc import AsyncGenerator, Iterator
from typing import BinaryIO, Final

from bot.commands import streams
from bot.commands.streams import InputError
from bot.text import visible

#: Of a longer line so many characters are kept: enough to quote it, and too many for an address.
MAX_LINE: Final = 4096
_CHUNK: Final = 64 * 1024
_PEM: Final = "-----BEGIN"


async def from_file(name: str) -> AsyncGenerator[str, None]:
    """The hosts in the file ``name`` (``-``: standard input), one a line, each as soon as its line is
    there; other work goes on while none is. Empty lines and comments (from ``#`` at a line's beginning
    or after a space) are left out, duplicates are not.

    Reads UTF-8, and UTF-16 with a byte order mark; lines may end as on any system. Raises InputError
    for a file that cannot be read, is no text, holds certificates, or names no host at all.
    """
    found = False
    with streams.open_input(name) as stream:
        lines = _Lines(name)
        async for chunk in _chunks(stream, name):
            for text in lines.split(chunk):
                found = True
                yield text
        for text in lines.split(b"", final=True):
            found = True
            yield text
    if not found:
        raise InputError(
            f"{_called(name)} names no server.", "Write one on each line, as dc01.corp.example:636."
        )


def count(name: str) -> int | None:
    """How many hosts `from_file` will find; None where that cannot be known beforehand. Raises
    InputError as it does."""
    if name == "-":
        return None
    with streams.open_input(name) as stream:
        if not streams.is_regular_file(stream):
            return None
        lines = _Lines(name)
        number = 0
        while chunk := _read(stream, name):
            number += sum(1 for _ in lines.split(chunk))
        return number + sum(1 for _ in lines.split(b"", final=True))


class _Lines:
    """Cuts what is read into lines; never holds more than one, and of that `MAX_LINE` characters."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._decoder: io.IncrementalNewlineDecoder | None = None
        self._start = b""
        self._line = ""

    def split(self, data: bytes, *, final: bool = False) -> Iterator[str]:
        text = self._decoded(data, final=final)
        *complete, rest = text.split("\n")
        for part in complete:
            line, self._line = self._line + part, ""
            yield from self._host(line)
        self._line = (self._line + rest)[: MAX_LINE + 1]
        if final:
            yield from self._host(self._line)

    def _decoded(self, data: bytes, *, final: bool) -> str:
        if self._decoder is None:
            data = self._start + data
            if len(data) < 2 and not final:
                # Too little to tell the encoding.
                self._start = data
                return ""
            is_utf16 = data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
            if b"\0" in data and not is_utf16:
                raise InputError(
                    f"{_called(self._name)} is not text.",
                    "Name a text file with one server on each line; certificates are for --chain.",
                )
            decoder = codecs.getincrementaldecoder("utf-16" if is_utf16 else "utf-8-sig")
            self._decoder = io.IncrementalNewlineDecoder(decoder("replace"), translate=True)
        return self._decoder.decode(data, final=final)

    def _host(self, line: str) -> Iterator[str]:
        text = f" {line[: MAX_LINE + 1]}".split(" #", 1)[0].split("\t#", 1)[0].strip()
        if text.startswith(_PEM):
            raise InputError(
                f"{_called(self._name)} holds certificates or keys, not servers.",
                "Read it with “whichroot read FILE”, or check it with “whichroot check HOST --chain "
                "FILE”.",
            )
        if text:
            yield text


async def _chunks(stream: BinaryIO, name: str) -> AsyncGenerator[bytes, None]:
    loop = asyncio.get_running_loop()
    descriptor = stream.fileno()
    while True:
        if not streams.is_regular_file(stream):
            await _readable(loop, descriptor)
        chunk = _read(stream, name)
        if not chunk:
            return
        yield chunk


async def _readable(loop: asyncio.AbstractEventLoop, descriptor: int) -> None:
    """Until reading gives data or the end at once."""
    ready = asyncio.Event()
    try:
        loop.add_reader(descriptor, ready.set)
    except PermissionError:
        # A device such as /dev/null, which never makes anybody wait (epoll_ctl(2), EPERM).
        return
    try:
        await ready.wait()
    finally:
        loop.remove_reader(descriptor)


def _read(stream: BinaryIO, name: str) -> bytes:
    try:
        # Past the stream's buffer, which would wait until it is full.
        return os.read(stream.fileno(), _CHUNK)
    except OSError as error:
        raise InputError(
            f"{_called(name)} cannot be read: {error.strerror}.", "Name a text file."
        ) from None


def _called(name: str) -> str:
    return "Standard input" if name == "-" else f"The file “{visible(name)}”"
