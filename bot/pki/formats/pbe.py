"""Password-based decryption as PKCS#12 files use it: PKCS#12's own schemes (RFC 7292 appendices B
and C) and PBES2 with PBKDF2 (RFC 8018 §6.2).

A file says how many rounds of key derivation its password takes, so rounds are bounded.
"""

from __future__ import annotations

import hashlib
from hashlib import sha1

from cryptography.hazmat.decrepit.ciphers.algorithms import ARC4, TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from bot.pki import der
from bot.pki.der import DerError
from bot.pki.formats import ber, rc2
from bot.records import record

_PKCS12_PREFIX = "1.2.840.113549.1.12.1."
#: OID suffix → cipher, key octets, IV octets (RFC 7292 appendix C).
_PKCS12_SCHEMES = {
    "1": ("ARC4", 16, 0),
    "2": ("ARC4", 5, 0),
    "3": ("3DES", 24, 8),
    "4": ("3DES", 16, 8),
    "5": ("RC2", 16, 8),
    "6": ("RC2", 5, 8),
}
_PBES2 = "1.2.840.113549.1.5.13"
_PBKDF2 = "1.2.840.113549.1.5.12"
_PRFS = {
    "1.2.840.113549.2.7": "sha1",
    "1.2.840.113549.2.8": "sha224",
    "1.2.840.113549.2.9": "sha256",
    "1.2.840.113549.2.10": "sha384",
    "1.2.840.113549.2.11": "sha512",
    "1.2.840.113549.2.12": "sha512_224",
    "1.2.840.113549.2.13": "sha512_256",
}
_PBES2_CIPHERS = {
    "2.16.840.1.101.3.4.1.2": ("AES", 16),
    "2.16.840.1.101.3.4.1.22": ("AES", 24),
    "2.16.840.1.101.3.4.1.42": ("AES", 32),
    "1.2.840.113549.3.7": ("3DES", 24),
}
_BLOCK = {"AES": 16, "3DES": 8, "RC2": 8}
_SHA1_BLOCK = 64
#: RC2 is pure Python here, and this much takes about 2 s.
_MAX_RC2 = 1 << 19


class UnsupportedEncryption(Exception):
    """The data cannot be decrypted here, whatever the password; the message says why."""


@record(frozen=False)
class Budget:
    """The rounds of key derivation that one file may still cost: about 4 s in all."""

    rounds: int = 4_000_000

    def spend(self, rounds: int) -> None:
        if rounds < 1:
            raise DerError("an iteration count below one")
        if rounds > self.rounds:
            raise UnsupportedEncryption(
                f"its password protection asks for {rounds:,} rounds of key derivation"
            )
        self.rounds -= rounds


def decrypt(identifier: bytes, data: bytes, password: str | None, budget: Budget) -> bytes | None:
    """``data`` decrypted by the scheme that the AlgorithmIdentifier's content names.

    ``None`` as password is PKCS#12's "no password", which differs from the empty one. Gives None
    when the padding shows that the password is wrong. Raises UnsupportedEncryption and DerError.
    """
    (tag, oid), parameters = _pair(identifier)
    if tag != der.OID:
        raise DerError("an algorithm without an OID")
    scheme = der.oid(oid)
    if scheme == _PBES2:
        if password is None:
            return None  # PBES2 knows no difference to the empty password
        cipher, key, iv = _pbes2(parameters, password, budget)
    elif scheme.startswith(_PKCS12_PREFIX):
        known = _PKCS12_SCHEMES.get(scheme.removeprefix(_PKCS12_PREFIX))
        if known is None:
            raise UnsupportedEncryption(f"its encryption ({scheme}) is unknown")
        cipher, key, iv = _pkcs12(known, parameters, password, budget)
    else:
        raise UnsupportedEncryption(f"its encryption ({scheme}) is not one that PKCS#12 uses")
    return _decrypt(cipher, key, iv, data)


def pkcs12_key(purpose: int, password: str | None, salt: bytes, rounds: int, size: int) -> bytes:
    """The key derivation of RFC 7292 appendix B.2 with SHA-1, the only digest its ciphers use."""
    secret = b"" if password is None else (password + "\0").encode("utf-16-be", "surrogatepass")
    initial = bytearray(_filled(salt) + _filled(secret))
    derived = bytearray()
    while True:
        value = bytes([purpose]) * _SHA1_BLOCK + initial
        for _ in range(rounds):
            value = sha1(value, usedforsecurity=False).digest()
        derived += value
        if len(derived) >= size:
            return bytes(derived[:size])
        addend = int.from_bytes(_filled(value), "big") + 1
        for start in range(0, len(initial), _SHA1_BLOCK):
            total = int.from_bytes(initial[start : start + _SHA1_BLOCK], "big") + addend
            initial[start : start + _SHA1_BLOCK] = (total % (1 << 8 * _SHA1_BLOCK)).to_bytes(
                _SHA1_BLOCK, "big"
            )


def _filled(value: bytes) -> bytes:
    """``value`` repeated to a whole number of SHA-1 blocks; nothing stays nothing."""
    size = -(-len(value) // _SHA1_BLOCK) * _SHA1_BLOCK
    return (value * (size // len(value) + 1))[:size] if value else b""


def _pkcs12(
    scheme: tuple[str, int, int], parameters: bytes, password: str | None, budget: Budget
) -> tuple[str, bytes, bytes]:
    cipher, key_size, iv_size = scheme
    (salt_tag, salt), (_, count) = _pair_of(parameters)
    rounds = der.integer(count)
    # SHA-1 gives 20 octets at a time.
    budget.spend(rounds * (2 if key_size > 20 else 1) + (rounds if iv_size else 0))
    salt = ber.octets(salt_tag, salt)
    key = pkcs12_key(1, password, salt, rounds, key_size)
    iv = pkcs12_key(2, password, salt, rounds, iv_size) if iv_size else b""
    return cipher, key, iv


def _pbes2(parameters: bytes, password: str, budget: Budget) -> tuple[str, bytes, bytes]:
    (_, derivation), (_, encryption) = _pair_of(parameters)
    (_, kdf), kdf_parameters = _pair(derivation)
    if der.oid(kdf) != _PBKDF2:
        raise UnsupportedEncryption(f"its key derivation ({der.oid(kdf)}) is not PBKDF2")
    (_, oid), (iv_tag, iv) = _pair_of(encryption)
    cipher, key_size = _PBES2_CIPHERS.get(der.oid(oid), ("", 0))
    if not cipher:
        raise UnsupportedEncryption(
            f"its cipher ({der.oid(oid)}) is neither AES-CBC nor Triple DES"
        )
    fields = ber.first_children(_content(kdf_parameters), 4)
    if len(fields) < 2:
        raise DerError("PBKDF2 parameters without salt and count")
    (salt_tag, salt), (_, count) = fields[:2]
    digest = "sha1"
    for tag, field in fields[2:]:
        if tag == der.SEQUENCE:
            (_, prf), _ = _pair(field)
            digest = _PRFS.get(der.oid(prf), "")
            if not digest:
                raise UnsupportedEncryption(f"its key derivation uses {der.oid(prf)}")
    rounds = der.integer(count)
    budget.spend(rounds * -(-key_size // hashlib.new(digest, usedforsecurity=False).digest_size))
    secret = password.encode("utf-8", "surrogatepass")
    key = hashlib.pbkdf2_hmac(digest, secret, ber.octets(salt_tag, salt), rounds, key_size)
    return cipher, key, ber.octets(iv_tag, iv)


def _decrypt(cipher: str, key: bytes, iv: bytes, data: bytes) -> bytes | None:
    if cipher == "ARC4":
        decryptor = Cipher(ARC4(key), None).decryptor()
        return decryptor.update(data) + decryptor.finalize()
    block = _BLOCK[cipher]
    if not data or len(data) % block or len(iv) != block:
        raise DerError("encrypted data that is not a whole number of blocks")
    if cipher == "RC2":
        if len(data) > _MAX_RC2:
            raise UnsupportedEncryption("it holds more than 512 KiB encrypted with RC2")
        clear = rc2.decrypt_cbc(key, iv, data)
    else:
        if cipher == "3DES":
            # Two-key Triple DES uses its first key again as the third.
            algorithm: AES | TripleDES = TripleDES(key if len(key) == 24 else key + key[:8])
        else:
            algorithm = AES(key)
        decryptor = Cipher(algorithm, modes.CBC(iv)).decryptor()
        clear = decryptor.update(data) + decryptor.finalize()
    padding = clear[-1]
    if not 1 <= padding <= block or clear[-padding:] != bytes([padding]) * padding:
        return None
    return clear[:-padding]


def _pair(content: bytes) -> tuple[tuple[int, bytes], bytes]:
    """The first element inside an AlgorithmIdentifier, and the whole rest undecoded."""
    tag, start, stop, following = ber.read(content, 0, len(content))
    return (tag, content[start:stop]), content[following:]


def _pair_of(parameters: bytes) -> tuple[tuple[int, bytes], tuple[int, bytes]]:
    """The two leading elements of a SEQUENCE, given whole or as its content."""
    fields = ber.first_children(parameters, 2)
    if fields and fields[0][0] == der.SEQUENCE and len(fields) == 1:
        fields = ber.first_children(fields[0][1], 2)
    if len(fields) != 2:
        raise DerError("parameters that are incomplete")
    return fields[0], fields[1]


def _content(encoded: bytes) -> bytes:
    _, start, stop, _ = ber.read(encoded, 0, len(encoded))
    return encoded[start:stop]
