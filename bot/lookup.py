"""The main job: a target → the report on which certificate to request.

Data goes one way: the target is probed, its chain completed with what AIA, the root programmes and the
company's folder hold, and the analysis of all that becomes the report.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from bot import report, report_building, summary
from bot.errors import FormatError, TargetError
from bot.jdk_roots import jdk_root_test
from bot.pki.advice import advise
from bot.pki.certificate import Certificate, Source
from bot.pki.evidence import (
    Evidence,
    Served,
    merged,
    served_pairs,
    server_certificate,
    with_roots,
)
from bot.pki.findings import find
from bot.pki.java import Endpoint
from bot.pki.options import Advice
from bot.pki.roots import Roots, public_roots
from bot.probe.handshake import probe
from bot.probe.presented import ConnectTo, Presented, ProbeFinding
from bot.probe.protocols import Protocol
from bot.probe.target import Target, candidates
from bot.records import record
from bot.redaction import redacted
from bot.settings import Settings
from bot.text import authority, visible

if TYPE_CHECKING:
    from bot.pki.company_roots import CompanyFolder
    from bot.probe.issuers import IssuerFinder

_LDAPS_PORTS: Final = (636, 3269)
_DENIED: Final = "egress_denied"
_UNREADABLE: Final = "unreadable_certificate"
#: Certificates of more bytes than this together are analysed in a thread; a chain has a few thousand.
_MANY_BYTES: Final = 64 * 1024


@record
class Question:
    """What is asked of one target.

    ``connect``: where to connect in place of the host's own addresses; ``chain``: the chain as
    served, with the name of the file it was read from, where the server cannot be reached from
    here; ``installed``: what the truststore holds today; ``at``: the client's clock, None for now;
    ``offline``: download no issuers.
    """

    target: Target
    connect: ConnectTo | None = None
    chain: tuple[str, tuple[Certificate, ...]] | None = None
    installed: tuple[Certificate, ...] = ()
    at: datetime | None = None
    offline: bool = False


class Lookup:
    """Answers questions; one for the whole process, used within one event loop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._egress = settings.egress
        self._limits = settings.limits
        self._company: CompanyFolder | None = None
        self._finder: IssuerFinder | None = None

    async def answer(self, question: Question) -> report.Report:
        """The report. Expected failures are in it; nothing is raised for what a server does."""
        started = time.perf_counter()
        phases: dict[str, float] = {}
        target, answers, problems = await self._ask(question)
        evidence = await self._evidence(question, target, answers, problems, phases)
        analyse = partial(_analysed, question, target, answers, problems, evidence, phases, started)
        if sum(len(known.certificate.der) for known in evidence.everything) > _MANY_BYTES:
            # Names by the ten thousand take a while, and others wait for this event loop.
            return await asyncio.to_thread(analyse)
        return analyse()

    async def _ask(
        self, question: Question
    ) -> tuple[Target, tuple[Presented, ...], list[ProbeFinding]]:
        """What the target presents; of several ports the last that presented a chain."""
        target = question.target
        if question.chain is not None:
            name, chain = question.chain
            return target, (Presented(name, target.port, chain=tuple(c.der for c in chain)),), []
        wanted = (target,) if question.connect else candidates(target)
        probes = [
            probe(one, self._egress, connect=question.connect, limits=self._limits)
            for one in wanted
        ]
        if len(probes) == 1:
            return target, await probes[0], []
        asked = await asyncio.gather(*probes)
        answered = [one for one, got in zip(wanted, asked, strict=True) if _has_chain(got)]
        chosen = answered[-1] if answered else target
        ports = " and ".join(str(one.port) for one in answered) or "none"
        note = ProbeFinding(
            "ports_tried",
            "info",
            f"No port was given, and {visible(target.host)} looks like a directory server: of the "
            f"ports {' and '.join(str(one.port) for one in wanted)} {ports} answered.",
            f"Name the port that the connector uses, as {replace(target, port=636).address}.",
            "RFC 4513 §3.1",
        )
        return chosen, dict(zip(wanted, asked, strict=True))[chosen], [note]

    async def _evidence(
        self,
        question: Question,
        target: Target,
        answers: Sequence[Presented],
        problems: list[ProbeFinding],
        phases: dict[str, float],
    ) -> Evidence:
        chains = tuple(
            Served(answer.address, chain)
            for answer in answers
            if (chain := _read_chain(answer, problems))
        )
        stores = (*self._company_roots(problems), public_roots())
        pairs = list(served_pairs(chains))
        if self._settings.aia and not question.offline:
            started = time.perf_counter()
            pairs += await self._downloaded(chains, stores, problems)
            phases["issuers"] = _milliseconds(started)
        return Evidence(
            host=target.host,
            endpoint=endpoint_of(target),
            at=question.at or datetime.now(UTC),
            chains=chains,
            known=with_roots(merged(pairs), *stores),
            installed=question.installed,
            is_jdk_root=jdk_root_test,
            public_root=public_roots().find,
        )

    def _company_roots(self, problems: list[ProbeFinding]) -> tuple[Roots, ...]:
        folder = self._settings.company_roots
        if folder is None:
            return ()
        if self._company is None:
            # Imported late: it reads every format that a certificate file may have.
            from bot.pki.company_roots import CompanyFolder

            self._company = CompanyFolder(folder)
        company = self._company.roots()
        problems += (
            ProbeFinding(
                "company_folder", p.severity, p.message, p.remedy, "WHICHROOT_COMPANY_ROOTS"
            )
            for p in company.problems
        )
        return (company,)

    async def _downloaded(
        self,
        chains: Sequence[Served],
        stores: Sequence[Roots],
        problems: list[ProbeFinding],
    ) -> list[tuple[Certificate, Source]]:
        def is_rooted(certificate: Certificate) -> bool:
            return any(s.find(certificate) or s.issuers_of(certificate) for s in stores)

        found: list[tuple[Certificate, Source]] = []
        for chain in dict.fromkeys(served.chain for served in chains):
            if not any(certificate.ca_issuers for certificate in chain):
                continue
            leaf = server_certificate(chain)
            completion = await self._issuers().complete(leaf, chain, is_rooted=is_rooted)
            found += completion.found
            problems += completion.problems
        return found

    def _issuers(self) -> IssuerFinder:
        if self._finder is None:
            # Imported late: most chains need no download, and HTTP costs tens of milliseconds.
            from bot.probe.download_cache import DownloadCache
            from bot.probe.issuers import CompletionLimits, IssuerFinder

            limits = CompletionLimits(seconds=self._settings.aia_timeout)
            cache = DownloadCache(self._settings.cache_folder / "issuers")
            self._finder = IssuerFinder(self._egress, cache, limits)
        return self._finder


def refused(text: str, error: TargetError, at: datetime | None = None) -> report.Report:
    """The report on a text that names no server."""
    found = report.Finding("bad_target", "error", error.message, error.remedy, "", None, ())
    target = report.Target(redacted(text), None, None, None, None, None)
    return _empty(target, "refused", str(error), at or datetime.now(UTC), None, (), (found,), {})


def failed(question: Question, told: str) -> report.Report:
    """The report where the program itself went wrong; ``told`` says where its traces are."""
    message = f"{question.target.label} could not be checked."
    found = report.Finding("fault", "error", message, told, "", None, ())
    target = _described(question.target, question.connect)
    at = question.at or datetime.now(UTC)
    return _empty(target, "refused", f"{message} {told}", at, None, (), (found,), {})


def endpoint_of(target: Target) -> Endpoint:
    """Which of Java's name checks applies: LDAP's over LDAPS and StartTLS, else that of HTTPS."""
    is_ldap = target.protocol is Protocol.LDAP or target.port in _LDAPS_PORTS
    return "ldaps" if is_ldap else "https"


def _analysed(
    question: Question,
    target: Target,
    answers: Sequence[Presented],
    problems: Sequence[ProbeFinding],
    evidence: Evidence,
    phases: dict[str, float],
    started: float,
) -> report.Report:
    """The report on what was gathered."""
    analysis = time.perf_counter()
    advice = advise(evidence) if evidence.distinct_chains else None
    if advice and any(problem.code == _UNREADABLE for problem in problems):
        # Java ends the handshake at such a certificate, whatever is installed.
        advice = replace(advice, verdict="not_found", recommended=None)
        advice = replace(advice, findings=find(evidence, advice))
    findings = report_building.ordered(
        (
            *report_building.probe_findings(answers),
            *map(report_building.finding, problems),
            *map(report_building.finding, advice.findings if advice else ()),
        )
    )
    phases["analysis"] = _milliseconds(analysis)
    phases["total"] = _milliseconds(started)
    timings = report_building.timings(answers, phases)
    if advice is None:
        return _without_chain(question, target, answers, findings, evidence.at, timings)
    return _with_advice(question, target, answers, findings, evidence, advice, timings)


def _without_chain(
    question: Question,
    target: Target,
    answers: Sequence[Presented],
    findings: tuple[report.Finding, ...],
    at: datetime,
    timings: report.Timings,
) -> report.Report:
    errors = [answer.error for answer in answers if answer.error]
    denied = bool(errors) and all(error.code == _DENIED for error in errors)
    answered = any(summary.is_in_plain_words(error.code) for error in errors)
    return _empty(
        _described(target, question.connect),
        "refused" if denied else "unreachable",
        summary.of_errors(errors),
        at,
        None if denied or answered else summary.command(target, question.connect),
        tuple(report_building.presented(answer, at) for answer in answers),
        findings,
        timings,
    )


def _empty(
    target: report.Target,
    verdict: report.Verdict,
    text: str,
    at: datetime,
    command: str | None,
    presented: tuple[report.Presented, ...],
    findings: tuple[report.Finding, ...],
    timings: report.Timings,
) -> report.Report:
    """A report without a chain."""
    return report.Report(
        target=target,
        verdict=verdict,
        summary=text,
        at=report_building.iso(at),
        recommended=None,
        options=(),
        other_roots=(),
        installed=None,
        missing=None,
        request_text=None,
        command=command,
        presented=presented,
        paths=(),
        findings=findings,
        timings_ms=timings,
    )


def _with_advice(
    question: Question,
    target: Target,
    answers: Sequence[Presented],
    findings: tuple[report.Finding, ...],
    evidence: Evidence,
    advice: Advice,
    timings: report.Timings,
) -> report.Report:
    at = evidence.at
    built = report_building
    options = {id(option): built.option(option, at) for option in advice.options}
    return report.Report(
        target=_described(target, question.connect),
        verdict=advice.verdict,
        summary=summary.of_advice(advice, findings),
        at=built.iso(at),
        recommended=options[id(advice.recommended)] if advice.recommended else None,
        options=tuple(options.values()),
        other_roots=tuple(built.option(option, at) for option in advice.other_roots),
        installed=built.predictions(advice.installed) if advice.installed else None,
        missing=built.missing_issuer(advice.missing, at) if advice.missing else None,
        request_text=advice.request_text,
        command=None,
        presented=tuple(built.presented(answer, at) for answer in answers),
        paths=built.paths(evidence),
        findings=findings,
        timings_ms=timings,
    )


def _described(target: Target, connect: ConnectTo | None) -> report.Target:
    where = None
    if connect:
        where = connect.host if connect.port is None else authority(connect.host, connect.port)
    return report.Target(
        target.input, target.host, target.unicode_host, target.port, str(target.protocol), where
    )


def _read_chain(answer: Presented, problems: list[ProbeFinding]) -> tuple[Certificate, ...]:
    """The certificates that can be read; each other one becomes a problem."""
    chain = []
    for index, der in enumerate(answer.chain, 1):
        try:
            chain.append(Certificate.from_der(der))
        except FormatError as error:
            problems.append(
                ProbeFinding(
                    _UNREADABLE,
                    "error",
                    f"Certificate {index} of the chain cannot be read: {error.message}",
                    "Have the server's certificate issued again.",
                    "java.security.cert.CertificateFactory",
                    "java.security.cert.CertificateException",
                )
            )
    return tuple(chain)


def _has_chain(answers: Sequence[Presented]) -> bool:
    return any(answer.chain for answer in answers)


def _milliseconds(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 3)
