"""The little of ASN.1 DER that certificates need (ITU-T X.690), read as leniently as Java reads it.

Java's ``sun.security.util.DerValue`` accepts lengths and integers that are longer than they need
be, but no tag number above 30 and, in a certificate, no indefinite length.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, NULL, OID = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06
UTF8_STRING, PRINTABLE_STRING, TELETEX_STRING, IA5_STRING = 0x0C, 0x13, 0x14, 0x16
UTC_TIME, GENERALIZED_TIME, VISIBLE_STRING, GENERAL_STRING = 0x17, 0x18, 0x1A, 0x1B
UNIVERSAL_STRING, BMP_STRING = 0x1C, 0x1E
SEQUENCE, SET = 0x30, 0x31


#: How deep indefinite lengths may be nested: a certificate needs a tenth of it.
_MAX_DEPTH = 64


class DerError(ValueError):
    """The bytes are not the ASN.1 they should be."""


def read(data: bytes, position: int, end: int) -> tuple[int, int, int]:
    """The element at ``position``: its tag octet and where its content starts and ends.

    Raises DerError when the header is malformed or the content reaches beyond ``end``.
    """
    start = position + 2
    if start > end:
        raise DerError("too short")
    tag, length = data[position], data[position + 1]
    if tag & 0x1F == 0x1F:
        raise DerError("tag number over 30 is not supported")
    if length >= 0x80:
        octets = length & 0x7F
        if octets == 0:
            raise DerError("indefinite length is not DER")
        if octets > 4:
            raise DerError("length of more than four octets")
        start += octets
        if start > end:
            raise DerError("not enough length octets")
        length = int.from_bytes(data[start - octets : start], "big")
        if length > 0x7FFFFFFF:
            raise DerError("length is too large")
    if start + length > end:
        raise DerError("not enough content")
    return tag, start, start + length


def definite(data: bytes) -> bytes:
    """The one element ``data``, each indefinite length in it exchanged for its definite form
    (``DerIndefLenConverter``). Raises DerError."""
    element, position = _definite(data, 0, 0)
    if position != len(data):
        raise DerError("extra data at the end")
    return element


def _definite(data: bytes, position: int, depth: int) -> tuple[bytes, int]:
    if depth > _MAX_DEPTH:
        raise DerError("nested too deeply")
    if data[position + 1 : position + 2] != b"\x80":
        _, _, stop = read(data, position, len(data))
        return data[position:stop], stop
    tag, position = data[position], position + 2
    if not tag & 0x20:
        raise DerError("indefinite length of a primitive value")
    parts: list[bytes] = []
    while data[position : position + 2] != b"\x00\x00":
        part, position = _definite(data, position, depth + 1)
        parts.append(part)
    return encode(tag, b"".join(parts)), position + 2


def content(data: bytes, tag: int) -> bytes:
    """The content of ``data``, which must be exactly one element of ``tag``. Raises DerError."""
    end = len(data)
    # The usual case without a call: certificates are read through here a hundred times each.
    if end > 1 and data[0] == tag and data[1] == end - 2 < 0x80:
        return data[2:]
    found, start, end = read(data, 0, end)
    if found != tag:
        raise DerError(f"tag {found:#04x} where {tag:#04x} was expected")
    if end != len(data):
        raise DerError("extra data at the end")
    return data[start:end]


def first_content(data: bytes, tag: int) -> bytes:
    """The content of the first element of ``data``, which must have ``tag``; what follows it is not
    looked at. Raises DerError."""
    found, start, stop = read(data, 0, len(data))
    if found != tag:
        raise DerError(f"tag {found:#04x} where {tag:#04x} was expected")
    return data[start:stop]


def children(data: bytes) -> list[tuple[int, bytes]]:
    """The elements inside ``data`` (content octets), each as (tag, content). Raises DerError."""
    found: list[tuple[int, bytes]] = []
    position, end = 0, len(data)
    while position < end:
        start = position + 2
        # The usual header without a call. `elements` has the same loop: shared, it makes a list more,
        # and reading a certificate takes a fifth longer.
        if start <= end and (length := data[position + 1]) < 0x80 and data[position] & 31 != 31:
            stop = start + length
            if stop > end:
                raise DerError("not enough content")
        else:
            _, start, stop = read(data, position, end)
        found.append((data[position], data[start:stop]))
        position = stop
    return found


def elements(data: bytes) -> list[bytes]:
    """The elements inside ``data`` (content octets), each whole, header included. Raises DerError."""
    found: list[bytes] = []
    position, end = 0, len(data)
    while position < end:
        start = position + 2
        if start <= end and (length := data[position + 1]) < 0x80 and data[position] & 31 != 31:
            stop = start + length
            if stop > end:
                raise DerError("not enough content")
        else:
            _, _, stop = read(data, position, end)
        found.append(data[position:stop])
        position = stop
    return found


def leading_elements(data: bytes) -> list[bytes]:
    """The elements inside ``data`` before the first malformed one, each whole."""
    found: list[bytes] = []
    position, end = 0, len(data)
    while position < end:
        try:
            _, _, stop = read(data, position, end)
        except DerError:
            break
        found.append(data[position:stop])
        position = stop
    return found


def encode(tag: int, content: bytes) -> bytes:
    """One element in DER."""
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


def integer(content: bytes) -> int:
    """A signed INTEGER's value. Raises DerError when it is empty."""
    if not content:
        raise DerError("an INTEGER without content")
    return int.from_bytes(content, "big", signed=True)


def boolean(content: bytes) -> bool:
    """A BOOLEAN's value; anything but zero is true. Raises DerError on a wrong length."""
    if len(content) != 1:
        raise DerError("a BOOLEAN that is not one octet")
    return content != b"\0"


def bit_string(content: bytes) -> tuple[bytes, int]:
    """A BIT STRING's octets and its number of unused bits, which Java takes as zero bits."""
    if not content or content[0] > 7 or (content[0] and len(content) == 1):
        raise DerError("a malformed BIT STRING")
    return content[1:], content[0]


@lru_cache(maxsize=4096)
def oid(content: bytes) -> str:
    """An OBJECT IDENTIFIER in dotted form. Raises DerError as ``ObjectIdentifier`` does."""
    if not content or content[-1] & 0x80 or len(content) > 4096:
        raise DerError("a malformed OBJECT IDENTIFIER")
    arcs: list[int] = []
    value = 0
    fresh = True
    for octet in content:
        if fresh and octet == 0x80:
            raise DerError("an OBJECT IDENTIFIER with a padded arc")
        value = value << 7 | octet & 0x7F
        fresh = not octet & 0x80
        if fresh:
            if not arcs:
                first = min(value // 40, 2)
                arcs += [first, value - 40 * first]
            else:
                arcs.append(value)
            value = 0
    return ".".join(map(str, arcs))


def time(tag: int, content: bytes) -> datetime:
    """A UTCTime or GeneralizedTime as an aware datetime in UTC (RFC 5280 §4.1.2.5).

    Like Java it takes a missing number of seconds, a zone offset and, in GeneralizedTime, a
    fraction of a second, of which three digits count. Raises DerError.
    """
    if tag == UTC_TIME and len(content) == 13 and content[12:] == b"Z" and content[:12].isdigit():
        text = content.decode()
        century = "20" if text < "5" else "19"
        if text[4:6] < "29" and text[6:8] < "24":
            try:
                return datetime.fromisoformat(f"{century}{text[:6]}T{text[6:]}")
            except ValueError:
                raise DerError("a time that does not exist") from None
    return _unusual_time(tag, content)


def _unusual_time(tag: int, content: bytes) -> datetime:
    try:
        text = content.decode("ascii")
    except UnicodeDecodeError:
        raise DerError("a time that is not ASCII") from None
    zone = next((i for i, character in enumerate(text) if character in "Z+-"), -1)
    if zone < 0:
        raise DerError("a time without a zone")
    digits, _, fraction = text[:zone].replace(",", ".").partition(".")
    years = 4 if tag == GENERALIZED_TIME else 2
    if tag not in (UTC_TIME, GENERALIZED_TIME):
        raise DerError("not a time")
    if not digits.isascii() or not digits.isdigit() or len(digits) - years not in (8, 10):
        raise DerError("a malformed time")
    if "." in text[:zone].replace(",", ".") and (years == 2 or not fraction.isdigit()):
        raise DerError("a malformed fraction of a second")
    year = int(digits[:years])
    if years == 2:
        year += 2000 if year < 50 else 1900
    rest = digits[years:].ljust(10, "0")
    month, day, hour, minute, second = (int(rest[i : i + 2]) for i in range(0, 10, 2))
    if not 1 <= day <= 31:
        raise DerError("a time that does not exist")
    try:
        # Java lets the 31st of a short month be the first of the next.
        moment = datetime(year, month, 1, hour, minute, second, tzinfo=UTC)
        part = timedelta(days=day - 1, milliseconds=int(fraction[:3].ljust(3, "0")))
        return moment + part - _offset(text[zone:])
    except (ValueError, OverflowError):
        raise DerError("a time that does not exist") from None


def _offset(zone: str) -> timedelta:
    if zone == "Z":
        return timedelta()
    if len(zone) != 5 or not zone[1:].isdigit():
        raise DerError("a malformed time zone")
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:]))
    return offset if zone[0] == "+" else -offset
