"""Servers that mean harm: a probe of them ends in time, takes little memory and harms no other."""

from __future__ import annotations

import asyncio
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import cycle, islice

import pytest
from cryptography import x509
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.probe.flight import FlightReader
from bot.probe.presented import Limits, Presented
from bot.probe.tls13 import Protection
from tests.support.authority import Issued, make_root
from tests.support.daemons import openssl
from tests.support.probing import HOST, LIMITS, ask, codes, ders, waiting
from tests.support.servers import (
    Script,
    alert,
    answering,
    message,
    raw_server,
    record,
    recorded_flight,
    server_context,
    server_hello,
    tls_server,
    until_closed,
)

Chain = tuple[Issued, ...]
MIB = 1 << 20
#: What one probe may take at its peak: the bytes of a handshake several times over.
MAX_MEMORY = 8 * MIB

HELLO = server_hello()


def dripping(words: bytes, seconds: float = 0.01) -> Script:
    """Says ``words`` byte by byte, again and again."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for byte in cycle(words):
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(seconds)

    return script


def _records(content: bytes) -> bytes:
    size = 16 * 1024
    return b"".join(record(22, content[at : at + size]) for at in range(0, len(content), size))


def endless_certificates() -> Iterator[bytes]:
    """A Certificate message of the greatest length, that holds the same certificate for ever."""
    der = make_root().der
    entry = len(der).to_bytes(3, "big") + der
    yield HELLO
    start = b"\x0b\xff\xff\xff\xff\xff\xfc"
    yield _records(start + b"".join(islice(cycle([entry]), 30)))
    while True:
        yield _records(entry * 30)


def giant_certificate() -> Iterator[bytes]:
    der = b"\x30\x83" + (16 * MIB - 20).to_bytes(3, "big")
    yield HELLO
    yield _records(b"\x0b\xff\xff\xff\xff\xff\xfc\xff\xff\xf9" + der)
    while True:
        yield _records(bytes(16 * 1024))


def giant_records() -> Iterator[bytes]:
    while True:
        yield b"\x16\x03\x03\xff\xff" + bytes(65535)


def empty_records() -> Iterator[bytes]:
    yield HELLO
    while True:
        yield b"\x16\x03\x03\x00\x00" * 1000


def endless_warnings() -> Iterator[bytes]:
    while True:
        yield alert(112, level=1) * 1000


def endless_messages() -> Iterator[bytes]:
    """HelloRequests, which mean nothing."""
    while True:
        yield record(22, bytes(4) * 4000)


def endless_application_data() -> Iterator[bytes]:
    """After a ServerHello of TLS 1.3 whose share of the key is worthless."""
    share = b"\x00\x33\x00\x24\x00\x1d\x00\x20" + bytes([9] * 32)
    extensions = b"\x00\x2b\x00\x02\x03\x04" + share
    hello = b"\x03\x03" + bytes(range(32)) + b"\0\x13\x01\0" + _sized(extensions)
    yield record(22, message(2, hello))
    while True:
        yield record(23, bytes(16 * 1024))


def endless_authorities() -> Iterator[bytes]:
    yield recorded_flight([make_root().der])
    yield record(
        22, b"\x0d\xff\xff\xff\x01\x01\x00\x02\x04\x01\xff\xff" + b"\x00\x02\x30\x00" * 3000
    )
    while True:
        yield record(22, b"\x00\x02\x30\x00" * 4000)


def _sized(content: bytes) -> bytes:
    return len(content).to_bytes(2, "big") + content


def garbage() -> Iterator[bytes]:
    while True:
        yield bytes(range(256)) * 64


FLOODS: dict[Callable[[], Iterator[bytes]], str] = {
    endless_certificates: "handshake_too_long",
    giant_certificate: "handshake_too_long",
    giant_records: "handshake_broken",
    empty_records: "handshake_broken",
    endless_warnings: "handshake_broken",
    endless_messages: "handshake_too_long",
    endless_application_data: "handshake_broken",
    endless_authorities: "handshake_broken",
    garbage: "plaintext",
}


def sending(flood: Callable[[], Iterator[bytes]]) -> Script:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        for piece in flood():
            writer.write(piece)
            await writer.drain()

    return script


async def _measured(script: Script, text: str = HOST, limits: Limits = LIMITS) -> Presented:
    """What is presented, within few seconds and little memory."""
    async with raw_server(script) as server:
        tracemalloc.start()
        started = time.monotonic()
        try:
            presented = await ask(server, text, limits=limits)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert time.monotonic() - started < limits.total_seconds + 4
    assert peak < MAX_MEMORY
    return presented


@pytest.mark.parametrize(("flood", "code"), FLOODS.items())
async def test_a_flood_is_cut_off(flood: Callable[[], Iterator[bytes]], code: str) -> None:
    presented = await _measured(sending(flood), limits=waiting(30))
    assert presented.error is not None
    assert presented.error.code == code


@pytest.mark.parametrize(
    "words",
    [
        recorded_flight([bytes(4000)] * 20),
        record(22, message(2, bytes(100))),
        alert(112, level=1),
        b"\x16\x03\x03\xff\xff" + bytes(4000),
        b"HTTP/1.1 200 OK\r\n",
        b"\x00",
    ],
    ids=["flight", "hello", "warnings", "giant record", "HTTP", "zeros"],
)
async def test_bytes_that_drip_do_not_hold_a_probe(words: bytes) -> None:
    limits = replace(waiting(0.5), total_seconds=1.2)
    presented = await _measured(dripping(words), limits=limits)
    assert presented.chain == ()
    assert presented.error is not None


@pytest.mark.parametrize(
    "scheme", ["smtp", "imap", "pop3", "ftp", "xmpp", "ldap", "mysql", "mssql"]
)
async def test_a_prelude_that_drips_does_not_hold_a_probe(scheme: str) -> None:
    words = {
        "ldap": b"\x30\x82\x3f\xff" + bytes(16000),
        "mysql": b"\xff\x3f\x00\x00" + bytes(16000),
        "mssql": b"\x04\x01\xff\xff" + bytes(65000),
    }.get(scheme, b"220-* +OK <stream:stream> and no end ")
    limits = replace(waiting(0.4), total_seconds=1)
    presented = await _measured(dripping(words), f"{scheme}://{HOST}", limits)
    assert codes(presented) == ["prelude_timeout"]


PRELUDE_FLOODS: list[tuple[str, bytes, bytes]] = [
    ("smtp", b"", b"x" * 10_000),
    ("smtp", b"", b"220-again\r\n" * 1000),
    ("smtp", b"220 x\r\n", b"250-AGAIN\r\n" * 1000),
    ("ftp", b"", b"220-again\r\n" * 1000),
    ("ftp", b"", b"x" * 10_000),
    ("imap", b"* OK x\r\n", b"* more\r\n" * 1000),
    ("imap", b"", b"x" * 10_000),
    ("pop3", b"", b"x" * 10_000),
    ("xmpp", b"", b"<x/>" * 1000),
    ("xmpp", b"<stream:stream>", b"<stream:feature " * 1000),
    ("ldap", b"\x30\x84\x7f\xff\xff\xff", bytes(10_000)),
    ("ldap", b"\x30\x82\x3f\xff", bytes(10_000)),
    ("mysql", b"\xff\xff\xff\x00", bytes(10_000)),
    ("postgresql", b"E\x7f\xff\xff\xff", b"x" * 10_000),
    ("mssql", b"\x04\x01\xff\xff", bytes(10_000)),
]


@pytest.mark.parametrize(("scheme", "first", "piece"), PRELUDE_FLOODS)
async def test_a_gigantic_prelude_is_cut_off(scheme: str, first: bytes, piece: bytes) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        while not writer.is_closing():
            writer.write(piece)
            await writer.drain()

    limits = waiting(30)
    presented = await _measured(script, f"{scheme}://{HOST}", limits)
    assert codes(presented)[0] in ("prelude_too_long", "prelude_unexpected")
    assert len(presented.error.message if presented.error else "") < 400


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
async def test_more_certificates_than_anybody_needs_are_left_out(
    chain: Chain, version: str
) -> None:
    served = (*chain, *[chain[1]] * 140)
    async with tls_server(server_context(served, versions=[version])) as server:
        presented = await ask(server)
    assert presented.chain == ders(served)[:100]
    assert "certificates_left_out" in codes(presented)
    assert "142 certificates" in presented.findings[0].message


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
@pytest.mark.parametrize("size", [60_000, 120_000])
async def test_a_large_certificate_is_seen_though_a_client_gives_up(
    chain: Chain, version: str, size: int
) -> None:
    """Java takes 32,768 bytes, the TLS library 100 KiB."""
    comment = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), bytes(size))
    large = (chain[1].leaf(HOST, key=chain[0].key, extensions=[(comment, False)]), chain[1])
    async with tls_server(server_context(large, versions=[version])) as server:
        presented = await ask(server)
    assert presented.chain == ders(large)
    assert codes(presented) == (["handshake_too_long"] if size > 100_000 else [])


@pytest.mark.parametrize(
    "suite",
    ["TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_CCM_8_SHA256"],
)
async def test_what_the_library_gives_up_on_is_decrypted_with_any_suite(
    chain: Chain, suite: str
) -> None:
    comment = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), bytes(110_000))
    large = (chain[1].leaf(HOST, key=chain[0].key, extensions=[(comment, False)]), chain[1])
    with openssl(large, "-tls1_3", "-ciphersuites", suite) as server:
        presented = await ask(server)
    assert presented.chain == ders(large)
    assert presented.tls is not None
    assert presented.tls.cipher == suite


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
async def test_a_certificate_that_nobody_would_take_is_told(chain: Chain, version: str) -> None:
    comment = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), bytes(300_000))
    huge = chain[1].leaf(HOST, key=chain[0].key, extensions=[(comment, False)])
    async with tls_server(server_context([huge, chain[1]], versions=[version])) as server:
        presented = await ask(server)
    assert presented.chain == ()
    assert codes(presented) == ["certificates_left_out", "handshake_too_long"]


async def test_a_certificate_beyond_the_bound_is_left_out(chain: Chain) -> None:
    flight = recorded_flight([chain[0].der, bytes(200_000), chain[1].der])
    async with raw_server(answering(flight)) as server:
        presented = await ask(server, limits=waiting(2))
    assert presented.chain == (chain[0].der,)
    assert "certificates_left_out" in codes(presented)


async def test_others_are_served_while_hostile_servers_do_their_worst(chain: Chain) -> None:
    limits = replace(waiting(1.5), total_seconds=3)

    async def hostile(script: Script) -> Presented:
        async with raw_server(script) as server:
            return await ask(server, limits=limits)

    scripts = [sending(flood) for flood in FLOODS] + [dripping(HELLO)] * 20 + [until_closed] * 20
    attacks = [asyncio.create_task(hostile(script)) for script in scripts]
    await asyncio.sleep(0.1)
    async with tls_server(chain) as server:
        started = time.monotonic()
        for _ in range(10):
            assert (await ask(server)).chain == ders(chain)
        took = time.monotonic() - started
    for attack in attacks:
        assert (await attack).error is not None
    assert took < 30


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.binary(max_size=300),
    st.sampled_from([b"", HELLO, recorded_flight([b"\x30\x00"]), b"\x16\x03\x03", b"220 x\r\n"]),
    st.sampled_from(["", "ldap://", "smtp://", "imap://", "xmpp://", "mysql://", "mssql://"]),
)
async def test_whatever_a_server_says_is_an_answer(
    words: bytes, beginning: bytes, scheme: str
) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(beginning + words)
        await writer.drain()
        writer.write_eof()
        await reader.read()

    async with raw_server(script) as server:
        presented = await ask(server, scheme + HOST, limits=replace(waiting(1), total_seconds=2))
    assert presented.error is not None
    for finding in (*presented.findings, presented.error):
        assert finding.message.isprintable()
        assert finding.remedy.isprintable()


@pytest.mark.parametrize(
    "piece",
    [alert(112, level=1), record(22, bytes(4) * 4000), record(22, b""), record(20, b"\x01")],
    ids=["warnings", "empty messages", "empty records", "changes of cipher"],
)
def test_many_small_pieces_cost_little(piece: bytes) -> None:
    reader = FlightReader(LIMITS)
    words = HELLO + piece * (LIMITS.max_handshake_bytes // len(piece))
    started = time.process_time()
    for at in range(0, len(words), 65536):
        reader.feed(words[at : at + 65536])
    assert time.process_time() - started < 5
    assert reader.is_over


def test_a_long_flight_may_come_byte_by_byte() -> None:
    certificates = (bytes(9_000), bytes(3_000))
    reader = FlightReader(LIMITS)
    for byte in recorded_flight(certificates, after=message(14, b"")):
        reader.feed(bytes([byte]))
    assert reader.flight.chain == certificates
    assert reader.flight.is_done


@given(st.binary(max_size=400), st.integers(1, 50))
def test_any_bytes_are_read_as_a_flight_alike_however_they_arrive(words: bytes, size: int) -> None:
    at_once, in_pieces = FlightReader(LIMITS), FlightReader(LIMITS)
    at_once.feed(HELLO + words)
    for at in range(0, len(HELLO + words), size):
        in_pieces.feed((HELLO + words)[at : at + size])
    assert at_once.flight == in_pieces.flight


@given(st.binary(max_size=400), st.sampled_from([0x0301, 0x0303, 0x0304]))
def test_any_messages_are_read_or_not(messages: bytes, version: int) -> None:
    reader = FlightReader(LIMITS)
    reader.feed(server_hello(version=version))
    for kind in (2, 11, 12, 13, 14):
        reader.feed_messages(message(kind, messages))
    assert len(reader.flight.chain) <= LIMITS.max_certificates


@given(
    st.lists(st.binary(max_size=80), max_size=4),
    st.sampled_from([0x1301, 0x1302, 0x1303, 0x1304, 0x1305, 0x002F]),
)
def test_what_is_not_encrypted_with_the_secret_gives_nothing(
    contents: list[bytes], suite: int
) -> None:
    protection = Protection(suite, bytes(48))
    for content in contents:
        assert protection.open(record(23, content)) is None
