"""The checks that the JDK runs over the certificates of a path, each from the anchor's side
(``sun.security.provider.certpath``: BasicChecker, KeyChecker, ConstraintsChecker)."""

from __future__ import annotations

from datetime import datetime

from bot.pki import extensions
from bot.pki.certificate import Certificate
from bot.pki.extensions import GeneralName
from bot.pki.java.name_constraints import Constraints
from bot.pki.java.rejection import PathInvalid, java_date
from bot.pki.java.releases import Jdk
from bot.pki.java.signatures import failure

#: Stands for "no limit" as ``Integer.MAX_VALUE`` does.
UNLIMITED = 0x7FFFFFFF

#: The extensions that some check of a path handles; any other one that is critical is
#: unrecognised.
HANDLED_EXTENSIONS = frozenset(
    {
        extensions.BASIC_CONSTRAINTS,
        extensions.NAME_CONSTRAINTS,
        extensions.CERTIFICATE_POLICIES,
        extensions.POLICY_MAPPINGS,
        extensions.POLICY_CONSTRAINTS,
        extensions.INHIBIT_ANY_POLICY,
        extensions.SUBJECT_ALTERNATIVE_NAME,
        extensions.KEY_USAGE,
        extensions.EXTENDED_KEY_USAGE,
    }
)


def path_length(certificate: Certificate) -> int:
    """``X509Certificate.getBasicConstraints``: -1 where it is no CA."""
    constraints = certificate.basic_constraints
    if constraints is None or not constraints.ca:
        return -1
    return UNLIMITED if constraints.path_length is None else constraints.path_length


def has_unhandled_critical_extension(certificate: Certificate) -> bool:
    return any(e.critical and e.oid not in HANDLED_EXTENSIONS for e in certificate.extensions)


def check_ca_key_usage(certificate: Certificate) -> None:
    """``KeyChecker.verifyCAKeyUsage``. Raises PathInvalid."""
    usage = certificate.key_usage
    if usage is not None and extensions.KEY_CERT_SIGN not in usage:
        raise PathInvalid("CA key usage check failed: keyCertSign bit is not set")


def check_validity(certificate: Certificate, at: datetime) -> None:
    """``X509Certificate.checkValidity``. Raises PathInvalid."""
    if at < certificate.not_before:
        raise PathInvalid(
            "validity check failed", f"NotBefore: {java_date(certificate.not_before)}"
        )
    if at > certificate.not_after:
        raise PathInvalid("validity check failed", f"NotAfter: {java_date(certificate.not_after)}")


def is_valid_at(certificate: Certificate, at: datetime) -> bool:
    return certificate.not_before <= at <= certificate.not_after


class SignatureCheck:
    """Each certificate is signed with the key of the one before it, the first with the anchor's."""

    def __init__(self, anchor: Certificate, jdk: Jdk) -> None:
        self._issuer = anchor
        self._jdk = jdk

    def check(self, certificate: Certificate) -> None:
        """Raises PathInvalid."""
        if reason := failure(certificate, self._issuer.public_key, self._jdk):
            raise PathInvalid("signature check failed", reason)
        self._issuer = certificate


class BasicCheck:
    """Validity, then the chain of names, then the signature."""

    def __init__(self, anchor: Certificate, at: datetime, jdk: Jdk) -> None:
        self._at = at
        self._issuer = anchor
        self._signature = SignatureCheck(anchor, jdk)

    def check(self, certificate: Certificate) -> None:
        """Raises PathInvalid."""
        check_validity(certificate, self._at)
        if certificate.issuer != self._issuer.subject:
            raise PathInvalid("subject/issuer name chaining check failed")
        self._signature.check(certificate)
        self._issuer = certificate


class ConstraintsCheck:
    """Basic constraints and name constraints over a path of ``length`` certificates; what the
    latter append to the leaf's SAN goes to ``added_names``."""

    def __init__(self, length: int, jdk: Jdk, added_names: list[GeneralName]) -> None:
        self._length = length
        self._jdk = jdk
        self._index = 0
        self._max_path_length = length
        self._names: Constraints | None = None
        self._added_names = added_names

    def check(self, certificate: Certificate) -> None:
        """Raises PathInvalid."""
        self._index += 1
        if self._index < self._length:
            self._check_basic_constraints(certificate)
        if self._names is not None:
            if self._index == self._length:
                self._names.check(certificate, self._added_names)
            elif not certificate.is_self_issued:
                self._names.check(certificate, [])
        if (new := certificate.name_constraints) is not None:
            if self._names is None:
                self._names = Constraints(new, self._jdk)
            else:
                self._names.merge(new)

    def _check_basic_constraints(self, certificate: Certificate) -> None:
        limit = path_length(certificate)
        if certificate.version < 3:
            # Only the anchor's own renewed certificate may be of an old version.
            limit = UNLIMITED if self._index == 1 and certificate.is_self_issued else -1
        if limit == -1:
            raise PathInvalid("basic constraints check failed: this is not a CA certificate")
        if not certificate.is_self_issued:
            if self._max_path_length <= 0:
                raise PathInvalid(
                    "basic constraints check failed: pathLenConstraint violated - this cert must be "
                    "the last cert in the certification path"
                )
            self._max_path_length -= 1
        self._max_path_length = min(self._max_path_length, limit)
