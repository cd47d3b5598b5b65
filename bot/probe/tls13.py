"""Decrypts a TLS 1.3 server's handshake messages with the secret that the TLS library logs.

So the certificates are seen as they were sent, also where the library gives up on them (one that it
cannot parse, a message that it finds too long).
"""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidTag

# What `cryptography.hazmat.primitives.ciphers.aead` and ``kdf`` give names to, without the twelve
# modules beside them.
from cryptography.hazmat.bindings._rust import openssl
from cryptography.hazmat.primitives import hashes

_HANDSHAKE: Final = b"\x16"
_AEADS: Final[dict[int, tuple[hashes.SHA256 | hashes.SHA384, int]]] = {
    0x1301: (hashes.SHA256(), 16),
    0x1302: (hashes.SHA384(), 32),
    0x1303: (hashes.SHA256(), 32),
    0x1304: (hashes.SHA256(), 16),
    0x1305: (hashes.SHA256(), 16),
}


class Protection:
    """How a server protects its handshake: opens its records one after the other.

    ``secret`` is the server's handshake traffic secret (RFC 8446 section 7.1). A record that it does
    not open is the end, because from there on another key is in use; with an unknown suite the first.
    """

    def __init__(self, suite: int | None, secret: bytes) -> None:
        self._opened = 0
        self._aead = None
        if suite in _AEADS:
            algorithm, key_size = _AEADS[suite]
            self._aead = _aead(suite, _expand_label(secret, b"key", key_size, algorithm))
            self._iv = int.from_bytes(_expand_label(secret, b"iv", 12, algorithm), "big")

    def open(self, record: bytes) -> bytes | None:
        """The handshake bytes in a whole record with its header (RFC 8446 section 5.2), none where it
        holds something else; None: the end."""
        if self._aead is None:
            return None
        nonce = (self._iv ^ self._opened).to_bytes(12, "big")
        try:
            inner = self._aead.decrypt(nonce, record[5:], record[:5])
        except (InvalidTag, ValueError):
            self._aead = None
            return None
        self._opened += 1
        content = inner.rstrip(b"\0")
        return content[:-1] if content[-1:] == _HANDSHAKE else b""


def _aead(
    suite: int, key: bytes
) -> openssl.aead.AESGCM | openssl.aead.ChaCha20Poly1305 | openssl.aead.AESCCM:
    if suite == 0x1303:
        return openssl.aead.ChaCha20Poly1305(key)
    if suite in (0x1304, 0x1305):
        return openssl.aead.AESCCM(key, tag_length=8 if suite == 0x1305 else 16)
    return openssl.aead.AESGCM(key)


def _expand_label(
    secret: bytes, label: bytes, size: int, algorithm: hashes.SHA256 | hashes.SHA384
) -> bytes:
    """HKDF-Expand-Label with an empty context, RFC 8446 section 7.1."""
    full = b"tls13 " + label
    info = size.to_bytes(2, "big") + bytes([len(full)]) + full + b"\0"
    return openssl.kdf.HKDFExpand(algorithm, size, info).derive(secret)
