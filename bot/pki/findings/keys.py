"""Keys and signatures that Java refuses or that nobody should use any more
(``jdk.certpath.disabledAlgorithms``)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from bot.pki.certificate import Certificate
from bot.pki.findings.finding import Finding
from bot.pki.findings.picture import Picture
from bot.pki.java import JDKS, LATEST_JDK
from bot.pki.java.releases import Jdk, per_jdk
from bot.pki.java.signatures import is_known
from bot.pki.wording import java_versions, listed

_DISABLED = "jdk.certpath.disabledAlgorithms; sun.security.provider.certpath.AlgorithmChecker"
_BROKEN_DIGESTS = ("MD2", "MD5")
_CURVES = ("secp256r1", "secp384r1", "secp521r1")
#: Sizes in bits below which Java refuses, and below which nobody should issue
#: (CA/Browser Forum Baseline Requirements §6.1.5).
_REFUSED_BITS = {"RSA": 1024, "RSASSA-PSS": 1024, "DSA": 1024}
_WEAK_BITS = {"RSA": 2048, "RSASSA-PSS": 2048, "DSA": 2048}


def check(picture: Picture) -> Iterator[Finding]:
    for role, certificate in picture.each():
        name = picture.named(role, certificate)
        yield from _key(role, name, certificate)
        if role != "root":
            yield from _signature(picture, role, name, certificate)


def _key(role: str, name: str, certificate: Certificate) -> Iterator[Finding]:
    key = certificate.public_key
    if key.algorithm == "EC" and key.curve not in _CURVES:
        what = f"{name} has a key on the curve {key.curve}"
        mend = "Have it issued again with a P-256, P-384 or P-521 key."
        if role == "leaf":
            yield Finding(
                "leaf_curve_unsupported",
                "error",
                f"{what}, and no Java client can complete a handshake with that.",
                mend,
                "JDK-8235540; sun.security.ssl.NamedGroup, sun.security.ssl.SignatureScheme",
            )
        else:
            yield Finding(
                "unsupported_curve",
                "error",
                f"{what}, with which Java verifies no signature.",
                mend,
                "JDK-8235540; sun.security.util.CurveDB",
            )
    if not key.bits:
        return
    article = "a" if key.algorithm == "DSA" else "an"
    if key.bits < _REFUSED_BITS.get(key.algorithm, 0):
        yield Finding(
            "key_too_short",
            "error",
            f"{name} has {article} {key} key, which Java refuses.",
            _renewal(role, "with an RSA key of at least 2048 bits"),
            _DISABLED,
        )
    elif key.bits < _WEAK_BITS.get(key.algorithm, 0):
        yield Finding(
            "weak_key",
            "warning",
            f"{name} has only {article} {key} key; Java still accepts it.",
            _renewal(role, "with an RSA key of at least 2048 bits"),
            f"NIST SP 800-131A §3; {_DISABLED}",
        )


def _signature(
    picture: Picture, role: str, name: str, certificate: Certificate
) -> Iterator[Finding]:
    algorithm = certificate.signature_algorithm
    pss = certificate.outer_algorithm.pss
    digests = (pss.hash, pss.mask_hash) if pss else (certificate.outer_algorithm.digest,)
    if any(digest in _BROKEN_DIGESTS for digest in digests):
        yield Finding(
            "broken_signature_algorithm",
            "error",
            f"{name} is signed with {algorithm}, which Java refuses.",
            _renewal(role, "with a SHA-256 signature"),
            f"RFC 6151 §2; {_DISABLED}",
        )
    elif "SHA1" in digests:
        below_public = any(
            picture.evidence.is_jdk_root(LATEST_JDK)(root.sha256) for root in picture.roots
        )
        yield Finding(
            "sha1_signature",
            "error" if below_public else "warning",
            f"{name} is signed with {algorithm}, which Java "
            + (
                "refuses below a public root."
                if below_public
                else "still accepts below a private root; hardened systems do not."
            ),
            _renewal(role, "with a SHA-256 signature"),
            f"RFC 9155; {_DISABLED} (SHA1 jdkCA & usage TLSServer)",
        )
    unknown = per_jdk(partial(_is_unknown, picture, certificate))
    refusing = [jdk for jdk in JDKS if unknown[jdk]]
    if refusing:
        yield Finding(
            "unknown_signature_algorithm",
            "error" if LATEST_JDK in refusing else "warning",
            f"{name} is signed with {algorithm}, which {java_versions(refusing)} cannot verify.",
            _renewal(role, "with an RSA or ECDSA signature")
            if LATEST_JDK in refusing
            else f"Let the connector run on Java {listed([j for j in JDKS if j not in refusing])}, "
            "or have it issued again with an RSA or ECDSA signature.",
            "RFC 8410; sun.security.ec.ed.EdDSASignature is there from JDK 15 on",
        )


def _is_unknown(picture: Picture, certificate: Certificate, jdk: Jdk) -> bool:
    """Whether the JDK has no such signature algorithm. Curves have a finding of their own."""
    if is_known(certificate, jdk):
        return False
    issuer = next(
        (
            above
            for view in picture.views
            for below, above in zip(
                view.path.certificates, view.path.certificates[1:], strict=False
            )
            if below == certificate
        ),
        certificate,
    )
    return issuer.public_key.algorithm != "EC"


def _renewal(role: str, how: str) -> str:
    if role == "root":
        return f"The CA needs a new root {how}."
    return f"Have it issued again {how}."
