"""Certificates → PEM that every supported Java reads."""

from __future__ import annotations

from collections.abc import Iterable

from bot.pki import pem
from bot.pki.certificate import Certificate


def to_pem(certificates: Iterable[Certificate], *, comments: bool = True) -> str:
    """PEM (RFC 7468): one certificate per BEGIN and END line, 64 columns, LF, ASCII; with
    ``comments`` each with its subject and fingerprint, see `bot.pki.pem.commented`."""
    parts = []
    for certificate in certificates:
        block = pem.encoded(certificate.der)
        if comments:
            block = pem.commented(block, certificate.subject.text, certificate.fingerprint)
        parts.append(block)
    return "".join(parts)
