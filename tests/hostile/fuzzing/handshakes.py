"""What servers say in a TLS handshake."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Iterator
from typing import Final

from bot.probe import handshake_problems
from bot.probe.flight import Flight, FlightReader
from bot.probe.presented import Limits
from bot.probe.suites import group_name, suite_name
from bot.probe.target import parse_target
from bot.probe.tls import Attempt, Ending, Offer, distinguished_name, shake_hands
from bot.probe.tls13 import Protection
from bot.text import visible
from tests.hostile.fuzzing.preludes import Saying
from tests.hostile.fuzzing.target import FuzzTarget, check_told
from tests.support.authority import make_root
from tests.support.servers import (
    alert,
    dh_key_exchange,
    message,
    record,
    recorded_flight,
    server_hello,
)

_LIMITS: Final = Limits()
_SUITES: Final = (0x1301, 0x1302, 0x1303, 0x1304, 0x1305, 0x002F)


def _flight(data: bytes) -> None:
    """The reader, with all at once and in pieces; then the messages of TLS 1.3."""
    if not data:
        return
    size, words = data[0] or 1, data[1:]
    at_once, in_pieces = FlightReader(_LIMITS), FlightReader(_LIMITS)
    at_once.feed(words)
    for at in range(0, len(words), size):
        in_pieces.feed(words[at : at + size])
    assert at_once.flight == in_pieces.flight
    at_once.feed_messages(words)
    _look_at(at_once.flight)


def _look_at(flight: Flight) -> None:
    assert len(flight.chain) <= _LIMITS.max_certificates
    assert len(flight.alerts) <= 8
    if flight.suite is not None:
        check_told(suite_name(flight.suite))
    if flight.group is not None:
        check_told(group_name(flight.group))
    for name in flight.authorities or ():
        check_told(visible(distinguished_name(name)))


@functools.cache
def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()


def _handshake(data: bytes) -> None:
    """The TLS library's handshake and the hand-written one, and what is said of how they ended."""
    if len(data) < 3:
        return
    offer = tuple(Offer)[data[0] % len(Offer)]
    words, size = data[2:], data[1] or len(data)
    attempt = _loop().run_until_complete(_shake(words, size, offer))
    target = parse_target("server.example.test:636")
    found = [*handshake_problems.attempt_findings(target, attempt)]
    if (failed := handshake_problems.attempt_failed(target, attempt, _LIMITS)) is not None:
        found.append(failed)
    if handshake_problems.is_strange_to_java(attempt):
        found.append(handshake_problems.java_cannot(attempt, None))
    for each in found:
        check_told(each.message, each.remedy, each.java)
    _look_at(attempt.flight)
    assert isinstance(attempt.ending, Ending)


async def _shake(words: bytes, size: int, offer: Offer) -> Attempt:
    deadline = asyncio.get_running_loop().time() + 30
    stream = Saying(words, size)
    return await shake_hands(stream, offer, "server.example.test", None, _LIMITS, deadline)


def _decryption(data: bytes) -> None:
    if len(data) < 50:
        return
    suite, secret = _SUITES[data[0] % len(_SUITES)], data[1:49]
    protection = Protection(suite, secret)
    for at in range(49, len(data), 60):
        assert isinstance(protection.open(record(23, data[at : at + 60])), bytes | None)


def _flights() -> Iterator[bytes]:
    root = make_root()
    done = message(14, b"")
    request = message(13, b"\x01\x01\x00\x02\x04\x01\x00\x07\x00\x05\x30\x03\x31\x01\x00")
    hello13 = b"\x03\x03" + bytes(range(32)) + b"\0\x13\x01\0"
    extensions = b"\x00\x2b\x00\x02\x03\x04\x00\x33\x00\x24\x00\x1d\x00\x20" + bytes([9] * 32)
    hello13 += len(extensions).to_bytes(2, "big") + extensions
    yield server_hello()
    yield recorded_flight([root.der], after=done)
    yield recorded_flight([root.der, root.der], after=request + done)
    yield recorded_flight([b"\x30\x00"], suite=0x0033, after=dh_key_exchange(512) + done)
    yield recorded_flight([b""], version=0x0301, suite=0x002F, after=request[:5])
    yield record(22, message(2, hello13)) + record(20, b"\x01") + record(23, bytes(40))
    yield message(2, hello13) + message(11, b"\0\0\0\x08\0\0\x03abc\0\0")
    yield message(2, hello13) + message(13, b"\0\0\x0c\0\x2f\0\x08\0\x06\0\x04\x30\x02\x31\x00")
    yield alert(40)
    yield alert(112, level=1) + server_hello()
    yield b"HTTP/1.1 400 Bad Request\r\n\r\n"
    yield b"\x80\x2e\x04\x00\x02"


def _prefixed(*prefixes: bytes) -> Iterator[bytes]:
    for words in _flights():
        for prefix in prefixes:
            yield prefix + words


TARGETS: Final = (
    FuzzTarget("flight", _flight, lambda: _prefixed(b"\xff", b"\x07"), max_bytes=4096),
    FuzzTarget(
        "handshake",
        _handshake,
        lambda: _prefixed(b"\x00\x00", b"\x01\x00", b"\x02\x64", b"\x03\x64"),
        max_bytes=4096,
    ),
    FuzzTarget("decryption", _decryption, lambda: [bytes(range(256))], max_bytes=600),
)
