"""An error text, held against what its server presents now."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from bot.errors import FormatError
from bot.pki.causes import CAUSES, Question
from bot.pki.certificate import Certificate
from bot.pki.errors import Explanation, explain
from bot.pki.findings.names import usable_names
from bot.pki.java import LATEST_JDK, Endpoint
from bot.pki.java.hostnames import check_host
from bot.pki.java.rejection import Rejected
from bot.pki.wording import counted, java_versions, listed, shortened
from bot.records import record
from bot.report import CertificateSummary, Finding, Report
from bot.text import visible

_GENERAL: Final = frozenset(cause.code for cause in CAUSES if cause.general)
#: Findings that show the cause of an error of another name.
_SHOWN_BY: Final[dict[str, tuple[str, ...]]] = {
    "address_not_in_certificate": ("name_mismatch",),
    "anchor_may_not_sign_certificates": ("root_refused",),
    "broken_signature_algorithm": ("sha1_signature",),
    "chain_too_large": ("chain_too_long", "handshake_too_long"),
    "handshake_closed": ("no_certificate", "prelude_closed"),
    "handshake_failure": (
        "tls_rsa_only",
        "cipher_not_in_java",
        "group_not_in_java",
        "dh_too_small",
        "leaf_curve_unsupported",
        "insufficient_security",
    ),
    "intermediate_missing": ("issuer_unknown",),
    "issuer_unknown": ("intermediate_missing",),
    "name_mismatch": (
        "address_not_in_certificate",
        "unreadable_names",
        "wildcard_in_wrong_place",
    ),
    "name_not_in_common_name": ("name_mismatch",),
    "plaintext": ("prelude_unexpected", "prelude_refused"),
    "read_timeout": ("handshake_timeout", "prelude_timeout"),
    "tls_too_old": ("protocol_version",),
    "unreadable_certificate": ("certificate_unreadable",),
    "unsupported_curve": ("leaf_curve_unsupported",),
}
_MAX_SENTENCES: Final = 8
_MAX_NAMES: Final = 20
_MAX_AUTHORITIES: Final = 10
#: A ``java.util.Date`` names its zone in letters that say little; no zone is further from UTC.
_WIDEST_ZONE: Final = timedelta(hours=14)

#: Whether the server shows the cause, and sentences.
_Answer: TypeAlias = tuple[bool | None, list[str]]


@record
class Diagnosis:
    """What a look at the server adds to an explanation.

    ``cause_present``: whether the server shows the cause now, None where that cannot be seen from
    here; ``answers``: sentences that make cause and remedy specific, the most telling first;
    ``besides``: what else keeps a Java client from connecting. All are safe to show.
    """

    cause_present: bool | None
    answers: tuple[str, ...]
    besides: tuple[str, ...]


def diagnose(explanation: Explanation, report: Report) -> Diagnosis:
    """What ``report``, made just now, says of the error that ``explanation`` explains."""
    matching = [f for f in report.findings if _is_shown_by(explanation, f)]
    if explanation.code in _GENERAL or not explanation.is_recognised:
        matching = [f for f in report.findings if f.severity == "error"]
    unreached = report.verdict in ("unreachable", "refused")
    if unreached and explanation.question is not Question.ADDRESS:
        present = True if matching else None
        sentences = [f"From here the server shows no certificate. {report.summary}"]
    else:
        present, sentences = _ANSWERS[explanation.question](explanation, report, matching)
    answers = tuple(dict.fromkeys(sentences))[:_MAX_SENTENCES]
    others = [_sentence(f) for f in report.findings if f.severity == "error" and f not in matching]
    besides = [said for said in dict.fromkeys(others) if said not in answers]
    return Diagnosis(present, answers, () if unreached else tuple(besides[:_MAX_SENTENCES]))


def _is_shown_by(explanation: Explanation, finding: Finding) -> bool:
    code = explanation.code
    if finding.code == code or finding.code in _SHOWN_BY.get(code, ()):
        return True
    # Java's own words for what the probe met.
    return bool(finding.java) and explain(finding.java or "").code == code


def _issuer(explanation: Explanation, report: Report, matching: list[Finding]) -> _Answer:
    """Which root the chain needs, whether it is complete, and what is installed in its place."""
    present, sentences = True if matching else None, _sentences(matching)
    if explanation.truststore_helps is False:
        return _content(explanation, report, matching)
    if report.installed is not None:
        present, compared = _installed(explanation, report)
        sentences = [*compared, *sentences]
    recommended = report.recommended
    if recommended is None:
        return present, sentences or [report.summary]
    for certificate in recommended.certificates:
        sentences.append(
            f'To be installed: "{visible(certificate.subject)}", SHA-256 {_colons(certificate.sha256)}, '
            f"valid until {certificate.not_after[:10]}."
        )
    accepting = [int(jdk) for jdk, said in recommended.predictions.items() if said.accepted]
    if accepting:
        these = "this" if len(recommended.certificates) == 1 else "these together"
        verb = "accept" if len(accepting) > 1 else "accepts"
        sentences.append(f"With {these} installed {java_versions(accepting)} {verb} the server.")
    sentences += recommended.warnings
    if report.installed is None and explanation.code not in _GENERAL:
        sentences.append("Compare this fingerprint with what is installed (keytool -list -v).")
    return present, sentences


def _installed(explanation: Explanation, report: Report) -> _Answer:
    """What comes of the certificates that are said to be installed."""
    predictions = report.installed or {}
    findings = [f for f in report.findings if f.code.startswith("installed_")]
    refused = {jdk: said.message or "" for jdk, said in predictions.items() if not said.accepted}
    sentences = _sentences(findings)
    if not refused:
        return False, [
            *sentences,
            "So the client uses another truststore than these files, or was not restarted since "
            "they were installed.",
        ]
    if explanation.code in {explain(message).code for message in refused.values()}:
        return True, sentences
    if explanation.code in _GENERAL:
        return True, sentences
    return None, [
        *sentences,
        "That is another error than this one: the client uses another truststore than these files, "
        "or the server has changed since.",
    ]


def _validity(explanation: Explanation, report: Report, matching: list[Finding]) -> _Answer:
    """Which certificate that is served is outside its validity."""
    at = datetime.fromisoformat(report.at)
    served = list(_served(report))
    sentences = [said for certificate in served if (said := _outside(certificate, at))]
    present = bool(sentences)
    if meant := explanation.details.get("not_after") or explanation.details.get("not_before"):
        named = next((certificate for certificate in served if _has_date(certificate, meant)), None)
        sentences.append(
            f'The error is about "{visible(named.subject or "")}".'
            if named
            else f"A certificate with the date of the error ({meant}) is not served now."
        )
    if present:
        return True, sentences
    ends = [certificate.not_after for certificate in served if certificate.not_after]
    if not ends:
        return None, sentences
    return False, [
        *sentences,
        f"Every certificate that the server sends is valid today, the first to end on "
        f"{min(ends)[:10]}: it was renewed since the error, another address of the host answered "
        "then, or the clock of the client is wrong.",
    ]


def _name(explanation: Explanation, report: Report, matching: list[Finding]) -> _Answer:
    """Which names the server's certificate holds."""
    wanted = explanation.details.get("name") or report.target.host or ""
    shown = visible(wanted)
    sentences, verdicts = [], []
    for leaf in dict.fromkeys(_leaves(report)):
        names = [f'"{name}"' for name in usable_names(leaf)]
        told = shortened(names, _MAX_NAMES) if names else "no name at all"
        fits = _is_for(leaf, wanted, _endpoint(report))
        verdicts.append(fits)
        verb = "is" if fits else "is not"
        sentences.append(
            f'The certificate "{visible(leaf.subject.short)}" is for {told}: "{shown}" {verb} among '
            "these."
        )
        if not fits and names:
            sentences.append(f"Connect by one of these names, or have {shown} added to the SAN.")
    if not verdicts:
        return None, ["The server's certificate cannot be read."]
    if all(verdicts):
        sentences.append(
            "So this server does not give that error now: its certificate was exchanged since, or "
            "the client reaches another server under that name."
        )
    return not all(verdicts), sentences


def _content(explanation: Explanation, report: Report, matching: list[Finding]) -> _Answer:
    """Which certificate of the served chain has the fault."""
    if matching:
        return True, _sentences(matching)
    return False, [
        "Nothing that the server sends now has this fault: it was mended since, another address of "
        "the host answered then, or the client reaches another server under that name."
    ]


def _tls(explanation: Explanation, report: Report, matching: list[Finding]) -> _Answer:
    """What the server negotiates."""
    sentences = _sentences(matching)
    for presented in report.presented:
        if presented.tls:
            group = f" with {presented.tls.group}" if presented.tls.group else ""
            sentences.append(
                f"{presented.address} negotiates {presented.tls.version}, "
                f"{presented.tls.cipher}{group}."
            )
    if matching:
        return True, sentences
    demand = _client_certificate(explanation, report, [])
    if demand[0]:
        return True, [*sentences, *demand[1]]
    return None, [
        *sentences,
        "From here nothing keeps a current Java from negotiating with it: compare with the TLS "
        "versions and cipher suites that the client allows.",
    ]


def _client_certificate(
    explanation: Explanation, report: Report, matching: list[Finding]
) -> _Answer:
    """Whether the server demands a client certificate, and from which CAs."""
    sentences = _sentences(f for f in matching if f.code != "client_certificate_required")
    demands = set()
    for presented in report.presented:
        asked = presented.client_certificate
        if asked is None:
            continue
        demands.add(asked.required)
        manner = {True: "demands", False: "asks for, and goes on without,", None: "asks for"}
        sentences.append(f"{presented.address} {manner[asked.required]} a client certificate.")
        if asked.authorities:
            accepted = shortened([f'"{name}"' for name in asked.authorities], _MAX_AUTHORITIES)
            sentences.append(f"It accepts those that are issued by {accepted}.")
        else:
            sentences.append("It does not say which CAs it accepts: ask its owner.")
    if not demands and not matching:
        return False, ["The server asks for no client certificate now."]
    return (True if matching or True in demands else None), sentences


def _address(explanation: Explanation, report: Report, matching: list[Finding]) -> _Answer:
    """Whether the port answers at all, and with TLS."""
    if matching:
        return True, _sentences(matching)
    if report.verdict == "refused":
        return None, [report.summary]
    if report.verdict == "unreachable":
        return None, [f"From here it fails in another way: {report.summary}"]
    answering = [presented.address for presented in report.presented if presented.chain]
    return False, [
        f"From here {listed(answering)} answers on port {report.target.port} with TLS and a "
        "certificate: look between the client and the server (VPN, firewall, proxy, DNS), and for "
        "the port that the client really uses."
    ]


def _none(explanation: Explanation, report: Report, matching: list[Finding]) -> _Answer:
    return None, ["Nothing that the server presents tells more about this error."]


_ANSWERS: Final[dict[Question, Callable[[Explanation, Report, list[Finding]], _Answer]]] = {
    Question.ISSUER: _issuer,
    Question.VALIDITY: _validity,
    Question.NAME: _name,
    Question.CONTENT: _content,
    Question.TLS: _tls,
    Question.CLIENT_CERTIFICATE: _client_certificate,
    Question.ADDRESS: _address,
    Question.NONE: _none,
}


def _sentences(findings: Iterable[Finding]) -> list[str]:
    return [_sentence(finding) for finding in findings]


def _sentence(finding: Finding) -> str:
    return f"{finding.message} {finding.remedy}".rstrip()


def _served(report: Report) -> Iterator[CertificateSummary]:
    """Each certificate once, however many addresses send it."""
    seen = set()
    for presented in report.presented:
        for certificate in presented.certificates:
            if certificate.sha256 not in seen:
                seen.add(certificate.sha256)
                yield certificate


def _leaves(report: Report) -> Iterator[Certificate]:
    for presented in report.presented:
        if presented.chain:
            try:
                yield Certificate.from_der(ssl.PEM_cert_to_DER_cert(presented.chain[0]))
            except FormatError:
                continue


def _outside(served: CertificateSummary, at: datetime) -> str | None:
    if served.not_before is None or served.not_after is None:
        return None
    name = f'"{visible(served.subject or "")}"'
    begin = datetime.fromisoformat(served.not_before)
    end = datetime.fromisoformat(served.not_after)
    if at > end:
        ago = counted((at - end).days, "day")
        return f"{name} is served and expired on {end:%Y-%m-%d}, {ago} ago."
    if at < begin:
        left = counted((begin - at).days, "day")
        return f"{name} is served and not valid before {begin:%Y-%m-%d}, in {left}."
    return None


def _has_date(served: CertificateSummary, text: str) -> bool:
    """Whether the validity ends or begins at this time of an error text."""
    try:
        moment = datetime.fromisoformat(" ".join(text.split()[:2])).replace(tzinfo=UTC)
    except ValueError:
        return False
    dates = [datetime.fromisoformat(d) for d in (served.not_after, served.not_before) if d]
    return any(abs(moment - date) <= _WIDEST_ZONE for date in dates)


def _is_for(leaf: Certificate, name: str, endpoint: Endpoint) -> bool:
    try:
        check_host(leaf, name, endpoint, LATEST_JDK)
    except Rejected:
        return False
    return True


def _endpoint(report: Report) -> Endpoint:
    target = report.target
    return "ldaps" if target.protocol == "ldap" or target.port in (636, 3269) else "https"


def _colons(fingerprint: str) -> str:
    return bytes.fromhex(fingerprint).hex(":").upper()
