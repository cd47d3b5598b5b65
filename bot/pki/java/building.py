"""How Java searches a path through certificates in any order (``PKIXValidator.doBuild``,
``SunCertPathBuilder``, ``ForwardBuilder``): depth first, from the leaf towards an anchor.

Java 11 searches otherwise than later ones: it takes what signs itself as an anchor only, checks each
signature as it goes, asks beforehand (and not again at the end) whether an issuer's name constraints
allow the path, and searches first with one anchor alone where one fits.
"""

from __future__ import annotations

from collections.abc import Sequence

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
from bot.pki.java.ordering import hash_order, preferred
from bot.pki.java.outcome import Situation, ValidPath
from bot.pki.java.policies import PolicyCheck
from bot.pki.java.rejection import BUILDING_FAILED, PathInvalid, Rejected
from bot.pki.java.releases import Jdk
from bot.pki.java.signatures import failure
from bot.pki.names import Name

#: ``PKIXBuilderParameters.getMaxPathLength``: intermediates that do not issue themselves.
_MAX_PATH_LENGTH = 5

#: The last JDK with the old search.
_OLD_SEARCH = 11

#: Steps after which the search gives up. Java would go on; what leads to no anchor is left out here,
#: and the ten certificates that a connection may carry need fewer steps then.
_MAX_STEPS = 20_000


def build(chain: Sequence[Certificate], situation: Situation) -> ValidPath:
    """A path from ``chain[0]`` to an anchor. Raises Rejected."""
    leaf = chain[0]
    jdk = situation.jdk
    old = jdk <= _OLD_SEARCH
    pool = tuple(dict.fromkeys(chain))
    usable = _usable(leaf, pool, situation)
    begins = leaf in usable and is_valid_at(leaf, situation.at)
    begins = begins and not (old and _signs_itself(leaf, jdk))
    for first_anchor_alone in (True, False) if old else (False,):
        search = _Search(situation, pool, usable, first_anchor_alone)
        if begins and search.admits(leaf):
            search.path.append(leaf)
            if search.extend(0):
                return (*search.path, search.anchor)
    raise Rejected(BUILDING_FAILED)


def _signs_itself(certificate: Certificate, jdk: Jdk) -> bool:
    return certificate.is_self_issued and not failure(certificate, certificate.public_key, jdk)


def _usable(
    leaf: Certificate, pool: Sequence[Certificate], situation: Situation
) -> frozenset[Certificate]:
    """The certificates from which signatures lead to an anchor: no search through others succeeds,
    and without them the search of a mesh stays short."""
    anchors = situation.anchors
    if situation.jdk <= _OLD_SEARCH and any(c.name_constraints for c in (*anchors, *pool)):
        # The old search looks at constraints before signatures and may break down over them.
        return frozenset(pool)
    reached: list[Certificate] = list(anchors)
    waiting: dict[Name, list[Certificate]] = {}
    for certificate in dict.fromkeys((leaf, *pool)):
        waiting.setdefault(certificate.issuer, []).append(certificate)
    for issuer in reached:
        named = waiting.get(issuer.subject, ())
        signed = [c for c in named if not failure(c, issuer.public_key, situation.jdk)]
        if signed:
            reached += signed
            waiting[issuer.subject] = [c for c in named if c not in signed]
    return frozenset(reached)


class _Search:
    def __init__(
        self,
        situation: Situation,
        pool: Sequence[Certificate],
        usable: frozenset[Certificate],
        first_anchor_alone: bool,
    ) -> None:
        self._situation = situation
        self._named: dict[Name, list[Certificate]] = {}
        for certificate in pool:
            self._named.setdefault(certificate.subject, []).append(certificate)
        self._usable = usable
        self._first_anchor_alone = first_anchor_alone
        self._old = situation.jdk <= _OLD_SEARCH
        self._trusted = tuple(dict.fromkeys(anchor.subject for anchor in situation.anchors))
        self._anchor: Certificate | None = None
        self._steps = 0
        self._asked = False
        self.path: list[Certificate] = []

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
            if candidate in self._situation.anchors:
                if self._verifies(candidate):
                    self._anchor = candidate
                    return True
                continue
            if not self._old and current.is_self_issued and candidate.is_self_issued:
                return False
            if candidate not in self._usable:
                continue
            self.path.append(candidate)
            counts = not candidate.is_self_issued and path_length(candidate) != -1
            if self.extend(authorities + counts):
                return True
            self.path.pop()
        return False

    def admits(self, certificate: Certificate) -> bool:
        """Whether nothing in the certificate alone forbids it a place in a path."""
        try:
            self._situation.check_blocked(certificate)
        except PathInvalid:
            return False
        return certificate in self._situation.anchors or not has_unhandled_critical_extension(
            certificate
        )

    def _may_follow(self, candidate: Certificate) -> bool:
        if not self.admits(candidate):
            return False
        if candidate not in self._situation.anchors:
            try:
                check_ca_key_usage(candidate)
            except PathInvalid:
                return False
            if path_length(candidate) == -1:
                return False
        return not self._old or not failure(
            self.path[-1], candidate.public_key, self._situation.jdk
        )

    def _candidates(self, current: Certificate, authorities: int) -> list[Certificate]:
        installed = self._situation.anchors
        anchors = [anchor for anchor in installed if self._is_issuing_anchor(anchor, current)]
        found = [*hash_order(anchors, members=len(installed), capacity=len(installed))]
        if self._first_anchor_alone and found:
            return found[:1]
        # The JDK asks every time with the same selector, to which this question adds the date: an
        # expired anchor is found at the first step only.
        self._asked = True
        if authorities < _MAX_PATH_LENGTH:
            found += hash_order(
                [
                    certificate
                    for certificate in self._named.get(current.issuer, ())
                    if path_length(certificate) >= authorities
                    and is_valid_at(certificate, self._situation.at)
                    and self._covers(certificate, current)
                    and not (self._old and _signs_itself(certificate, self._situation.jdk))
                ]
            )
        ordered = preferred(found, current, self._trusted)
        if self._old:
            return [candidate for candidate in ordered if candidate not in self.path]
        return [c for c in ordered if not any(_repeats(step, c) for step in self.path)]

    def _is_issuing_anchor(self, anchor: Certificate, current: Certificate) -> bool:
        return (
            anchor.subject == current.issuer
            and not (self._asked and not is_valid_at(anchor, self._situation.at))
            and self._covers(anchor, current)
        )

    def _covers(self, issuer: Certificate, issued: Certificate) -> bool:
        return _old_version_covers(issuer, issued) and (
            not self._old or self._constraints_allow(issuer)
        )

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
                *(self._situation.added_names if index == 0 else ()),
            )
        ]
        try:
            return allows_path(issuer.name_constraints, names)
        except PathInvalid:
            return False

    def _verifies(self, anchor: Certificate) -> bool:
        """The final verification of the path that ends at ``anchor``."""
        situation = self._situation
        length = len(self.path)
        signatures = SignatureCheck(anchor, situation.jdk)
        policies = PolicyCheck(length)
        constraints = ConstraintsCheck(length, situation.jdk, situation.added_names)
        algorithms = AlgorithmCheck(anchor, situation.jdk, situation.is_jdk_root)
        try:
            for certificate in reversed(self.path):
                signatures.check(certificate)
                policies.check(certificate)
                if not self._old:
                    constraints.check(certificate)
                algorithms.check(certificate)
        except PathInvalid:
            return False
        return True


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
