"""Public keys and signatures, by the names that Java gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.bindings._rust import openssl
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from bot.computed import cached_property
from bot.pki import der
from bot.pki.keeping import kept
from bot.records import record

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

_KEY_ALGORITHMS = {
    "1.2.840.113549.1.1.1": "RSA",
    "1.2.840.113549.1.1.10": "RSASSA-PSS",
    "1.2.840.113549.1.3.1": "DiffieHellman",
    "1.2.840.10045.2.1": "EC",
    "1.2.840.10040.4.1": "DSA",
    "1.3.101.110": "X25519",
    "1.3.101.111": "X448",
    "1.3.101.112": "Ed25519",
    "1.3.101.113": "Ed448",
    "2.16.840.1.101.3.4.3.17": "ML-DSA-44",
    "2.16.840.1.101.3.4.3.18": "ML-DSA-65",
    "2.16.840.1.101.3.4.3.19": "ML-DSA-87",
}
#: Dotted OID → the curve's name and the size of its field in bits (RFC 5480, RFC 5639, SEC 2).
_CURVES = {
    "1.2.840.10045.3.1.1": ("secp192r1", 192),
    "1.2.840.10045.3.1.7": ("secp256r1", 256),
    "1.3.132.0.33": ("secp224r1", 224),
    "1.3.132.0.34": ("secp384r1", 384),
    "1.3.132.0.35": ("secp521r1", 521),
    "1.3.132.0.10": ("secp256k1", 256),
    "1.3.132.0.31": ("secp192k1", 192),
    "1.3.132.0.32": ("secp224k1", 224),
    "1.3.36.3.3.2.8.1.1.7": ("brainpoolP256r1", 256),
    "1.3.36.3.3.2.8.1.1.11": ("brainpoolP384r1", 384),
    "1.3.36.3.3.2.8.1.1.13": ("brainpoolP512r1", 512),
}
_HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "MD5": hashes.MD5,
    "SHA1": hashes.SHA1,
    "SHA224": hashes.SHA224,
    "SHA256": hashes.SHA256,
    "SHA384": hashes.SHA384,
    "SHA512": hashes.SHA512,
    "SHA512/224": hashes.SHA512_224,
    "SHA512/256": hashes.SHA512_256,
    "SHA3-224": hashes.SHA3_224,
    "SHA3-256": hashes.SHA3_256,
    "SHA3-384": hashes.SHA3_384,
    "SHA3-512": hashes.SHA3_512,
}
_HASH_OIDS = {
    "1.2.840.113549.2.2": "MD2",
    "1.2.840.113549.2.5": "MD5",
    "1.3.14.3.2.26": "SHA1",
    "2.16.840.1.101.3.4.2.1": "SHA256",
    "2.16.840.1.101.3.4.2.2": "SHA384",
    "2.16.840.1.101.3.4.2.3": "SHA512",
    "2.16.840.1.101.3.4.2.4": "SHA224",
    "2.16.840.1.101.3.4.2.5": "SHA512/224",
    "2.16.840.1.101.3.4.2.6": "SHA512/256",
}
_PSS = "1.2.840.113549.1.1.10"
_MGF1 = "1.2.840.113549.1.1.8"
_SIGNATURE_ALGORITHMS = {
    "1.2.840.113549.1.1.2": "MD2withRSA",
    "1.2.840.113549.1.1.4": "MD5withRSA",
    "1.2.840.113549.1.1.5": "SHA1withRSA",
    "1.3.14.3.2.29": "SHA1withRSA",
    "1.2.840.113549.1.1.11": "SHA256withRSA",
    "1.2.840.113549.1.1.12": "SHA384withRSA",
    "1.2.840.113549.1.1.13": "SHA512withRSA",
    "1.2.840.113549.1.1.14": "SHA224withRSA",
    "1.2.840.113549.1.1.15": "SHA512/224withRSA",
    "1.2.840.113549.1.1.16": "SHA512/256withRSA",
    "2.16.840.1.101.3.4.3.13": "SHA3-224withRSA",
    "2.16.840.1.101.3.4.3.14": "SHA3-256withRSA",
    "2.16.840.1.101.3.4.3.15": "SHA3-384withRSA",
    "2.16.840.1.101.3.4.3.16": "SHA3-512withRSA",
    _PSS: "RSASSA-PSS",
    "1.2.840.10045.4.1": "SHA1withECDSA",
    "1.2.840.10045.4.3.1": "SHA224withECDSA",
    "1.2.840.10045.4.3.2": "SHA256withECDSA",
    "1.2.840.10045.4.3.3": "SHA384withECDSA",
    "1.2.840.10045.4.3.4": "SHA512withECDSA",
    "2.16.840.1.101.3.4.3.9": "SHA3-224withECDSA",
    "2.16.840.1.101.3.4.3.10": "SHA3-256withECDSA",
    "2.16.840.1.101.3.4.3.11": "SHA3-384withECDSA",
    "2.16.840.1.101.3.4.3.12": "SHA3-512withECDSA",
    "1.2.840.10040.4.3": "SHA1withDSA",
    "2.16.840.1.101.3.4.3.1": "SHA224withDSA",
    "2.16.840.1.101.3.4.3.2": "SHA256withDSA",
    "2.16.840.1.101.3.4.3.3": "SHA384withDSA",
    "2.16.840.1.101.3.4.3.4": "SHA512withDSA",
    "1.3.101.112": "Ed25519",
    "1.3.101.113": "Ed448",
    "2.16.840.1.101.3.4.3.17": "ML-DSA-44",
    "2.16.840.1.101.3.4.3.18": "ML-DSA-65",
    "2.16.840.1.101.3.4.3.19": "ML-DSA-87",
}


@record
class PssParameters:
    """RFC 4055 §3.1, with its defaults filled in: names of hashes, salt length in octets."""

    hash: str
    mask_hash: str
    salt_length: int
    trailer: int


@record(slots=False)
class AlgorithmIdentifier:
    """An algorithm and its encoded parameters: empty where they are absent or NULL, which Java
    does not tell apart."""

    oid: str
    parameters: bytes

    @staticmethod
    @kept(1024)
    def from_content(content: bytes) -> AlgorithmIdentifier:
        """From the content of an AlgorithmIdentifier SEQUENCE. Raises DerError."""
        parts = list(der.elements(content))
        if not 1 <= len(parts) <= 2:
            raise der.DerError("a malformed algorithm identifier")
        parameters = parts[1] if len(parts) == 2 else b""
        if parameters[:1] == b"\x05":
            der.content(parameters, der.NULL)
            if parameters[1]:
                raise der.DerError("a NULL with content")
            parameters = b""
        return AlgorithmIdentifier(der.oid(der.content(parts[0], der.OID)), parameters)

    @cached_property
    def signature_name(self) -> str:
        """Java's name of the signature algorithm; the dotted OID where it has none."""
        return _SIGNATURE_ALGORITHMS.get(self.oid, self.oid)

    @cached_property
    def pss(self) -> PssParameters | None:
        """The parameters of RSASSA-PSS; None for any other algorithm or malformed parameters."""
        if self.oid != _PSS:
            return None
        try:
            return _pss_parameters(self.parameters)
        except der.DerError:
            return None

    @property
    def digest(self) -> str | None:
        """The name of the hash that is signed, None where there is none (Ed25519) or it is unknown."""
        if self.oid == _PSS:
            return self.pss.hash if self.pss else None
        name, separator, _ = self.signature_name.partition("with")
        return name if separator else None


@record(slots=False)
class PublicKey:
    """A subject's public key.

    ``algorithm`` is Java's name (``RSA``, ``EC``, ``DSA``, ``Ed25519``, …) or a dotted OID;
    ``bits`` the size that Java compares with its limits, 0 where it is unknown; ``curve`` the name
    of an elliptic curve, its dotted OID where it has no known name, None where there is no curve.
    """

    spki: bytes
    algorithm: str
    parameters: bytes
    key_octets: bytes

    @staticmethod
    @kept(256)
    def from_der(spki: bytes) -> PublicKey:
        """From a SubjectPublicKeyInfo (RFC 5280 §4.1.2.7). Raises DerError."""
        parts = list(der.children(der.content(spki, der.SEQUENCE)))
        if [tag for tag, _ in parts] != [der.SEQUENCE, der.BIT_STRING]:
            raise der.DerError("a malformed public key")
        algorithm = AlgorithmIdentifier.from_content(parts[0][1])
        octets, _ = der.bit_string(parts[1][1])
        name = _KEY_ALGORITHMS.get(algorithm.oid, algorithm.oid)
        return PublicKey(spki, name, algorithm.parameters, octets)

    @cached_property
    def curve(self) -> str | None:
        if self.algorithm != "EC" or not self.parameters:
            return None
        if self.parameters[0] != der.OID:
            return "explicit parameters"
        try:
            oid = der.oid(der.content(self.parameters, der.OID))
        except der.DerError:
            return "unreadable parameters"
        return _CURVES.get(oid, (oid, 0))[0]

    @property
    def pss_restricted(self) -> bool:
        """Whether the key may make RSASSA-PSS signatures alone."""
        return self.algorithm == "RSASSA-PSS" and bool(self.parameters)

    @cached_property
    def pss(self) -> PssParameters | None:
        """What signatures of an RSASSA-PSS key are restricted to; None where they are not."""
        if self.algorithm != "RSASSA-PSS" or not self.parameters:
            return None
        return AlgorithmIdentifier(_PSS, self.parameters).pss

    def allows(self, pss: PssParameters) -> bool:
        """Whether the key may make signatures with these parameters: the hashes are its own, the
        salt no shorter (RFC 4055 §3.3)."""
        limit = self.pss
        return limit is None or (
            (limit.hash, limit.mask_hash, limit.trailer) == (pss.hash, pss.mask_hash, pss.trailer)
            and limit.salt_length <= pss.salt_length
        )

    @cached_property
    def modulus(self) -> int:
        """The modulus of an RSA key, which Java takes as unsigned; 0 of any other or an unreadable
        one."""
        if self.algorithm not in ("RSA", "RSASSA-PSS"):
            return 0
        try:
            numbers = list(der.children(der.content(self.key_octets, der.SEQUENCE)))
            return int.from_bytes(numbers[0][1], "big")
        except (der.DerError, IndexError):
            return 0

    @cached_property
    def dsa_order(self) -> int:
        """The order q of a DSA key's group; 0 of any other or an unreadable one."""
        try:
            numbers = list(der.children(der.content(self.parameters, der.SEQUENCE)))
            return der.integer(numbers[1][1]) if self.algorithm == "DSA" else 0
        except (der.DerError, IndexError):
            return 0

    @cached_property
    def bits(self) -> int:
        if self.modulus:
            return self.modulus.bit_length()
        try:
            if self.algorithm == "DSA":
                numbers = list(der.children(der.content(self.parameters, der.SEQUENCE)))
                return der.integer(numbers[0][1]).bit_length()
        except (der.DerError, IndexError):
            return 0
        if self.algorithm == "EC":
            return next((bits for name, bits in _CURVES.values() if name == self.curve), 0)
        return {"Ed25519": 255, "Ed448": 448, "X25519": 255, "X448": 448}.get(self.algorithm, 0)

    @cached_property
    def loaded(self) -> PublicKeyTypes | None:
        """The key for ``cryptography``, None where it cannot be used."""
        try:
            return openssl.keys.load_der_public_key(self.spki)
        except (ValueError, UnsupportedAlgorithm):
            return None

    def __str__(self) -> str:
        if self.algorithm == "EC":
            return f"EC {self.curve}"
        return f"{self.algorithm} {self.bits} bit" if self.bits else self.algorithm


def verifies(
    key: PublicKey, algorithm: AlgorithmIdentifier, signature: bytes, message: bytes
) -> bool:
    """Whether ``signature`` over ``message`` was made with ``key``; False also where the key does
    not fit the algorithm or either is unknown."""
    # DSA and Edwards keys are rare: they are known without their classes, which take time to import.
    loaded: Any = key.loaded
    digest = algorithm.digest
    name = algorithm.signature_name
    hash_type = _HASHES.get(digest or "")
    try:
        if isinstance(loaded, rsa.RSAPublicKey) and hash_type:
            if pss := algorithm.pss:
                mask = _HASHES.get(pss.mask_hash)
                if mask is None or pss.trailer != 1 or not key.allows(pss):
                    return False
                scheme = padding.PSS(padding.MGF1(mask()), pss.salt_length)
                loaded.verify(signature, message, scheme, hash_type())
            elif name.endswith("withRSA") and not (algorithm.parameters or key.pss_restricted):
                loaded.verify(signature, message, padding.PKCS1v15(), hash_type())
            else:
                return False
        elif isinstance(loaded, ec.EllipticCurvePublicKey) and hash_type:
            if not name.endswith("withECDSA"):
                return False
            loaded.verify(_with_signs(signature), message, ec.ECDSA(hash_type()))
        elif loaded is not None and key.algorithm == "DSA" and hash_type:
            if not name.endswith("withDSA"):
                return False
            loaded.verify(_with_signs(signature), message, hash_type())
        elif loaded is not None and key.algorithm == name and name in ("Ed25519", "Ed448"):
            loaded.verify(signature, message)
        else:
            return False
    except (InvalidSignature, ValueError, UnsupportedAlgorithm):
        return False
    return True


def pair_of_integers(signature: bytes) -> tuple[int, int] | None:
    """The two numbers of an ECDSA or DSA signature, None where it is malformed. Like Java it takes
    them as unsigned: some signers leave out the zero octet that says so."""
    try:
        parts = list(der.children(der.content(signature, der.SEQUENCE)))
    except der.DerError:
        return None
    if [tag for tag, _ in parts] != [der.INTEGER, der.INTEGER] or not all(c for _, c in parts):
        return None
    if any(len(c) > 1 and c[0] == 0 and c[1] < 0x80 for _, c in parts):
        return None
    first, second = (int.from_bytes(content, "big") for _, content in parts)
    return first, second


def _with_signs(signature: bytes) -> bytes:
    """The signature in DER, the zero octets in place."""
    numbers = pair_of_integers(signature)
    return signature if numbers is None else encode_dss_signature(*numbers)


def _pss_parameters(encoded: bytes) -> PssParameters:
    digest, mask_hash, salt_length, trailer = "SHA1", "SHA1", 20, 1
    for tag, content in der.children(der.content(encoded, der.SEQUENCE)) if encoded else ():
        if tag == 0xA0:
            digest = _hash_name(der.content(content, der.SEQUENCE))
        elif tag == 0xA1:
            function = AlgorithmIdentifier.from_content(der.content(content, der.SEQUENCE))
            if function.oid != _MGF1:
                raise der.DerError("an unknown mask generation function")
            mask_hash = _hash_name(der.content(function.parameters, der.SEQUENCE))
        elif tag == 0xA2:
            salt_length = der.integer(der.content(content, der.INTEGER))
        elif tag == 0xA3:
            trailer = der.integer(der.content(content, der.INTEGER))
        else:
            raise der.DerError("malformed RSASSA-PSS parameters")
    return PssParameters(digest, mask_hash, salt_length, trailer)


def _hash_name(content: bytes) -> str:
    oid = AlgorithmIdentifier.from_content(content).oid
    return _HASH_OIDS.get(oid, oid)
