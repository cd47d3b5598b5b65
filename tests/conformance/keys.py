"""Keys for the generator, always the same, and signatures that are the same each time.

The pool lies in ``keys.json`` (``python -m tests.conformance.keys`` makes a new one). DSA, RSASSA-PSS and
small RSA are computed here: libraries refuse the small keys, and their salts differ from run to run.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import random
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa

from tests.conformance.der_builder import NULL, bit_string, context, integer, octets, oid, seq

Kind = Literal["RSA", "EC", "DSA", "Ed25519", "Ed448"]
Digest = Literal["md2", "md5", "sha1", "sha224", "sha256", "sha384", "sha512"]

_POOL = Path(__file__).with_name("keys.json")

_DIGEST_OIDS: dict[Digest, str] = {
    "md2": "1.2.840.113549.2.2",
    "md5": "1.2.840.113549.2.5",
    "sha1": "1.3.14.3.2.26",
    "sha224": "2.16.840.1.101.3.4.2.4",
    "sha256": "2.16.840.1.101.3.4.2.1",
    "sha384": "2.16.840.1.101.3.4.2.2",
    "sha512": "2.16.840.1.101.3.4.2.3",
}
_RSA_OIDS: dict[Digest, str] = {
    "md2": "1.2.840.113549.1.1.2",
    "md5": "1.2.840.113549.1.1.4",
    "sha1": "1.2.840.113549.1.1.5",
    "sha224": "1.2.840.113549.1.1.14",
    "sha256": "1.2.840.113549.1.1.11",
    "sha384": "1.2.840.113549.1.1.12",
    "sha512": "1.2.840.113549.1.1.13",
}
_ECDSA_OIDS: dict[Digest, str] = {
    "sha1": "1.2.840.10045.4.1",
    "sha224": "1.2.840.10045.4.3.1",
    "sha256": "1.2.840.10045.4.3.2",
    "sha384": "1.2.840.10045.4.3.3",
    "sha512": "1.2.840.10045.4.3.4",
}
_DSA_OIDS: dict[Digest, str] = {
    "sha1": "1.2.840.10040.4.3",
    "sha224": "2.16.840.1.101.3.4.3.1",
    "sha256": "2.16.840.1.101.3.4.3.2",
}
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(),
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
_RSA_PSS = "1.2.840.113549.1.1.10"
_MGF1 = "1.2.840.113549.1.1.8"

# P-192 to secp256k1 are refused or unknown to some of the JDKs.
_CURVES: dict[str, type[ec.EllipticCurve]] = {
    "secp192r1": ec.SECP192R1,
    "secp224r1": ec.SECP224R1,
    "secp256k1": ec.SECP256K1,
    "brainpoolP256r1": ec.BrainpoolP256R1,
    "secp256r1": ec.SECP256R1,
    "secp384r1": ec.SECP384R1,
    "secp521r1": ec.SECP521R1,
}


@dataclass(frozen=True, slots=True)
class Pss:
    """RSASSA-PSS parameters; ``written`` False leaves all of them out, which means SHA-1 and 20."""

    digest: Digest = "sha256"
    mgf_digest: Digest = "sha256"
    salt: int = 32
    written: bool = True

    def parameters(self) -> bytes:
        """RSASSA-PSS-params (RFC 4055 section 3.1), every field that is not the default."""
        if not self.written:
            return seq()
        fields = b""
        if self.digest != "sha1":
            fields += context(0, seq(oid(_DIGEST_OIDS[self.digest]), NULL))
        if self.mgf_digest != "sha1":
            inner = seq(oid(_DIGEST_OIDS[self.mgf_digest]), NULL)
            fields += context(1, seq(oid(_MGF1), inner))
        if self.salt != 20:
            fields += context(2, integer(self.salt))
        return seq(fields)

    def algorithm(self) -> bytes:
        """AlgorithmIdentifier."""
        return seq(oid(_RSA_PSS), self.parameters())


Scheme = Digest | Pss


Private = (
    rsa.RSAPrivateKey
    | ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey
)


@dataclass(frozen=True, slots=True)
class Key:
    """One key pair; ``spki`` is the SubjectPublicKeyInfo, ``numbers`` the private parts."""

    label: str
    kind: Kind
    spki: bytes
    numbers: tuple[int, ...] = ()
    private: Private | None = None

    @property
    def identifier(self) -> bytes:
        """The usual key identifier: SHA-1 of the public key (RFC 5280 section 4.2.1.2)."""
        return hashlib.sha1(self.spki, usedforsecurity=False).digest()

    @property
    def bits(self) -> int:
        """Size of the modulus of RSA and DSA, 0 for other keys."""
        return self.numbers[0].bit_length() if self.numbers else 0

    def usable(self, scheme: Scheme) -> Scheme:
        """*scheme*, or the nearest one that this key can sign with."""
        if isinstance(scheme, Pss):
            needed = hashlib.new(scheme.digest).digest_size + scheme.salt + 2
            if self.kind == "RSA" and self.bits >= 8 * needed:
                return scheme
            return "sha256"
        if self.kind == "EC" and scheme not in _ECDSA_OIDS:
            return "sha256"
        if self.kind == "DSA" and scheme not in _DSA_OIDS:
            return "sha256"
        if self.kind == "RSA" and self.bits < 768 and scheme in ("sha384", "sha512"):
            return "sha256"
        return scheme

    def algorithm(self, scheme: Scheme) -> bytes:
        """The AlgorithmIdentifier of a signature of this key."""
        scheme = self.usable(scheme)
        if isinstance(scheme, Pss):
            return scheme.algorithm()
        match self.kind:
            case "RSA":
                return seq(oid(_RSA_OIDS[scheme]), NULL)
            case "EC":
                return seq(oid(_ECDSA_OIDS[scheme]))
            case "DSA":
                return seq(oid(_DSA_OIDS[scheme]))
            case "Ed25519":
                return seq(oid("1.3.101.112"))
            case "Ed448":
                return seq(oid("1.3.101.113"))

    def sign(self, data: bytes, scheme: Scheme) -> bytes:
        """The signature over *data*."""
        scheme = self.usable(scheme)
        match self.private:
            case ed25519.Ed25519PrivateKey() | ed448.Ed448PrivateKey():
                return self.private.sign(data)
            case ec.EllipticCurvePrivateKey() if isinstance(scheme, str):
                method = ec.ECDSA(_HASHES[scheme], deterministic_signing=True)
                return self.private.sign(data, method)
            case rsa.RSAPrivateKey() if isinstance(scheme, str) and scheme in _HASHES:
                return self.private.sign(data, padding.PKCS1v15(), _HASHES[scheme])
        if isinstance(scheme, Pss):
            return self._power(_pss_encode(data, scheme, self.bits - 1))
        if self.kind == "DSA":
            return self._sign_dsa(data, scheme)
        return self._power(_pkcs1_encode(data, scheme, (self.bits + 7) // 8))

    def _power(self, message: bytes) -> bytes:
        modulus, exponent, p, q = self.numbers
        d = pow(exponent, -1, (p - 1) * (q - 1))
        value = int.from_bytes(message, "big")
        at_p, at_q = pow(value % p, d % (p - 1), p), pow(value % q, d % (q - 1), q)
        root = at_q + q * (pow(q, -1, p) * (at_p - at_q) % p)
        return root.to_bytes((modulus.bit_length() + 7) // 8, "big")

    def _sign_dsa(self, data: bytes, digest: Digest) -> bytes:
        p, q, g, x = self.numbers
        hashed = hashlib.new(digest, data).digest()
        message = int.from_bytes(hashed[: q.bit_length() // 8], "big")
        secret = x.to_bytes((q.bit_length() + 7) // 8, "big")
        nonce = int.from_bytes(hmac.digest(secret, hashed, "sha512"), "big") % (q - 1) + 1
        r = pow(g, nonce, p) % q
        return seq(integer(r), integer(pow(nonce, -1, q) * (message + x * r) % q))


def _pkcs1_encode(data: bytes, digest: Digest, size: int) -> bytes:
    # hashlib has no MD2; Java refuses the algorithm before it looks at the signature.
    hashed = b"\x02" * 16 if digest == "md2" else hashlib.new(digest, data).digest()
    info = seq(seq(oid(_DIGEST_OIDS[digest]), NULL), octets(hashed))
    return b"\x00\x01" + b"\xff" * (size - len(info) - 3) + b"\x00" + info


def _pss_encode(data: bytes, pss: Pss, bits: int) -> bytes:
    """EMSA-PSS-ENCODE (RFC 8017 section 9.1.1) with a salt that follows from the data."""
    size = (bits + 7) // 8
    hashed = hashlib.new(pss.digest, data).digest()
    salt = hashlib.shake_256(b"salt" + data).digest(pss.salt)
    tail = hashlib.new(pss.digest, bytes(8) + hashed + salt).digest()
    block = bytes(size - pss.salt - len(tail) - 2) + b"\x01" + salt
    mask = b"".join(
        hashlib.new(pss.mgf_digest, tail + counter.to_bytes(4, "big")).digest()
        for counter in range(len(block) // hashlib.new(pss.mgf_digest).digest_size + 1)
    )
    masked = bytearray(a ^ b for a, b in zip(block, mask, strict=False))
    masked[0] &= 0xFF >> (8 * size - bits)
    return bytes(masked) + tail + b"\xbc"


@cache
def pool() -> dict[str, Key]:
    """All keys by label, such as ``rsa2048-3`` or ``secp256r1-0``."""
    return {label: _load(label, data) for label, data in json.loads(_POOL.read_text()).items()}


def pss_twin(key: Key, pss: Pss | None) -> Key:
    """The RSA *key* under id-RSASSA-PSS, bound to *pss* or to nothing."""
    algorithm = seq(oid(_RSA_PSS), pss.parameters() if pss else b"")
    modulus, exponent = key.numbers[:2]
    spki = seq(algorithm, bit_string(seq(integer(modulus), integer(exponent))))
    return Key(f"{key.label}-pss", "RSA", spki, key.numbers, key.private)


def _load(label: str, data: dict[str, Any]) -> Key:
    kind: Kind = data["kind"]
    if kind == "RSA":
        p, q = int(data["p"], 16), int(data["q"], 16)
        spki = seq(
            seq(oid("1.2.840.113549.1.1.1"), NULL),
            bit_string(seq(integer(p * q), integer(data["e"]))),
        )
        return Key(label, kind, spki, (p * q, data["e"], p, q), _openssl_rsa(p, q, data["e"]))
    if kind == "DSA":
        p, q, g, x = (int(data[part], 16) for part in "pqgx")
        parameters = seq(integer(p), integer(q), integer(g))
        spki = seq(seq(oid("1.2.840.10040.4.1"), parameters), bit_string(integer(pow(g, x, p))))
        return Key(label, kind, spki, (p, q, g, x))
    private: Private
    if kind == "EC":
        private = ec.derive_private_key(int(data["x"], 16), _CURVES[data["curve"]]())
    elif kind == "Ed25519":
        private = ed25519.Ed25519PrivateKey.from_private_bytes(bytes.fromhex(data["x"]))
    else:
        private = ed448.Ed448PrivateKey.from_private_bytes(bytes.fromhex(data["x"]))
    spki = private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return Key(label, kind, spki, (), private)


def _openssl_rsa(p: int, q: int, exponent: int) -> rsa.RSAPrivateKey | None:
    """The key in OpenSSL, ten times as quick, where OpenSSL takes it."""
    if (p * q).bit_length() < 1024:
        return None
    d = pow(exponent, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(exponent, p * q)
    numbers = rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), public)
    return numbers.private_key(unsafe_skip_rsa_key_validation=True)


def _make_pool() -> dict[str, dict[str, Any]]:
    made: dict[str, dict[str, Any]] = {}
    for bits, count in ((512, 1), (768, 2), (1024, 4), (2048, 8), (4096, 1)):
        for index in range(count):
            made[f"rsa{bits}-{index}"] = _make_rsa(bits)
    for curve, kind in _CURVES.items():
        count = {"secp256r1": 24, "secp384r1": 4, "secp521r1": 3}.get(curve, 2)
        for index in range(count):
            scalar = ec.generate_private_key(kind()).private_numbers().private_value
            made[f"{curve}-{index}"] = {"kind": "EC", "curve": curve, "x": f"{scalar:x}"}
    for bits in (1024, 2048):
        numbers = dsa.generate_private_key(bits).private_numbers()
        group = numbers.public_numbers.parameter_numbers
        parts = {"p": group.p, "q": group.q, "g": group.g, "x": numbers.x}
        made[f"dsa{bits}-0"] = {"kind": "DSA"} | {part: f"{n:x}" for part, n in parts.items()}
    for index in range(3):
        seed = ed25519.Ed25519PrivateKey.generate().private_bytes_raw()
        made[f"ed25519-{index}"] = {"kind": "Ed25519", "x": seed.hex()}
    seed = ed448.Ed448PrivateKey.generate().private_bytes_raw()
    made["ed448-0"] = {"kind": "Ed448", "x": seed.hex()}
    return made


def _make_rsa(bits: int) -> dict[str, Any]:
    if bits >= 1024:
        numbers = rsa.generate_private_key(65537, bits).private_numbers()
        return {"kind": "RSA", "e": 65537, "p": f"{numbers.p:x}", "q": f"{numbers.q:x}"}
    while True:
        p, q = _prime(bits // 2), _prime(bits // 2)
        if (p * q).bit_length() == bits and p != q:
            return {"kind": "RSA", "e": 65537, "p": f"{p:x}", "q": f"{q:x}"}


def _prime(bits: int) -> int:
    """A probable prime p with p-1 coprime to 65537."""
    source = random.SystemRandom()
    while True:
        candidate = source.getrandbits(bits) | 1 | 3 << bits - 2
        bases = (source.randrange(2, candidate - 1) for _ in range(24))
        if candidate % 65537 != 1 and all(_passes(candidate, base) for base in bases):
            return candidate


def _passes(candidate: int, base: int) -> bool:
    """One round of Miller and Rabin."""
    odd, twos = candidate - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    value = pow(base, odd, candidate)
    if value in (1, candidate - 1):
        return True
    for _ in range(twos - 1):
        value = value * value % candidate
        if value == candidate - 1:
            return True
    return False


if __name__ == "__main__":
    _POOL.write_text(json.dumps(_make_pool(), indent=0) + "\n")
