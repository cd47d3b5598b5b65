"""What the checks look at: each chain with the path that matters."""

from __future__ import annotations

from collections.abc import Iterator

from bot.computed import cached_property
from bot.pki.certificate import Certificate
from bot.pki.evidence import Evidence, server_certificate
from bot.pki.options import Advice
from bot.pki.paths import CandidatePath, is_root
from bot.pki.wording import quoted
from bot.records import record


@record(slots=False)
class View:
    """One chain as served, the addresses that serve it, and its path to the root in question."""

    chain: tuple[Certificate, ...]
    addresses: tuple[str, ...]
    path: CandidatePath

    @property
    def leaf(self) -> Certificate:
        return self.path.certificates[0]

    @property
    def root(self) -> Certificate | None:
        """The root of the path; None where it is missing, or the leaf itself."""
        return self.path.last if self.path.end == "root" and self.issuers else None

    @property
    def issuers(self) -> tuple[Certificate, ...]:
        """The CA certificates of the path, the leaf's issuer first."""
        return self.path.certificates[1:]

    @property
    def intermediates(self) -> tuple[Certificate, ...]:
        """The issuers without the root."""
        return self.issuers[:-1] if self.root else self.issuers


class Picture:
    """The evidence seen in the light of the advice."""

    def __init__(
        self, evidence: Evidence, advice: Advice, views: tuple[View, ...] | None = None
    ) -> None:
        self.evidence = evidence
        self.advice = advice
        self.at = evidence.at
        #: One per distinct chain, by default with the path to the root that the advice is about.
        self.views = views or tuple(
            View(chain, addresses, self._path(chain))
            for chain, addresses in evidence.distinct_chains.items()
        )

    @cached_property
    def roots(self) -> tuple[Certificate, ...]:
        """The roots of the views, each once."""
        return tuple(dict.fromkeys(view.root for view in self.views if view.root))

    def each(self) -> Iterator[tuple[str, Certificate]]:
        """Every certificate of the paths once, with its role: ``leaf``, ``intermediate``,
        ``root``."""
        seen: set[Certificate] = set()
        for view in self.views:
            for certificate in view.path.certificates:
                if certificate in seen:
                    continue
                seen.add(certificate)
                if certificate == view.leaf:
                    yield "leaf", certificate
                elif certificate != view.root:
                    yield "intermediate", certificate
                else:
                    yield "root", certificate

    def named(self, role: str, certificate: Certificate) -> str:
        """The certificate as the subject of a sentence, with the addresses where these matter."""
        kind = {"leaf": "The server's certificate", "root": "The root"}.get(
            role, "The intermediate"
        )
        return f"{kind} {quoted(certificate)}{self._where(certificate)}"

    def is_recommended(self, certificate: Certificate) -> bool:
        recommended = self.advice.recommended
        return recommended is not None and any(
            known.certificate == certificate for known in recommended.certificates
        )

    def _where(self, certificate: Certificate) -> str:
        if len(self.views) < 2:
            return ""
        concerned = [view for view in self.views if certificate in view.path.certificates]
        if len(concerned) in (0, len(self.views)):
            return ""
        addresses = [address for view in concerned for address in view.addresses]
        return f" (at {', '.join(addresses[:3])}{', …' if len(addresses) > 3 else ''})"

    @cached_property
    def _wanted(self) -> tuple[Certificate, ...]:
        for option in self.advice.options:
            if option.option == "root":
                return tuple(k.certificate for k in option.certificates if is_root(k.certificate))
        return ()

    def _path(self, chain: tuple[Certificate, ...]) -> CandidatePath:
        """The path to the root in question that is most likely to hold."""
        leaf = server_certificate(chain)
        paths = self.evidence.paths.get(leaf) or (CandidatePath((leaf,), "missing"),)

        def merit(path: CandidatePath) -> tuple[int, ...]:
            issuers = path.certificates[1:]
            inner = issuers[:-1] if path.end == "root" else issuers
            return (
                path.last not in self._wanted,
                path.end != "root",
                sum(not c.not_before <= self.at <= c.not_after for c in inner),
                sum(not c.is_ca for c in issuers),
                sum(c not in chain for c in inner),
                len(issuers),
            )

        return min(paths, key=merit)
