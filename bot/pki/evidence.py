"""What the analysis looks at: the chains as served and every certificate that may complete them.

The analysis asks no network and no clock; whoever gathers the evidence has done both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from bot.computed import cached_property
from bot.pki.certificate import Certificate, Source
from bot.pki.java import Endpoint
from bot.pki.java.algorithms import IsJdkRoot
from bot.pki.paths import CandidatePath, Issuers, find_paths
from bot.pki.roots import Root, Roots
from bot.records import record

#: More certificates than this are not taken in: no real server needs a fraction of them.
MAX_KNOWN = 1000


@record
class Known:
    """A certificate and every place that it came from, the first one first."""

    certificate: Certificate
    sources: tuple[Source, ...]

    @property
    def is_vouched_for(self) -> bool:
        """Whether somebody vouches for this very certificate: a root programme or the company's
        folder. What a server or a download supplied, or a person uploaded, proves nothing, even
        over https: whoever controls the server controls that too."""
        return any(source.kind in ("public", "company") for source in self.sources)

    def has_source(self, kind: str) -> bool:
        """Whether one of its sources is of this kind (see ``Source``)."""
        return any(source.kind == kind for source in self.sources)


@record
class Served:
    """What one address presented: the chain as served, leaf first, duplicates kept. ``address`` is
    an IP address, or the file that a chain was read from."""

    address: str
    chain: tuple[Certificate, ...]


def _no_jdk_root(jdk: int) -> IsJdkRoot:
    return lambda sha256: False


def _no_public_root(certificate: Certificate) -> Root | None:
    return None


@record(slots=False)
class Evidence:
    """Everything that the analysis may look at.

    ``host`` is the name that Java connects to (A-label, or the text of an IP address), None to
    leave the name check out; ``endpoint`` the protocol whose name check applies (LDAP in any form:
    ``ldaps``); ``at`` the client's clock; ``chains`` one entry per address that presented a chain;
    ``known`` the certificates that may complete them, merged by :func:`merged` (those served need
    not be repeated there); ``installed`` what the person says the truststore holds today.
    ``is_jdk_root(jdk)`` tells whether a SHA-256 fingerprint is in that JDK's ``cacerts``;
    ``public_root`` finds the public root of a certificate's name and key, as
    ``PublicRoots.find`` does.
    """

    host: str | None
    endpoint: Endpoint
    at: datetime
    chains: tuple[Served, ...]
    known: tuple[Known, ...] = ()
    installed: tuple[Certificate, ...] = ()
    is_jdk_root: Callable[[int], IsJdkRoot] = _no_jdk_root
    public_root: Callable[[Certificate], Root | None] = _no_public_root

    @cached_property
    def distinct_chains(self) -> Mapping[tuple[Certificate, ...], tuple[str, ...]]:
        """Every chain that is not empty, once, with the addresses that served it."""
        addresses: dict[tuple[Certificate, ...], tuple[str, ...]] = {}
        for served in self.chains:
            if served.chain:
                addresses[served.chain] = (*addresses.get(served.chain, ()), served.address)
        return addresses

    @cached_property
    def leaves(self) -> tuple[Certificate, ...]:
        """The server certificate of every chain, each once."""
        return tuple(dict.fromkeys(map(server_certificate, self.distinct_chains)))

    @cached_property
    def issuers(self) -> Issuers:
        """Everything known, as issuers of each other."""
        return Issuers(known.certificate for known in self.everything)

    @cached_property
    def paths(self) -> Mapping[Certificate, tuple[CandidatePath, ...]]:
        """For each leaf all paths to possible anchors."""
        return {leaf: find_paths(leaf, self.issuers) for leaf in self.leaves}

    @cached_property
    def everything(self) -> tuple[Known, ...]:
        """``known``, what was served and what is installed, merged."""
        return merged(
            (
                *((k.certificate, source) for k in self.known for source in k.sources),
                *served_pairs(self.chains),
                *((c, Source("upload", "installed")) for c in self.installed),
            )
        )

    @cached_property
    def _by_certificate(self) -> Mapping[Certificate, Known]:
        return {known.certificate: known for known in self.everything}

    def describe(self, certificate: Certificate) -> Known:
        """The certificate with its sources, which are empty for one that nobody brought."""
        return self._by_certificate.get(certificate) or Known(certificate, ())


def server_certificate(chain: tuple[Certificate, ...]) -> Certificate:
    """The leaf of a chain as served: its first certificate, as TLS has it (RFC 8446 §4.4.2), unless
    that is a CA's and another one is not."""
    if chain[0].is_ca:
        return next((c for c in chain if not c.is_ca and not c.is_self_issued), chain[0])
    return chain[0]


def served_pairs(chains: Iterable[Served]) -> Iterable[tuple[Certificate, Source]]:
    """Every certificate that the addresses presented, with that source."""
    return ((c, Source("served", served.address)) for served in chains for c in served.chain)


def merged(pairs: Iterable[tuple[Certificate, Source]]) -> tuple[Known, ...]:
    """Each certificate once, in the order of its first appearance, with all its sources."""
    sources: dict[Certificate, dict[Source, None]] = {}
    for certificate, source in pairs:
        if certificate in sources or len(sources) < MAX_KNOWN:
            sources.setdefault(certificate, {})[source] = None
    return tuple(Known(certificate, tuple(found)) for certificate, found in sources.items())


def with_roots(known: Iterable[Known], *stores: Roots) -> tuple[Known, ...]:
    """``known`` and the roots of ``stores`` that complete it: every issuer, and whatever these
    stores say of the certificates themselves."""
    found: list[tuple[Certificate, Source]] = []
    waiting = []
    for k in known:
        found += ((k.certificate, source) for source in k.sources)
        waiting.append(k.certificate)
    seen = set(waiting)
    while waiting and len(seen) < MAX_KNOWN:
        certificate = waiting.pop()
        for store in stores:
            same = store.find(certificate)
            roots = (*store.issuers_of(certificate), *((same,) if same else ()))
            for root in roots:
                found.append((root.certificate, root.source))
                if root.certificate not in seen:
                    seen.add(root.certificate)
                    waiting.append(root.certificate)
    return merged(found)
