"""What a piece of DER is, told by its structure and never by a label or a file name."""

from __future__ import annotations

from enum import Enum, auto

from bot.pki import der
from bot.pki.der import DerError
from bot.pki.formats import ber
from bot.records import record


class Kind(Enum):
    CERTIFICATE = auto()
    PKCS7 = auto()
    PKCS12 = auto()
    PRIVATE_KEY = auto()
    OTHER = auto()


@record
class Recognised:
    """``name`` is what a person calls it, with its article: "a certificate revocation list"."""

    kind: Kind
    name: str


SIGNED_DATA = "1.2.840.113549.1.7.2"
NETSCAPE_CERTIFICATE_SEQUENCE = "2.16.840.1.113730.2.5"
_CONTENT_TYPES = {
    "1.2.840.113549.1.7.1": "a CMS message that holds plain data",
    "1.2.840.113549.1.7.3": "an encrypted message (CMS enveloped data)",
    "1.2.840.113549.1.7.6": "encrypted data (CMS)",
}
_KEY_ALGORITHMS = {
    "1.2.840.113549.1.1.1": "RSA",
    "1.2.840.113549.1.1.10": "RSASSA-PSS",
    "1.2.840.10040.4.1": "DSA",
    "1.2.840.10045.2.1": "EC",
    "1.3.101.110": "X25519",
    "1.3.101.111": "X448",
    "1.3.101.112": "Ed25519",
    "1.3.101.113": "Ed448",
}
#: Password-based encryption: PKCS#5 (RFC 8018) and PKCS#12 (RFC 7292 appendix C).
_PBE_PREFIXES = ("1.2.840.113549.1.5.", "1.2.840.113549.1.12.1.")
_TIMES = (der.UTC_TIME, der.GENERALIZED_TIME)
_CONTEXT_0 = 0xA0


def recognise(encoded: bytes) -> Recognised | None:
    """What the one element ``encoded`` is, or None when it is nothing known here."""
    try:
        tag, start, stop, _ = ber.read(encoded, 0, len(encoded))
        if tag != der.SEQUENCE:
            return None
        parts = ber.first_children(encoded[start:stop], 10)
        tags = [part_tag for part_tag, _ in parts]
        return (
            _private_key(tags, parts)
            or _container(tags, parts)
            or _signed(tags, parts)
            or _public(tags, parts)
        )
    except DerError:
        return None


def _private_key(tags: list[int], parts: list[tuple[int, bytes]]) -> Recognised | None:
    """RFC 5208 and 5958 (PKCS#8), RFC 8017 (PKCS#1), RFC 5915 (EC), OpenSSL's DSA form."""
    name = ""
    if tags[:3] == [der.INTEGER, der.SEQUENCE, der.OCTET_STRING]:
        algorithm = _KEY_ALGORITHMS.get(_algorithm(parts[1][1]), "")
        name = f"{algorithm} private key (PKCS#8)".strip()
    elif tags[:2] == [der.SEQUENCE, der.OCTET_STRING]:
        if _algorithm(parts[0][1]).startswith(_PBE_PREFIXES):
            name = "encrypted private key (PKCS#8)"
    elif tags[:2] == [der.INTEGER, der.OCTET_STRING] and parts[0][1] == b"\x01":
        name = "EC private key (SEC 1)"
    elif tags[:9] == [der.INTEGER] * 9:
        name = "RSA private key (PKCS#1)"
    elif tags == [der.INTEGER] * 6 and parts[0][1] == b"\0":
        name = "DSA private key"
    return Recognised(Kind.PRIVATE_KEY, name) if name else None


def _container(tags: list[int], parts: list[tuple[int, bytes]]) -> Recognised | None:
    if tags[:2] == [der.OID, _CONTEXT_0]:
        content_type = der.oid(parts[0][1])
        if content_type in (SIGNED_DATA, NETSCAPE_CERTIFICATE_SEQUENCE):
            return Recognised(Kind.PKCS7, "a PKCS#7 file")
        if content_type in _CONTENT_TYPES:
            return Recognised(Kind.OTHER, _CONTENT_TYPES[content_type])
    if tags[:2] == [der.INTEGER, der.SEQUENCE] and parts[0][1] == b"\x03":
        inner = ber.first_children(parts[1][1], 2)
        if [tag for tag, _ in inner] == [der.OID, _CONTEXT_0]:
            return Recognised(Kind.PKCS12, "a PKCS#12 keystore")
    return None


def _signed(tags: list[int], parts: list[tuple[int, bytes]]) -> Recognised | None:
    """Certificates and CRLs (RFC 5280 §4.1, §5.1) and requests (RFC 2986 §4.1)."""
    if tags[:3] != [der.SEQUENCE, der.SEQUENCE, der.BIT_STRING]:
        return None
    fields = ber.first_children(parts[0][1], 7)
    if fields and fields[0][0] == _CONTEXT_0:
        fields = fields[1:]
    tags = [tag for tag, _ in fields]
    if len(tags) >= 5 and tags[:4] == [der.INTEGER] + [der.SEQUENCE] * 3:
        first = ber.first_children(fields[3][1], 1)
        if first and first[0][0] in _TIMES:
            return Recognised(Kind.CERTIFICATE, "a certificate")
    if tags[:1] == [der.INTEGER]:
        if tags[1:3] == [der.SEQUENCE] * 2 and tags[3:4] in ([], [_CONTEXT_0]):
            return Recognised(Kind.OTHER, "a certificate signing request (CSR)")
        tags = tags[1:]
    if tags[:2] == [der.SEQUENCE] * 2 and tags[2:3] and tags[2] in _TIMES:
        return Recognised(Kind.OTHER, "a certificate revocation list (CRL)")
    return None


def _public(tags: list[int], parts: list[tuple[int, bytes]]) -> Recognised | None:
    if tags == [der.SEQUENCE, der.BIT_STRING] and _algorithm(parts[0][1]):
        return Recognised(Kind.OTHER, "a public key")
    if tags == [der.INTEGER] * 2 and len(parts[0][1]) > 32:
        return Recognised(Kind.OTHER, "an RSA public key")
    return None


def _algorithm(identifier: bytes) -> str:
    """The OID of an AlgorithmIdentifier's content; an empty text when there is none."""
    try:
        first = ber.first_children(identifier, 1)
        return der.oid(first[0][1]) if first and first[0][0] == der.OID else ""
    except DerError:
        return ""
