"""A server's first flight, read from the bytes it sent (RFC 5246 section 7.4, RFC 8446 section 4).

Up to TLS 1.2 everything until ChangeCipherSpec is in the clear, so the chain can be read whatever
comes after it, and exactly as it was sent. In TLS 1.3 only ServerHello is; the messages after it
are read by `FlightReader.decrypt`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from bot.probe.presented import Limits
from bot.probe.suites import suite_name
from bot.probe.tls13 import Protection
from bot.records import record

SSL30: Final = 0x0300
TLS12: Final = 0x0303
TLS13: Final = 0x0304

_MAX_ALERTS: Final = 7
_MAX_PIECES: Final = 5_000
"""Records and messages that are looked at: who sends more does so to keep a client busy."""

VERSIONS: Final = {
    0x0300: "SSLv3",
    0x0301: "TLSv1",
    0x0302: "TLSv1.1",
    0x0303: "TLSv1.2",
    0x0304: "TLSv1.3",
}

_CHANGE_CIPHER_SPEC, _ALERT, _HANDSHAKE, _APPLICATION_DATA = 20, 21, 22, 23
_SERVER_HELLO, _CERTIFICATE, _SERVER_KEY_EXCHANGE = 2, 11, 12
_CERTIFICATE_REQUEST, _SERVER_HELLO_DONE = 13, 14
_CERTIFICATE_AUTHORITIES, _SUPPORTED_VERSIONS, _KEY_SHARE = 47, 43, 51
_RETRY_RANDOM: Final = bytes.fromhex(
    "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c"
)
"""The random value that makes a ServerHello a HelloRetryRequest, RFC 8446 section 4.1.3."""


@record
class Flight:
    """What could be read. ``None`` and empty: not seen.

    ``authorities`` are the DER names of a CertificateRequest. ``left_out`` counts certificates that
    were sent beyond the limits. ``alerts`` are (level, description) in the clear.
    """

    version: int | None = None
    suite: int | None = None
    group: int | None = None
    dh_bits: int | None = None
    signature_scheme: int | None = None
    has_certificate: bool = False
    chain: tuple[bytes, ...] = ()
    left_out: int = 0
    authorities: tuple[bytes, ...] | None = None
    is_done: bool = False
    alerts: tuple[tuple[int, int], ...] = ()


class _TruncatedError(Exception):
    """The bytes end before the structure does."""


class _Reader:
    """Cuts a structure into its parts."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def at_end(self) -> bool:
        return self._at >= len(self._data)

    def take(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._data):
            raise _TruncatedError
        part = self._data[self._at : end]
        self._at = end
        return part

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def vector(self, length_size: int) -> bytes:
        return self.take(self.number(length_size))


def looks_like_tls(data: bytes) -> bool:
    """Whether the first bytes can begin a record of SSL 3.0 or later."""
    return data[:1] in (b"\x15", b"\x16") and data[1:2] in (b"", b"\x03")


class FlightReader:
    """Reads a flight as it arrives: ``flight`` is what has been understood so far.

    Nothing is read twice, so that a peer that sends byte by byte costs no more than another; the
    caller bounds the number of bytes.
    """

    def __init__(self, limits: Limits) -> None:
        self.flight = Flight()
        self._encrypted: list[bytes] = []
        self._has_begun_to_encrypt = False
        self._protection: Protection | None = None
        self._limits = limits
        self._records = bytearray()
        self._messages = bytearray()
        self._pieces = 0
        self._is_over = False

    @property
    def is_over(self) -> bool:
        """Whether nothing that comes will be read any more."""
        return self._is_over

    def feed(self, data: bytes) -> None:
        """Takes the next bytes that the server sent. Reading ends at what is malformed."""
        if self._is_over:
            return
        self._records += data
        start = 0
        while len(self._records) - start >= 5:
            end = start + 5 + int.from_bytes(self._records[start + 3 : start + 5], "big")
            if self._records[start + 1] != 3 or self._pieces > _MAX_PIECES:
                self._is_over = True
            if self._is_over or len(self._records) < end:
                break
            self._pieces += 1
            self._take_record(bytes(self._records[start:end]))
            start = end
        # Once for all: to cut off each of many small records would move the rest each time.
        del self._records[:start]

    def _take_record(self, record: bytes) -> None:
        kind = record[0]
        if kind == _APPLICATION_DATA:
            self._has_begun_to_encrypt = True
            self._encrypted.append(record)
        elif self._has_begun_to_encrypt:
            # Who encrypts says nothing in the clear any more.
            return
        elif kind == _HANDSHAKE:
            self.feed_messages(record[5:])
        elif kind == _ALERT and len(record) == 7:
            alert, heard = (record[5], record[6]), self.flight.alerts
            if heard[-1:] != (alert,):
                self.flight = replace(self.flight, alerts=(*heard[-_MAX_ALERTS:], alert))
        elif kind != _CHANGE_CIPHER_SPEC or self.flight.version != TLS13:
            # Up to TLS 1.2 everything after ChangeCipherSpec is encrypted; in 1.3 it says nothing.
            self._is_over = True

    def decrypt(self, secret: bytes) -> None:
        """Reads what has come encrypted in TLS 1.3; ``secret`` is the server's handshake traffic
        secret. May be called whenever more has come."""
        if self._protection is None:
            self._protection = Protection(self.flight.suite, secret)
        for each in self._encrypted:
            content = self._protection.open(each)
            if content is None or self._is_over:
                break
            self.feed_messages(content)
        self._encrypted.clear()

    def feed_messages(self, data: bytes) -> None:
        """Takes handshake messages in the clear."""
        self._messages += data
        start = 0
        while len(self._messages) - start >= 4:
            end = start + 4 + int.from_bytes(self._messages[start + 1 : start + 4], "big")
            if len(self._messages) < end:
                break
            if self._pieces > _MAX_PIECES:
                self._is_over = True
                break
            self._pieces += 1
            kind, body = self._messages[start], bytes(self._messages[start + 4 : end])
            start = end
            try:
                self.flight = _read_message(kind, body, self.flight, self._limits)
            except _TruncatedError:
                self._is_over = True
                break
        del self._messages[:start]


def _read_message(kind: int, body: bytes, flight: Flight, limits: Limits) -> Flight:
    if kind == _SERVER_HELLO:
        return _read_server_hello(body, flight)
    if kind == _CERTIFICATE and not flight.has_certificate:
        return _read_certificate(body, flight, limits)
    if kind == _SERVER_KEY_EXCHANGE:
        return _read_key_exchange(body, flight)
    if kind == _CERTIFICATE_REQUEST:
        names = _authorities(body, flight.version)
        return replace(flight, authorities=tuple(names[: limits.max_authorities]))
    if kind == _SERVER_HELLO_DONE:
        return replace(flight, is_done=True)
    return flight


def _read_server_hello(body: bytes, flight: Flight) -> Flight:
    reader = _Reader(body)
    version = reader.number(2)
    random = reader.take(32)
    reader.vector(1)
    suite = reader.number(2)
    reader.take(1)
    group = None
    if not reader.at_end:
        for extension, content in _extensions(reader.vector(2)):
            if extension == _SUPPORTED_VERSIONS and len(content) == 2:
                version = int.from_bytes(content, "big")
            elif extension == _KEY_SHARE and len(content) >= 2:
                group = int.from_bytes(content[:2], "big")
    if random == _RETRY_RANDOM:
        return replace(flight, version=version, suite=suite)
    return replace(flight, version=version, suite=suite, group=group)


def _read_certificate(body: bytes, flight: Flight, limits: Limits) -> Flight:
    reader = _Reader(body)
    if flight.version == TLS13:
        reader.vector(1)
    entries = _Reader(reader.vector(3))
    chain: list[bytes] = []
    left_out = 0
    while not entries.at_end:
        certificate = entries.vector(3)
        if flight.version == TLS13:
            entries.vector(2)
        # What follows a certificate that is left out is left out too: the order must stay true.
        if (
            left_out
            or len(chain) == limits.max_certificates
            or len(certificate) > limits.max_certificate_bytes
        ):
            left_out += 1
        else:
            chain.append(certificate)
    return replace(flight, has_certificate=True, chain=tuple(chain), left_out=left_out)


def _read_key_exchange(body: bytes, flight: Flight) -> Flight:
    reader = _Reader(body)
    exchange = suite_name(flight.suite or 0)
    group = dh_bits = scheme = None
    if exchange.startswith("TLS_ECDHE_"):
        if reader.number(1) != 3:
            return flight
        group = reader.number(2)
        reader.vector(1)
    elif exchange.startswith("TLS_DHE_"):
        dh_bits = int.from_bytes(reader.vector(2), "big").bit_length()
        reader.vector(2)
        reader.vector(2)
    else:
        return flight
    if flight.version == TLS12:
        scheme = reader.number(2)
    return replace(flight, group=group, dh_bits=dh_bits, signature_scheme=scheme)


def _authorities(body: bytes, version: int | None) -> list[bytes]:
    reader = _Reader(body)
    if version == TLS13:
        reader.vector(1)
        extensions = dict(_extensions(reader.vector(2)))
        names = _Reader(extensions.get(_CERTIFICATE_AUTHORITIES, b"\0\0"))
    else:
        reader.vector(1)
        if version == TLS12:
            reader.vector(2)
        names = reader
    found = _Reader(names.vector(2))
    listed = []
    while not found.at_end:
        listed.append(found.vector(2))
    return listed


def _extensions(data: bytes) -> Iterator[tuple[int, bytes]]:
    reader = _Reader(data)
    while not reader.at_end:
        yield reader.number(2), reader.vector(2)
