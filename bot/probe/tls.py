"""One attempt at a TLS handshake over a stream, and everything that it shows.

Nothing is verified here: a probe only looks, with every version and cipher that the TLS library
still has. Whatever goes wrong, the attempt keeps what was seen before.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ipaddress
import re
from dataclasses import field
from enum import Enum, auto
from typing import Final

from bot.probe.flight import TLS13, Flight, FlightReader, looks_like_tls
from bot.probe.hello import client_hello
from bot.probe.openssl import (
    TLS1_2_VERSION,
    TLS1_VERSION,
    Connection,
    Context,
    TlsError,
    WantReadError,
    Watcher,
    ZeroReturnError,
)
from bot.probe.presented import Limits
from bot.probe.stream import Stream
from bot.probe.tls13 import decrypt_handshake
from bot.records import record

_FATAL: Final = 2
_VERDICT_SECONDS: Final = 1.5
"""How long a TLS 1.3 server may take to say that it demands a client certificate."""
_LINGER_SECONDS: Final = 2.0
"""How long to listen for the rest of a flight that the TLS library has given up on."""
_TLS13_SUITES: Final = (
    b"TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256"
    b":TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256"
)
_SERVER_SECRET: Final = b"SERVER_HANDSHAKE_TRAFFIC_SECRET"
_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII | re.IGNORECASE)


class Offer(Enum):
    """What the client offers."""

    EVERYTHING = auto()
    """TLS 1.0 to 1.3, every cipher that comes with a certificate."""
    SMALL = auto()
    """The same with one group: a ClientHello that fits into one packet."""
    JAVA = auto()
    """What JDK 25 offers."""
    ANCIENT = auto()
    """`client_hello`: up to TLS 1.2, also what the TLS library does not have."""


class Ending(Enum):
    """How an attempt ended."""

    COMPLETED = auto()
    ALERT = auto()
    CLOSED = auto()
    RESET = auto()
    TIMED_OUT = auto()
    TOO_LONG = auto()
    """The server sent more than ``max_handshake_bytes``."""
    NOT_TLS = auto()
    FAILED = auto()
    """The TLS library gave up on what the server sent."""


@record(frozen=False)
class Attempt:
    """What an attempt has shown. ``first_bytes`` are the first that the server sent, ``alerts``
    (level, description) as received, ``reason`` the TLS library's when it gave up.
    ``is_required`` is about the client certificate that the server ``asked`` for."""

    offer: Offer
    ending: Ending
    first_bytes: bytes = b""
    flight: Flight = field(default_factory=Flight)
    chain: tuple[bytes, ...] = ()
    left_out: int = 0
    alerts: list[tuple[int, int]] = field(default_factory=list)
    reason: str = ""
    asked: bool = False
    is_required: bool | None = None
    authorities: tuple[bytes, ...] = ()


class _Seen(Watcher):
    """What the TLS library tells about one connection."""

    def __init__(self) -> None:
        self.alerts: list[tuple[int, int]] = []
        self.asked = False
        self.secret = b""

    def alert_received(self, level: int, description: int) -> None:
        if len(self.alerts) < 8:
            self.alerts.append((level, description))

    def certificate_requested(self) -> None:
        self.asked = True

    def secret_made(self, label: bytes, secret: bytes) -> None:
        if label == _SERVER_SECRET:
            self.secret = secret


def java_server_name(host: str) -> str | None:
    """The name that a Java client puts into SNI for ``host``, or ``None``.

    ``sun.security.ssl.Utilities.rawToSNIHostName``: none for an IP address and none without a dot;
    ``javax.net.ssl.SNIHostName``: none unless every label is letters, digits and inner hyphens.
    """
    name = host.removesuffix(".")
    labels = name.split(".")
    if len(labels) < 2 or not all(_LABEL.fullmatch(label) for label in labels):
        return None
    if len(labels) <= 4 and all(label.isdecimal() for label in labels):
        # Java takes short forms such as 127.1 for addresses, too.
        return None
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name
    return None


async def shake_hands(
    stream: Stream,
    offer: Offer,
    server_name: str | None,
    alpn: bytes | None,
    limits: Limits,
    deadline: float,
) -> Attempt:
    """One attempt over ``stream``, which stays the caller's to close. Ends at the loop time
    ``deadline``. Raises nothing but cancellation."""
    if offer is Offer.ANCIENT:
        return await _greet(stream, server_name, alpn, limits, deadline)
    seen = _Seen()
    attempt = Attempt(offer, Ending.TIMED_OUT)
    connection = Connection(_context(offer), seen, server_name=server_name, alpn=alpn)
    with contextlib.closing(connection):
        handshake = _Handshake(stream, connection, seen, limits)
        try:
            async with asyncio.timeout_at(deadline):
                attempt.ending = await handshake.run()
        except TimeoutError:
            pass
        except OSError:
            attempt.ending = Ending.RESET
        handshake.report(attempt)
    return attempt


class _Handshake:
    """Moves bytes between a stream and the TLS library, and looks at them on the way."""

    def __init__(self, stream: Stream, connection: Connection, seen: _Seen, limits: Limits) -> None:
        self._stream = stream
        self._connection = connection
        self._seen = seen
        self._limits = limits
        self._reader = FlightReader(limits)
        self._first = b""
        self._received = 0
        self._reason = ""
        self._is_required: bool | None = None

    async def run(self) -> Ending:
        while True:
            try:
                self._connection.do_handshake()
            except WantReadError:
                await self._flush()
            except TlsError as error:
                return await self._give_up(error)
            else:
                await self._say_goodbye()
                return Ending.COMPLETED
            data = await self._read()
            if not data:
                return Ending.CLOSED
            if self._received > self._limits.max_handshake_bytes:
                return Ending.TOO_LONG
            self._connection.received(data)

    def report(self, attempt: Attempt) -> None:
        """Fills ``attempt`` with what was seen."""
        flight = self._reader.flight
        attempt.first_bytes = self._first
        attempt.alerts = self._seen.alerts or list(flight.alerts)
        attempt.reason = self._reason
        if not flight.has_certificate and flight.version == TLS13:
            self._take_chain_from_library(attempt)
            if not attempt.chain:
                flight = self._decrypted()
        if flight.has_certificate:
            attempt.chain, attempt.left_out = flight.chain, flight.left_out
        attempt.flight = flight
        attempt.asked = self._seen.asked or flight.authorities is not None
        if attempt.asked:
            attempt.authorities = flight.authorities or self._authorities()
            attempt.is_required = self._judge_demand(attempt.ending)
            if attempt.ending is Ending.COMPLETED and attempt.is_required:
                attempt.ending = Ending.ALERT if self._seen.alerts else Ending.CLOSED

    async def _read(self) -> bytes:
        data = await self._stream.read()
        if len(self._first) < 512:
            self._first += data[:512]
        self._received += len(data)
        self._reader.feed(data)
        return data

    async def _flush(self) -> None:
        data = self._connection.to_send()
        if data:
            await self._stream.write(data)

    async def _give_up(self, error: TlsError) -> Ending:
        if any(level == _FATAL for level, _ in self._seen.alerts):
            return Ending.ALERT
        if not looks_like_tls(self._first):
            return Ending.NOT_TLS
        self._reason = error.reason
        if not self._connection.peer_chain():
            await self._linger()
        with contextlib.suppress(OSError):
            await self._flush()
        return Ending.FAILED

    async def _linger(self) -> None:
        """Reads on for the certificates that may still come."""
        with contextlib.suppress(OSError):
            async with asyncio.timeout(_LINGER_SECONDS):
                while self._received <= self._limits.max_handshake_bytes:
                    reader = self._reader
                    if reader.is_over or reader.flight.has_certificate or reader.flight.alerts:
                        return
                    if not await self._read():
                        return

    async def _say_goodbye(self) -> None:
        """Sends what completes the handshake, and leaves in order. A TLS 1.3 server that asked for
        a certificate is listened to first: only now does it say whether it demanded one."""
        version = self._reader.flight.version
        if self._seen.asked and version == TLS13:
            await self._flush()
            await self._hear_verdict()
        try:
            self._connection.shutdown()
            await self._flush()
        except (TlsError, OSError):
            # The chain is there; a peer that is gone by now changes nothing.
            return

    async def _hear_verdict(self) -> None:
        try:
            async with asyncio.timeout(_VERDICT_SECONDS):
                data = await self._read()
        except TimeoutError:
            return
        except OSError:
            data = b""
        if not data:
            self._is_required = True
            return
        self._connection.received(data)
        try:
            self._connection.read(1)
        except WantReadError:
            self._is_required = False
        except ZeroReturnError:
            self._is_required = None
        except TlsError:
            self._is_required = True
        else:
            self._is_required = False

    def _judge_demand(self, ending: Ending) -> bool | None:
        if ending is Ending.COMPLETED:
            return self._is_required if self._reader.flight.version == TLS13 else False
        if ending in (Ending.ALERT, Ending.CLOSED, Ending.RESET):
            return True
        return None

    def _take_chain_from_library(self, attempt: Attempt) -> None:
        certificates = self._connection.peer_chain()
        chain: list[bytes] = []
        for der in certificates[: self._limits.max_certificates]:
            if len(der) > self._limits.max_certificate_bytes:
                break
            chain.append(der)
        attempt.chain, attempt.left_out = tuple(chain), len(certificates) - len(chain)

    def _decrypted(self) -> Flight:
        """The flight of a TLS 1.3 server whose certificates the TLS library would not take."""
        reader, seen = self._reader, self._seen
        if seen.secret and reader.flight.suite is not None:
            opened = decrypt_handshake(reader.encrypted, reader.flight.suite, seen.secret)
            reader.feed_messages(opened)
        return reader.flight

    def _authorities(self) -> tuple[bytes, ...]:
        return tuple(self._connection.client_authorities(self._limits.max_authorities))


async def _greet(
    stream: Stream, server_name: str | None, alpn: bytes | None, limits: Limits, deadline: float
) -> Attempt:
    """Sends the hand-written hello and reads until the certificates are there."""
    attempt = Attempt(Offer.ANCIENT, Ending.TIMED_OUT)
    reader = FlightReader(limits)
    received = 0
    try:
        async with asyncio.timeout_at(deadline):
            await stream.write(client_hello(server_name, alpn))
            while True:
                data = await stream.read()
                received += len(data)
                attempt.first_bytes = (attempt.first_bytes + data)[:512]
                reader.feed(data)
                if not data:
                    attempt.ending = Ending.CLOSED
                elif not looks_like_tls(attempt.first_bytes):
                    attempt.ending = Ending.NOT_TLS
                elif any(level == _FATAL for level, _ in reader.flight.alerts):
                    attempt.ending = Ending.ALERT
                elif reader.flight.is_done:
                    attempt.ending = Ending.COMPLETED
                elif received > limits.max_handshake_bytes:
                    attempt.ending = Ending.TOO_LONG
                else:
                    continue
                break
    except TimeoutError:
        pass
    except OSError:
        attempt.ending = Ending.RESET
    flight = reader.flight
    attempt.flight, attempt.chain, attempt.left_out = flight, flight.chain, flight.left_out
    attempt.alerts = list(flight.alerts)
    attempt.asked = flight.authorities is not None
    attempt.authorities = flight.authorities or ()
    return attempt


@functools.cache
def _context(offer: Offer) -> Context:
    """Contexts are shared by all connections: making one costs more than a handshake's start."""
    if offer is Offer.JAVA:
        # Level 1 has Java's bounds: RSA and DH from 1024 bits, no SHA-1 in the handshake.
        return Context(
            oldest=TLS1_2_VERSION,
            ciphers=b"ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:ECDHE+AES:DHE+AES"
            b":!AESCCM:!AESCCM8:!aNULL:!PSK:!SRP:@SECLEVEL=1",
        )
    # Anonymous, PSK and SRP suites come without a certificate, so they are not offered.
    return Context(
        oldest=TLS1_VERSION,
        ciphers=b"ALL:COMPLEMENTOFALL:!aNULL:!PSK:!SRP:@SECLEVEL=0",
        suites=_TLS13_SUITES,
        curve=b"prime256v1" if offer is Offer.SMALL else None,
    )


def distinguished_name(der: bytes) -> str:
    """A DER name as RFC 4514 text; its bytes in hexadecimal when it cannot be read."""
    # Imported late: few servers name CAs, and it takes as long as all that a check reads besides.
    from cryptography import x509

    try:
        return x509.Name.from_bytes(der).rfc4514_string()
    except ValueError:
        return f"#{der.hex()}"
