"""What each protocol says in the clear until TLS begins: STARTTLS and its kin.

A prelude is an async function of a conversation and the host's name; it returns the stream over
which TLS is spoken, and raises `PreludeError` when the server does not get there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from bot.probe.conversation import Conversation, PreludeError, quoted
from bot.probe.database_prelude import mssql, mysql, postgresql
from bot.probe.protocols import Protocol
from bot.probe.stream import Stream

Prelude: TypeAlias = Callable[[Conversation, str], Awaitable[Stream]]

_SEQUENCE: Final = 0x30
_MAX_LDAP_MESSAGE: Final = 16 * 1024
_START_TLS_OID: Final = b"1.3.6.1.4.1.1466.20037"
_START_TLS_REQUEST: Final = (
    bytes([0x30, 7 + len(_START_TLS_OID), 0x02, 1, 1, 0x77, 2 + len(_START_TLS_OID)])
    + bytes([0x80, len(_START_TLS_OID)])
    + _START_TLS_OID
)
_LDAP_RESULTS: Final = {
    1: "operationsError",
    2: "protocolError",
    8: "strongerAuthRequired",
    13: "confidentialityRequired",
    51: "busy",
    52: "unavailable",
    53: "unwillingToPerform",
    80: "other",
}


async def ldap(conversation: Conversation, host: str) -> Stream:
    """The StartTLS extended operation, RFC 4511 section 4.14."""
    await conversation.say(_START_TLS_REQUEST)
    message = await _read_ldap_message(conversation)
    try:
        (_, _), (operation, response), *_ = _elements(message)
        (_, code), (_, _), (_, diagnostic), *_ = _elements(response)
    except ValueError:
        raise PreludeError("unexpected", quoted(message)) from None
    result = int.from_bytes(code, "big")
    if operation != 0x78:
        raise PreludeError("unexpected", quoted(message))
    if result:
        text = quoted(diagnostic.rstrip(b"\0"))
        said = f"{result} {_LDAP_RESULTS.get(result, '')}".strip()
        java = f"[LDAP: error code {result} - {text}]"
        raise PreludeError("refused", f"{said}: {text}" if text else said, java)
    return conversation.finish()


async def smtp(conversation: Conversation, host: str) -> Stream:
    """RFC 3207. The client names itself by an address literal, as RFC 5321 section 4.1.4 asks of
    one without a name."""
    await _read_reply(conversation, b"220")
    await conversation.say(b"EHLO [127.0.0.1]\r\n")
    lines = await _read_reply(conversation, b"250")
    words = [line[4:].split(b" ")[0].upper() for line in lines]
    if b"STARTTLS" not in words:
        raise PreludeError("refused", quoted(b", ".join(lines)))
    await conversation.say(b"STARTTLS\r\n")
    await _read_reply(conversation, b"220")
    return conversation.finish()


async def ftp(conversation: Conversation, host: str) -> Stream:
    """AUTH TLS, RFC 4217 section 4."""
    await _read_reply(conversation, b"220")
    await conversation.say(b"AUTH TLS\r\n")
    await _read_reply(conversation, b"234")
    return conversation.finish()


async def pop3(conversation: Conversation, host: str) -> Stream:
    """STLS, RFC 2595 section 4."""
    line = await conversation.read_line()
    _expect(line.startswith(b"+OK"), line.startswith(b"-ERR"), [line])
    await conversation.say(b"STLS\r\n")
    line = await conversation.read_line()
    _expect(line.startswith(b"+OK"), line.startswith(b"-ERR"), [line])
    return conversation.finish()


async def imap(conversation: Conversation, host: str) -> Stream:
    """STARTTLS, RFC 9051 section 6.2.1."""
    line = await conversation.read_line()
    _expect(line.upper().startswith(b"* OK"), line.startswith(b"* "), [line])
    await conversation.say(b"a1 STARTTLS\r\n")
    line = await conversation.read_line()
    while line.startswith(b"* ") and not line.upper().startswith(b"* BYE"):
        line = await conversation.read_line()
    _expect(line.upper().startswith(b"A1 OK"), line[:3].lower() in (b"a1 ", b"* b"), [line])
    return conversation.finish()


async def xmpp(conversation: Conversation, host: str) -> Stream:
    """STARTTLS, RFC 6120 section 5."""
    # Imported late: it brings an HTTP client along, which costs more than the handshake.
    from xml.sax.saxutils import quoteattr

    header = (
        f"<?xml version='1.0'?><stream:stream to={quoteattr(host)} version='1.0' "
        "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
    )
    await conversation.say(header.encode())
    ends = (b"</stream:features>", b"<stream:features/>", b"</stream:error>", b"</stream:stream>")
    features = await conversation.read_until(*ends)
    if b"<starttls" not in features:
        is_xmpp = b"<stream:stream" in features
        raise PreludeError("refused" if is_xmpp else "unexpected", quoted(_after_header(features)))
    await conversation.say(b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    answer = await conversation.read_until(b">")
    if b"<proceed" not in answer:
        raise PreludeError("refused", quoted(answer))
    if not answer.endswith(b"/>"):
        await conversation.read_until(b"</proceed>")
    return conversation.finish()


PRELUDES: Final[dict[Protocol, Prelude]] = {
    Protocol.LDAP: ldap,
    Protocol.SMTP: smtp,
    Protocol.IMAP: imap,
    Protocol.POP3: pop3,
    Protocol.FTP: ftp,
    Protocol.XMPP: xmpp,
    Protocol.POSTGRESQL: postgresql,
    Protocol.MYSQL: mysql,
    Protocol.MSSQL: mssql,
}
"""The protocols that are not here speak TLS at once."""


def _expect(is_good: bool, is_refusal: bool, lines: list[bytes]) -> None:
    if not is_good:
        raise PreludeError("refused" if is_refusal else "unexpected", quoted(b" ".join(lines)))


async def _read_reply(conversation: Conversation, wanted: bytes) -> list[bytes]:
    """The lines of a reply of SMTP (RFC 5321 section 4.2.1) or FTP (RFC 959 section 4.2) with the
    code ``wanted``."""
    line = await conversation.read_line()
    lines = [line]
    code = line[:3]
    if not code.isdigit():
        # Before any further line: "SSH-2.0" has none to come.
        raise PreludeError("unexpected", quoted(line))
    if line[3:4] == b"-":
        while not (line[:3] == code and line[3:4] != b"-"):
            line = await conversation.read_line()
            lines.append(line)
    if code != wanted:
        raise PreludeError("refused", quoted(b" ".join(lines)))
    return lines


def _after_header(stream: bytes) -> bytes:
    """What an XMPP server says after its stream header."""
    return stream[stream.find(b">", stream.find(b"<stream:stream")) + 1 :]


async def _read_ldap_message(conversation: Conversation) -> bytes:
    """The content of the next LDAPMessage, a BER sequence with a definite length (RFC 4511 section 5.1)."""
    tag, length = await conversation.read_exactly(2)
    if tag != _SEQUENCE:
        # Before its length is believed: it may be another protocol's text.
        raise PreludeError("unexpected", quoted(bytes([tag, length]) + conversation.heard))
    if length & 0x80:
        size = length & 0x7F
        if not 1 <= size <= 4:
            raise PreludeError("unexpected", quoted(bytes([tag, length])))
        length = int.from_bytes(await conversation.read_exactly(size), "big")
    if length > _MAX_LDAP_MESSAGE:
        raise PreludeError("too_long", f"an LDAP message of {length:,} bytes")
    return await conversation.read_exactly(length)


def _elements(data: bytes) -> list[tuple[int, bytes]]:
    """The BER elements that follow each other in ``data``. Raises `ValueError`."""
    elements = []
    while data:
        if len(data) < 2:
            raise ValueError("truncated")
        tag, length, start = data[0], data[1], 2
        if length & 0x80:
            start += length & 0x7F
            length = int.from_bytes(data[2:start], "big")
        if start + length > len(data):
            raise ValueError("truncated")
        elements.append((tag, data[start : start + length]))
        data = data[start + length :]
    return elements
