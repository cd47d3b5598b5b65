"""BER as containers use it (ITU-T X.690 §8): indefinite lengths and strings in pieces.

PKCS#7 and PKCS#12 files come in BER from several vendors; the certificates inside are DER.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from bot.pki import der
from bot.pki.der import DerError

_MAX_DEPTH = 32
_MAX_ELEMENTS = 65_536
_CONSTRUCTED = 0x20


def read(data: bytes, position: int, end: int) -> tuple[int, int, int, int]:
    """The element at ``position``: its tag octet, where its content starts and ends, and where the
    next element starts. Raises DerError when it is malformed or too deeply nested."""
    if data[position + 1 : position + 2] != b"\x80":
        tag, start, stop = der.read(data, position, end)
        return tag, start, stop, stop
    tag = data[position]
    if not tag & _CONSTRUCTED:
        raise DerError("an indefinite length on a primitive element")
    stop = _end_of_contents(data, position + 2, end, _MAX_DEPTH)
    return tag, position + 2, stop, stop + 2


def children(content: bytes) -> Iterator[tuple[int, bytes]]:
    """The elements inside ``content``, each as (tag, content). Raises DerError."""
    position, end = 0, len(content)
    while position < end:
        tag, start, stop, position = read(content, position, end)
        yield tag, content[start:stop]


def first_children(content: bytes, count: int) -> list[tuple[int, bytes]]:
    """At most ``count`` leading elements inside ``content``. Raises DerError."""
    return list(islice(children(content), count))


def octets(tag: int, content: bytes, depth: int = 4) -> bytes:
    """The value of an OCTET STRING, also an implicitly tagged one, primitive or in pieces."""
    if not tag & _CONSTRUCTED:
        return content
    if not depth:
        raise DerError("an OCTET STRING in too many pieces")
    return b"".join(octets(piece, part, depth - 1) for piece, part in children(content))


def _end_of_contents(data: bytes, position: int, end: int, depth: int) -> int:
    if not depth:
        raise DerError("nested too deeply")
    for _ in range(_MAX_ELEMENTS):
        if data[position : position + 2] == b"\0\0":
            return position
        if data[position + 1 : position + 2] == b"\x80":
            position = _end_of_contents(data, position + 2, end, depth - 1) + 2
        else:
            position = der.read(data, position, end)[2]
    raise DerError("too many elements")
