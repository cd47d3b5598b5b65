"""All paths from a certificate towards possible trust anchors, by name *and* signature.

Names are shared by re-keyed authorities, test systems and impostors, so an issuer is one only when
its key made the signature (RFC 4158 §2 speaks of these meshes, RFC 5280 §6.1 of one path).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias

from bot.pki.certificate import Certificate
from bot.pki.keys import PublicKey
from bot.pki.names import Name
from bot.records import record

#: Where a path ends: at a self-signed ``root``; with a certificate whose issuer is ``missing``; at
#: one whose every issuer is already in the path (``circle``); at the ``limit`` of its length.
PathEnd: TypeAlias = Literal["root", "missing", "circle", "limit"]

#: Digests whose signatures are not verified any more; only old roots carry them on themselves.
_UNVERIFIABLE_DIGESTS = ("MD2", None)


@record
class PathLimits:
    """Bounds of one search: paths given, certificates in a path, partial paths looked at."""

    paths: int = 64
    length: int = 12
    steps: int = 250


@record
class CandidatePath:
    """A path from ``certificates[0]``, each signed by the next one, and where it ends."""

    certificates: tuple[Certificate, ...]
    end: PathEnd

    @property
    def last(self) -> Certificate:
        """The root, or the certificate at which the path breaks off."""
        return self.certificates[-1]


@record(eq=False)
class Authority:
    """A name with a key, and its certificates: those that it issued itself first, then those that
    live longest."""

    key: PublicKey
    certificates: tuple[Certificate, ...]


class Issuers:
    """The certificates that may be issuers, found by name and checked by signature."""

    def __init__(self, certificates: Iterable[Certificate]) -> None:
        names: dict[Name, dict[PublicKey, list[Certificate]]] = {}
        for certificate in dict.fromkeys(certificates):
            keys = names.setdefault(certificate.subject, {})
            keys.setdefault(certificate.public_key, []).append(certificate)
        self._by_name = {
            name: [Authority(key, tuple(sorted(found, key=_rank))) for key, found in keys.items()]
            for name, keys in names.items()
        }
        self._found: dict[Certificate, tuple[Authority, ...]] = {}

    def of(self, certificate: Certificate) -> tuple[Authority, ...]:
        """The authorities that issued ``certificate``: more than one only if keys can be forged."""
        found = self._found.get(certificate)
        if found is None:
            found = self._found[certificate] = tuple(
                authority
                for authority in self.of_name(certificate.issuer)
                if certificate.is_signed_with(authority.key)
            )
        return found

    def of_name(self, name: Name) -> Sequence[Authority]:
        """The authorities of this name, whatever their keys."""
        return self._by_name.get(name, ())

    def itself(self, certificate: Certificate) -> Authority:
        """The authority that ``certificate`` is for; a new one where it is not among these."""
        for authority in self.of_name(certificate.subject):
            if authority.key == certificate.public_key:
                return authority
        return Authority(certificate.public_key, (certificate,))


@record(eq=False)
class _Partial:
    certificates: tuple[Certificate, ...]
    authorities: tuple[Authority, ...]


def find_paths(
    leaf: Certificate,
    known: Iterable[Certificate] | Issuers,
    *,
    limits: PathLimits | None = None,
) -> tuple[CandidatePath, ...]:
    """The paths from ``leaf`` through ``known`` certificates: those to a root first, then by length.

    No path visits one authority twice. Where the limits do not allow all paths, each certificate
    within reach is still tried on a shortest one first.
    """
    if is_root(leaf):
        return (CandidatePath((leaf,), "root"),)
    limits = limits or PathLimits()
    issuers = known if isinstance(known, Issuers) else Issuers(known)
    found: list[CandidatePath] = []
    first = deque([_Partial((leaf,), (issuers.itself(leaf),))])
    later: deque[_Partial] = deque()
    reached = {leaf}
    for _ in range(limits.steps):
        if not (first or later) or len(found) >= limits.paths:
            break
        path = first.popleft() if first else later.popleft()
        end, following = _extend(path, issuers, limits.length)
        if end is not None:
            found.append(CandidatePath(path.certificates, end))
        for authority in following:
            for certificate in authority.certificates:
                certificates = (*path.certificates, certificate)
                waiting = later if certificate in reached else first
                if is_root(certificate):
                    found.append(CandidatePath(certificates, "root"))
                elif len(waiting) < limits.steps:
                    waiting.append(_Partial(certificates, (*path.authorities, authority)))
                reached.add(certificate)
    found.sort(key=lambda path: (path.end != "root", len(path.certificates)))
    return tuple(found[: limits.paths])


def _extend(
    path: _Partial, issuers: Issuers, length: int
) -> tuple[PathEnd | None, Sequence[Authority]]:
    """How ``path`` ends, or None and who may follow."""
    found = issuers.of(path.certificates[-1])
    if not found:
        return "missing", ()
    if len(path.certificates) >= length:
        return "limit", ()
    following = [authority for authority in found if authority not in path.authorities]
    return (None, following) if following else ("circle", ())


def _rank(certificate: Certificate) -> tuple[bool, float, str]:
    return (
        not certificate.is_self_issued,
        -certificate.not_after.timestamp(),
        certificate.sha256,
    )


def is_root(certificate: Certificate) -> bool:
    """Whether the certificate is its own issuer. Where the signature is of a kind that nobody
    verifies any more, the names and key identifiers decide: what a root signs itself with proves
    nothing anyway."""
    if not certificate.is_self_issued:
        return False
    if certificate.is_signed_by(certificate):
        return True
    wanted = certificate.authority_key_identifier
    unverifiable = (
        certificate.public_key.loaded is None
        or certificate.outer_algorithm.digest in _UNVERIFIABLE_DIGESTS
    )
    return unverifiable and wanted in (None, certificate.subject_key_identifier)
