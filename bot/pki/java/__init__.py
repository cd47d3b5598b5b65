"""What Java decides about a chain, and the words it uses.

Written after the behaviour of OpenJDK 11, 17, 21 and 25 and held to it by ``tests/conformance``,
which asks the real JVMs. Entry point: :func:`predict`.

    connection  limits of a handshake     validating  a chain in order
    parsing     unreadable certificates   building    a search through any order (ordering)
    distrust    refused authorities       checks, algorithms, signatures, policies,
    hostnames   the name check            name_constraints: per path
    releases    several JDKs at once
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import field, replace
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter

from bot.pki import extensions
from bot.pki.certificate import Certificate
from bot.pki.extensions import GeneralName
from bot.pki.java.algorithms import IsJdkRoot
from bot.pki.java.building import build
from bot.pki.java.checks import path_length
from bot.pki.java.connection import (
    MAX_CHAIN_LENGTH,
    MAX_HANDSHAKE_MESSAGE,
    check_leaf_key,
    check_message,
)
from bot.pki.java.distrust import check_distrust
from bot.pki.java.hostnames import Endpoint, check_host
from bot.pki.java.outcome import Situation, ValidPath
from bot.pki.java.parsing import refusal
from bot.pki.java.rejection import VALIDATION_FAILED, Rejected
from bot.pki.java.releases import JDKS, LATEST_JDK, Jdk, Releases, alike
from bot.pki.java.validating import validate
from bot.pki.keeping import kept
from bot.records import record

__all__ = [
    "JDKS",
    "LATEST_JDK",
    "MAX_CHAIN_LENGTH",
    "MAX_HANDSHAKE_MESSAGE",
    "Endpoint",
    "Prediction",
    "predict",
    "predict_alike",
]

#: The first JDK that takes a PrintableString for Latin-1, and not for UTF-8, as it compares names.
_LATIN_PRINTABLE_STRINGS = 25
_DER = attrgetter("der")
#: The first JDK that stops at an extension of the leaf that it cannot read, critical or not.
_STRICT_GETTERS = 21

_SERVER_USAGES = (
    extensions.SERVER_AUTH,
    "1.3.6.1.4.1.311.10.3.3",  # Microsoft server gated cryptography
    "2.16.840.1.113730.4.1",  # Netscape server gated cryptography
    extensions.ANY_EXTENDED_KEY_USAGE,
)


@record
class Prediction:
    """What one Java version decides.

    ``message`` holds the phrases of Java's exceptions, None where it accepts; ``path`` is the
    accepted path from the leaf to the anchor, empty where it rejects.
    """

    accepted: bool
    message: str | None
    path: tuple[Certificate, ...] = ()


def predict(
    chain: Sequence[Certificate],
    installed: Sequence[Certificate],
    *,
    host: str | None,
    endpoint: Endpoint = "https",
    at: datetime | None = None,
    jdk: int = LATEST_JDK,
    is_jdk_root: IsJdkRoot | None = None,
    connected: bool = True,
) -> Prediction:
    """Whether a Java client accepts ``chain`` (as served, leaf first) with ``installed`` in its
    truststore and nothing else, over a connection with an ECDHE suite.

    ``host`` is the name that is connected to; None leaves the name check out. ``at`` is the
    client's clock, now by default. ``is_jdk_root`` tells by SHA-256 fingerprint whether an anchor
    is one of the JDK's own roots, below which SHA-1 is not allowed; by default nothing is.
    ``connected`` says that the chain arrives over a connection, which has limits on length and size
    and on the leaf's key; False asks the trust manager alone.
    Source: ``sun.security.ssl.X509TrustManagerImpl``, ``sun.security.validator.PKIXValidator``.
    """
    return _predicted(
        tuple(chain),
        tuple(dict.fromkeys(installed)),
        host,
        endpoint,
        at or datetime.now(UTC),
        jdk,
        is_jdk_root or _no_jdk_root,
        connected=connected,
    )


def predict_alike(
    chain: Sequence[Certificate],
    installed: Sequence[Certificate],
    *,
    host: str | None,
    endpoint: Endpoint = "https",
    at: datetime,
    jdk: int,
    jdk_root_test: Callable[[int], IsJdkRoot] | None = None,
) -> dict[int, Prediction]:
    """What `predict` gives for ``jdk``, and for those of `JDKS` around it that are sure to decide the
    same. ``jdk_root_test(jdk)`` gives the ``is_jdk_root`` of each."""
    served, anchors = tuple(chain), tuple(dict.fromkeys(installed))

    def ask(these: Jdk) -> Prediction:
        is_jdk_root = _root_test(jdk_root_test, these) if jdk_root_test else _no_jdk_root
        return _predicted(served, anchors, host, endpoint, at, these, is_jdk_root, connected=True)

    return alike(jdk, ask)


@lru_cache(maxsize=64)
def _root_test(jdk_root_test: Callable[[int], IsJdkRoot], jdk: Jdk) -> IsJdkRoot:
    """The same function for the same JDKs, so that what was decided with it is found again."""
    if isinstance(jdk, Releases):
        return lambda sha256: jdk.agree(lambda one: jdk_root_test(one)(sha256))
    return jdk_root_test(jdk)


def _predicted(
    chain: tuple[Certificate, ...],
    anchors: tuple[Certificate, ...],
    host: str | None,
    endpoint: Endpoint,
    at: datetime,
    jdk: Jdk,
    is_jdk_root: IsJdkRoot,
    *,
    connected: bool,
) -> Prediction:
    if any(map(_has_latin_names, (*chain, *anchors))) and jdk < _LATIN_PRINTABLE_STRINGS:
        chain, anchors = tuple(map(_with_utf8_names, chain)), tuple(map(_with_utf8_names, anchors))
    clock = _Clock.at(at, (*chain, *anchors))
    try:
        if connected:
            check_message(chain)
        trust = _trust(chain, anchors, clock, jdk, is_jdk_root)
        if trust.message is not None:
            return Prediction(accepted=False, message=trust.message)
        if host is not None:
            check_host(chain[0], host, endpoint, jdk, trust.added_names)
        if connected:
            # In truth the handshake fails first, but what the trust manager says tells more.
            check_leaf_key(chain[0], jdk)
    except Rejected as rejected:
        return Prediction(accepted=False, message=str(rejected))
    return Prediction(accepted=True, message=None, path=trust.path)


@record
class _Clock:
    """The client's clock. Two times are the same to certificates none of which begins or ends
    between them: ``past`` tells for each date of theirs whether it has come."""

    time: datetime = field(compare=False)
    past: tuple[tuple[bool, bool], ...]

    @classmethod
    def at(cls, time: datetime, certificates: Iterable[Certificate]) -> _Clock:
        return cls(time, tuple((time < c.not_before, time > c.not_after) for c in certificates))


@record
class _Trust:
    """What the path alone decides: the message of a rejection, else the path."""

    message: str | None
    path: ValidPath = ()
    added_names: tuple[GeneralName, ...] = ()


@kept(256, lambda chain, anchors, *_: sum(map(len, map(_DER, chain + anchors))))
def _trust(
    chain: tuple[Certificate, ...],
    anchors: tuple[Certificate, ...],
    clock: _Clock,
    jdk: Jdk,
    is_jdk_root: IsJdkRoot,
) -> _Trust:
    """Kept, because many names lead to one chain: the servers behind one wildcard certificate, the
    addresses of one server."""
    situation = Situation(anchors, clock.time, jdk, is_jdk_root)
    try:
        path = _validated(chain, situation)
        if len(path) > 1:
            _check_leaf(chain[0], jdk)
            check_distrust(path, jdk)
    except Rejected as rejected:
        return _Trust(str(rejected))
    return _Trust(None, path, tuple(situation.added_names))


def _validated(chain: Sequence[Certificate], situation: Situation) -> ValidPath:
    """``PKIXValidator.engineValidate``. Raises Rejected."""
    if not chain:
        raise Rejected("null or zero-length certificate chain")
    for certificate in (*situation.anchors, *chain):
        if reason := refusal(certificate, situation.jdk):
            raise Rejected(reason)
    if not situation.anchors:
        raise Rejected("the trustAnchors parameter must be non-empty")
    if chain[0] in situation.anchors:
        return (chain[0],)
    path = _ordered_path(chain, situation.anchors)
    valid = build(chain, situation) if path is None else validate(path, situation)
    _check_anchor(valid[-1])
    return valid


def _ordered_path(
    chain: Sequence[Certificate], anchors: Sequence[Certificate]
) -> Sequence[Certificate] | None:
    """The part of ``chain`` below an anchor, where it is in order and leads to one by name."""
    for index in range(1, len(chain)):
        certificate = chain[index]
        if certificate.subject != chain[index - 1].issuer:
            return None
        if certificate in anchors or any(
            anchor.subject == certificate.subject and anchor.public_key == certificate.public_key
            for anchor in anchors
        ):
            return chain[:index]
    if any(anchor.subject == chain[-1].issuer for anchor in anchors):
        return chain
    return None


def _check_anchor(anchor: Certificate) -> None:
    """``PKIXValidator.verifyTrustAnchor``."""
    if anchor.version < 3:
        return
    usage = anchor.key_usage
    if path_length(anchor) == -1:
        fault = "is not a CA certificate"
    elif usage is not None and extensions.KEY_CERT_SIGN not in usage:
        fault = "does not have keyCertSign bit set in KeyUsage extension"
    else:
        return
    raise Rejected(
        f"{VALIDATION_FAILED}sun.security.validator.ValidatorException: "
        f'TrustAnchor with subject "{anchor.subject.text}" {fault}'
    )


def _check_leaf(leaf: Certificate, jdk: Jdk) -> None:
    """``EndEntityChecker.checkTLSServer``."""
    usage = leaf.key_usage
    if usage is not None and extensions.DIGITAL_SIGNATURE not in usage:
        raise Rejected("KeyUsage does not allow digital signatures")
    usages = leaf.extended_key_usage
    if usages is None and leaf.extension(extensions.EXTENDED_KEY_USAGE) and jdk >= _STRICT_GETTERS:
        raise Rejected("java.security.cert.CertificateParsingException: not enough content")
    if usages is not None and not any(purpose in usages for purpose in _SERVER_USAGES):
        raise Rejected("Extended key usage does not permit use for TLS server authentication")
    types = leaf.decoded(extensions.NETSCAPE_CERT_TYPE, extensions.parse_netscape_cert_type)
    if types is not None and 1 not in types:
        raise Rejected("Netscape cert type does not permit use for SSL server")


def _has_latin_names(certificate: Certificate) -> bool:
    return any(
        not name.der.isascii() and name.as_utf8 is not name
        for name in (certificate.subject, certificate.issuer)
    )


def _with_utf8_names(certificate: Certificate) -> Certificate:
    if not _has_latin_names(certificate):
        return certificate
    subject, issuer = certificate.subject.as_utf8, certificate.issuer.as_utf8
    return replace(certificate, subject=subject, issuer=issuer)


def _no_jdk_root(sha256: str) -> bool:
    return False
