"""The certificates that could be installed, the best first, by what Java decides about them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

from bot.computed import cached_property
from bot.pki.certificate import Certificate
from bot.pki.evidence import Evidence
from bot.pki.java import LATEST_JDK, Prediction
from bot.pki.judge import Chain, Judge
from bot.pki.paths import CandidatePath
from bot.records import record

#: More candidates of one kind than this are not tried: they come best first.
MAX_CANDIDATES = 8
#: Certificates that may have to be installed together, where no single one will do.
MAX_TOGETHER = 3


@record
class Candidate:
    """A set to install: ``certificates`` all of it, ``extras`` the intermediates among them that
    stand in for what the server does not send; ``covered`` the chains that the newest JDK accepts."""

    certificates: Chain
    covered: frozenset[Chain]
    predictions: dict[int, Prediction]
    extras: Chain = ()

    @property
    def is_accepted(self) -> bool:
        return self.predictions[LATEST_JDK].accepted


class Candidates:
    """What there is to choose from for the chains of ``evidence``."""

    def __init__(self, evidence: Evidence, judge: Judge) -> None:
        self._evidence = evidence
        self._judge = judge

    @cached_property
    def roots(self) -> tuple[Candidate, ...]:
        """The roots, each with the intermediates that it takes to bridge what the servers omit;
        and where none covers every address, the smallest set of roots that does."""
        paths = [path for path in self._all_paths if path.end == "root"]
        if all(len(path.certificates) == 1 for path in paths):
            # Servers that are their own roots: see ``server``.
            return ()
        return self._ranked([self._with_extras(r) for r in self._best(p.last for p in paths)])

    @cached_property
    def intermediates(self) -> tuple[Candidate, ...]:
        """The CA certificates between leaf and root."""
        inner = (
            certificate
            for path in self._all_paths
            for certificate in path.certificates[1 : None if path.end != "root" else -1]
        )
        return self._ranked([self._candidate((c,)) for c in self._best(inner)])

    @cached_property
    def server(self) -> Candidate | None:
        """The leaf of every chain; None where there is no chain."""
        leaves = self._evidence.leaves[:MAX_CANDIDATES]
        return self._candidate(leaves) if leaves else None

    @cached_property
    def proven(self) -> frozenset[Certificate]:
        """The certificates that somebody vouches for: directly, or because Java accepts the path
        from the leaf through them to one that is vouched for. A signature alone is not enough: a CA
        may be bound by constraints that an anchor is not."""
        proven: set[Certificate] = set()
        for leaf, paths in self._evidence.paths.items():
            if self._evidence.describe(leaf).is_vouched_for:
                proven.add(leaf)
            for path in paths[:MAX_CANDIDATES]:
                for index, anchor in enumerate(path.certificates[1:], 1):
                    if not self._evidence.describe(anchor).is_vouched_for:
                        continue
                    proven.add(anchor)
                    below = path.certificates[:index]
                    if not proven.issuperset(below) and self._judge.vouches(below, anchor):
                        proven.update(below)
        return frozenset(proven)

    def is_current(self, certificate: Certificate) -> bool:
        """Whether whoever vouches for the certificate does so today."""
        if self._evidence.describe(certificate).has_source("company"):
            return True
        root = self._evidence.public_root(certificate)
        return root is not None and root.certificate == certificate and root.is_current

    @cached_property
    def _all_paths(self) -> tuple[CandidatePath, ...]:
        return tuple(path for paths in self._evidence.paths.values() for path in paths)

    def _best(self, certificates: Iterable[Certificate]) -> list[Certificate]:
        return sorted(dict.fromkeys(certificates), key=self._merit, reverse=True)[:MAX_CANDIDATES]

    def _merit(self, certificate: Certificate) -> tuple[bool, bool, bool, bool, float, str]:
        return (
            certificate in self.proven,
            self.is_current(certificate),
            certificate.not_after >= self._evidence.at,
            certificate.is_self_issued,
            certificate.not_after.timestamp(),
            certificate.sha256,
        )

    def _candidate(self, certificates: Chain, extras: Chain = ()) -> Candidate:
        everything = (*certificates, *extras)
        return Candidate(
            everything,
            self._judge.accepted_chains(everything),
            self._judge.predictions(everything),
            extras,
        )

    def _with_extras(self, root: Certificate) -> Candidate:
        """``root`` with the fewest intermediates that let it cover what it can cover."""
        extras: list[Certificate] = []
        for chain in self._evidence.distinct_chains:
            if not self._judge.prediction(chain, (root, *extras)).accepted:
                extras += self._bridge(root, chain)
        return self._candidate((root,), tuple(dict.fromkeys(extras)))

    def _bridge(self, root: Certificate, chain: Chain) -> Chain:
        """The intermediates that ``chain`` lacks on its way to ``root``, as far as they help."""
        paths = self._evidence.paths.get(chain[0], ())
        for path in (p for p in paths if p.last == root):
            lacking = [c for c in path.certificates[1:-1] if c not in chain]
            for certificate in lacking:
                if self._judge.prediction(chain, (root, certificate)).accepted:
                    return (certificate,)
        return ()

    def _ranked(self, found: list[Candidate]) -> tuple[Candidate, ...]:
        everywhere = len(self._evidence.distinct_chains)
        if found and max(len(candidate.covered) for candidate in found) < everywhere:
            found += self._together(found)
        return tuple(sorted(found, key=self._rank, reverse=True))

    def _together(self, found: list[Candidate]) -> list[Candidate]:
        """The smallest sets that cover every chain where no single candidate does."""
        everywhere = frozenset(self._evidence.distinct_chains)
        for size in range(2, MAX_TOGETHER + 1):
            sets = []
            for several in combinations(found, size):
                if frozenset().union(*(c.covered for c in several)) == everywhere:
                    extras = tuple(dict.fromkeys(e for c in several for e in c.extras))
                    main = dict.fromkeys(x for c in several for x in c.certificates)
                    sets.append(self._candidate(tuple(x for x in main if x not in extras), extras))
            if any(candidate.is_accepted for candidate in sets):
                return sets
        return []

    def _rank(self, candidate: Candidate) -> tuple[object, ...]:
        certificates = [c for c in candidate.certificates if c not in candidate.extras]
        return (
            len(candidate.covered),
            all(c in self.proven for c in candidate.certificates),
            sum(prediction.accepted for prediction in candidate.predictions.values()),
            -len(candidate.certificates),
            min(map(self._merit, certificates)),
        )
