"""What is said before TLS: each protocol by a server that speaks it, and what goes wrong there."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace

import pytest
from OpenSSL import SSL

from tests.support.authority import Issued, make_root
from tests.support.probing import HOST, LIMITS, ask, codes, ders, waiting
from tests.support.servers import (
    Script,
    Server,
    alert,
    breaking,
    closing,
    leaving,
    raw_server,
    saying,
    server_context,
    tls_server,
    until_closed,
    upgrading,
)

Chain = tuple[Issued, ...]

XMPP_HEADER = (
    b"<?xml version='1.0'?><stream:stream xmlns:stream='http://etherx.jabber.org/streams'>"
)
XMPP_STARTTLS = (
    b"<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>"
    b"</stream:features>"
)
LDAP_SUCCESS = bytes.fromhex("300c02010178070a010004000400")
MYSQL_GREETING = (
    b"\x0a5.7.44\0" + bytes(4) + b"saltsalt" + b"\0" + b"\xff\xff" + b"\x21\x02\x00\xff\xc1\x15"
    + bytes(10) + b"moresaltmore\0" + b"mysql_native_password\0"
)  # fmt: skip
PRELOGIN_ON = bytes.fromhex("04000011000001000100060001ff010000")

#: What each server says, turn by turn, until TLS begins; the client speaks in between.
GOOD: dict[str, tuple[bytes, ...]] = {
    "smtp": (b"220 mail ESMTP\r\n", b"250-mail\r\n250-SIZE 1\r\n250 STARTTLS\r\n", b"220 go\r\n"),
    "smtp of many lines": (
        b"220-mail\r\n220-no spam\r\n220 ESMTP\r\n",
        b"250-mail\r\n250-starttls\r\n250 HELP\r\n",
        b"220-so\r\n220 go\r\n",
    ),
    "imap": (b"* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n", b"* note\r\na1 OK go\r\n"),
    "pop3": (b"+OK ready\r\n", b"+OK go\r\n"),
    "ftp": (b"220-hello\r\n220 ready\r\n", b"234 go\r\n"),
    "xmpp": (b"", XMPP_HEADER + XMPP_STARTTLS, b"<proceed xmlns='urn:xmpp-tls'/>"),
    "xmpp in two tags": (b"", XMPP_HEADER + XMPP_STARTTLS, b"<proceed xmlns='x'></proceed>"),
    "ldap": (b"", LDAP_SUCCESS),
    "postgresql": (b"", b"S"),
    "mysql": (len(MYSQL_GREETING).to_bytes(3, "little") + b"\0" + MYSQL_GREETING,),
}


def speaking(name: str, context: SSL.Context, *, slowly: bool = False) -> Script:
    """Says its turns of `GOOD`, then TLS."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for number, turn in enumerate(GOOD[name]):
            if number:
                await reader.read(4096)
            for part in [bytes([byte]) for byte in turn] if slowly else [turn]:
                writer.write(part)
                await asyncio.sleep(0)
        if name == "mysql":
            # The client does not wait between its request and its ClientHello.
            await reader.readexactly(36)
        await upgrading(context)(reader, writer)

    return script


def _scheme(name: str) -> str:
    return f"{name.split(' ')[0]}://{HOST}"


@pytest.mark.parametrize("name", GOOD)
async def test_tls_follows_what_the_protocol_says_first(chain: Chain, name: str) -> None:
    context = server_context(chain)
    async with raw_server(speaking(name, context)) as server:
        presented = await ask(server, _scheme(name))
    assert presented.chain == ders(chain)
    assert codes(presented) == []
    assert "prelude" in presented.timings_ms


@pytest.mark.parametrize("name", GOOD)
async def test_old_tls_is_asked_for_with_a_prelude_each_time(chain: Chain, name: str) -> None:
    context = server_context(chain, versions=["TLSv1.1"])
    async with raw_server(speaking(name, context)) as server:
        presented = await ask(server, _scheme(name))
    assert presented.chain == ders(chain)
    assert codes(presented) == ["tls_too_old"]
    assert server.connections == 2


@pytest.mark.parametrize("name", ["smtp", "imap", "pop3", "ftp", "xmpp", "ldap"])
async def test_a_client_certificate_is_demanded_after_a_prelude(chain: Chain, name: str) -> None:
    context = server_context(chain, client_cas=[make_root("Client CA")])
    async with raw_server(speaking(name, context)) as server:
        presented = await ask(server, _scheme(name))
    assert presented.chain == ders(chain)
    assert codes(presented) == ["client_certificate_required"]


@pytest.mark.parametrize("name", ["smtp", "imap", "pop3", "ftp", "xmpp", "ldap", "mysql"])
async def test_words_may_come_byte_by_byte(chain: Chain, name: str) -> None:
    async with raw_server(speaking(name, server_context(chain), slowly=True)) as server:
        presented = await ask(server, _scheme(name))
    assert presented.chain == ders(chain)


#: What a server says in place of going on to TLS, and what becomes of it.
BAD = [
    ("smtp", (b"554 no\r\n",), "prelude_refused", "554 no"),
    ("smtp", (b"220 x\r\n", b"250-x\r\n250 HELP\r\n"), "prelude_refused", "250 HELP"),
    ("smtp", (b"220 x\r\n", b"250 STARTTLS\r\n", b"454 no TLS\r\n"), "prelude_refused", "454"),
    ("smtp", (b"SSH-2.0-x\r\n",), "prelude_unexpected", "SMTP with STARTTLS but SSH"),
    ("imap", (b"* BYE busy\r\n",), "prelude_refused", "BYE busy"),
    ("imap", (b"* OK x\r\n", b"a1 NO not here\r\n"), "prelude_refused", "NO not here"),
    ("imap", (b"* OK x\r\n", b"a1 BAD what\r\n"), "prelude_refused", "BAD what"),
    ("imap", (b"HTTP/1.1 400 Bad\r\n",), "prelude_unexpected", "but HTTP"),
    ("pop3", (b"-ERR busy\r\n",), "prelude_refused", "-ERR busy"),
    ("pop3", (b"+OK x\r\n", b"-ERR unknown\r\n"), "prelude_refused", "-ERR unknown"),
    ("ftp", (b"421 busy\r\n",), "prelude_refused", "421 busy"),
    ("ftp", (b"220 x\r\n", b"534 no\r\n"), "prelude_refused", "534 no"),
    ("ftp", (b"220 x\r\n", b"500 what\r\n"), "prelude_refused", "500 what"),
    ("xmpp", (b"", XMPP_HEADER + b"<stream:features/>"), "prelude_refused", "features"),
    (
        "xmpp",
        (b"", XMPP_HEADER + b"<stream:error><host-unknown/></stream:error>"),
        "prelude_refused",
        "host-unknown",
    ),
    ("xmpp", (b"", XMPP_HEADER + XMPP_STARTTLS, b"<failure/>"), "prelude_refused", "failure"),
    ("ldap", (b"", bytes.fromhex("300f02010178 0a 0a0134 0400 0403 6e6f70")), "prelude_refused", "52 unavailable: nop"),
    ("ldap", (b"", bytes.fromhex("300c02010161070a010004000400")), "prelude_unexpected", ""),
    ("ldap", (b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"), "prelude_unexpected", "but HTTP"),
    ("ldap", (b"", bytes.fromhex("3003020178")), "prelude_unexpected", ""),
    ("ldap", (b"", bytes.fromhex("3084ffffffff")), "prelude_too_long", "4,294,967,295"),
    ("postgresql", (b"", b"N"), "prelude_refused", '"N"'),
    ("postgresql", (b"", b"E\0\0\0\x16SFATAL\0Mno entry\0\0"), "prelude_refused", "no entry"),
    ("postgresql", (b"", b"EFATAL: old\n\0"), "prelude_refused", "FATAL: old"),
    ("postgresql", (b"", b"H"), "prelude_unexpected", "H"),
    ("mysql", (b"\x17\0\0\0\xff\x6a\x04Host is not allowed!",), "prelude_refused", "not allowed"),
    ("mysql", (b"\x11\0\0\0\xff\x15\x04#08S01blocked.",), "prelude_refused", "blocked."),
    ("mysql", (b"HTTP/1.1 400\r\n\r\n",), "prelude_unexpected", "HTTP"),
    ("mysql", (b"\x05\0\0\0\x0a8.0\0",), "prelude_unexpected", ""),
]  # fmt: skip


@pytest.mark.parametrize(("name", "turns", "code", "text"), BAD)
async def test_a_server_that_does_not_go_on_is_quoted(
    name: str, turns: tuple[bytes, ...], code: str, text: str
) -> None:
    async with raw_server(saying(*turns)) as server:
        presented = await ask(server, _scheme(name))
    assert presented.chain == ()
    assert codes(presented) == [code]
    assert presented.error is not None
    assert text in presented.error.message
    assert presented.error.message.isprintable()
    assert presented.error.remedy.endswith(".")
    assert server.connections == 1


async def test_mysql_without_tls_is_told_as_its_driver_does() -> None:
    greeting = MYSQL_GREETING.replace(b"\xff\xff\x21", b"\xff\xf7\x21")
    async with raw_server(saying(len(greeting).to_bytes(3, "little") + b"\0" + greeting)) as server:
        presented = await ask(server, f"mysql://{HOST}")
    assert codes(presented) == ["prelude_refused"]
    assert presented.error is not None
    assert presented.error.java == "SSL Connection required, but not supported by server."


@pytest.mark.parametrize("name", ["smtp", "imap", "pop3", "ftp", "xmpp", "ldap", "postgresql"])
@pytest.mark.parametrize(
    ("then", "code"),
    [
        (closing, "prelude_closed"),
        (breaking, "connection_reset"),
        (until_closed, "prelude_timeout"),
    ],
    ids=["closed", "reset", "silent"],
)
async def test_a_server_that_says_nothing(name: str, then: Script, code: str) -> None:
    if then is closing and name not in ("xmpp", "ldap", "postgresql"):
        # The server would speak first: nothing is there to be read.
        then = leaving
    async with raw_server(then) as server:
        presented = await ask(server, _scheme(name), limits=waiting(0.2))
    assert codes(presented) == [code]


@pytest.mark.parametrize(
    ("name", "direct"),
    [("smtp", "smtps"), ("imap", "imaps"), ("pop3", "pop3s"), ("ftp", "ftps"), ("xmpp", "xmpps"),
     ("ldap", "ldaps")],
)  # fmt: skip
async def test_a_port_that_speaks_tls_at_once_shows_its_chain(
    chain: Chain, name: str, direct: str
) -> None:
    async with tls_server(chain) as server:
        presented = await ask(server, _scheme(name), limits=replace(LIMITS, prelude_seconds=1))
    assert presented.chain == ders(chain)
    assert codes(presented) == ["tls_without_prelude"]
    assert f"{direct}://{HOST}" in presented.findings[0].remedy


async def test_an_alert_in_answer_to_the_prelude_means_tls() -> None:
    async with raw_server(saying(b"", alert(10), then=leaving)) as server:
        presented = await ask(server, f"ldap://{HOST}")
    assert presented.error is not None
    assert server.connections == 2


async def test_a_banner_is_shown_and_not_obeyed() -> None:
    banner = "554 \u202e<!channel> *x* \x1b[31m\x07\r\n".encode()
    async with raw_server(saying(banner)) as server:
        presented = await ask(server, f"smtp://{HOST}")
    assert presented.error is not None
    assert presented.error.message.isprintable()
    assert "\u202e" not in presented.error.message


async def test_words_slipped_in_before_tls_are_not_taken_for_tls(chain: Chain) -> None:
    """Command injection (CVE-2011-0411): the answer to STARTTLS comes with more plaintext."""
    turns = (b"220 x\r\n", b"250 STARTTLS\r\n", b"220 go\r\n250 injected\r\n")
    async with raw_server(saying(*turns, then=upgrading(server_context(chain)))) as server:
        presented = await ask(server, f"smtp://{HOST}")
    assert presented.chain == ()
    assert codes(presented) == ["plaintext"]


def _tds(behind: Server, reply: bytes = PRELOGIN_ON, size: int = 4096) -> Script:
    """Answers PRELOGIN with ``reply``, then carries the words of the TLS server ``behind`` in TDS
    packets of ``size`` bytes (MS-TDS section 3.3.5.1)."""

    async def unpack(reader: asyncio.StreamReader, outer: asyncio.StreamWriter) -> None:
        while True:
            header = await reader.readexactly(8)
            assert header[0] == 0x12
            outer.write(await reader.readexactly(int.from_bytes(header[2:4], "big") - 8))

    async def pack(inner: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await inner.read(size - 8):
            writer.write(b"\x12\x01" + (len(data) + 8).to_bytes(2, "big") + bytes(4) + data)

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        header = await reader.readexactly(8)
        assert header[0] == 0x12
        await reader.readexactly(int.from_bytes(header[2:4], "big") - 8)
        writer.write(reply)
        inner, outer = await asyncio.open_connection(behind.host, behind.port)
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            packing = asyncio.create_task(pack(inner, writer))
            try:
                await unpack(reader, outer)
            finally:
                packing.cancel()
                outer.transport.abort()

    return script


@pytest.mark.parametrize("size", [4096, 32767, 23])
async def test_sql_server_carries_tls_in_its_packets(chain: Chain, size: int) -> None:
    async with tls_server(chain) as behind, raw_server(_tds(behind, size=size)) as server:
        presented = await ask(server, f"mssql://{HOST}")
    assert presented.chain == ders(chain)
    assert codes(presented) == []
    assert behind.server_names == [HOST.encode()]


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (PRELOGIN_ON[:-3] + b"\x02\0\0", "prelude_refused"),
        (b"\x04\x01\x00\x08" + bytes(4), "prelude_unexpected"),
        (b"\x04\x01\x00\x03" + bytes(4), "prelude_unexpected"),
        (b"HTTP/1.1 400 Bad Request\r\n", "prelude_unexpected"),
        (b"\x04\x01\x00\x0f\0\0\0\0" + b"\x01\xff\xff\x00\x01\xff\x00", "prelude_unexpected"),
    ],
    ids=["no encryption", "empty", "impossible length", "HTTP", "offset beyond"],
)
async def test_sql_server_that_does_not_go_on(chain: Chain, reply: bytes, code: str) -> None:
    async with raw_server(saying(b"", reply)) as server:
        presented = await ask(server, f"mssql://{HOST}")
    assert codes(presented) == [code]


async def test_sql_server_with_empty_packets_only_ends() -> None:
    empty = b"\x12\x01\x00\x08" + bytes(4)
    async with raw_server(saying(b"", PRELOGIN_ON, empty * 2000)) as server:
        presented = await ask(server, f"mssql://{HOST}")
    assert presented.chain == ()
    assert presented.error is not None


async def test_strict_sql_server_speaks_tls_at_once_by_alpn(chain: Chain) -> None:
    async with tls_server(server_context(chain, alpn=b"tds/8.0")) as server:
        presented = await ask(server, f"mssql-strict://{HOST}")
    assert presented.chain == ders(chain)
    assert codes(presented) == []


async def test_a_server_with_strict_encryption_only_is_seen_and_told(chain: Chain) -> None:
    """It wants TLS with its ALPN from the first byte, and closes on anything else."""
    strict = upgrading(server_context(chain, alpn=b"tds/8.0"))
    async with raw_server(strict) as server:
        presented = await ask(server, f"mssql://{HOST}")
    assert presented.chain == ders(chain)
    assert codes(presented) == ["tls_without_prelude"]
    assert "encrypt=strict" in presented.findings[0].remedy


async def test_a_server_without_strict_encryption_is_told() -> None:
    async with raw_server(saying(b"", alert(120))) as server:
        presented = await ask(server, f"mssql-strict://{HOST}")
    assert codes(presented) == ["no_application_protocol"]
    assert "mssql" in (presented.error.remedy if presented.error else "")
