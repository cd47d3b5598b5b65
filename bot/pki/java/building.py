"""How Java searches a path through certificates in any order (``PKIXValidator.doBuild``,
``SunCertPathBuilder``, ``ForwardBuilder``): depth first, from the leaf towards an anchor.

The JDK keeps the candidates of one step in a sorted set and a hash set. Their order decides only
which of several acceptable paths is found, and, after two certificates in a row that issue
themselves, which branches the search gives up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bot.pki.certificate import Certificate
from bot.pki.extensions import DIRECTORY, SUBJECT_ALTERNATIVE_NAME, GeneralName
from bot.pki.java.algorithms import AlgorithmCheck
from bot.pki.java.checks import (
    ConstraintsCheck,
    SignatureCheck,
    check_ca_key_usage,
    has_unhandled_critical_extension,
    is_valid_at,
    path_length,
)
from bot.pki.java.name_constraints import allows_path
from bot.pki.java.outcome import Situation, ValidPath
from bot.pki.java.policies import PolicyCheck
from bot.pki.java.rejection import BUILDING_FAILED, PathInvalid, Rejected
from bot.pki.names import Name

#: ``PKIXBuilderParameters.getMaxPathLength``: intermediates that do not issue themselves.
_MAX_PATH_LENGTH = 5

#: Up to this JDK the builder asks of each issuer whether its name constraints allow the path so far.
_CONSTRAINTS_ASKED_BEFOREHAND = 11

#: Steps after which the search gives up. Java would go on; the ten certificates that a connection
#: may carry need fewer.
_MAX_STEPS = 20_000


def build(chain: Sequence[Certificate], situation: Situation) -> ValidPath:
    """A path from ``chain[0]`` to an anchor. Raises Rejected."""
    search = _Search(situation, tuple(dict.fromkeys(chain)))
    leaf = chain[0]
    if is_valid_at(leaf, situation.at) and search.admits(leaf):
        search.path.append(leaf)
        if search.extend(0):
            return ValidPath((*search.path, search.anchor), search.added_names)
    raise Rejected(BUILDING_FAILED)


@dataclass
class _Search:
    situation: Situation
    pool: tuple[Certificate, ...]
    path: list[Certificate] = field(default_factory=list)
    added_names: tuple[GeneralName, ...] = ()
    _anchor: Certificate | None = None
    _steps: int = 0
    _asked: bool = False

    @property
    def anchor(self) -> Certificate:
        if self._anchor is None:
            raise RuntimeError("the search has not found a path")
        return self._anchor

    def extend(self, authorities: int) -> bool:
        """Whether the path can be continued to an anchor; ``authorities`` is the number of
        intermediates in it that do not issue themselves."""
        current = self.path[-1]
        for candidate in self._candidates(current, authorities):
            self._steps += 1
            if self._steps > _MAX_STEPS or not self._may_follow(candidate):
                continue
            if candidate in self.situation.anchors:
                if self._verifies(candidate):
                    self._anchor = candidate
                    return True
                continue
            if current.is_self_issued and candidate.is_self_issued:
                return False
            self.path.append(candidate)
            counts = not candidate.is_self_issued and path_length(candidate) != -1
            if self.extend(authorities + counts):
                return True
            self.path.pop()
        return False

    def admits(self, certificate: Certificate) -> bool:
        """Whether nothing in the certificate alone forbids it a place in a path."""
        try:
            self.situation.check_blocked(certificate)
        except PathInvalid:
            return False
        return certificate in self.situation.anchors or not has_unhandled_critical_extension(
            certificate
        )

    def _may_follow(self, candidate: Certificate) -> bool:
        if not self.admits(candidate):
            return False
        if candidate in self.situation.anchors:
            return True
        try:
            check_ca_key_usage(candidate)
        except PathInvalid:
            return False
        return path_length(candidate) != -1

    def _candidates(self, current: Certificate, authorities: int) -> list[Certificate]:
        issuer = current.issuer
        # The JDK asks every time with the same selector, to which the first question has added
        # the date: an expired anchor is found at the first step only.
        anchors = (
            anchor
            for anchor in self.situation.anchors
            if anchor.subject == issuer
            and _old_version_covers(anchor, current)
            and not (self._asked and not is_valid_at(anchor, self.situation.at))
        )
        found = list(anchors)
        self._asked = True
        if authorities < _MAX_PATH_LENGTH:
            found += (
                certificate
                for certificate in self.pool
                if certificate.subject == issuer
                and path_length(certificate) >= authorities
                and is_valid_at(certificate, self.situation.at)
                and _old_version_covers(certificate, current)
            )
        if self.situation.jdk <= _CONSTRAINTS_ASKED_BEFOREHAND:
            found = [certificate for certificate in found if self._constraints_allow(certificate)]
        ordered = _ordered(dict.fromkeys(found), current, self.situation)
        return [c for c in ordered if not any(_repeats(step, c) for step in self.path)]

    def _constraints_allow(self, issuer: Certificate) -> bool:
        if issuer.name_constraints is None:
            return True
        names = [
            name
            for index, step in enumerate(self.path)
            if index == 0 or not step.is_self_issued
            for name in (
                GeneralName(DIRECTORY, step.subject.der),
                *step.subject_alternative_names,
            )
        ]
        try:
            return allows_path(issuer.name_constraints, names)
        except PathInvalid:
            return False

    def _verifies(self, anchor: Certificate) -> bool:
        """The final verification of the path that ends at ``anchor``."""
        signatures = SignatureCheck(anchor, self.situation.jdk)
        policies = PolicyCheck(len(self.path))
        constraints = ConstraintsCheck(len(self.path), self.situation.jdk)
        algorithms = AlgorithmCheck(anchor, self.situation.jdk, self.situation.is_jdk_root)
        try:
            for certificate in reversed(self.path):
                signatures.check(certificate)
                policies.check(certificate)
                constraints.check(certificate)
                algorithms.check(certificate)
        except PathInvalid:
            return False
        self.added_names = constraints.added_names
        return True


def _ordered(
    candidates: Iterable[Certificate], current: Certificate, situation: Situation
) -> list[Certificate]:
    """The order in which Java tries them, as far as it has one: those whose key identifier fits
    first, then those issued by an anchor (``PKIXCertComparator``)."""
    names: set[Name] = {anchor.subject for anchor in situation.anchors}
    wanted = current.authority_key_identifier

    def rank(candidate: Certificate) -> tuple[bool, bool]:
        fits = wanted is not None and candidate.subject_key_identifier == wanted
        return not fits, candidate.issuer not in names

    return sorted(candidates, key=rank)


def _old_version_covers(issuer: Certificate, issued: Certificate) -> bool:
    """Of version 1 and 2, only an issuer that is valid as long as what it issued is considered."""
    return issuer.version > 2 or (
        is_valid_at(issuer, issued.not_before) and is_valid_at(issuer, issued.not_after)
    )


def _repeats(step: Certificate, candidate: Certificate) -> bool:
    """Whether ``candidate`` is the same entity as ``step`` (``SunCertPathBuilder.repeated``)."""
    if step == candidate:
        return True
    if step.public_key != candidate.public_key or step.subject != candidate.subject:
        return False
    first = step.extension(SUBJECT_ALTERNATIVE_NAME)
    second = candidate.extension(SUBJECT_ALTERNATIVE_NAME)
    return (first.value if first else None) == (second.value if second else None)
