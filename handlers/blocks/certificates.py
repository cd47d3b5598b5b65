"""How certificates, predictions, findings and targets are worded, wherever they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bot.report import Certificate, CertificateSummary, Finding, Option, Prediction, Report, Target
from handlers.blocks.markup import Markup, code, fill, joined

OPTION_NAMES: Final = {
    "root": "root certificate",
    "intermediate": "intermediate certificate",
    "server": "server certificate",
}
OPTION_NUMBERS: Final = {"root": 1, "intermediate": 2, "server": 3}
SEVERITIES: Final = {"error": "❌", "warning": "⚠️", "info": "ℹ️"}
_SOURCES: Final = {
    "public": "a public root programme",
    "company": "the company's own roots",
    "served": "the server itself",
    "aia": "the download that the certificate names",
    "upload": "an uploaded file",
}


def fingerprint(sha256: str) -> str:
    """As people compare it: upper case, a colon after each octet."""
    return ":".join(sha256[i : i + 2] for i in range(0, len(sha256), 2)).upper()


def address(target: Target) -> str:
    """``host:port``, or what was typed where that names no server."""
    if target.host is None:
        return target.input
    host = f"[{target.host}]" if ":" in target.host else target.host
    return host if target.port is None else f"{host}:{target.port}"


def expiry(not_after: str | None, days: int | None) -> str:
    """A date with the days left, or since."""
    if not_after is None or days is None:
        return "not known"
    if days < 0:
        return f"{not_after[:10]} (expired {-days:,} {_days(-days)} ago)"
    return f"{not_after[:10]} ({days:,} {_days(days)} left)"


def provenance(certificate: Certificate) -> str:
    """Where the certificate is known from, the best source first."""
    if not certificate.sources:
        return "nobody"
    source = certificate.sources[0]
    kind = _SOURCES[source.kind]
    return f"{kind} ({source.detail})" if source.detail else kind


def prediction_line(predictions: Mapping[str, Prediction]) -> str:
    """What each Java version decides, in one line."""
    line = " · ".join(f"{jdk} {'✓' if p.accepted else '✗'}" for jdk, p in predictions.items())
    said = next((p.message for p in reversed(list(predictions.values())) if p.message), None)
    return f"Java {line}" + (f" — {said}" if said else "")


def certificate_lines(certificate: Certificate) -> Markup:
    """What identifies the certificate, how long it lives and who vouches for it."""
    return joined(
        (
            fill("*Certificate*  {}", code(certificate.subject)),
            fill("*SHA-256*  {}", code(fingerprint(certificate.sha256))),
            fill("*Expires*  {}", expiry(certificate.not_after, certificate.days_left)),
            fill("*Known from*  {}", provenance(certificate)),
        )
    )


def summary_line(summary: CertificateSummary) -> Markup:
    """One certificate of a chain."""
    if summary.subject is None:
        return fill("(cannot be read)  {}", code(fingerprint(summary.sha256)))
    return fill(
        "{}  until {}", code(summary.subject, 150), expiry(summary.not_after, summary.days_left)
    )


def option_title(option: Option) -> str:
    """What kind of option this is, and its number in Matrix42's order of preference."""
    number = OPTION_NUMBERS[option.option]
    plural = "s" if len(option.certificates) > 1 else ""
    return f"Option {number}: {OPTION_NAMES[option.option]}{plural}"


def finding_line(finding: Finding) -> Markup:
    """One finding with its remedy."""
    where = f" [{', '.join(finding.addresses[:5])}]" if finding.addresses else ""
    java = fill("\nJava says: {}", code(finding.java)) if finding.java else Markup("")
    return fill(
        "{} {}{}{}",
        SEVERITIES[finding.severity],
        f"{finding.message} {finding.remedy}".strip(),
        where,
        java,
    )


def option_of(report: Report, kind: str) -> Option | None:
    """The report's option of that kind."""
    return next((option for option in report.options if option.option == kind), None)


def _days(count: int) -> str:
    return "day" if count == 1 else "days"
