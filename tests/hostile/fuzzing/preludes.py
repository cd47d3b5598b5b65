"""What servers say before TLS, fed to the preludes without a socket."""

from __future__ import annotations

from collections.abc import Coroutine, Iterator
from typing import Any, Final, cast

from bot.probe import problems
from bot.probe.conversation import Conversation, PreludeError
from bot.probe.prelude import PRELUDES
from bot.probe.protocols import Protocol
from bot.probe.stream import SocketStream, Stream
from bot.probe.target import Target, parse_target
from tests.hostile.fuzzing.target import FuzzTarget, check_told, driven

_BUDGET: Final = 64 * 1024
_TEXT: Final = (Protocol.SMTP, Protocol.IMAP, Protocol.POP3, Protocol.FTP, Protocol.XMPP)
_BINARY: Final = (Protocol.LDAP, Protocol.POSTGRESQL, Protocol.MYSQL, Protocol.MSSQL)
_TARGETS: Final[dict[Protocol, Target]] = {
    protocol: parse_target("server.example.test", protocol) for protocol in (*_TEXT, *_BINARY)
}


class Saying:
    """A stream on which a server says this and leaves: at once, or in pieces of ``size`` bytes."""

    def __init__(self, words: bytes, size: int) -> None:
        self._pieces = [words[at : at + size] for at in range(0, len(words), size)]
        self._pieces.reverse()
        self.is_closed = False

    async def read(self) -> bytes:
        return self._pieces.pop() if self._pieces else b""

    async def write(self, data: bytes) -> None:
        assert data

    def unread(self, data: bytes) -> None:
        self._pieces.append(data)

    def close(self) -> None:
        self.is_closed = True


def _say(protocol: Protocol, words: bytes, size: int) -> None:
    """Raises PreludeError."""
    stream = Saying(words, size)
    conversation = Conversation(cast("SocketStream", stream), _BUDGET)
    try:
        prelude = PRELUDES[protocol](conversation, "server.example.test")
        inner: Stream = driven(cast("Coroutine[Any, Any, Stream]", prelude))
    except PreludeError as error:
        found = problems.prelude_failed(_TARGETS[protocol], error)
        check_told(found.message, found.remedy, found.java)
        return
    while driven(inner.read()):
        pass


def _run(protocols: tuple[Protocol, ...], data: bytes) -> None:
    if len(data) < 2:
        return
    _say(protocols[data[0] % len(protocols)], data[2:], data[1] % 40 or len(data))


def _text_seeds() -> Iterator[bytes]:
    said = (
        b"220 mail\r\n250-mail\r\n250-SIZE\r\n250 STARTTLS\r\n220 go\r\n\x16\x03\x03",
        b"* OK imap\r\n* CAPABILITY STARTTLS\r\na1 OK go\r\n\x16\x03",
        b"+OK pop\r\n+OK go\r\n",
        b"220-hello\r\n220 ftp\r\n234 go\r\n",
        b"<?xml version='1.0'?><stream:stream><stream:features><starttls/></stream:features>"
        b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
    )
    for number, words in enumerate(said):
        for size in (0, 1, 7):
            yield bytes([number, size]) + words
    for number, words in enumerate(
        (b"554 no\r\n", b"* BYE no\r\n", b"-ERR no\r\n", b"421 no\r\n", b"<stream:error/>")
    ):
        yield bytes([number, 0]) + words
    yield b"\x00\x00\x15\x03\x01\x00\x02\x02\x28"


def _binary_seeds() -> Iterator[bytes]:
    ldap = bytes.fromhex("300c02010178070a010004000400")
    refused = bytes.fromhex("301302010178 0e 0a0102 0400 0407") + b"no\x1b[31m"
    mysql = b"\x4a\x00\x00\x00\x0a8.0.36\x00" + bytes(13) + b"\xff\xff" + bytes(50)
    denied = b"\x10\x00\x00\x00\xff\x69\x04#08004denied!"
    tds = b"\x04\x01\x00\x2b\x00\x00\x01\x00" + bytes.fromhex(
        "00001a0006 0100200001 0200210001 0300220000 0400220001 ff 0f0007d0 0000 01 00 00"
    )
    for number, words in (
        (0, ldap),
        (0, refused),
        (1, b"S"),
        (1, b"N"),
        (1, b"E\x00\x00\x00\x10SFATAL\x00Mno\x00\x00"),
        (2, mysql),
        (2, denied),
        (3, tds),
        (3, tds + b"\x12\x01\x00\x0b\x00\x00\x00\x00abc" * 3),
    ):
        for size in (0, 1, 5):
            yield bytes([number, size]) + words


TARGETS: Final = (
    FuzzTarget(
        "text_prelude",
        lambda data: _run(_TEXT, data),
        _text_seeds,
        words=(b"\r\n", b"220 ", b"220-", b"250 STARTTLS", b"<starttls", b"<proceed", b"a1 OK"),
        max_bytes=2048,
    ),
    FuzzTarget("binary_prelude", lambda data: _run(_BINARY, data), _binary_seeds, max_bytes=1024),
)
