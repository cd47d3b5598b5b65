"""Pieces of DER found in a text, and how Base64 becomes DER."""

from __future__ import annotations

import binascii
import re
from dataclasses import field

from bot.pki import der
from bot.pki.der import DerError
from bot.pki.formats.repairs import Repair
from bot.records import record
from bot.text import visible

_GROUP = re.compile(r"([A-Za-z0-9+/]+)(=*)")
_JUNK_SHOWN = 5


@record(frozen=False)
class Blob:
    """Something found at ``position`` of a text: ``data``, or a ``problem`` that says why not.

    ``label`` is what its BEGIN line says, in capitals without spaces, or an empty text; ``line`` is
    the number of its line, 0 while unknown.
    """

    position: int
    data: bytes = b""
    label: str = ""
    problem: str = ""
    repairs: list[Repair] = field(default_factory=list)
    line: int = 0


def decode_base64(text: str, blob: Blob) -> None:
    """Fills ``blob`` with the bytes of ``text``, in which white space does not matter."""
    compact = "".join(text.split())
    if ("-" in compact or "_" in compact) and "+" not in compact and "/" not in compact:
        compact = compact.replace("-", "+").replace("_", "/")
        blob.repairs.append(Repair.BASE64_URL)
    junk = re.sub(r"[A-Za-z0-9+/=]+", "", compact)
    if junk:
        shown = [visible(character) for character in dict.fromkeys(junk)]
        listed = " ".join(f'"{character}"' for character in shown[:_JUNK_SHOWN])
        more = f" and {len(shown) - _JUNK_SHOWN} more" if len(shown) > _JUNK_SHOWN else ""
        blob.problem = f"has characters that are not Base64: {listed}{more}"
        return
    pieces = []
    for digits, padding in _GROUP.findall(compact):
        over = len(digits) % 4
        if over == 1:
            blob.problem = (
                f"has {len(digits):,} Base64 characters, which cannot be: at least one is missing "
                "or too many"
            )
            return
        if len(padding) != -len(digits) % 4:
            _once(blob.repairs, Repair.PADDING)
        pieces.append(binascii.a2b_base64(digits + "=" * (-len(digits) % 4)))
    if len(pieces) > 1:
        _once(blob.repairs, Repair.PADDING)
    blob.data = b"".join(pieces)


def declared_size(start: bytes) -> int:
    """How many bytes the definite-length SEQUENCE that begins with ``start`` has, header included;
    0 when it is none."""
    if len(start) < 2 or start[0] != der.SEQUENCE or start[1] == 0x80 or start[1] > 0x84:
        return 0
    if start[1] < 0x80:
        return 2 + start[1]
    count = start[1] & 0x7F
    return 2 + count + int.from_bytes(start[2 : 2 + count], "big") if len(start) > count + 1 else 0


def cut_off(data: bytes) -> str:
    """What is missing at the end of ``data``, as the end of a sentence; an empty text if nothing."""
    try:
        der.read(data, 0, len(data))
    except DerError:
        size = declared_size(data)
        if size > len(data):
            return f"is cut off: it is {size:,} bytes long and {len(data):,} of them are there"
    return ""


def _once(repairs: list[Repair], repair: Repair) -> None:
    if repair not in repairs:
        repairs.append(repair)
