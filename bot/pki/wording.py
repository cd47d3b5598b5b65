"""The turns of phrase that advice and findings share. Names from outside come out quoted and made
visible."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from bot.pki.certificate import Certificate
from bot.pki.evidence import Known
from bot.text import visible

#: What Java's messages begin with before they come to the point.
_JAVA_PREAMBLES = (
    "PKIX path validation failed: ",
    "PKIX path building failed: ",
    "java.security.cert.CertPathValidatorException: ",
    "java.security.cert.CertificateParsingException: ",
    "java.security.cert.CertificateException: ",
    "sun.security.provider.certpath.SunCertPathBuilderException: ",
    "sun.security.validator.ValidatorException: ",
)
_SOURCE_WORDS = {
    "served": "the server itself",
    "aia": "the download that the certificate names",
    "upload": "an uploaded file",
}


def quoted(certificate: Certificate) -> str:
    """The certificate's name in quotation marks."""
    return f'"{visible(certificate.subject.short, 100)}"'


def quoted_all(certificates: Iterable[Certificate]) -> str:
    """The names of several certificates as an enumeration."""
    return listed([quoted(certificate) for certificate in certificates])


def listed(items: Sequence[object]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    texts = [str(item) for item in items]
    if len(texts) < 2:
        return "".join(texts)
    return f"{', '.join(texts[:-1])} and {texts[-1]}"


def shortened(items: Sequence[object], limit: int = 5) -> str:
    """The first ``limit`` items, and how many more there are."""
    if len(items) <= limit:
        return listed(items)
    return f"{', '.join(map(str, items[:limit]))} and {len(items) - limit} more"


def days_left(certificate: Certificate, at: datetime) -> int:
    """Whole days until the certificate expires; negative when it has."""
    return (certificate.not_after - at) // timedelta(days=1)


def day(moment: datetime) -> str:
    """A date as ISO 8601 writes it."""
    return f"{moment:%Y-%m-%d}"


def valid_until(certificate: Certificate, at: datetime) -> str:
    """The date of expiry with the days left, or since."""
    if certificate.not_after < at:
        ago = counted((at - certificate.not_after).days, "day")
        return f"{day(certificate.not_after)} (expired {ago} ago)"
    return f"{day(certificate.not_after)} ({counted(days_left(certificate, at), 'day')} left)"


def lowered(sentence: str) -> str:
    """A sentence's beginning for use within another one."""
    return sentence[:1].lower() + sentence[1:]


def counted(number: int, noun: str) -> str:
    """``1 day``, ``1,200 days``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def colons(octets: bytes) -> str:
    """Octets as people compare them: upper-case hexadecimal with colons."""
    return octets.hex(":").upper()


def java_versions(jdks: Sequence[int]) -> str:
    """``Java 17``, ``Java 11, 17 and 21``."""
    return f"Java {listed(jdks)}"


def java_phrase(message: str) -> str:
    """The telling part of a Java message, in quotation marks."""
    for preamble in _JAVA_PREAMBLES:
        message = message.replace(preamble, "")
    return f'"{visible(message)}"'


def suppliers(known: Known) -> str:
    """Where a certificate came from, for a sentence."""
    found = []
    for source in known.sources:
        words = _SOURCE_WORDS.get(source.kind, source.kind)
        found.append(f"{words} ({visible(source.detail, 120)})" if source.detail else words)
    return shortened(found, 3) or "nobody"
