"""Whether Java verifies the signature of a certificate, and what it says where it does not
(``X509CertImpl.verify``, ``java.security.Signature`` and the providers behind it)."""

from __future__ import annotations

import math

from bot.pki.certificate import Certificate
from bot.pki.java.releases import Jdk
from bot.pki.keeping import kept
from bot.pki.keys import PublicKey, pair_of_integers

#: JDK 16 removed the other curves; before, they are there and disabled.
CURVES = ("secp256r1", "secp384r1", "secp521r1")
CURVES_REMOVED = 17

#: The first JDKs that know a signature algorithm; the others are known to all of them, and a
#: dotted OID to none.
_KNOWN_SINCE = (
    ("Ed", 17),
    ("SHA3-", 17),
    ("SHA384withDSA", 17),
    ("SHA512withDSA", 17),
    ("ML-DSA", 25),
)
#: The first JDKs that make a key of its own class of the bits; the older ones keep the bits.
_LOADED_SINCE = {"Ed25519": 17, "Ed448": 17, "DiffieHellman": 17, "ML-DSA": 25}
_KEY_CLASSES = {
    "RSA": "sun.security.rsa.RSAPublicKeyImpl",
    "RSASSA-PSS": "sun.security.rsa.RSAPublicKeyImpl",
    "EC": "sun.security.ec.ECPublicKeyImpl",
    "DSA": "sun.security.provider.DSAPublicKeyImpl",
    "X25519": "sun.security.ec.XDHPublicKeyImpl",
    "X448": "sun.security.ec.XDHPublicKeyImpl",
    "Ed25519": "sun.security.ec.ed.EdDSAPublicKeyImpl",
    "Ed448": "sun.security.ec.ed.EdDSAPublicKeyImpl",
    "DiffieHellman": "com.sun.crypto.provider.DHPublicKey",
}
#: In octets (RFC 8032).
_EDWARDS_SIZES = {"Ed25519": 64, "Ed448": 114}
#: The first JDK that refuses zero in a DSA signature.
_ZERO_REFUSED = 17
#: The first JDK whose RSASignature words a wrong length anew.
_BAD_LENGTH = 21


def failure(certificate: Certificate, key: PublicKey, jdk: Jdk) -> str | None:
    """Why Java does not verify the signature of ``certificate`` with ``key``; None where it does."""
    if not is_known(certificate, jdk):
        return f"{certificate.outer_algorithm.oid} Signature not available"
    if reason := _key_refusal(certificate, key, jdk):
        return reason
    return None if certificate.is_signed_with(key) else _mismatch(certificate, key, jdk)


def is_known(certificate: Certificate, jdk: Jdk) -> bool:
    """Whether Java knows the algorithm that signed ``certificate``."""
    return jdk >= _known_since(certificate.signature_algorithm)


@kept(256)
def _known_since(name: str) -> float:
    """The first JDK that knows the signature algorithm; infinite for one that none knows."""
    if name[:1].isdigit():
        return math.inf
    return next((since for start, since in _KNOWN_SINCE if name.startswith(start)), 0)


def _key_refusal(certificate: Certificate, key: PublicKey, jdk: Jdk) -> str | None:
    """``Signature.initVerify``."""
    name = certificate.outer_algorithm.signature_name
    if name in ("Ed25519", "Ed448"):
        if key.algorithm not in ("Ed25519", "Ed448"):
            return "Unsupported key type"
        return None if key.algorithm == name else f"Parameters must be {name}"
    if key.algorithm not in _key_algorithms(name):
        return f"No installed provider supports this key: {_key_class(key, jdk)}"
    if key.algorithm == "EC" and key.curve not in CURVES and jdk >= CURVES_REMOVED:
        return f"Curve not supported: {key.curve}"
    if key.pss_restricted:
        if name != "RSASSA-PSS":
            return "Invalid key for RSA signatures"
        pss = certificate.outer_algorithm.pss
        if pss is not None and not key.allows(pss):
            return "Key contains incompatible PSS parameter values"
    return None


def _key_algorithms(name: str) -> tuple[str, ...]:
    if name == "RSASSA-PSS" or name.endswith("withRSA"):
        return ("RSA", "RSASSA-PSS")
    return ("EC",) if name.endswith("withECDSA") else (name.rpartition("with")[2],)


def _key_class(key: PublicKey, jdk: Jdk) -> str:
    if jdk < _LOADED_SINCE.get(key.algorithm, 0):
        return "sun.security.x509.X509Key"
    return _KEY_CLASSES.get(key.algorithm, "sun.security.x509.X509Key")


def _mismatch(certificate: Certificate, key: PublicKey, jdk: Jdk) -> str:
    """``Signature.verify``."""
    signature = certificate.signature
    size = len(signature)
    reason = None
    if key.algorithm in ("RSA", "RSASSA-PSS"):
        expected = (key.modulus.bit_length() + 7) // 8
        if size != expected:
            newer = certificate.outer_algorithm.pss is None and jdk >= _BAD_LENGTH
            wrong = "Bad signature length" if newer else "Signature length not correct"
            reason = f"{wrong}: got {size} but was expecting {expected}"
    elif key.algorithm in _EDWARDS_SIZES:
        if size != _EDWARDS_SIZES[key.algorithm]:
            reason = "signature length invalid"
    elif key.algorithm in ("EC", "DSA"):
        numbers = pair_of_integers(signature)
        if numbers is None:
            reason = "Invalid encoding for signature"
        elif key.algorithm == "DSA" and (
            max(numbers) >= key.dsa_order > 0 or (min(numbers) == 0 and jdk >= _ZERO_REFUSED)
        ):
            reason = "invalid signature: out of range values"
    return reason or "Signature does not match."
