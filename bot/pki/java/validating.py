"""How Java judges a chain that is in order (``PKIXValidator.doValidate``,
``PKIXCertPathValidator``): one path, against each anchor that could have issued it."""

from __future__ import annotations

from collections.abc import Sequence

from bot.pki import der
from bot.pki.certificate import Certificate
from bot.pki.extensions import SUBJECT_KEY_IDENTIFIER
from bot.pki.java.algorithms import AlgorithmCheck
from bot.pki.java.checks import (
    BasicCheck,
    ConstraintsCheck,
    check_ca_key_usage,
    has_unhandled_critical_extension,
)
from bot.pki.java.outcome import Situation, ValidPath
from bot.pki.java.policies import PolicyCheck
from bot.pki.java.rejection import VALIDATION_FAILED, PathInvalid, Rejected

_EXCEPTION = "java.security.cert.CertPathValidatorException: "


def validate(path: Sequence[Certificate], situation: Situation) -> ValidPath:
    """The path with its anchor. ``path`` begins with the leaf and ends below the anchor.

    Raises Rejected: with the reason of the last anchor tried, which in the JDK is any one of them,
    since its set of anchors has no order.
    """
    last: PathInvalid | None = None
    for anchor in situation.anchors:
        if not _may_have_issued(anchor, path[-1]):
            continue
        try:
            return _validate(path, anchor, situation)
        except PathInvalid as error:
            last = error
    if last is None:
        last = PathInvalid("Path does not chain with any of the trust anchors")
    raise Rejected(f"{VALIDATION_FAILED}{_EXCEPTION}{last.message}", last.cause)


def _validate(path: Sequence[Certificate], anchor: Certificate, situation: Situation) -> ValidPath:
    situation.check_blocked(anchor)
    algorithms = AlgorithmCheck(anchor, situation.jdk, situation.is_jdk_root)
    constraints = ConstraintsCheck(len(path), situation.jdk, situation.added_names)
    policies = PolicyCheck(len(path))
    basics = BasicCheck(anchor, situation.at, situation.jdk)
    for index in range(len(path) - 1, -1, -1):
        certificate = path[index]
        situation.check_blocked(certificate)
        algorithms.check(certificate)
        if index > 0:
            check_ca_key_usage(certificate)
        constraints.check(certificate)
        policies.check(certificate)
        basics.check(certificate)
        if has_unhandled_critical_extension(certificate):
            raise PathInvalid("unrecognized critical extension(s)")
    return (*path, anchor)


def _may_have_issued(anchor: Certificate, certificate: Certificate) -> bool:
    """``AdaptableX509CertSelector``: the name, the key identifier where both have one, and the
    serial number where the certificate names it and the anchor is of version 3."""
    identifier = certificate.authority_key
    if identifier is not None:
        extension = anchor.extension(SUBJECT_KEY_IDENTIFIER)
        if identifier.key_identifier is not None and extension is not None:
            encoded = der.encode(der.OCTET_STRING, identifier.key_identifier)
            if extension.value != encoded:
                return False
        if (
            identifier.serial is not None
            and anchor.version > 2
            and identifier.serial != anchor.serial
        ):
            return False
    return anchor.subject == certificate.issuer
