"""What is said in the clear before TLS: bounded reading, and the ways in which it goes wrong."""

from __future__ import annotations

from typing import Literal, TypeAlias

from bot.probe.stream import SocketStream
from bot.text import visible

Trouble: TypeAlias = Literal["refused", "unexpected", "closed", "too_long", "tls"]

_MAX_LINE = 8 * 1024


class PreludeError(Exception):
    """The prelude did not lead to TLS.

    ``trouble``: the server ``refused`` TLS, answered something ``unexpected``, ``closed`` the
    connection, said ``too_long`` a thing, or speaks ``tls`` at once. ``said`` is what it said, made
    visible; ``java`` what a Java client makes of a refusal.
    """

    def __init__(self, trouble: Trouble, said: str = "", java: str | None = None) -> None:
        super().__init__(trouble)
        self.trouble = trouble
        self.said = said
        self.java = java


class Conversation:
    """Reads lines and structures from a stream, at most ``budget`` bytes in all.

    Every reader raises `PreludeError` at the end of the stream and beyond the budget, and `OSError`.
    ``has_heard`` tells whether the server has said anything.
    """

    def __init__(self, stream: SocketStream, budget: int) -> None:
        self._stream = stream
        self._budget = budget
        self._heard = bytearray()
        self.has_heard = False

    @property
    def heard(self) -> bytes:
        """What has arrived and is not read yet."""
        return bytes(self._heard)

    async def say(self, data: bytes) -> None:
        await self._stream.write(data)

    async def read_line(self) -> bytes:
        """The next line without its end (CRLF or LF)."""
        looked = 0
        while (end := self._heard.find(b"\n", looked)) < 0:
            looked = len(self._heard)
            if looked > _MAX_LINE:
                raise PreludeError("too_long", quoted(self._heard))
            await self._hear()
        line = bytes(self._heard[:end]).rstrip(b"\r")
        del self._heard[: end + 1]
        return line

    async def read_exactly(self, size: int) -> bytes:
        while len(self._heard) < size:
            await self._hear()
        part = bytes(self._heard[:size])
        del self._heard[:size]
        return part

    async def read_until(self, *ends: bytes) -> bytes:
        """Everything up to and with the first of ``ends`` that arrives."""
        looked = 0
        longest = max(len(end) for end in ends)
        while True:
            found = [at + len(end) for end in ends if (at := self._heard.find(end, looked)) >= 0]
            if found:
                return await self.read_exactly(min(found))
            looked = max(0, len(self._heard) - longest + 1)
            await self._hear()

    def finish(self) -> SocketStream:
        """The stream for what comes next; what was read too much is put back."""
        if self._heard:
            self._stream.unread(bytes(self._heard))
            self._heard.clear()
        return self._stream

    async def _hear(self) -> None:
        data = await self._stream.read()
        if not data:
            raise PreludeError("closed", quoted(self._heard))
        if not self.has_heard and data[:1] == b"\x15" and data[1:2] in (b"\x03", b""):
            # An alert: the other side took our first words for a bad TLS record.
            raise PreludeError("tls")
        self.has_heard = True
        self._budget -= len(data)
        if self._budget < 0:
            raise PreludeError("too_long", quoted(self._heard))
        self._heard += data


def quoted(data: bytes | bytearray) -> str:
    """What a server said, for a message: text made visible, and not much of it."""
    return visible(bytes(data[:400]).decode("utf-8", "replace").strip(), 160)
