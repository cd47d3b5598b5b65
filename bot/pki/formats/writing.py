"""Certificates → PEM that every supported Java reads."""

from __future__ import annotations

import re
from collections.abc import Iterable

from bot.pki import pem
from bot.pki.certificate import Certificate

_MAX_COMMENT = 200


def to_pem(certificates: Iterable[Certificate], *, comments: bool = True) -> str:
    """PEM (RFC 7468): one certificate per BEGIN and END line, 64 columns, LF, ASCII.

    With ``comments`` two lines before each tell its subject and SHA-256 fingerprint. Java reads
    over them as long as no five hyphens stand in them and a file does not start with "0", which it
    would take for DER.
    """
    parts = []
    for certificate in certificates:
        if comments:
            parts.append(f"# Subject: {_comment(certificate.subject.text)}\n")
            parts.append(f"# SHA-256: {certificate.fingerprint}\n")
        parts.append(pem.encoded(certificate.der))
    return "".join(parts)


def _comment(text: str) -> str:
    """``text`` as printable ASCII on one line, in which no two hyphens follow each other."""
    plain = text.encode("ascii", "backslashreplace").decode("ascii")
    plain = re.sub(r"[^ -~]", lambda found: f"\\x{ord(found[0]):02x}", plain)
    plain = re.sub(r"-(?=-)", r"\\x2d", plain)
    return plain if len(plain) <= _MAX_COMMENT else plain[: _MAX_COMMENT - 3] + "..."
