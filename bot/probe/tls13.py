"""Decrypts a TLS 1.3 server's handshake messages with the secret that the TLS library logs.

Needed only where the library itself gives up on the Certificate message (a certificate that it
cannot parse, a message that it finds too long): everybody else's chain comes from the library.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

_HANDSHAKE: Final = 22
_AEADS: Final[dict[int, tuple[hashes.SHA256 | hashes.SHA384, int]]] = {
    0x1301: (hashes.SHA256(), 16),
    0x1302: (hashes.SHA384(), 32),
    0x1303: (hashes.SHA256(), 32),
    0x1304: (hashes.SHA256(), 16),
    0x1305: (hashes.SHA256(), 16),
}


def decrypt_handshake(records: Sequence[bytes], suite: int, secret: bytes) -> bytes:
    """The handshake bytes in ``records`` (whole, with headers), RFC 8446 section 5.2.

    ``secret`` is the server's handshake traffic secret. Ends at the first record that it does not
    open, because from there on another key is in use; an unknown suite gives nothing.
    """
    if suite not in _AEADS:
        return b""
    algorithm, key_size = _AEADS[suite]
    key = _expand_label(secret, b"key", key_size, algorithm)
    nonce = int.from_bytes(_expand_label(secret, b"iv", 12, algorithm), "big")
    aead = _aead(suite, key)
    opened = bytearray()
    protected = (record for record in records if record[0] == 23)
    for number, record in enumerate(protected):
        try:
            inner = aead.decrypt((nonce ^ number).to_bytes(12, "big"), record[5:], record[:5])
        except (InvalidTag, ValueError):
            break
        content = inner.rstrip(b"\0")
        if content[-1:] == bytes([_HANDSHAKE]):
            opened += content[:-1]
    return bytes(opened)


def _aead(suite: int, key: bytes) -> AESGCM | ChaCha20Poly1305 | AESCCM:
    if suite == 0x1303:
        return ChaCha20Poly1305(key)
    if suite in (0x1304, 0x1305):
        return AESCCM(key, tag_length=8 if suite == 0x1305 else 16)
    return AESGCM(key)


def _expand_label(
    secret: bytes, label: bytes, size: int, algorithm: hashes.SHA256 | hashes.SHA384
) -> bytes:
    """HKDF-Expand-Label with an empty context, RFC 8446 section 7.1."""
    full = b"tls13 " + label
    info = size.to_bytes(2, "big") + bytes([len(full)]) + full + b"\0"
    return HKDFExpand(algorithm, size, info).derive(secret)
