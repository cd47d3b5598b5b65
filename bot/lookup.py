"""One target → one report: probe, complete, analyse."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, TypeAlias

from bot import report, report_building, summary
from bot.errors import FormatError, TargetError
from bot.jdk_roots import is_jdk_root
from bot.pki.advice import advise
from bot.pki.certificate import Certificate, Source
from bot.pki.evidence import Evidence, Served, merged, served_pairs, with_roots
from bot.pki.findings import find
from bot.pki.java import Endpoint
from bot.pki.options import Advice
from bot.pki.paths import Issuers, find_paths
from bot.pki.roots import Roots, public_roots
from bot.probe.handshake import probe
from bot.probe.presented import ConnectTo, Presented
from bot.probe.protocols import DIRECT_TLS_PORTS, Protocol
from bot.probe.target import Target, candidates
from bot.settings import Settings
from bot.text import visible

if TYPE_CHECKING:
    from bot.pki.company_roots import CompanyFolder
    from bot.probe.issuers import IssuerFinder

_Sourced: TypeAlias = tuple[Certificate, Source]

#: There was no connection, so somebody elsewhere may have one.
_UNREACHABLE: Final = frozenset(
    {"unresolvable", "resolve_timeout", "connect_timeout", "connection_refused"}
    | {"connection_reset", "no_route", "proxy_failed"}
)
_REFUSED: Final = "egress_denied"
_DIRECTORY_PORT: Final = 636


@dataclass(frozen=True, slots=True)
class GivenChain:
    """A chain that was read from a file, as it stood there; ``name`` is the file's."""

    name: str
    certificates: tuple[Certificate, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """What a report is wanted for.

    ``connect``: where to connect in place of the target's addresses; ``chain``: what to look at in
    place of connecting; ``installed``: what the truststore holds today; ``at``: the time, None for
    now.
    """

    target: Target
    connect: ConnectTo | None = None
    chain: GivenChain | None = None
    installed: tuple[Certificate, ...] = ()
    at: datetime | None = None


class Lookup:
    """Makes reports. One for the whole process and one event loop: it holds what reports share,
    such as the public roots and what was downloaded.

    async with Lookup(settings) as lookup:
        report = await lookup.report(Question(parse_target("dc01.corp.example:636")))
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._egress = settings.egress
        self._limits = settings.limits
        self._closing = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._closing.aclose()

    async def report(self, question: Question) -> report.Report:
        """The report that answers ``question``. Raises nothing that depends on what was asked for or
        on what a server does."""
        started = perf_counter()
        at = question.at or datetime.now(UTC)
        target, answers, notes = await self._presented(question)
        question = replace(question, target=target, at=at)
        if not any(answer.chain for answer in answers):
            return _without_chain(question, at, answers, notes, _timings(answers, started))
        chains, unreadable = _read_chains(answers)
        probed = perf_counter()
        stores, problems = self._stores()
        known, aia_problems = await self._completed(chains, stores)
        completed = perf_counter()
        evidence = Evidence(
            host=target.host,
            endpoint=_endpoint(target),
            at=at,
            chains=chains,
            known=with_roots(merged(known), *stores),
            installed=question.installed,
            is_jdk_root=lambda jdk: functools.partial(is_jdk_root, jdk),
            public_root=public_roots().find,
        )
        advice = advise(evidence)
        if unreadable:
            # Java ends the handshake at such a certificate, whatever is installed.
            advice = replace(advice, verdict="not_found", recommended=None)
        findings = report_building.ordered(
            [
                *unreadable,
                *report_building.probe_findings(answers),
                *map(report_building.finding, find(evidence, advice)),
                *map(report_building.finding, aia_problems),
                *problems,
                *notes,
            ]
        )
        phases = {
            "issuers": _milliseconds(completed - probed),
            "analysis": _milliseconds(perf_counter() - completed),
        }
        return _report(
            question, at, answers, evidence, advice, findings, _timings(answers, started, phases)
        )

    async def _presented(
        self, question: Question
    ) -> tuple[Target, tuple[Presented, ...], list[report.Finding]]:
        """What the target presents. Where no port was given, and a directory's may be meant, that
        is the target then if it answers."""
        given = question.chain
        if given is not None:
            ders = tuple(certificate.der for certificate in given.certificates)
            return question.target, (Presented(given.name, question.target.port, chain=ders),), []
        targets = candidates(question.target)
        probes = (
            probe(target, self._egress, connect=question.connect, limits=self._limits)
            for target in targets
        )
        answers = await asyncio.gather(*probes)
        if len(targets) == 1:
            return targets[0], answers[0], []
        found = list(zip(targets, answers, strict=True))
        found.sort(key=lambda each: (not _has_chain(each[1]), each[0].port != _DIRECTORY_PORT))
        (target, chosen), *others = found
        if not _has_chain(chosen):
            return target, tuple(answer for _, each in found for answer in each), []
        return target, chosen, [_other_port(target, chosen, *other) for other in others]

    def _stores(self) -> tuple[tuple[Roots, ...], list[report.Finding]]:
        """Where roots are looked up, and what is wrong with the company's."""
        folder = self._company_folder
        if folder is None:
            return (public_roots(),), []
        company = folder.roots()
        problems = [
            report.Finding(
                "company_roots",
                problem.severity,
                problem.message,
                problem.remedy,
                "WHICHROOT_COMPANY_ROOTS",
                None,
                (),
            )
            for problem in company.problems
        ]
        return (company, public_roots()), problems

    @functools.cached_property
    def _company_folder(self) -> CompanyFolder | None:
        if self._settings.company_roots is None:
            return None
        # Most have no such folder and need none of the readers of its files.
        from bot.pki.company_roots import CompanyFolder

        return CompanyFolder(self._settings.company_roots)

    @functools.cached_property
    def _issuer_finder(self) -> IssuerFinder:
        # HTTP takes long to import, and most chains are complete.
        from bot.probe.download_cache import DownloadCache
        from bot.probe.issuers import CompletionLimits, IssuerFinder

        finder = IssuerFinder(
            self._egress,
            DownloadCache(self._settings.cache_folder / "issuers"),
            CompletionLimits(seconds=self._settings.aia_timeout),
        )
        self._closing.push_async_callback(finder.aclose)
        return finder

    async def _completed(
        self, chains: Sequence[Served], stores: Sequence[Roots]
    ) -> tuple[list[_Sourced], Sequence[report.Finding]]:
        """Every certificate at hand: those served, and what AIA adds where no root is found."""
        pairs = list(served_pairs(chains))
        if not self._settings.aia:
            return pairs, ()
        distinct = dict.fromkeys(served.chain for served in chains)
        wanting = [chain for chain in distinct if _wants_issuers(chain, stores)]
        if not wanting:
            return pairs, ()

        def is_rooted(certificate: Certificate) -> bool:
            return any(_holds(store, certificate) for store in stores)

        completions = await asyncio.gather(
            *(
                self._issuer_finder.complete(chain[0], chain[1:], is_rooted=is_rooted)
                for chain in wanting
            )
        )
        pairs += (pair for completion in completions for pair in completion.found)
        problems = (problem for completion in completions for problem in completion.problems)
        return pairs, tuple(map(report_building.finding, problems))


def refused_input(text: str, error: TargetError, at: datetime | None = None) -> report.Report:
    """The report on an input that names no server."""
    return report.Report(
        target=report.Target(visible(text), None, None, None, None, None),
        verdict="refused",
        summary=str(error),
        at=report_building.iso(at or datetime.now(UTC)),
        findings=(
            report.Finding(
                "bad_target", "error", error.message, error.remedy, "RFC 3986 §3.2", None, ()
            ),
        ),
    )
