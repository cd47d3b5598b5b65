"""The preludes of database servers: PostgreSQL, MySQL and MariaDB, SQL Server."""

from __future__ import annotations

from typing import Final

from bot.probe.conversation import Conversation, PreludeError, quoted
from bot.probe.stream import Stream

_MAX_PACKET: Final = 16 * 1024

_POSTGRESQL_SSL_REQUEST: Final = bytes.fromhex("0000000804d2162f")

_MYSQL_CLIENT_SSL: Final = 0x0800
_MYSQL_CAPABILITIES: Final = 0x00088A01
"""CLIENT_LONG_PASSWORD, PROTOCOL_41, SSL, SECURE_CONNECTION, PLUGIN_AUTH."""

_TDS_PRELOGIN: Final = 0x12
_TDS_REPLY: Final = 0x04
_TDS_PACKET: Final = 4096
_TDS_ENCRYPTION: Final = 1
_TDS_ENCRYPT_ON: Final = 1
_TDS_NOT_SUPPORTED: Final = 2


async def postgresql(conversation: Conversation, host: str) -> Stream:
    """SSLRequest, PostgreSQL's frontend/backend protocol, "SSL Session Encryption"."""
    await conversation.say(_POSTGRESQL_SSL_REQUEST)
    answer = await conversation.read_exactly(1)
    if answer == b"S":
        return conversation.finish()
    if answer == b"N":
        raise PreludeError("refused", "N", "The server does not support SSL.")
    if answer == b"E":
        raise PreludeError("refused", await _read_postgresql_error(conversation))
    raise PreludeError("unexpected", quoted(answer))


async def _read_postgresql_error(conversation: Conversation) -> str:
    """The message of an ErrorResponse: typed fields, or from before version 7.4 one text."""
    start = await conversation.read_exactly(4)
    length = int.from_bytes(start, "big")
    if not 4 < length <= _MAX_PACKET:
        return quoted(start + (await conversation.read_until(b"\0"))[:-1])
    fields = (await conversation.read_exactly(length - 4)).split(b"\0")
    messages = [field[1:] for field in fields if field[:1] == b"M"]
    return quoted(messages[0] if messages else b" ".join(fields))


async def mysql(conversation: Conversation, host: str) -> Stream:
    """SSLRequest after the server's greeting, MySQL's connection phase."""
    header = await conversation.read_exactly(4)
    length = int.from_bytes(header[:3], "little")
    if length > _MAX_PACKET or header[3] != 0:
        raise PreludeError("unexpected", quoted(header))
    greeting = await conversation.read_exactly(length)
    if greeting[:1] == b"\xff":
        message = greeting[3:]
        raise PreludeError("refused", quoted(message[6:] if message[:1] == b"#" else message))
    version, end, rest = greeting[1:].partition(b"\0")
    if greeting[:1] != b"\x0a" or not end or len(rest) < 15:
        raise PreludeError("unexpected", quoted(header + greeting))
    capabilities = int.from_bytes(rest[13:15], "little")
    if not capabilities & _MYSQL_CLIENT_SSL:
        raise PreludeError(
            "refused",
            f"{quoted(version)}, without CLIENT_SSL",
            "SSL Connection required, but not supported by server.",
        )
    request = _MYSQL_CAPABILITIES.to_bytes(4, "little") + (1 << 24).to_bytes(4, "little")
    request += bytes([45]) + bytes(23)
    await conversation.say(len(request).to_bytes(3, "little") + b"\x01" + request)
    return conversation.finish()


async def mssql(conversation: Conversation, host: str) -> Stream:
    """PRELOGIN, MS-TDS section 2.2.6.5; the TLS handshake that follows travels in TDS packets."""
    options = ((0, bytes(6)), (_TDS_ENCRYPTION, bytes([_TDS_ENCRYPT_ON])), (2, b"\0"), (4, b"\0"))
    offset = 5 * len(options) + 1
    table, values = b"", b""
    for token, value in options:
        table += bytes([token]) + (offset + len(values)).to_bytes(2, "big")
        table += len(value).to_bytes(2, "big")
        values += value
    await conversation.say(_tds_packet(table + b"\xff" + values, is_last=True))
    header = await conversation.read_exactly(8)
    length = int.from_bytes(header[2:4], "big")
    if header[0] != _TDS_REPLY or length < 8:
        raise PreludeError("unexpected", quoted(header))
    payload = await conversation.read_exactly(length - 8)
    encryption = _prelogin_encryption(payload)
    if encryption is None:
        raise PreludeError("unexpected", quoted(payload))
    if encryption == _TDS_NOT_SUPPORTED:
        raise PreludeError(
            "refused",
            "ENCRYPT_NOT_SUP",
            "The application requested encryption but the server is not configured to support SSL.",
        )
    return _TdsStream(conversation.finish())


def _prelogin_encryption(payload: bytes) -> int | None:
    for at in range(0, len(payload) - 5, 5):
        if payload[at] == 0xFF:
            return None
        offset = int.from_bytes(payload[at + 1 : at + 3], "big")
        if payload[at] == _TDS_ENCRYPTION and offset < len(payload):
            return payload[offset]
    return None


def _tds_packet(payload: bytes, *, is_last: bool) -> bytes:
    length = (len(payload) + 8).to_bytes(2, "big")
    return bytes([_TDS_PRELOGIN, is_last]) + length + bytes(4) + payload


class _TdsStream:
    """TLS records inside TDS packets, as long as the handshake lasts (MS-TDS section 3.2.5.2)."""

    def __init__(self, inner: Stream) -> None:
        self._inner = inner
        self._received = bytearray()

    async def read(self) -> bytes:
        payload = bytearray()
        while not payload:
            data = await self._inner.read()
            if not data:
                return b""
            self._received += data
            while (packet := self._next_packet()) is not None:
                if not packet:
                    # A peer that sends nothing but empty packets would be read for ever.
                    return bytes(payload)
                payload += packet
        return bytes(payload)

    async def write(self, data: bytes) -> None:
        size = _TDS_PACKET - 8
        parts = [data[at : at + size] for at in range(0, len(data), size)]
        packets = [
            _tds_packet(part, is_last=number == len(parts)) for number, part in enumerate(parts, 1)
        ]
        await self._inner.write(b"".join(packets))

    def close(self) -> None:
        self._inner.close()

    def _next_packet(self) -> bytes | None:
        if len(self._received) < 8:
            return None
        length = max(8, int.from_bytes(self._received[2:4], "big"))
        if len(self._received) < length:
            return None
        packet = bytes(self._received[8:length])
        del self._received[:length]
        return packet
