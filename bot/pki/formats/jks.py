"""The certificates of Java's own keystores, JKS and JCEKS, which are readable without a password.

Formats: ``sun.security.provider.JavaKeyStore`` and ``com.sun.crypto.provider.JceKeyStore``.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from collections.abc import Sequence

from bot.pki.formats.contents import Contents
from bot.text import visible

JKS_MAGIC = b"\xfe\xed\xfe\xed"
JCEKS_MAGIC = b"\xce\xce\xce\xce"
_PRIVATE_KEY, _TRUSTED_CERTIFICATE, _SECRET_KEY = 1, 2, 3
_WHITENER = b"Mighty Aphrodite"
_DIGEST_SIZE = 20


class KeystoreError(ValueError):
    """The keystore is damaged; the message says where."""


def parse(data: bytes, passwords: Sequence[str]) -> Contents:
    """Trusted certificates and the chains of private keys, in the order of the file.

    ``passwords`` serve only to check the keystore's digest. Raises KeystoreError.
    """
    contents = Contents()
    store = "JKS" if data.startswith(JKS_MAGIC) else "JCEKS"
    reader = _Reader(data, 4)
    version, count = reader.integer(), reader.integer()
    if version not in (1, 2):
        raise KeystoreError(f"its version is {version}, not 1 or 2")
    for _ in range(count):
        tag = reader.integer()
        alias = f'alias "{visible(reader.text(), 80)}"'
        reader.take(8)  # the date of the entry
        if tag == _PRIVATE_KEY:
            contents.private_keys.append(f"encrypted private key in {store} ({alias})")
            reader.take(reader.integer())
            for number in range(1, reader.integer() + 1):
                where = f"{alias}, certificate {number} of its chain"
                contents.certificates.append((reader.certificate(version), where))
        elif tag == _TRUSTED_CERTIFICATE:
            contents.certificates.append((reader.certificate(version), alias))
        elif tag == _SECRET_KEY and store == "JCEKS":
            contents.private_keys.append(f"secret key in JCEKS ({alias})")
            contents.notes.append(
                "A secret key is stored as a serialised Java object, so the entries after it were "
                "not read."
            )
            return contents
        else:
            raise KeystoreError(f"entry type {tag} is unknown")
    _check_digest(data, reader.position, passwords, contents)
    return contents


def _check_digest(data: bytes, end: int, passwords: Sequence[str], contents: Contents) -> None:
    digest = data[end : end + _DIGEST_SIZE]
    if len(digest) != _DIGEST_SIZE:
        raise KeystoreError("it ends early")
    if passwords and not any(
        hmac.compare_digest(digest, _keyed_digest(password, data[:end])) for password in passwords
    ):
        contents.notes.append(
            "The password given is not the keystore's; its certificates are readable without one."
        )


def _keyed_digest(password: str, body: bytes) -> bytes:
    secret = password.encode("utf-16-be", "surrogatepass")
    return hashlib.sha1(secret + _WHITENER + body, usedforsecurity=False).digest()


class _Reader:
    """Java's ``DataInputStream`` over bytes."""

    def __init__(self, data: bytes, position: int) -> None:
        self._data = data
        self.position = position

    def take(self, size: int) -> bytes:
        end = self.position + size
        if size < 0 or end > len(self._data):
            raise KeystoreError("it ends early")
        taken = self._data[self.position : end]
        self.position = end
        return taken

    def integer(self) -> int:
        value: int = struct.unpack(">i", self.take(4))[0]
        return value

    def text(self) -> str:
        size: int = struct.unpack(">H", self.take(2))[0]
        return self.take(size).decode("utf-8", "replace")

    def certificate(self, version: int) -> bytes:
        if version == 2:
            self.text()  # the certificate's type, always X.509
        return self.take(self.integer())
