"""The algorithms, key sizes and curves that Java's certificate paths allow
(``jdk.certpath.disabledAlgorithms`` as OpenJDK ships it; ``DisabledAlgorithmConstraints``)."""

from __future__ import annotations

from collections.abc import Callable

from bot.pki.certificate import Certificate
from bot.pki.java.rejection import PathInvalid
from bot.pki.java.releases import Jdk
from bot.pki.java.signatures import CURVES, CURVES_REMOVED
from bot.pki.keeping import kept
from bot.pki.keys import PublicKey

_DISABLED_DIGESTS = ("MD2", "MD5")
_MINIMUM_BITS = {"RSA": 1024, "RSASSA-PSS": 1024, "DSA": 1024, "EC": 224}
#: Java 11 and 17 name the disabled signature algorithm, later ones the disabled part of it.
_WHOLE_NAME = 17

#: Whether a certificate with this SHA-256 fingerprint is one of the JDK's own roots.
IsJdkRoot = Callable[[str], bool]


class AlgorithmCheck:
    """Checks the certificates of a path one after the other, from the anchor's side
    (``AlgorithmChecker``)."""

    def __init__(self, anchor: Certificate, jdk: Jdk, is_jdk_root: IsJdkRoot) -> None:
        self._anchor = anchor
        self._jdk = jdk
        self._is_jdk_root = is_jdk_root
        self._anchor_passes = _key_passes(anchor.public_key)
        self._first = True

    def check(self, certificate: Certificate) -> None:
        """Raises PathInvalid."""
        if self._anchor_passes and _passes(certificate):
            self._first = False
            return
        if self._jdk > _WHOLE_NAME:
            if self._first:
                self._check_key(self._anchor.public_key, None, ".")
            self._check_signature(certificate)
            self._check_key(certificate.public_key, certificate)
        else:
            self._check_signature(certificate)
            self._check_usage(certificate)
            self._check_key(certificate.public_key, certificate)
            if self._first:
                self._check_anchor_key(certificate)
        self._first = False

    def _check_signature(self, certificate: Certificate) -> None:
        algorithm = certificate.outer_algorithm
        digests = _digests(certificate)
        for digest in digests:
            if digest in _DISABLED_DIGESTS:
                if self._jdk <= _WHOLE_NAME:
                    raise PathInvalid(
                        "Algorithm constraints check failed on signature algorithm: "
                        f"{algorithm.signature_name}"
                    )
                raise PathInvalid(
                    f"Algorithm constraints check failed on disabled algorithm: {digest}"
                    f"{self._used_with(certificate)}"
                )
        if "SHA1" in digests and self._is_jdk_root(self._anchor.sha256):
            raise PathInvalid(
                "Algorithm constraints check failed on certificate anchor limits. SHA1"
                f"{self._used_with(certificate)}"
            )

    def _check_usage(self, certificate: Certificate) -> None:
        if not _usage_passes(certificate):
            raise PathInvalid("incorrect KeyUsage extension bits")

    def _check_anchor_key(self, certificate: Certificate) -> None:
        try:
            self._check_key(self._anchor.public_key, None)
        except PathInvalid:
            # They ask about algorithm and key at once, and then blame the algorithm.
            raise PathInvalid(
                "Algorithm constraints check failed on signature algorithm: "
                f"{certificate.signature_algorithm}"
            ) from None

    def _check_key(self, key: PublicKey, bearer: Certificate | None, end: str = "") -> None:
        """``bearer``: the certificate that the message names; without one it ends with ``end``."""
        if _has_other_curve(key) and self._jdk < CURVES_REMOVED:
            raise PathInvalid(
                f"Algorithm constraints check failed on disabled algorithm: {key.curve}"
            )
        if _is_short(key):
            used_with = self._used_with(bearer) if bearer else end
            raise PathInvalid(
                f"Algorithm constraints check failed on keysize limits: {key.algorithm} "
                f"{key.bits} bit key{used_with}"
            )

    @staticmethod
    def _used_with(certificate: Certificate) -> str:
        return f" used with certificate: {certificate.subject.text}"


@kept(256, lambda certificate: len(certificate.der))
def _passes(certificate: Certificate) -> bool:
    """Whether no JDK objects to it, in whatever order it asks and whatever the anchor is."""
    digests = _digests(certificate)
    return (
        not any(digest in _DISABLED_DIGESTS for digest in digests)
        and "SHA1" not in digests
        and _usage_passes(certificate)
        and _key_passes(certificate.public_key)
    )


def _key_passes(key: PublicKey) -> bool:
    return not _has_other_curve(key) and not _is_short(key)


def _usage_passes(certificate: Certificate) -> bool:
    usage = certificate.key_usage
    return usage is None or bool(usage & {0, 1, 2, 3, 4, 5, 6})


def _digests(certificate: Certificate) -> tuple[str | None, ...]:
    pss = certificate.outer_algorithm.pss
    return (pss.hash, pss.mask_hash) if pss else (certificate.outer_algorithm.digest,)


def _has_other_curve(key: PublicKey) -> bool:
    return key.algorithm == "EC" and key.curve not in CURVES


def _is_short(key: PublicKey) -> bool:
    return 0 < key.bits < _MINIMUM_BITS.get(key.algorithm, 0)
