"""The order in which Java tries the possible issuers of a certificate
(``ForwardBuilder.PKIXCertComparator`` over the iteration of ``java.util.HashSet``).

It decides which of several acceptable paths is found, and with that which anchor is checked, and
which branches a search gives up.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from bot.pki.certificate import Certificate
from bot.pki.names import Name

#: ``HashMap.DEFAULT_INITIAL_CAPACITY``; it grows when three quarters are taken.
_DEFAULT_CAPACITY = 16

Rank = tuple[float, ...]


def hash_order(
    certificates: Sequence[Certificate], members: int = 0, capacity: int = _DEFAULT_CAPACITY
) -> Sequence[Certificate]:
    """The order of iteration of a ``HashSet`` made with ``capacity`` that these were added to, alone
    or among ``members`` in all."""
    if len(certificates) < 2:
        return certificates
    size = 1 << (max(capacity, 1) - 1).bit_length()
    while max(members, len(certificates)) > size * 3 // 4:
        size *= 2
    return sorted(certificates, key=lambda certificate: _bucket(certificate, size))


def preferred(
    found: Iterable[Certificate], current: Certificate, trusted: Sequence[Name]
) -> list[Certificate]:
    """``found``, in the order in which they were found, in the order in which they are tried as
    issuers of ``current``. ``trusted`` are the subjects of the anchors."""
    candidates = list(dict.fromkeys(found))
    if len(candidates) < 2:
        return candidates
    # Of equals the comparator puts the later one first.
    candidates.reverse()
    return sorted(candidates, key=lambda candidate: _rank(candidate, current, trusted))


def _bucket(certificate: Certificate, size: int) -> int:
    code = certificate.java_hash
    return (code ^ code >> 16) & (size - 1)


def _rank(candidate: Certificate, current: Certificate, trusted: Sequence[Name]) -> Rank:
    wanted = current.authority_key_identifier
    if wanted is not None and candidate.subject_key_identifier == wanted:
        return (0,)
    issuer = candidate.issuer
    if issuer in trusted:
        return (1, 0)
    depths = [_depth(name, issuer) for name in trusted]
    below = (depth if depth is not None and depth > 0 else math.inf for depth in depths)
    above = (-depth if depth is not None and depth < 0 else math.inf for depth in depths)
    beside = (_hops(name, issuer) for name in trusted)
    own = _depth(candidate.subject, issuer)
    return (1, 1, *below, *above, *beside, math.inf if own is None else own)


def _depth(base: Name, name: Name) -> int | None:
    """``Builder.distance``: by how many relative names ``name`` lies below ``base``, negative
    above it; None where it does neither."""
    shorter = min(len(base.rdns), len(name.rdns))
    return len(name.rdns) - len(base.rdns) if _common(base, name) == shorter else None


def _hops(base: Name, name: Name) -> float:
    """``Builder.hops``: the way from one to the other by what they have in common."""
    common = _common(base, name)
    return len(base.rdns) + len(name.rdns) - 2 * common if common else math.inf


def _common(first: Name, second: Name) -> int:
    """The number of relative names, from the top, that both have."""
    count = 0
    for one, other in zip(first.rdns, second.rdns, strict=False):
        if sorted(a.canonical for a in one) != sorted(a.canonical for a in other):
            break
        count += 1
    return count
