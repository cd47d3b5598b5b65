"""Name constraints along a path, as the JDK keeps them (``NameConstraintsExtension``,
``GeneralSubtrees`` and the ``constrains`` method of each kind of name)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from enum import Enum

from bot.pki import extensions
from bot.pki.certificate import Certificate
from bot.pki.extensions import GeneralName, NameConstraints, Subtree
from bot.pki.java.addresses import to_address
from bot.pki.java.rejection import Breakdown, PathInvalid
from bot.pki.java.releases import Jdk
from bot.pki.names import COMMON_NAME, EMAIL_ADDRESS, Name
from bot.pki.uris import is_dns_name, uri_host

#: The last JDK whose path builder asks ``allows_path`` of each issuer.
_CONSTRAINTS_ASKED_BEFOREHAND = 11
#: The first JDK that takes a constraint with a leading dot for its subdomains.
_LEADING_DOT_COUNTS = 21

#: The first JDK that tells the families of addresses apart.
_ADDRESS_FAMILIES_COUNT = 21

_UNCOMPARED = {
    extensions.OTHER_NAME: "OtherName",
    extensions.X400: "X400Address",
    extensions.EDI: "EDIPartyName",
    extensions.REGISTERED_ID: "OIDNames",
}


class Relation(Enum):
    """What a second name is, seen from a first (``GeneralNameInterface``)."""

    DIFFERENT_TYPE = -1
    MATCH = 0
    NARROWS = 1
    WIDENS = 2
    SAME_TYPE = 3


class Constraints:
    """The constraints that the certificates of a path have imposed so far."""

    def __init__(self, first: NameConstraints, jdk: Jdk) -> None:
        self._jdk = jdk
        self._permitted = None if first.permitted is None else list(first.permitted)
        self._excluded = None if first.excluded is None else list(first.excluded)

    def merge(self, new: NameConstraints) -> None:
        """Add the constraints of the next certificate: the union of what is excluded, the
        intersection of what is permitted."""
        if new.excluded is not None:
            self._excluded = _minimized([*(self._excluded or ()), *new.excluded], self._jdk)
        if new.permitted is not None:
            if self._permitted is None:
                self._permitted = list(new.permitted)
            elif not self._permitted:
                self._permitted = _minimized(list(new.permitted), self._jdk)
            else:
                self._permitted, also = _intersection(
                    self._permitted, list(new.permitted), self._jdk
                )
                if also:
                    self._excluded = _minimized([*(self._excluded or ()), *also], self._jdk)
        if self._permitted is not None and self._excluded:
            self._permitted = [
                permitted
                for permitted in self._permitted
                if not any(
                    relation(excluded.base, permitted.base, self._jdk)
                    in (Relation.MATCH, Relation.NARROWS)
                    for excluded in self._excluded
                )
            ]

    def check(self, certificate: Certificate, added_names: list[GeneralName]) -> None:
        """Raises PathInvalid where a name of ``certificate`` is outside the constraints.

        ``added_names`` are those that such checks have added to the certificate's SAN: where that
        holds no name of the common name's kind, the JDK appends the common name to it, and every
        check that follows on the same object sees it too, that of the host name included.
        """
        for subtree in (*(self._excluded or ()), *(self._permitted or ())):
            if subtree.minimum != 0:
                raise PathInvalid(
                    "java.io.IOException: Non-zero minimum BaseDistance in name constraints not supported"
                )
            if subtree.maximum not in (None, -1):
                raise PathInvalid(
                    "java.io.IOException: Maximum BaseDistance in name constraints not supported"
                )
        subject = certificate.subject
        if subject and not self._allows(GeneralName(extensions.DIRECTORY, subject.der)):
            raise PathInvalid("name constraints check failed")
        names = [*certificate.subject_alternative_names, *added_names]
        has_names = bool(names)
        if not has_names:
            names = _email_addresses(subject)
        name = _from_common_name(subject)
        if name and all(n.kind != name.kind for n in names):
            names.append(name)
            if has_names:
                added_names.append(name)
        if not all(self._allows(name) for name in names):
            raise PathInvalid("name constraints check failed")

    def _allows(self, name: GeneralName) -> bool:
        for subtree in self._excluded or ():
            if relation(subtree.base, name, self._jdk) in (Relation.MATCH, Relation.NARROWS):
                return False
        same_type = False
        for subtree in self._permitted or ():
            found = relation(subtree.base, name, self._jdk)
            if found in (Relation.MATCH, Relation.NARROWS):
                return True
            same_type = same_type or found is not Relation.DIFFERENT_TYPE
        return not same_type


def allows_path(constraints: NameConstraints, names: Iterable[GeneralName]) -> bool:
    """Whether an issuer with these constraints may stand above certificates of these ``names``
    (``X509CertSelector.setPathToNames``, which the path builder of Java 11 asks beforehand)."""
    within = (Relation.MATCH, Relation.WIDENS)
    for name in names:
        excluded = [tree.base for tree in constraints.excluded or () if tree.base.kind == name.kind]
        if any(relation(name, base, _CONSTRAINTS_ASKED_BEFOREHAND) in within for base in excluded):
            return False
        permitted = [
            tree.base for tree in constraints.permitted or () if tree.base.kind == name.kind
        ]
        if permitted and not any(
            relation(name, base, _CONSTRAINTS_ASKED_BEFOREHAND) in within for base in permitted
        ):
            return False
    return True


def relation(first: GeneralName, second: GeneralName, jdk: Jdk) -> Relation:
    """How ``second`` stands to ``first``: NARROWS means that it lies within it."""
    if first.kind != second.kind:
        return Relation.DIFFERENT_TYPE
    if first.kind == extensions.DNS:
        return _dns_relation(first.text.lower(), second.text.lower(), jdk)
    if first.kind == extensions.EMAIL:
        return _email_relation(first.text.lower(), second.text.lower())
    if first.kind == extensions.URI:
        return _uri_relation(first, second, jdk)
    if first.kind == extensions.IP:
        if jdk < _ADDRESS_FAMILIES_COUNT:
            return _old_ip_relation(first.content, second.content)
        return _ip_relation(first.content, second.content)
    if first.kind == extensions.DIRECTORY:
        return _directory_relation(first.directory, second.directory)
    if first.kind == extensions.REGISTERED_ID and first.content == second.content:
        return Relation.MATCH
    raise Breakdown(
        "java.lang.UnsupportedOperationException: Narrowing, widening, and matching are not "
        f"supported for {_UNCOMPARED[first.kind]}."
    )


def _dns_relation(first: str, second: str, jdk: Jdk) -> Relation:
    if first == second:
        return Relation.MATCH
    if jdk >= _LEADING_DOT_COUNTS and not (first and second):
        # DNSName.constrains indexes into the empty string here.
        raise Breakdown("java.lang.StringIndexOutOfBoundsException")
    for outer, inner, found in (
        (second, first, Relation.WIDENS),
        (first, second, Relation.NARROWS),
    ):
        if inner.endswith(outer):
            within = inner[-len(outer) - 1] == "."
            if jdk >= _LEADING_DOT_COUNTS:
                within = within != (outer[0] == ".")
            return found if within else Relation.SAME_TYPE
    return Relation.SAME_TYPE


def _email_relation(first: str, second: str) -> Relation:
    if first == second:
        return Relation.MATCH
    for outer, inner, found in (
        (second, first, Relation.WIDENS),
        (first, second, Relation.NARROWS),
    ):
        if inner.endswith(outer):
            if "@" in outer:
                return Relation.SAME_TYPE
            within = outer.startswith(".") or inner[-len(outer) - 1] == "@"
            return found if within else Relation.SAME_TYPE
    return Relation.SAME_TYPE


def _uri_relation(first: GeneralName, second: GeneralName, jdk: Jdk) -> Relation:
    host, other = uri_host(first.text), uri_host(second.text)
    if other is None:
        raise Breakdown("java.lang.NullPointerException")
    if host is None:
        return Relation.SAME_TYPE
    if host.lower() == other.lower():
        return Relation.MATCH
    if _is_address(host) or _is_address(other):
        return Relation.SAME_TYPE
    domain, other_domain = host.startswith("."), other.startswith(".")
    found = _dns_relation(host.lower().removeprefix("."), other.lower().removeprefix("."), jdk)
    if not domain and not other_domain and found in (Relation.WIDENS, Relation.NARROWS):
        return Relation.SAME_TYPE
    if domain != other_domain and found is Relation.MATCH:
        return Relation.WIDENS if domain else Relation.NARROWS
    return found


def _ip_relation(first: bytes, second: bytes) -> Relation:
    if first == second:
        return Relation.MATCH
    sizes = (len(first), len(second))
    if sizes in ((8, 8), (32, 32)):
        return _subnet_relation(first, second)
    if sizes in ((4, 8), (16, 32)):
        return Relation.WIDENS if _within(first, second) else Relation.SAME_TYPE
    if sizes in ((8, 4), (32, 16)):
        return Relation.NARROWS if _within(second, first) else Relation.SAME_TYPE
    return Relation.SAME_TYPE


def _old_ip_relation(first: bytes, second: bytes) -> Relation:
    """Older JDKs compare the leading octets whatever the family, and run beyond the shorter."""
    sizes = (len(first), len(second))
    if first == second or sizes in ((8, 8), (32, 32)):
        return _ip_relation(first, second)
    if sizes[1] in (8, 32):
        return Relation.WIDENS if _old_within(first, second) else Relation.SAME_TYPE
    if sizes[0] in (8, 32):
        return Relation.NARROWS if _old_within(second, first) else Relation.SAME_TYPE
    return Relation.SAME_TYPE


def _old_within(address: bytes, subnet: bytes) -> bool:
    half = len(subnet) // 2
    for index in range(half):
        if index == len(address):
            raise Breakdown("java.lang.ArrayIndexOutOfBoundsException")
        if address[index] & subnet[half + index] != subnet[index]:
            return False
    return True


def _subnet_relation(first: bytes, second: bytes) -> Relation:
    half = len(first) // 2
    address, mask = int.from_bytes(first[:half], "big"), int.from_bytes(first[half:], "big")
    other, other_mask = int.from_bytes(second[:half], "big"), int.from_bytes(second[half:], "big")
    empty, other_empty = address & mask != address, other & other_mask != other
    if empty or other_empty:
        if empty and other_empty:
            return Relation.MATCH
        return Relation.WIDENS if empty else Relation.NARROWS
    if mask & other_mask == mask and address & mask == other & mask:
        return Relation.NARROWS
    if mask & other_mask == other_mask and other & other_mask == address & other_mask:
        return Relation.WIDENS
    return Relation.SAME_TYPE


def _within(address: bytes, subnet: bytes) -> bool:
    half = len(subnet) // 2
    pairs = zip(address, subnet[:half], subnet[half:], strict=True)
    return all(octet & mask == base for octet, base, mask in pairs)


def _directory_relation(first: Name, second: Name) -> Relation:
    if first == second:
        return Relation.MATCH
    if _is_prefix(first, second):
        return Relation.NARROWS
    if _is_prefix(second, first):
        return Relation.WIDENS
    return Relation.SAME_TYPE


def _is_prefix(outer: Name, inner: Name) -> bool:
    if len(outer.rdns) > len(inner.rdns):
        return False
    return all(
        sorted(a.canonical for a in outer_rdn) == sorted(a.canonical for a in inner_rdn)
        for outer_rdn, inner_rdn in zip(outer.rdns, inner.rdns, strict=False)
    )


def _minimized(subtrees: list[Subtree], jdk: Jdk) -> list[Subtree]:
    """Without the entries that another entry covers (``GeneralSubtrees.minimize``)."""
    kept = list(subtrees)
    index = 0
    while index < len(kept) - 1:
        later = index + 1
        while later < len(kept):
            found = relation(kept[index].base, kept[later].base, jdk)
            if found is Relation.NARROWS:
                del kept[later]
            elif found in (Relation.MATCH, Relation.WIDENS):
                del kept[index]
                index -= 1
                break
            else:
                later += 1
        index += 1
    return kept


def _intersection(
    current: list[Subtree], new: list[Subtree], jdk: Jdk
) -> tuple[list[Subtree], list[Subtree]]:
    """What both permit, and what must be excluded since they permit nothing of its kind in common
    (``GeneralSubtrees.intersect``)."""
    current, new = _minimized(current, jdk), _minimized(new, jdk)
    narrowed: list[Subtree] = []
    excluded: list[Subtree] = []
    index = 0
    while index < len(current):
        entry = current[index].base
        same_type = removed = False
        for other in new:
            found = relation(entry, other.base, jdk)
            if found is Relation.NARROWS:
                narrowed.append(other)
                same_type, removed = False, True
                break
            if found in (Relation.MATCH, Relation.WIDENS):
                same_type = False
                break
            same_type = same_type or found is Relation.SAME_TYPE
        if same_type:
            if not _intersects(current, new, entry.kind, jdk):
                widest = _widest(entry)
                if widest not in excluded:
                    excluded.append(widest)
            removed = True
        if removed:
            del current[index]
        else:
            index += 1
    if narrowed:
        current = _minimized([*current, *narrowed], jdk)
    for other in new:
        relations = [relation(entry.base, other.base, jdk) for entry in current]
        if relations and all(found is Relation.DIFFERENT_TYPE for found in relations):
            current.append(other)
    return current, excluded


def _intersects(current: Sequence[Subtree], new: Sequence[Subtree], kind: int, jdk: Jdk) -> bool:
    return any(
        relation(entry.base, other.base, jdk) in (Relation.MATCH, Relation.WIDENS, Relation.NARROWS)
        for entry in current
        if entry.base.kind == kind
        for other in new
    )


def _widest(name: GeneralName) -> Subtree:
    """A subtree that holds every name of the kind of ``name``, as the JDK tries to make it: for
    most kinds its constructor refuses the empty name."""
    if name.kind == extensions.DIRECTORY:
        return Subtree(GeneralName(name.kind, b"\x30\x00"), 0, None)
    if name.kind == extensions.IP:
        raise Breakdown("java.lang.NullPointerException")
    raise Breakdown("java.lang.RuntimeException: Unexpected error: java.io.IOException")


def _email_addresses(subject: Name) -> list[GeneralName]:
    addresses = [text for text in subject.all(EMAIL_ADDRESS) if text.rpartition("@")[2]]
    return [GeneralName(extensions.EMAIL, text.encode("latin-1", "replace")) for text in addresses]


def _from_common_name(subject: Name) -> GeneralName | None:
    attribute = subject.most_specific(COMMON_NAME)
    if attribute is None:
        return None
    name = attribute.text
    address = to_address(name)
    if address is not None:
        return GeneralName(extensions.IP, address.packed) if "." in name or ":" in name else None
    return GeneralName(extensions.DNS, name.encode()) if is_dns_name(name) else None


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True
