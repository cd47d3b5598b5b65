"""What a certificate may be used for: extensions that make Java refuse a path (RFC 5280 §4.2)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from bot.pki import extensions
from bot.pki.certificate import Certificate
from bot.pki.findings.finding import Finding
from bot.pki.findings.picture import Picture, View
from bot.pki.java import LATEST_JDK, predict
from bot.pki.java.checks import HANDLED_EXTENSIONS
from bot.pki.java.parsing import refusal
from bot.pki.java.releases import per_jdk
from bot.pki.wording import java_phrase, java_versions, listed, quoted

_CERTPATH = "sun.security.provider.certpath"
_PURPOSES = {
    extensions.CLIENT_AUTH: "client authentication",
    "1.3.6.1.5.5.7.3.3": "code signing",
    "1.3.6.1.5.5.7.3.4": "e-mail protection",
    "1.3.6.1.5.5.7.3.8": "time stamping",
    "1.3.6.1.5.5.7.3.9": "OCSP signing",
    "1.3.6.1.4.1.311.20.2.2": "smart card logon",
    "1.3.6.1.5.2.3.5": "Kerberos authentication",
}
#: The purposes that Java takes for a TLS server's (``EndEntityChecker``): server authentication,
#: the two server gated cryptographies, any.
_SERVER_PURPOSES = (
    extensions.SERVER_AUTH,
    "1.3.6.1.4.1.311.10.3.3",
    "2.16.840.1.113730.4.1",
    extensions.ANY_EXTENDED_KEY_USAGE,
)


def check(picture: Picture) -> Iterator[Finding]:
    for role, certificate in picture.each():
        name = picture.named(role, certificate)
        yield from _readability(name, certificate)
        if role == "leaf":
            yield from _leaf(name, certificate)
        else:
            yield from _authority(role, name, certificate)
        if role != "root":
            yield from _critical_extensions(name, certificate)
    for view in picture.views:
        yield from _path_lengths(picture, view)
        yield from _constraints(picture, view)


def _readability(name: str, certificate: Certificate) -> Iterator[Finding]:
    refusals = per_jdk(partial(refusal, certificate))
    refusing = [jdk for jdk, reason in refusals.items() if reason]
    if refusing:
        yield Finding(
            "unreadable_certificate",
            "error" if LATEST_JDK in refusing else "warning",
            f"{name} cannot be read by {java_versions(refusing)}: "
            f"{java_phrase(refusals[refusing[-1]] or '')}.",
            "Have it issued again in well-formed DER.",
            "RFC 5280 §4.1; sun.security.x509.X509CertImpl",
        )


def _leaf(name: str, leaf: Certificate) -> Iterator[Finding]:
    usage, purposes = leaf.key_usage, leaf.extended_key_usage
    if usage is not None and extensions.DIGITAL_SIGNATURE not in usage:
        yield Finding(
            "key_usage_forbids_signing",
            "error",
            f"{name} has a key usage without digitalSignature, which every current cipher needs.",
            "Have it issued again with digitalSignature.",
            "RFC 5280 §4.2.1.3; sun.security.validator.EndEntityChecker",
        )
    if purposes is not None and not any(purpose in _SERVER_PURPOSES for purpose in purposes):
        shown = listed([_PURPOSES.get(purpose, purpose) for purpose in purposes[:4]])
        yield Finding(
            "not_for_servers",
            "error",
            f"{name} is for {shown or 'no purpose at all'}, not for server authentication.",
            "Have it issued again with serverAuth among its extended key usages.",
            "RFC 5280 §4.2.1.12; sun.security.validator.EndEntityChecker",
        )
    if leaf.is_ca and leaf.basic_constraints is not None:
        yield Finding(
            "leaf_is_ca",
            "warning",
            f"{name} is a CA certificate: with its key anybody's certificate can be issued.",
            "Give the server a certificate of its own; CA keys do not belong on a server.",
            "CA/Browser Forum Baseline Requirements §7.1.2.7; RFC 5280 §4.2.1.9",
        )


def _authority(role: str, name: str, certificate: Certificate) -> Iterator[Finding]:
    anchor = role == "root"
    # An anchor of version 1 or 2 cannot say that it is a CA, and Java does not ask it.
    says_ca = certificate.version < 3 if anchor else False
    constraints = certificate.basic_constraints
    if not says_ca and not (certificate.version == 3 and constraints and constraints.ca):
        yield Finding(
            "not_a_ca",
            "error",
            f"{name} issued a certificate and does not say that it is a CA (basicConstraints).",
            "Have the CA certificate issued again with CA:TRUE"
            + (
                " and installed in place of this one."
                if anchor
                else ", or the server's by a real CA."
            ),
            "RFC 5280 §4.2.1.9; "
            + (
                "sun.security.validator.PKIXValidator"
                if anchor
                else f"{_CERTPATH}.ConstraintsChecker"
            ),
        )
    usage = certificate.key_usage
    if usage is not None and extensions.KEY_CERT_SIGN not in usage:
        yield Finding(
            "may_not_sign_certificates",
            "error",
            f"{name} issued a certificate though its key usage lacks keyCertSign.",
            "Have the CA certificate issued again with keyCertSign.",
            "RFC 5280 §4.2.1.3; "
            + ("sun.security.validator.PKIXValidator" if anchor else f"{_CERTPATH}.KeyChecker"),
        )


def _critical_extensions(name: str, certificate: Certificate) -> Iterator[Finding]:
    unknown = [
        e.oid for e in certificate.extensions if e.critical and e.oid not in HANDLED_EXTENSIONS
    ]
    if unknown:
        yield Finding(
            "unknown_critical_extension",
            "error",
            f"{name} has the critical extension {listed(unknown[:3])}, which Java does not know.",
            "Have it issued again without it, or with it not critical.",
            f"RFC 5280 §4.2; {_CERTPATH}.PKIXMasterCertPathValidator",
        )


def _path_lengths(picture: Picture, view: View) -> Iterator[Finding]:
    """Each intermediate's limit against the CAs below it that do not issue themselves."""
    below = 0
    for certificate in view.intermediates:
        constraints = certificate.basic_constraints
        limit = constraints.path_length if constraints and constraints.ca else None
        if limit is not None and below > limit:
            yield Finding(
                "path_too_long",
                "error",
                f"{picture.named('intermediate', certificate)} allows {limit} further CAs below "
                f"it, and there are {below}.",
                "Have the hierarchy mended: the limit raised, or the server's certificate issued "
                "higher up.",
                f"RFC 5280 §4.2.1.9; {_CERTPATH}.ConstraintsChecker",
            )
        below += not certificate.is_self_issued


def _constraints(picture: Picture, view: View) -> Iterator[Finding]:
    """Name constraints and policies, by what Java says of the complete path."""
    if not any(_constrains(c) for c in view.intermediates):
        return
    anchor = view.root or view.path.last
    path = view.path.certificates[:-1]
    prediction = predict(path, [anchor], host=None, at=picture.at)
    message = prediction.message or ""
    if "name constraints" in message:
        constrained = [c for c in view.intermediates if c.name_constraints]
        yield Finding(
            "name_constraints_violated",
            "error",
            f"{picture.named('leaf', view.leaf)} has a name for which "
            f"{listed([quoted(c) for c in constrained[:3]])} may not issue certificates.",
            "Have it issued by a CA that may, or without that name.",
            f"RFC 5280 §4.2.1.10; {_CERTPATH}.ConstraintsChecker",
        )
    elif "policy" in message.lower():
        yield Finding(
            "policy_not_allowed",
            "error",
            f"The certificate policies of the chain do not fit together: {java_phrase(message)}.",
            "Have the CA mend the policies of its certificates.",
            f"RFC 5280 §6.1.3; {_CERTPATH}.PolicyChecker",
        )


def _constrains(certificate: Certificate) -> bool:
    return certificate.name_constraints is not None or any(
        certificate.extension(oid)
        for oid in (extensions.POLICY_CONSTRAINTS, extensions.POLICY_MAPPINGS)
    )
