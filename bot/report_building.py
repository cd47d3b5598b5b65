"""What the probe and the analysis found → the report's data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from bot import report
from bot.errors import FormatError
from bot.pki import java, pem
from bot.pki.certificate import Certificate
from bot.pki.digests import sha256
from bot.pki.evidence import Evidence, Known
from bot.pki.findings import Finding
from bot.pki.options import MissingIssuer, Option
from bot.pki.wording import days_left
from bot.probe.presented import ClientCertificate, Presented, ProbeFinding, TlsSession

#: Paths that a report shows; a mesh of cross-certificates has hundreds.
MAX_PATHS: Final = 12

#: Who vouches comes first: that is what a person wants to know.
_SOURCE_ORDER: Final = ("public", "company", "served", "aia", "upload")
_SEVERITY_ORDER: Final = ("error", "warning", "info")


@lru_cache(maxsize=1024)
def iso(moment: datetime) -> str:
    """A time in UTC as ISO 8601 writes it, to the second."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def certificate(known: Known, at: datetime) -> report.Certificate:
    """A certificate that could be installed, with where it came from."""
    found = known.certificate
    sources = sorted(known.sources, key=lambda source: _SOURCE_ORDER.index(source.kind))
    return report.Certificate(
        subject=found.subject.text,
        issuer=found.issuer.text,
        serial=f"{found.serial:x}",
        sha256=found.sha256,
        not_before=iso(found.not_before),
        not_after=iso(found.not_after),
        days_left=days_left(found, at),
        key=str(found.public_key),
        signature_algorithm=found.signature_algorithm,
        source=f"{sources[0].kind}: {sources[0].detail}" if sources else "",
        sources=tuple(report.Source(source.kind, source.detail) for source in sources),
        pem=pem.encoded(found.der),
    )


def summary_of(found: Certificate, at: datetime) -> report.CertificateSummary:
    """A certificate in few words."""
    return report.CertificateSummary(
        subject=found.subject.text,
        issuer=found.issuer.text,
        not_before=iso(found.not_before),
        not_after=iso(found.not_after),
        days_left=days_left(found, at),
        sha256=found.sha256,
    )


def option(found: Option, at: datetime) -> report.Option:
    """A set of certificates that could be installed."""
    return report.Option(
        option=found.option,
        certificates=tuple(certificate(known, at) for known in found.certificates),
        predictions=predictions(found.predictions),
        proven=found.proven,
        reason=found.reason,
        warnings=found.warnings,
    )


def predictions(found: Mapping[int, java.Prediction]) -> Mapping[str, report.Prediction]:
    """By Java version."""
    return {
        str(jdk): report.Prediction(prediction.accepted, prediction.message)
        for jdk, prediction in sorted(found.items())
    }


def missing_issuer(found: MissingIssuer, at: datetime) -> report.MissingIssuer:
    """A certificate that somebody must be asked for."""
    return report.MissingIssuer(
        subject=found.subject,
        key_identifier=found.key_identifier,
        serial=None if found.serial is None else f"{found.serial:x}",
        wanted_by=summary_of(found.wanted_by, at),
        urls=found.urls,
        addresses=found.addresses,
    )


def presented(found: Presented, at: datetime) -> report.Presented:
    """What one address presented."""
    return report.Presented(
        address=found.address,
        port=found.port,
        tls=_tls(found.tls),
        chain=tuple(pem.encoded(der) for der in found.chain),
        certificates=tuple(_summary_of_der(der, at) for der in found.chain),
        client_certificate=_client_certificate(found.client_certificate),
        error=finding(found.error) if found.error else None,
    )


def _tls(found: TlsSession | None) -> report.Tls | None:
    return report.Tls(found.version, found.cipher, found.group) if found else None


def _client_certificate(found: ClientCertificate | None) -> report.ClientCertificate | None:
    return report.ClientCertificate(found.required, found.authorities) if found else None


def _summary_of_der(der: bytes, at: datetime) -> report.CertificateSummary:
    try:
        return summary_of(Certificate.from_der(der), at)
    except FormatError:
        return report.CertificateSummary(None, None, None, None, None, sha256(der))


def finding(found: Finding | ProbeFinding, addresses: Sequence[str] = ()) -> report.Finding:
    """One thing that a person must know, about ``addresses``; none: about all of them."""
    return report.Finding(
        code=found.code,
        severity=found.severity,
        message=found.message,
        remedy=found.remedy,
        source=found.source,
        java=found.java if isinstance(found, ProbeFinding) else None,
        addresses=tuple(addresses),
    )


def probe_findings(answers: Sequence[Presented]) -> list[report.Finding]:
    """What the probe noted, errors included; what holds for several addresses is said once."""
    addresses: dict[ProbeFinding, list[str]] = {}
    for answer in answers:
        errors = (answer.error,) if answer.error else ()
        for found in dict.fromkeys((*errors, *answer.findings)):
            addresses.setdefault(found, []).append(answer.address)
    return [
        finding(found, () if len(where) == len(answers) else where)
        for found, where in addresses.items()
    ]


def ordered(findings: Iterable[report.Finding]) -> tuple[report.Finding, ...]:
    """The most severe first, each once."""
    return tuple(sorted(dict.fromkeys(findings), key=lambda f: _SEVERITY_ORDER.index(f.severity)))


def paths(evidence: Evidence) -> tuple[report.Path, ...]:
    """The paths from every leaf, at most `MAX_PATHS`."""
    return tuple(
        report.Path(tuple(summary_of(found, evidence.at) for found in path.certificates), path.end)
        for leaf in evidence.leaves
        for path in evidence.paths[leaf]
    )[:MAX_PATHS]


def timings(answers: Sequence[Presented], phases: Mapping[str, float]) -> Mapping[str, float]:
    """Each phase of the probe as the slowest address had it, and then ``phases``."""
    slowest: dict[str, float] = {}
    for answer in answers:
        for phase, milliseconds in answer.timings_ms.items():
            slowest[phase] = max(slowest.get(phase, 0.0), milliseconds)
    return {**slowest, **phases}
