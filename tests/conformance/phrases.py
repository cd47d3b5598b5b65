"""The distinctive phrases of Java's messages, to tell whether two messages say the same."""

from __future__ import annotations

OTHER = "(other)"

# The parts of a phrase, between `` … ``, follow each other in the message. The first phrase that a
# message holds counts, so what is more telling comes first.
PHRASES: tuple[str, ...] = (
    "unable to find valid certification path to requested target",
    "the trustAnchors parameter must be non-empty",
    "Path does not chain with any of the trust anchors",
    "TrustAnchor with subject … is not a CA certificate",
    "does not have keyCertSign bit set",
    "signature check failed … Signature does not match",
    "signature check failed … Signature not available",
    "signature check failed … Curve not supported",
    "signature check failed … No installed provider supports this key",
    "signature check failed",
    "validity check failed … NotAfter:",
    "validity check failed … NotBefore:",
    "validity check failed",
    "pathLenConstraint violated",
    "basic constraints check failed: this is not a CA certificate",
    "CA key usage check failed: keyCertSign bit is not set",
    "name constraints check failed",
    "unrecognized critical extension(s)",
    "Algorithm constraints check failed on signature algorithm: MD5withRSA",
    "Algorithm constraints check failed on signature algorithm: MD2withRSA",
    "Algorithm constraints check failed on signature algorithm",
    "Algorithm constraints check failed on disabled algorithm: MD5",
    "Algorithm constraints check failed on disabled algorithm: MD2",
    "Algorithm constraints check failed on disabled algorithm",
    "Algorithm constraints check failed on keysize limits: RSA 512 bit key",
    "Algorithm constraints check failed on keysize limits: RSA 768 bit key",
    "Algorithm constraints check failed on keysize limits: EC 192 bit key",
    "Algorithm constraints check failed on keysize limits",
    "Algorithm constraints check failed",
    "non-null policy tree required and policy tree is null",
    "critical policy qualifiers present in certificate",
    "subject/issuer name chaining check failed",
    "Extended key usage does not permit use for TLS server authentication",
    "KeyUsage does not allow digital signatures",
    "Netscape cert type does not permit use for SSL server",
    "No subject alternative DNS name matching",
    "No name matching",
    "No subject alternative names matching IP address",
    "No subject alternative names present",
    "Illegal given domain name",
    "Not a formal name",
    "SubjectAlternativeName extension MUST be marked critical when subject field is empty",
    "subject field is empty, and SubjectAlternativeName extension is absent",
    "Empty issuer DN not allowed",
    "Duplicate extensions not allowed",
    "Signature algorithm mismatch",
    "Only named ECParameters supported",
    "Extensions not allowed in v2 certificate",
    "no more data allowed for version 1 certificate",
)


def phrase_of(message: str | None) -> str:
    """The phrase that *message* holds; ``(other)`` for none of them, empty for no message."""
    if message is None:
        return ""
    return next((phrase for phrase in PHRASES if _holds(message, phrase)), OTHER)


def _holds(message: str, phrase: str) -> bool:
    start = 0
    for part in phrase.split(" … "):
        start = message.find(part, start)
        if start < 0:
            return False
        start += len(part)
    return True
