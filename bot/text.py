"""Untrusted text made visible: shown, never obeyed."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from bot import patterns

#: Printable for Unicode, and yet nothing is seen (Default_Ignorable_Code_Point, and the empty
#: Braille pattern). The variation selectors of emoji are left out: people write them.
_BLANK: Final = patterns.lazy(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\U000e0100-\U000e01ef]"
)

_UNSTORABLE: Final = patterns.lazy("[\0\ud800-\udfff]")


def visible(text: str, limit: int = 200) -> str:
    """``text`` with every control, format (bidi, zero-width), surrogate, private-use, line-break and
    blank character but the space (no-break spaces, fillers) replaced by a ``\\u{XXXX}`` escape, cut
    to ``limit`` characters with ``…``."""
    if len(text) <= limit and text.isprintable() and (text.isascii() or not _BLANK.search(text)):
        return text
    shown = "".join(map(_escape, text[: limit + 1]))
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def storable(text: str) -> str:
    """``text`` with U+FFFD for what no database keeps: NUL, and surrogates that stand alone (RFC 8259
    section 8.2 lets JSON hold both)."""
    return _UNSTORABLE.sub("\ufffd", text)


@lru_cache(maxsize=1024)
def _escape(character: str) -> str:
    if character.isprintable() and not _BLANK.match(character):
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{{{code:04x}}}"


def authority(host: str, port: int) -> str:
    """``host:port`` with an IPv6 address in brackets (RFC 3986 section 3.2.2)."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def duration(seconds: float) -> str:
    """So many seconds: ``1 second``, ``1.5 seconds``."""
    return f"{seconds:g} second{'' if seconds == 1 else 's'}"
