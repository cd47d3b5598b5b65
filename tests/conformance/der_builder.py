"""A certificate from any parts whatever: nothing is checked, so everything can be wrong.

Each function returns the DER of one value (X.690); content is given as encoded DER.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Literal

NULL = b"\x05\x00"
TRUE = b"\x01\x01\xff"
FALSE = b"\x01\x01\x00"

StringType = Literal["utf8", "printable", "teletex", "ia5", "bmp", "universal", "numeric"]

# Tag and codec of each kind of DirectoryString and its kin.
_STRINGS: dict[StringType, tuple[int, str]] = {
    "utf8": (0x0C, "utf-8"),
    "numeric": (0x12, "ascii"),
    "printable": (0x13, "ascii"),
    "teletex": (0x14, "latin-1"),
    "ia5": (0x16, "ascii"),
    "universal": (0x1C, "utf-32-be"),
    "bmp": (0x1E, "utf-16-be"),
}


def tlv(tag: int, *content: bytes) -> bytes:
    """One value with a definite, shortest length."""
    body = b"".join(content)
    size = len(body)
    if size < 0x80:
        return bytes((tag, size)) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + body


def seq(*content: bytes) -> bytes:
    """SEQUENCE."""
    return tlv(0x30, *content)


def set_of(*content: bytes) -> bytes:
    """SET OF, its members sorted as DER wants them."""
    return tlv(0x31, *sorted(content))


def context(number: int, *content: bytes, constructed: bool = True) -> bytes:
    """A value with a context-specific tag."""
    return tlv((0xA0 if constructed else 0x80) | number, *content)


def integer(value: int) -> bytes:
    """INTEGER, shortest two's complement."""
    size = (value + (value < 0)).bit_length() // 8 + 1
    return tlv(0x02, value.to_bytes(size, "big", signed=True))


def enumerated_bits(*bits: int) -> bytes:
    """BIT STRING of named bits, final zeros left out."""
    if not bits:
        return tlv(0x03, b"\x00")
    last = max(bits)
    value = bytearray(last // 8 + 1)
    for bit in bits:
        value[bit // 8] |= 0x80 >> bit % 8
    return tlv(0x03, bytes((7 - last % 8,)), bytes(value))


def bit_string(content: bytes) -> bytes:
    """BIT STRING of whole bytes."""
    return tlv(0x03, b"\x00", content)


def octets(content: bytes) -> bytes:
    """OCTET STRING."""
    return tlv(0x04, content)


@cache
def oid(dotted: str) -> bytes:
    """OBJECT IDENTIFIER."""
    first, second, *rest = (int(part) for part in dotted.split("."))
    body = bytearray()
    for arc in (first * 40 + second, *rest):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(0x80 | arc & 0x7F)
        body += bytes(reversed(groups))
    return tlv(0x06, bytes(body))


def string(kind: StringType, text: str) -> bytes:
    """A character string; what the type cannot hold is encoded as UTF-8 all the same."""
    tag, codec = _STRINGS[kind]
    try:
        return tlv(tag, text.encode(codec))
    except UnicodeEncodeError:
        return tlv(tag, text.encode())


def utc_time(moment: datetime) -> bytes:
    """UTCTime with seconds."""
    return tlv(0x17, moment.astimezone(UTC).strftime("%y%m%d%H%M%SZ").encode())


def generalized_time(moment: datetime) -> bytes:
    """GeneralizedTime with seconds."""
    return tlv(0x18, moment.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode())


def time(moment: datetime) -> bytes:
    """UTCTime to 2049, GeneralizedTime after (RFC 5280 section 4.1.2.5)."""
    return utc_time(moment) if 1950 <= moment.year < 2050 else generalized_time(moment)


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of a name; ``kind`` None means that ``text`` is ready DER in hex."""

    oid: str
    text: str
    kind: StringType | None = "utf8"

    def der(self) -> bytes:
        """AttributeTypeAndValue."""
        value = bytes.fromhex(self.text) if self.kind is None else string(self.kind, self.text)
        return seq(oid(self.oid), value)


# A name: relative names, each of one or more attributes.
Rdns = tuple[tuple[Attribute, ...], ...]


def name(rdns: Rdns) -> bytes:
    """Name."""
    return seq(*(set_of(*(attribute.der() for attribute in rdn)) for rdn in rdns))


@dataclass(frozen=True, slots=True)
class Extension:
    """One extension; ``value`` is what the OCTET STRING holds.

    ``explicit_false`` writes ``critical FALSE``, which DER leaves out.
    """

    oid: str
    value: bytes
    critical: bool = False
    explicit_false: bool = False

    def der(self) -> bytes:
        """Extension."""
        flag = TRUE if self.critical else FALSE if self.explicit_false else b""
        return seq(oid(self.oid), flag, octets(self.value))


@dataclass(frozen=True, slots=True)
class Parts:
    """Every part of a TBSCertificate, encoded; ``version`` None leaves the field out."""

    version: int | None
    serial: bytes
    algorithm: bytes
    issuer: bytes
    not_before: bytes
    not_after: bytes
    subject: bytes
    spki: bytes
    extensions: Sequence[Extension] = field(default_factory=tuple)
    unique_ids: bytes = b""
    empty_extensions: bool = False

    def tbs(self) -> bytes:
        """What is signed."""
        extensions = b""
        if self.extensions or self.empty_extensions:
            extensions = context(3, seq(*(extension.der() for extension in self.extensions)))
        return seq(
            b"" if self.version is None else context(0, integer(self.version - 1)),
            self.serial,
            self.algorithm,
            self.issuer,
            seq(self.not_before, self.not_after),
            self.subject,
            self.spki,
            self.unique_ids,
            extensions,
        )


def certificate(tbs: bytes, algorithm: bytes, signature: bytes) -> bytes:
    """Certificate."""
    return seq(tbs, algorithm, bit_string(signature))
