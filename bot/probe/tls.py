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
from enum import Enum, auto
from typing import Final

from bot import patterns
from bot.probe.flight import TLS13, Flight, FlightReader, looks_like_tls
from bot.probe.openssl import TLS1, TLS12, Client, ClientContext, ClosedError, TlsError
from bot.probe.presented import Limits
from bot.probe.stream import Stream
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
_LABEL: Final = patterns.lazy(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII | re.IGNORECASE)


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
    flight: Flight = Flight()
    chain: tuple[bytes, ...] = ()
    left_out: int = 0
    alerts: tuple[tuple[int, int], ...] = ()
    reason: str = ""
    asked: bool = False
    is_required: bool | None = None
    authorities: tuple[bytes, ...] = ()


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
    client = Client(_context(offer), server_name, alpn)
    try:
        handshake = _Handshake(stream, client, limits)
        attempt = Attempt(offer, Ending.TIMED_OUT)
        try:
            async with asyncio.timeout_at(deadline):
                attempt.ending = await handshake.run()
        except TimeoutError:
            pass
        except OSError:
            attempt.ending = Ending.RESET
        handshake.report(attempt)
        return attempt
    finally:
        client.close()


class _Handshake:
    """Moves bytes between a stream and the TLS library, and looks at them on the way."""

    def __init__(self, stream: Stream, client: Client, limits: Limits) -> None:
        self._stream = stream
        self._client = client
        self._limits = limits
        self._reader = FlightReader(limits)
        self._first = b""
        self._received = 0
        self._reason = ""
        self._is_required: bool | None = None

    async def run(self) -> Ending:
        while True:
            try:
                is_complete = self._client.shake_hands()
            except TlsError as error:
                return await self._give_up(error)
            if is_complete:
                await self._say_goodbye()
                return Ending.COMPLETED
            await self._flush()
            data = await self._read()
            if not data:
                return Ending.CLOSED
            if self._received > self._limits.max_handshake_bytes:
                return Ending.TOO_LONG
            self._client.feed(data)

    def report(self, attempt: Attempt) -> None:
        """Fills ``attempt`` with what was seen."""
        flight = self._flight()
        attempt.flight = flight
        attempt.first_bytes = self._first
        heard = self._client.alerts
        attempt.alerts = (*flight.alerts, *(each for each in heard if each not in flight.alerts))
        attempt.reason = self._reason
        attempt.chain, attempt.left_out = flight.chain, flight.left_out
        attempt.asked = flight.authorities is not None
        if attempt.asked:
            attempt.authorities = flight.authorities or ()
            attempt.is_required = self._judge_demand(attempt.ending)
            if attempt.ending is Ending.COMPLETED and attempt.is_required:
                attempt.ending = Ending.ALERT if heard else Ending.CLOSED

    def _flight(self) -> Flight:
        """What can be read of what has come."""
        if self._client.secret:
            self._reader.decrypt(self._client.secret)
        return self._reader.flight

    async def _read(self) -> bytes:
        data = await self._stream.read()
        if len(self._first) < 512:
            self._first += data[:512]
        self._received += len(data)
        self._reader.feed(data)
        return data

    async def _flush(self) -> None:
        if data := self._client.take():
            await self._stream.write(data)

    async def _give_up(self, error: TlsError) -> Ending:
        if any(level == _FATAL for level, _ in self._client.alerts):
            return Ending.ALERT
        if not looks_like_tls(self._first):
            return Ending.NOT_TLS
        self._reason = str(error)
        await self._linger()
        with contextlib.suppress(OSError):
            await self._flush()
        return Ending.FAILED

    async def _linger(self) -> None:
        """Reads on for the certificates that may still come."""
        with contextlib.suppress(OSError):
            async with asyncio.timeout(_LINGER_SECONDS):
                while self._received <= self._limits.max_handshake_bytes:
                    flight = self._flight()
                    if self._reader.is_over or flight.has_certificate or flight.alerts:
                        return
                    if not await self._read():
                        return

    async def _say_goodbye(self) -> None:
        """Sends what completes the handshake, and leaves in order. A TLS 1.3 server that asked for
        a certificate is listened to first: only now does it say whether it demanded one."""
        flight = self._flight()
        if flight.authorities is not None and flight.version == TLS13:
            await self._flush()
            await self._hear_verdict()
        self._client.say_goodbye()
        # The chain is there; a peer that is gone by now changes nothing.
        with contextlib.suppress(OSError):
            await self._flush()

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
        self._client.feed(data)
        try:
            self._client.read()
        except ClosedError:
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


async def _greet(
    stream: Stream, server_name: str | None, alpn: bytes | None, limits: Limits, deadline: float
) -> Attempt:
    """Sends the hand-written hello and reads until the certificates are there."""
    # Imported only for the few servers that need it.
    from bot.probe.hello import client_hello

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
    attempt.alerts = flight.alerts
    attempt.asked = flight.authorities is not None
    attempt.authorities = flight.authorities or ()
    return attempt


@functools.cache
def _context(offer: Offer) -> ClientContext:
    """Contexts are shared by all connections: making one costs more than a handshake's start."""
    if offer is Offer.JAVA:
        # Level 1 has Java's bounds: RSA and DH from 1024 bits, no SHA-1 in the handshake.
        return ClientContext(
            minimum=TLS12,
            ciphers=b"ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:ECDHE+AES:DHE+AES"
            b":!AESCCM:!AESCCM8:!aNULL:!PSK:!SRP:@SECLEVEL=1",
        )
    return ClientContext(
        minimum=TLS1,
        # Anonymous, PSK and SRP suites come without a certificate, so they are not offered.
        ciphers=b"ALL:COMPLEMENTOFALL:!aNULL:!PSK:!SRP:@SECLEVEL=0",
        suites=_TLS13_SUITES,
        groups=b"P-256" if offer is Offer.SMALL else None,
    )


def distinguished_name(der: bytes) -> str:
    """A DER name as RFC 4514 text; its bytes in hexadecimal when it cannot be read."""
    # Few servers name any, and this takes long to import.
    from cryptography.x509 import Name

    try:
        return Name.from_bytes(der).rfc4514_string()
    except ValueError:
        return f"#{der.hex()}"
