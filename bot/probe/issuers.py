"""Missing issuers, downloaded from where the certificates say that they are.

AIA's caIssuers (RFC 5280 §4.2.2.1) names URLs that anybody may have written and any server may
answer, so everything is bounded, an issuer is known by its signature alone, and nothing that comes
from here is proven: it completes a chain, it does not vouch for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import field
from typing import Final

from bot.errors import FormatError
from bot.pki.certificate import Certificate, Source
from bot.pki.names import Name
from bot.probe.download_cache import DownloadCache, Encoded
from bot.probe.download_limits import DownloadError, DownloadLimits
from bot.probe.egress import Egress
from bot.probe.presented import ProbeFinding
from bot.records import record
from bot.text import duration, visible

_AIA: Final = "RFC 5280 §4.2.2.1"


@record
class CompletionLimits:
    """Bounds of completing one chain: seconds in total, how many issuers above each other are
    downloaded, how many URLs are asked for one certificate and in all, how many certificates are
    taken in, how many signatures are checked; and the bounds of each download."""

    seconds: float = 15.0
    depth: int = 6
    urls_per_certificate: int = 8
    urls: int = 24
    certificates: int = 100
    signatures: int = 500
    download: DownloadLimits = field(default_factory=DownloadLimits)


@record
class Completion:
    """What was downloaded. ``found``: every certificate, the issuers of the lowest one first, with
    the URL it came from; a response's other certificates are kept, they may be part of a path.
    ``problems``: what went wrong; ``info`` when the issuer was found all the same."""

    found: tuple[tuple[Certificate, Source], ...] = ()
    problems: tuple[ProbeFinding, ...] = ()


def _never(certificate: Certificate) -> bool:
    return False


class IssuerFinder:
    """Completes chains. One for the whole process: its ``cache`` joins equal downloads.

    ``egress`` guards every connection, redirects included.
    """

    def __init__(
        self,
        egress: Egress,
        cache: DownloadCache | None = None,
        limits: CompletionLimits = CompletionLimits(),  # noqa: B008  frozen: nobody can change the shared one
    ) -> None:
        self._egress = egress
        self._cache = cache or DownloadCache()
        self._limits = limits

    async def complete(
        self,
        leaf: Certificate,
        others: Iterable[Certificate] = (),
        *,
        is_rooted: Callable[[Certificate], bool] = _never,
    ) -> Completion:
        """The issuers that are missing between ``leaf`` and a root.

        ``others`` are at hand already, in any order, such as the rest of the chain as served. A
        certificate for which ``is_rooted`` is true needs no issuer: a known root is, or has issued,
        it. Never raises for what a certificate or a server says.
        """
        return await _Climb(self, leaf, others, is_rooted).run()

    @property
    def limits(self) -> CompletionLimits:
        return self._limits

    async def fetch(self, url: str) -> tuple[Certificate, ...]:
        """The certificates at ``url``, DER, PEM or PKCS#7 whatever it is called. Raises
        DownloadError."""
        encoded = await self._cache.get(url, lambda: self._download(url))
        return tuple(map(Certificate.from_der, encoded))

    async def _download(self, url: str) -> Encoded:
        # Imported late: most chains are complete, or their issuers are kept.
        from bot.probe.downloads import download
        from bot.probe.web import connecting

        body = await download(connecting(self._egress), url, self._limits.download)
        if (alone := _only_certificate(body)) is not None:
            return (alone,)
        # In a thread: a hostile file may take a while to read.
        return await asyncio.to_thread(certificates_in, body, url)


@record(frozen=False)
class _Answer:
    """What the URL that ``subject`` names gave."""

    subject: Certificate
    url: str
    certificates: Sequence[Certificate] = ()
    error: DownloadError | None = None


@record(frozen=False)
class _Climb:
    finder: IssuerFinder
    leaf: Certificate
    others: Iterable[Certificate]
    is_rooted: Callable[[Certificate], bool]
    by_subject: dict[Name, dict[Certificate, None]] = field(default_factory=dict)
    visited: set[Certificate] = field(default_factory=set)
    asked: set[tuple[Certificate, str]] = field(default_factory=set)
    found: dict[Certificate, Source] = field(default_factory=dict)
    problems: dict[ProbeFinding, None] = field(default_factory=dict)
    urls: int = 0
    signatures: int = 0

    async def run(self) -> Completion:
        limits = self.finder.limits
        loop = asyncio.get_running_loop()
        deadline = loop.time() + limits.seconds
        for certificate in (self.leaf, *self.others):
            self._add(certificate)
        missing = self._without_issuer([self.leaf])
        for level in range(limits.depth + 1):
            wanted = [(c, url) for c in missing for url in self._urls(c)]
            if not wanted:
                break
            if level == limits.depth:
                self._problem(
                    "aia_depth",
                    f"After {level} downloaded issuers there was still no root.",
                    "Ask the system's owner for the root certificate.",
                )
                break
            answers = await self._ask(wanted, max(0.0, deadline - loop.time()))
            self._take(missing, answers)
            for certificate in missing:
                self.visited.discard(certificate)
            # Those that are still missing have been asked about: they bring no URL again.
            missing = self._without_issuer(missing)
        return Completion(tuple(self.found.items()), tuple(self.problems))

    def _add(self, certificate: Certificate) -> None:
        self.by_subject.setdefault(certificate.subject, {})[certificate] = None

    def _without_issuer(self, start: Sequence[Certificate]) -> list[Certificate]:
        """Climbs from ``start`` through what is at hand, to where an issuer is missing."""
        missing = []
        todo = list(start)
        while todo:
            certificate = todo.pop(0)
            if certificate in self.visited:
                continue
            self.visited.add(certificate)
            if self.is_rooted(certificate) or certificate.is_self_signed:
                continue
            issuers = self._issuers(certificate, self.by_subject.get(certificate.issuer, ()))
            todo += issuers
            if not issuers:
                missing.append(certificate)
        return missing

    def _issuers(self, certificate: Certificate, among: Iterable[Certificate]) -> list[Certificate]:
        found = []
        for candidate in among:
            if candidate.subject != certificate.issuer or candidate == certificate:
                continue
            self.signatures += 1
            if self.signatures > self.finder.limits.signatures:
                self._problem(
                    "aia_signatures",
                    f"More than {self.finder.limits.signatures} signatures would have to be "
                    "checked to find every issuer.",
                    "Ask the system's owner for the chain of certificates.",
                )
                break
            if certificate.is_signed_by(candidate):
                found.append(candidate)
        return found

    def _urls(self, certificate: Certificate) -> list[str]:
        """The URLs of ``certificate`` that are not asked yet, within the limits."""
        limits = self.finder.limits
        named = [
            url
            for url in dict.fromkeys(certificate.ca_issuers)
            if (certificate, url) not in self.asked
        ]
        allowed = min(len(named), limits.urls_per_certificate, limits.urls - self.urls)
        self.urls += allowed
        self.asked.update((certificate, url) for url in named)
        if len(named) > allowed:
            self._problem(
                "aia_urls",
                f"{certificate.subject.short} names more addresses of issuers than are asked; "
                f"{len(named) - allowed} were left out.",
                "Ask the system's owner for the chain of certificates.",
            )
        return named[:allowed]

    async def _ask(
        self, wanted: Sequence[tuple[Certificate, str]], seconds: float
    ) -> list[_Answer]:
        tasks = [asyncio.create_task(self._answer(*each)) for each in wanted]
        try:
            await asyncio.wait(tasks, timeout=seconds)
        finally:
            late = [task for task in tasks if not task.done()]
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        if late:
            self._problem(
                "aia_total_timeout",
                "Missing issuers were not all downloaded within "
                f"{duration(self.finder.limits.seconds)}.",
                "Try again later, or ask the system's owner for the chain of certificates.",
            )
        return [task.result() for task in tasks if not task.cancelled()]

    async def _answer(self, certificate: Certificate, url: str) -> _Answer:
        scheme = url.partition(":")[0].strip().lower()
        if scheme in ("ldap", "ldaps"):
            return _Answer(certificate, url, error=_directory(certificate, url))
        try:
            return _Answer(certificate, url, await self.finder.fetch(url))
        except DownloadError as error:
            return _Answer(certificate, url, error=error)

    def _take(self, missing: Sequence[Certificate], answers: Sequence[_Answer]) -> None:
        for certificate in missing:
            mine = [answer for answer in answers if answer.subject == certificate]
            signers = {
                answer.url: self._issuers(certificate, answer.certificates) for answer in mine
            }
            solved = any(signers.values())
            for answer in mine:
                issuers = signers[answer.url]
                rest = [c for c in answer.certificates if c not in issuers]
                for found in (*issuers, *rest):
                    self._keep(found, answer.url)
                if answer.error is not None:
                    error = answer.error
                    code = f"aia_{error.code}"
                    self._problem(code, error.message, error.remedy, solved)
                elif not issuers:
                    self._problem(
                        "aia_not_issuer",
                        f"{visible(answer.url)} holds no certificate that signed "
                        f"{certificate.subject.short}.",
                        "Ask the owner of the CA to publish the right one, or for the certificate "
                        f'of "{certificate.issuer.short}" as Base64 PEM.',
                        solved,
                    )

    def _keep(self, certificate: Certificate, url: str) -> None:
        limit = self.finder.limits.certificates
        if certificate in self.found:
            return
        if len(self.found) >= limit:
            self._problem(
                "aia_certificates",
                f"More than {limit} certificates were offered as issuers; the rest is left out.",
                "Ask the system's owner for the chain of certificates.",
            )
            return
        self.found[certificate] = Source("aia", visible(url))
        self._add(certificate)

    def _problem(self, code: str, message: str, remedy: str, solved: bool = False) -> None:
        severity: Final = "info" if solved else "warning"
        self.problems[ProbeFinding(code, severity, message, remedy, _AIA)] = None


def certificates_in(body: bytes, url: str) -> Encoded:
    """The certificates in what ``url`` gave, as DER, each once. Raises DownloadError."""
    # Imported late: it reads every format that a certificate file may have.
    from bot.pki.formats import read

    shown = visible(url)
    remedy = (
        "Ask the owner of the CA to publish its certificate there (DER, or PKCS#7 for several), or "
        "for the certificate itself as Base64 PEM."
    )
    try:
        reading = read(body)
    except FormatError as error:
        message = f"{shown} gives no certificate: {error.message}"
        raise DownloadError("unreadable", message, remedy) from None
    if reading.private_keys:
        message = f"{shown} gives away a private key; nothing of it is used."
        raise DownloadError("private_key", message, remedy)
    return tuple(dict.fromkeys(found.certificate.der for found in reading.certificates))


def _only_certificate(body: bytes) -> bytes | None:
    """``body``, if it is one certificate in DER, as it should be (RFC 5280 §4.2.2.1)."""
    try:
        return Certificate.from_der(body).der
    except FormatError:
        return None


def _directory(certificate: Certificate, url: str) -> DownloadError:
    return DownloadError(
        "directory",
        f"{visible(url)} names an entry of a directory, which only its own computers can read.",
        f'Ask the owner of the directory for the certificate of "{certificate.issuer.short}" as '
        "Base64 PEM, and for the CA to name an http address too.",
    )
