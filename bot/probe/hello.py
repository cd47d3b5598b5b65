"""A ClientHello written by hand, that offers everything a server of the last 25 years may want.

It serves servers that the TLS library cannot come to terms with (RC4, 3DES, export ciphers, odd
curves): up to TLS 1.2 such a server answers with its certificates in the clear, and that is all
that is asked of it. Nothing is agreed on and no key exists.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Final

from bot.probe.suites import GROUPS, SUITES

_SERVER_NAME, _GROUPS, _POINT_FORMATS, _SIGNATURES, _ALPN = 0, 10, 11, 13, 16
_RENEGOTIATION_SCSV: Final = 0x00FF
_SIGNATURE_SCHEMES: Final = (
    *(0x0403, 0x0503, 0x0603, 0x0807, 0x0808),  # ECDSA, EdDSA
    *(0x0804, 0x0805, 0x0806, 0x0809, 0x080A, 0x080B),  # RSASSA-PSS
    *(0x0401, 0x0501, 0x0601, 0x0402, 0x0502, 0x0602),  # RSA and DSA with SHA-2
    *(0x0303, 0x0301, 0x0302, 0x0203, 0x0201, 0x0202, 0x0101),  # SHA-224, SHA-1, MD5
)


def client_hello(server_name: str | None, alpn: bytes | None = None) -> bytes:
    """A record with a TLS 1.2 ClientHello (RFC 5246 section 7.4.1.2), about 500 bytes long."""
    suites = [number for number in SUITES if number >> 8 != 0x13]
    extensions = [
        (_GROUPS, _vector(2, _numbers(group for group in GROUPS if group < 0x1000))),
        (_POINT_FORMATS, b"\x03\x00\x01\x02"),
        (_SIGNATURES, _vector(2, _numbers(_SIGNATURE_SCHEMES))),
    ]
    if server_name is not None:
        extensions.insert(0, (_SERVER_NAME, _vector(2, b"\0" + _vector(2, server_name.encode()))))
    if alpn is not None:
        extensions.append((_ALPN, _vector(2, _vector(1, alpn))))
    body = b"\x03\x03" + os.urandom(32) + b"\0"
    body += _vector(2, _numbers([*suites, _RENEGOTIATION_SCSV])) + b"\x01\x00"
    body += _vector(2, b"".join(kind.to_bytes(2, "big") + _vector(2, c) for kind, c in extensions))
    return b"\x16\x03\x01" + _vector(2, b"\x01" + _vector(3, body))


def _numbers(numbers: Iterable[int]) -> bytes:
    return b"".join(number.to_bytes(2, "big") for number in numbers)


def _vector(length_size: int, content: bytes) -> bytes:
    return len(content).to_bytes(length_size, "big") + content
