"""PEM of DER (RFC 7468), without the readers of other formats that a lookup has no use for."""

from __future__ import annotations

import binascii
import re
from functools import lru_cache
from typing import Final

from bot import patterns

_COLUMNS: Final = 64
_MAX_COMMENT: Final = 200
#: In octets; the PEM of what is larger is not kept.
_SMALL: Final = 1 << 13
_BLOCK: Final = patterns.lazy(
    rb"-----BEGIN CERTIFICATE-----\r?\n((?:[A-Za-z0-9+/=]+\r?\n)+)-----END CERTIFICATE-----"
    rb"(?:\r?\n\s*|\Z)"
)


def encoded(der: bytes) -> str:
    """One CERTIFICATE block: 64 columns, LF, ASCII. ``der`` need not be a certificate."""
    return _encoded_once(der) if len(der) <= _SMALL else _encoded(der)


def _encoded(der: bytes) -> str:
    text = binascii.b2a_base64(der, newline=False).decode("ascii")
    lines = (text[i : i + _COLUMNS] for i in range(0, len(text), _COLUMNS))
    return "\n".join(("-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""))


#: The same few certificates are in most reports.
_encoded_once = lru_cache(maxsize=256)(_encoded)


def plain_blocks(data: bytes) -> tuple[bytes, ...]:
    """What the CERTIFICATE blocks of ``data`` hold, where there is nothing but sound ones of them and
    empty lines; otherwise nothing, and :mod:`bot.pki.formats` tells what ``data`` is."""
    found: list[bytes] = []
    position = len(data) - len(data.lstrip())
    while position < len(data):
        block = _BLOCK.match(data, position)
        if block is None:
            return ()
        try:
            found.append(binascii.a2b_base64(block[1].translate(None, b"\r\n"), strict_mode=True))
        except ValueError:
            return ()
        position = block.end()
    return tuple(found)


def commented(block: str, subject: str, fingerprint: str) -> str:
    """``block`` below two lines that tell its subject and SHA-256 fingerprint. Java reads over them,
    as long as no five hyphens stand in them and a file does not start with "0", which it would take
    for DER."""
    return f"# Subject: {_comment(subject)}\n# SHA-256: {fingerprint}\n{block}"


def _comment(text: str) -> str:
    """``text`` as printable ASCII on one line, in which no two hyphens follow each other."""
    plain = text.encode("ascii", "backslashreplace").decode("ascii")
    plain = re.sub(r"[^ -~]", lambda found: f"\\x{ord(found[0]):02x}", plain)
    plain = re.sub(r"-(?=-)", r"\\x2d", plain)
    return plain if len(plain) <= _MAX_COMMENT else plain[: _MAX_COMMENT - 3] + "..."
