"""PEM of DER (RFC 7468), without the readers of other formats that a lookup has no use for."""

from __future__ import annotations

import base64
from typing import Final

_COLUMNS: Final = 64


def encoded(der: bytes) -> str:
    """One CERTIFICATE block: 64 columns, LF, ASCII. ``der`` need not be a certificate."""
    text = base64.b64encode(der).decode("ascii")
    lines = (text[i : i + _COLUMNS] for i in range(0, len(text), _COLUMNS))
    return "\n".join(("-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""))
