"""Which certificates Java cannot read at all (``CertificateFactory``, ``sun.security.x509``).

``Certificate`` reads whatever has the shape of one, so that it can be described; a Java client
stops at these before it looks at trust.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from bot.pki import der, extensions
from bot.pki.certificate import Certificate
from bot.pki.extensions import GeneralName
from bot.pki.java.uris import is_uri_name

_PARSING = "java.security.cert.CertificateParsingException: "

Parser = Callable[[bytes], object]


def _subject_alternative_name(value: bytes) -> tuple[GeneralName, ...]:
    names = extensions.parse_general_names(value)
    for name in names:
        if name.kind == extensions.URI and not is_uri_name(name.text):
            raise der.DerError("invalid URI name")
    return names


def _issuer_alternative_name(value: bytes) -> object:
    return _subject_alternative_name(value)


def _any_sequence(value: bytes) -> object:
    return list(der.children(der.content(value, der.SEQUENCE)))


#: The extensions for which the JDK has a class (``OIDMap``); one that is critical and malformed
#: spoils the certificate, one that is critical and not here is known only as unrecognised.
PARSERS: dict[str, Parser] = {
    extensions.SUBJECT_KEY_IDENTIFIER: extensions.parse_key_identifier,
    extensions.KEY_USAGE: extensions.parse_key_usage,
    extensions.SUBJECT_ALTERNATIVE_NAME: _subject_alternative_name,
    "2.5.29.18": _issuer_alternative_name,
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


@lru_cache(maxsize=2048)
def refusal(certificate: Certificate) -> str | None:
    """What Java says when it cannot read ``certificate``, None where it can."""
    if not certificate.issuer:
        return f"{_PARSING}Empty issuer DN not allowed in X509Certificates"
    if certificate.version == 1 and not certificate.subject:
        return f"{_PARSING}Empty subject DN not allowed in v1 certificate"
    if certificate.extensions and certificate.version != 3:
        version = certificate.version
        reason = (
            "no more data allowed for version 1 certificate"
            if version == 1
            else f"Extensions not allowed in v{version} certificate"
        )
        return f"{_PARSING}{reason}"
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
