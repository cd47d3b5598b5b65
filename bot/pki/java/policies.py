"""Certificate policies along a path, as the JDK processes them (``PolicyChecker``,
RFC 5280 §6.1.3 (d) to (f) and §6.1.4 (a) to (j)).

A TLS client starts with any policy, so a path can only fail here after one of its certificates
demands an explicit policy, or maps anyPolicy.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field

from bot.pki import extensions
from bot.pki.certificate import Certificate
from bot.pki.extensions import (
    CERTIFICATE_POLICIES,
    INHIBIT_ANY_POLICY,
    POLICY_CONSTRAINTS,
    POLICY_MAPPINGS,
    Policy,
)
from bot.pki.java.rejection import PathInvalid
from bot.records import record

ANY_POLICY = "2.5.29.32.0"


@record(frozen=False, slots=False, eq=False)
class _Node:
    parent: _Node | None
    policy: str
    expected: set[str]
    depth: int = 0
    mapped: bool = False
    children: list[_Node] = field(default_factory=list)

    def add(self, policy: str, expected: set[str], mapped: bool = False) -> None:
        self.children.append(_Node(self, policy, expected, self.depth + 1, mapped))

    def at(self, depth: int) -> Iterator[_Node]:
        """The nodes of the subtree at ``depth``; none is added while it is walked."""
        if self.depth == depth:
            yield self
        elif self.depth < depth:
            for child in list(self.children):
                yield from child.at(depth)

    def prune(self, depth: int) -> None:
        """Remove the branches that do not reach ``depth``."""
        if self.depth >= depth:
            return
        for child in self.children:
            child.prune(depth)
        if self.depth < depth - 1:
            self.children = [child for child in self.children if child.children]


class PolicyCheck:
    """Checks the certificates of a path of ``length`` one after the other, from the anchor's side."""

    def __init__(self, length: int) -> None:
        self._length = length
        self._index = 1
        self._explicit = self._mapping = self._inhibit_any = length + 1
        self._tree: _Node | None = _Node(None, ANY_POLICY, {ANY_POLICY})

    def check(self, certificate: Certificate) -> None:
        """Raises PathInvalid."""
        final = self._index == self._length
        self._process(certificate, final)
        if not final:
            self._update(certificate)
        self._index += 1

    def _process(self, certificate: Certificate, final: bool) -> None:
        policies = certificate.decoded(CERTIFICATE_POLICIES, extensions.parse_certificate_policies)
        if policies is None:
            self._tree = None
        elif self._tree is not None:
            self._refuse_critical_qualifiers(certificate, policies)
            self._extend(self._tree, certificate, [policy.oid for policy in policies], final)
        if self._tree is not None and not final:
            self._map(self._tree, certificate)
        explicit = self._explicit
        if final:
            constraints = certificate.decoded(
                POLICY_CONSTRAINTS, extensions.parse_policy_constraints
            )
            if explicit > 0 and not certificate.is_self_issued:
                explicit -= 1
            if constraints and constraints.require_explicit == 0:
                explicit = 0
        if explicit == 0 and self._tree is None:
            raise PathInvalid("non-null policy tree required and policy tree is null")

    def _refuse_critical_qualifiers(
        self, certificate: Certificate, policies: Sequence[Policy]
    ) -> None:
        """``PKIXParameters.getPolicyQualifiersRejected`` is true by default."""
        extension = certificate.extension(CERTIFICATE_POLICIES)
        qualified = any(p.has_qualifiers and p.oid != ANY_POLICY for p in policies)
        if qualified and extension and extension.critical:
            raise PathInvalid("critical policy qualifiers present in certificate")

    def _extend(
        self, tree: _Node, certificate: Certificate, policies: list[str], final: bool
    ) -> None:
        for policy in policies:
            if policy == ANY_POLICY:
                continue
            parents = [n for n in tree.at(self._index - 1) if policy in n.expected]
            if not parents:
                parents = [n for n in tree.at(self._index - 1) if ANY_POLICY in n.expected]
            for parent in parents:
                parent.add(policy, {policy})
        if ANY_POLICY in policies and (
            self._inhibit_any > 0 or (not final and certificate.is_self_issued)
        ):
            for parent in list(tree.at(self._index - 1)):
                present = {child.policy for child in parent.children}
                for expected in sorted(parent.expected - present):
                    parent.add(expected, {expected})
        tree.prune(self._index)
        if not tree.children:
            self._tree = None

    def _map(self, tree: _Node, certificate: Certificate) -> None:
        mappings = certificate.decoded(POLICY_MAPPINGS, extensions.parse_policy_mappings)
        deleted = False
        for issuer_policy, subject_policy in mappings or ():
            if issuer_policy == ANY_POLICY:
                raise PathInvalid("encountered an issuerDomainPolicy of ANY_POLICY")
            if subject_policy == ANY_POLICY:
                raise PathInvalid("encountered a subjectDomainPolicy of ANY_POLICY")
            nodes = [n for n in tree.at(self._index) if n.policy == issuer_policy]
            for node in nodes:
                if self._mapping > 0:
                    if not node.mapped:
                        node.expected, node.mapped = set(), True
                    node.expected.add(subject_policy)
                elif node.parent is not None:
                    node.parent.children.remove(node)
                    deleted = True
            if not nodes and self._mapping > 0:
                for node in [n for n in tree.at(self._index) if n.policy == ANY_POLICY]:
                    if node.parent is not None:
                        node.parent.add(issuer_policy, {subject_policy}, mapped=True)
        if deleted:
            tree.prune(self._index)
            if not tree.children:
                self._tree = None

    def _update(self, certificate: Certificate) -> None:
        if not certificate.is_self_issued:
            self._explicit = max(self._explicit - 1, 0)
            self._mapping = max(self._mapping - 1, 0)
            self._inhibit_any = max(self._inhibit_any - 1, 0)
        constraints = certificate.decoded(POLICY_CONSTRAINTS, extensions.parse_policy_constraints)
        if constraints and constraints.require_explicit is not None:
            self._explicit = min(self._explicit, constraints.require_explicit)
        if constraints and constraints.inhibit_mapping is not None:
            self._mapping = min(self._mapping, constraints.inhibit_mapping)
        skip = certificate.decoded(INHIBIT_ANY_POLICY, extensions.parse_inhibit_any_policy)
        if skip is not None:
            self._inhibit_any = min(self._inhibit_any, skip)
