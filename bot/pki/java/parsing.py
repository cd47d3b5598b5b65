"""Which certificates Java cannot read at all (``CertificateFactory``, ``sun.security.x509``).

``Certificate`` reads whatever has the shape of one, so that it can be described; a Java client
stops at these before it looks at trust.
"""

from __future__ import annotations

from collections.abc import Callable

from bot import patterns
from bot.pki import der, extensions
from bot.pki.certificate import Certificate
from bot.pki.java.releases import Jdk
from bot.pki.keeping import kept
from bot.pki.keys import PublicKey

_PARSING = "java.security.cert.CertificateParsingException: "

Parser = Callable[[bytes], object]


def _any_sequence(value: bytes) -> object:
    return list(der.children(der.content(value, der.SEQUENCE)))


#: The extensions for which the JDK has a class (``OIDMap``); one that is critical and malformed
#: spoils the certificate, one that is critical and not here is known only as unrecognised.
PARSERS: dict[str, Parser] = {
    extensions.SUBJECT_KEY_IDENTIFIER: extensions.parse_key_identifier,
    extensions.KEY_USAGE: extensions.parse_key_usage,
    extensions.SUBJECT_ALTERNATIVE_NAME: extensions.parse_general_names,
    "2.5.29.18": extensions.parse_general_names,
    "2.5.29.16": _any_sequence,
    extensions.BASIC_CONSTRAINTS: extensions.parse_basic_constraints,
    extensions.NAME_CONSTRAINTS: extensions.parse_name_constraints,
    extensions.CERTIFICATE_POLICIES: extensions.parse_certificate_policies,
    extensions.POLICY_MAPPINGS: extensions.parse_policy_mappings,
    extensions.AUTHORITY_KEY_IDENTIFIER: extensions.parse_authority_key_identifier,
    extensions.POLICY_CONSTRAINTS: extensions.parse_policy_constraints,
    extensions.EXTENDED_KEY_USAGE: extensions.parse_extended_key_usage,
    extensions.INHIBIT_ANY_POLICY: extensions.parse_inhibit_any_policy,
    extensions.NETSCAPE_CERT_TYPE: extensions.parse_netscape_cert_type,
    extensions.AUTHORITY_INFORMATION_ACCESS: extensions.parse_information_access,
    "1.3.6.1.5.5.7.1.11": extensions.parse_information_access,
    "2.5.29.31": _any_sequence,
    "2.5.29.46": _any_sequence,
}


#: The arcs below which the JDK knows its curves (``CurveDB``), with their last numbers: SEC 2, ANSI
#: X9.62 and RFC 5639.
_CURVES = {
    "1.3.132.0": frozenset((*range(1, 11), *range(15, 18), *range(22, 40))),
    "1.2.840.10045.3.0": frozenset((*range(1, 8), *range(10, 14), *range(16, 21))),
    "1.2.840.10045.3.1": frozenset(range(1, 8)),
    "1.3.36.3.3.2.8.1.1": frozenset(range(1, 14, 2)),
}
_EDWARDS_KEY_LENGTHS = {"Ed25519": 32, "Ed448": 57, "X25519": 32, "X448": 56}
#: The last JDK that demands the shortest form of the whole certificate's length.
_LENGTHS_CHECKED = 11
#: The first JDK that looks into a BMPString for halves of characters.
_BMP_STRINGS_CHECKED = 25
_SURROGATE = patterns.lazy(r"\bd[89a-f]")
#: The first JDK that knows Edwards curves, and knows all its curves by name.
_EDWARDS_KNOWN = 17


@kept(256, lambda certificate, jdk: len(certificate.der))
def refusal(certificate: Certificate, jdk: Jdk) -> str | None:
    """What Java says when it cannot read ``certificate``, None where it can."""
    if reason := _key_refusal(certificate.public_key, jdk):
        return f"{_PARSING}java.io.IOException: {reason}"
    if _has_redundant_length(certificate.der) and jdk <= _LENGTHS_CHECKED:
        return f"{_PARSING}java.io.IOException: Redundant length bytes found"
    algorithm = certificate.outer_algorithm
    if algorithm.signature_name == "RSASSA-PSS" and algorithm.parameters:
        pss = algorithm.pss
        if pss is None or not pss.hash.startswith("SHA"):
            return f"{_PARSING}java.io.IOException: Unrecognized message digest algorithm"
    if _has_surrogates(certificate) and jdk >= _BMP_STRINGS_CHECKED:
        return f"{_PARSING}java.io.IOException: Illegal character in BMPString"
    if not certificate.issuer:
        return f"{_PARSING}Empty issuer DN not allowed in X509Certificates"
    if certificate.version == 1 and not certificate.subject:
        return f"{_PARSING}Empty subject DN not allowed in v1 certificate"
    if certificate.version == 1 and (certificate.has_extensions or certificate.unique_identifiers):
        return f"{_PARSING}no more data allowed for version 1 certificate"
    if certificate.version != 3 and certificate.has_extensions:
        # Java says so of any version but 1 and 3.
        return f"{_PARSING}Extensions not allowed in v2 certificate"
    seen = set()
    for extension in certificate.extensions:
        parse = PARSERS.get(extension.oid)
        if parse is not None:
            try:
                parse(extension.value)
            except der.DerError as error:
                if extension.critical:
                    return f"{_PARSING}java.io.IOException: {error}"
                continue
        if extension.oid in seen:
            return f"{_PARSING}java.io.IOException: Duplicate extensions not allowed"
        seen.add(extension.oid)
    if certificate.inner_algorithm != certificate.outer_algorithm:
        return "java.security.cert.CertificateException: Signature algorithm mismatch"
    if not certificate.subject:
        return _empty_subject(certificate)
    return None


def _has_redundant_length(data: bytes) -> bool:
    octets = data[1] & 0x7F if data[1] & 0x80 else 0
    return octets > 0 and (data[2] == 0 or (octets == 1 and data[2] < 0x80))


def _has_surrogates(certificate: Certificate) -> bool:
    return any(
        attribute.tag == der.BMP_STRING and _SURROGATE.search(attribute.content.hex(" ", 2))
        for name in (certificate.subject, certificate.issuer)
        for rdn in name.rdns
        for attribute in rdn
    )


def _empty_subject(certificate: Certificate) -> str | None:
    incomplete = f"{_PARSING}X.509 Certificate is incomplete: "
    if not certificate.extensions:
        return f"{incomplete}subject field is empty, and certificate has no extensions"
    extension = certificate.extension(extensions.SUBJECT_ALTERNATIVE_NAME)
    if extension is None or not certificate.subject_alternative_names:
        return f"{incomplete}subject field is empty, and SubjectAlternativeName extension is absent"
    if not extension.critical:
        return (
            f"{incomplete}SubjectAlternativeName extension MUST be marked critical "
            "when subject field is empty"
        )
    return None


def _key_refusal(key: PublicKey, jdk: Jdk) -> str | None:
    """What the JDK's key factories refuse (``RSAKeyFactory``, ``ECKeyFactory``, ``XDHKeyFactory``);
    a key of an algorithm that they do not know is kept as it is."""
    reason = None
    if key.algorithm in ("RSA", "RSASSA-PSS"):
        reason = _rsa_refusal(key)
    elif key.algorithm == "EC":
        curve = key.curve or "unreadable parameters"
        if curve[:1].isdigit() and not _is_known_curve(curve):
            return f"Unknown named curve: {curve}"
        if not curve[:1].isdigit() and " " in curve:
            return "Only named ECParameters supported"
        size = (key.bits + 7) // 8
        if key.key_octets[:1] != b"\x04" or (size and len(key.key_octets) != 1 + 2 * size):
            reason = "Invalid EC key"
    elif key.algorithm in _EDWARDS_KEY_LENGTHS:
        length = _EDWARDS_KEY_LENGTHS[key.algorithm]
        if len(key.key_octets) != length and jdk >= _EDWARDS_KNOWN:
            reason = f"key length must be {length}"
    return f"subject key, java.security.InvalidKeyException: {reason}" if reason else None


def _is_known_curve(oid: str) -> bool:
    arc, _, number = oid.rpartition(".")
    return int(number) in _CURVES.get(arc, ())


def _rsa_refusal(key: PublicKey) -> str | None:
    if key.algorithm == "RSASSA-PSS" and key.parameters:
        pss = key.pss
        if pss is None or not pss.hash.startswith("SHA"):
            return "Unrecognized message digest algorithm"
    try:
        parts = list(der.children(der.content(key.key_octets, der.SEQUENCE)))
        modulus, exponent = (int.from_bytes(content, "big") for _, content in parts)
    except ValueError:
        return "Invalid RSA public key"
    if [tag for tag, _ in parts] != [der.INTEGER, der.INTEGER]:
        return "Invalid RSA public key"
    if modulus.bit_length() < 512:
        return "RSA keys must be at least 512 bits long"
    if modulus.bit_length() > 16384:
        return "RSA keys must be no longer than 16384 bits"
    if exponent < 3:
        return "exponent is smaller than 3"
    if modulus.bit_length() > 3072 and exponent.bit_length() > 64:
        return "RSA exponents can be no longer than 64 bits if modulus is greater than 3072 bits"
    return None
