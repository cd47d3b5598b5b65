"""Fingerprints. `hashlib` would load a second OpenSSL, which takes longer than a lookup hashes."""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.hashes import SHA1, SHA256, Hash

_SHA1: Final = SHA1()  # noqa: S303  what identifies keys (RFC 5280 §4.2.1.2), and secures nothing
_SHA256: Final = SHA256()


def sha1(data: bytes) -> str:
    """The SHA-1 digest of ``data``, in lower-case hexadecimal digits."""
    return Hash.hash(_SHA1, data).hex()


def sha256(data: bytes) -> str:
    """The SHA-256 digest of ``data``, in lower-case hexadecimal digits."""
    return Hash.hash(_SHA256, data).hex()
