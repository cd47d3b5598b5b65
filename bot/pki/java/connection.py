"""What a connection refuses before, or without, asking about trust."""

from __future__ import annotations

from collections.abc import Sequence

from bot.pki.certificate import Certificate
from bot.pki.java.rejection import Rejected
from bot.pki.java.releases import Jdk
from bot.pki.java.signatures import CURVES
from bot.pki.keys import PublicKey

#: ``jdk.tls.maxCertificateChainLength`` and ``jdk.tls.maxHandshakeMessageSize``.
MAX_CHAIN_LENGTH = 10
MAX_HANDSHAKE_MESSAGE = 32768

#: The first JDK that can check the signature of an Edwards key.
_EDWARDS_KNOWN = 17
#: Hash, hash of the mask and salt of ``rsa_pss_pss_sha256`` and its kin (RFC 8446 §4.2.3).
_PSS_SCHEMES = (("SHA256", "SHA256", 32), ("SHA384", "SHA384", 48), ("SHA512", "SHA512", 64))


def check_message(chain: Sequence[Certificate]) -> None:
    """The size and the length of what the server sends. Raises Rejected."""
    size = 3 + sum(3 + len(certificate.der) for certificate in chain)
    if size > MAX_HANDSHAKE_MESSAGE:
        raise Rejected(
            f"The size of the handshake message ({size}) exceeds the maximum allowed size "
            f"({MAX_HANDSHAKE_MESSAGE})"
        )
    if len(chain) > MAX_CHAIN_LENGTH:
        raise Rejected(
            f"The certificate chain length ({len(chain)}) exceeds the maximum allowed length "
            f"({MAX_CHAIN_LENGTH})"
        )


def check_leaf_key(leaf: Certificate, jdk: Jdk) -> None:
    """Whether Java and a server with this key share a way to sign a handshake; where not, it is the
    server that gives up (``sun.security.ssl.SignatureScheme``, ``NamedGroup``). Raises Rejected.

    A DSA key passes: TLS 1.2 has a suite for it (DHE_DSS) that every JDK offers.
    """
    if not _can_sign(leaf.public_key, jdk):
        raise Rejected("Received fatal alert: handshake_failure")


def _can_sign(key: PublicKey, jdk: Jdk) -> bool:
    if key.algorithm == "EC":
        return key.curve in CURVES
    if key.algorithm in ("Ed25519", "Ed448"):
        return jdk >= _EDWARDS_KNOWN
    pss = key.pss
    return pss is None or any(
        (pss.hash, pss.mask_hash) == scheme[:2]
        and pss.salt_length <= scheme[2]
        # RFC 8017 §9.1.1: the message holds the hash, the salt and two octets more.
        and key.bits >= 16 * scheme[2] + 16
        for scheme in _PSS_SCHEMES
    )
