"""One record, or one small table of them, for each cause of a disagreement that random chains have
found. ``found_cases()`` gives them as records whose id says what they are about.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from tests.conformance import extensions as ext
from tests.conformance.der_builder import (
    NULL,
    bit_string,
    context,
    integer,
    oid,
    seq,
)
from tests.conformance.drafts import Draft, encode
from tests.conformance.extensions import General
from tests.conformance.hierarchies import simple_name
from tests.conformance.keys import Key, Pss, Scheme, pool, pss_twin
from tests.conformance.records import Record

HOST = "a.test"
#: The clients' clock in every case.
TIME = datetime(2026, 1, 1, tzinfo=UTC)
_KEYS = pool()
_P256 = [_KEYS[f"secp256r1-{i}"] for i in range(8)]
_RSA = _KEYS["rsa2048-0"]


def found_cases() -> Iterator[Record]:
    """The catalogue, always the same."""
    yield from _signers()
    yield from _signatures()
    yield from _compared_names()
    yield from _common_names()
    yield from _addresses()
    yield from _names_added_on_the_way()
    yield from _searches()
    yield from _breakdowns()
    yield from _meshes()
    yield from _fields()


def _draft(
    label: str, key: Key, issuer: Draft | None, *, ca: bool = True, name: str | None = None
) -> Draft:
    made = Draft(
        label,
        simple_name(name or label),
        key,
        issuer,
        len(label) + 1,
        TIME - timedelta(days=9),
        TIME + timedelta(days=9),
        ski="none",
        aki="none",
    )
    if ca:
        made.set(ext.BASIC_CONSTRAINTS, ext.basic_constraints(True), critical=True)
    else:
        made.set(ext.SUBJECT_ALT_NAME, ext.general_names([General("dns", HOST)]))
    return made


def _record(
    name: str, chain: Sequence[Draft], installed: Sequence[Draft], host: str | None = HOST
) -> Record:
    memo: dict[int, bytes] = {}
    return Record(name, encode(chain, memo), encode(installed, memo), host, at=TIME)


def _signers() -> Iterator[Record]:
    """Every kind of signature below every kind of key: Java has words of its own for each."""
    keys = {
        label: _KEYS[label]
        for label in (
            "rsa1024-0",
            "rsa2048-0",
            "secp256r1-0",
            "secp384r1-0",
            "secp256k1-0",
            "ed25519-0",
            "ed448-0",
            "dsa1024-0",
            "dsa2048-0",
        )
    }
    keys["rsa-pss"] = pss_twin(_KEYS["rsa2048-1"], None)
    keys["rsa-pss-bound"] = pss_twin(_KEYS["rsa2048-1"], Pss())
    odd = {
        "x25519": seq(seq(oid("1.3.101.110")), bit_string(bytes(range(32)))),
        "unknown": seq(seq(oid("1.2.3.4.5"), NULL), bit_string(b"\x01\x02")),
        "diffie-hellman": seq(
            seq(oid("1.2.840.113549.1.3.1"), seq(integer(23), integer(5))), bit_string(integer(7))
        ),
        "negative-modulus": seq(
            seq(oid("1.2.840.113549.1.1.1"), NULL),
            bit_string(seq(integer(-_RSA.numbers[0]), integer(65537))),
        ),
    }
    signers: list[tuple[str, Scheme]] = [
        ("rsa1024-1", "sha256"),
        ("rsa2048-2", "sha256"),
        ("rsa2048-2", "md5"),
        ("rsa2048-2", Pss()),
        ("rsa2048-2", Pss("sha1", "sha1", 20, written=False)),
        ("secp256r1-1", "sha256"),
        ("secp384r1-1", "sha384"),
        ("ed25519-1", "sha256"),
        ("ed448-0", "sha256"),
        ("dsa2048-0", "sha256"),
        ("dsa1024-0", "sha1"),
    ]
    for (signer, scheme), target in itertools.product(signers, (*keys, *odd)):
        root = _draft("Root", keys.get(target, _RSA), None)
        root.spki = odd.get(target)
        leaf = _draft("leaf", _P256[1], root, ca=False)
        leaf.signer, leaf.scheme = _KEYS[signer], scheme
        yield _record(f"{signer} {scheme} below {target}", [leaf], [root])
    leaf = _draft("leaf", _P256[1], _draft("Root", _P256[0], None), ca=False)
    leaf.inner_algorithm = leaf.outer_algorithm = seq(oid("1.2.3.4.6"))
    yield _record("unknown signature algorithm", [leaf], [_draft("Root", _P256[0], None)])


def _signatures() -> Iterator[Record]:
    """Octets that are no signature, or one in another encoding."""
    order = 2**256 - 2**224 + 2**192
    made = {
        "empty": b"",
        "garbage": b"\x01\x02\x03",
        "zero": seq(integer(0), integer(1)),
        "beyond the order": seq(integer(order + 5), integer(5)),
        "of no secret": seq(integer(5), integer(7)),
        "with a tail": seq(integer(5), integer(7)) + b"\x00",
        "of three numbers": seq(integer(5), integer(7), integer(9)),
        "padded": b"\x30\x07\x02\x02\x00\x05\x02\x01\x07",
        "of 64 octets": b"\x11" * 63 + b"\x01",
        "of 256 octets": b"\x11" * 256,
    }
    kinds = ("rsa2048-0", "secp256r1-0", "secp384r1-0", "dsa2048-0", "ed25519-0")
    for (name, octets), kind in itertools.product(made.items(), kinds):
        root = _draft("Root", _KEYS[kind], None)
        leaf = _draft("leaf", _P256[1], root, ca=False)
        leaf.resign = lambda _, octets=octets: octets
        yield _record(f"{kind} signature {name}", [leaf], [root])


def _constrained(
    name: str,
    common_name: str,
    sans: Sequence[General] | None,
    permitted: Sequence[General],
    excluded: Sequence[General],
) -> Record:
    root = _draft("Root", _P256[0], None)
    issuing = _draft("CA", _P256[1], root)
    issuing.set(ext.NAME_CONSTRAINTS, ext.name_constraints(permitted, excluded), critical=True)
    leaf = _draft("leaf", _P256[2], issuing, ca=False, name=common_name)
    if sans is None:
        leaf.drop(ext.SUBJECT_ALT_NAME)
    else:
        leaf.set(ext.SUBJECT_ALT_NAME, ext.general_names(sans))
    return _record(name, [leaf, issuing], [root], host=None)


def _compared_names() -> Iterator[Record]:
    """Names against constraints of their kind, some of which break Java down."""
    kinds: dict[ext.GeneralKind, tuple[str, ...]] = {
        "rid": ("1.2.3.4", "1.2.3.5"),
        "other": ("user@example.com", "x@example.com"),
        "x400": ("x", "y"),
        "email": ("a@b.c", "b@b.c", "a@x.b.c", "b.c", ".b.c"),
        "uri": ("http://a.b.c/", "b.c", ".b.c", "urn:x", "http://1.2.3.4/"),
        "dns": ("a.b.c", "b.c", ".b.c", "", "xa.b.c", "A.B.C"),
    }
    for kind, texts in kinds.items():
        for name, constraint in itertools.product(texts, texts):
            names, constraints = [General(kind, name)], [General(kind, constraint)]
            label = f"{kind} {name!r} and {constraint!r}"
            yield _constrained(f"{label} permitted", "no host", names, constraints, [])
            yield _constrained(f"{label} excluded", "no host", names, [], constraints)


def _common_names() -> Iterator[Record]:
    """Common names that constraints take for a host, an address or neither."""
    texts: tuple[str, ...] = (
        "1a.example",
        "a_b.example",
        "*.example",
        "a.example.",
        "x" * 64 + ".example",
    )
    texts += ("1", "1.2.3.4", "1.2", "::1", "[::1]", "fe80::1%eth0", "01.2.3.4", "a..b", "")
    alternatives: tuple[list[General] | None, ...] = (
        [General("email", "a@b.c")],
        [General("ip", "9.9.9.9")],
        None,
    )
    for text, sans in itertools.product(texts, alternatives):
        label = f"CN {text!r} beside {sans and sans[0].kind}"
        dns = [General("dns", "example")]
        yield _constrained(f"{label}, DNS excluded", text, sans, [], dns)
        yield _constrained(
            f"{label}, IPv4 permitted", text, sans, [General("ip", "9.9.9.0/24")], []
        )


def _addresses() -> Iterator[Record]:
    """Addresses and networks of both families, which older JDKs mix up."""
    addresses = ("1.2.3.4", "0.0.0.0", "2001:db8::7", "::", "#0102030400000000")
    networks: tuple[str, ...] = (
        "1.2.3.0/24",
        "0.0.0.0/0",
        "32.1.13.184/32",
        "2001:db8::/32",
        "::/0",
        "::/128",
    )
    networks += ("#01020304ff00ff00",)
    for address, network in itertools.product(addresses, networks):
        names, constraints = [General("ip", address)], [General("ip", network)]
        yield _constrained(f"{address} permitted {network}", "no host", names, constraints, [])
        yield _constrained(f"{address} excluded {network}", "no host", names, [], constraints)


def _names_added_on_the_way() -> Iterator[Record]:
    """Constraints that fail have added the common name to the SAN all the same."""
    root = _draft("Root", _P256[0], None)
    free = _draft("CA", _P256[1], root)
    bound = free.twin("bound CA", serial=77)
    outside = ext.name_constraints([], [General("email", "b.c")])
    bound.set(ext.NAME_CONSTRAINTS, outside, critical=True)
    leaf = _draft("leaf", _P256[2], free, ca=False, name=HOST)
    leaf.set(ext.SUBJECT_ALT_NAME, ext.general_names([General("email", "a@b.c")]))
    for order in ([bound, free], [free, bound]):
        label = ", then ".join(draft.label for draft in order)
        yield _record(f"names added by {label}", [leaf, *order], [root])
        yield _record(f"names added by {label} in disorder", [leaf, root, *order], [root])


def _searches() -> Iterator[Record]:
    """Searches that Java 11 makes in another way, and certificates that sign themselves."""
    old = _draft("Root", _RSA, None)
    new = old.twin("new root", key=_P256[3], serial=40)
    old_with_new = old.twin("old with new", issuer=new, serial=41)
    new_with_old = new.twin("new with old", issuer=old, serial=42)
    issuing = _draft("CA", _P256[1], new)
    leaf = _draft("leaf", _P256[2], issuing, ca=False)
    chain = [leaf, issuing, new_with_old, old_with_new]
    for served in (chain, chain[::-1], [leaf, old_with_new, new_with_old, issuing]):
        for installed in ([old], [new], [old, new], [old_with_new], [new_with_old]):
            labels = ", ".join(draft.label for draft in served)
            yield _record(
                f"{labels}; {[draft.label for draft in installed]} installed",
                served,
                installed,
                None,
            )

    itself = _draft("itself", _P256[4], None)
    for name, changes in {
        "other dates": {"not_after": TIME + timedelta(days=90)},
        "another SAN": {},
        "expired": {"not_after": TIME - timedelta(days=1)},
    }.items():
        renewed = itself.twin("itself renewed", serial=43, **changes)
        if not changes:
            renewed.set(ext.SUBJECT_ALT_NAME, ext.general_names([General("dns", HOST)]))
        for extra in ([], [old]):
            yield _record(
                f"a leaf that signs itself, {name}, {len(extra)} more", [itself, *extra], [renewed]
            )

    usages = ext.key_usage([ext.DIGITAL_SIGNATURE])
    twice = _draft("twice", _P256[5], None, ca=False)
    twice.set(ext.KEY_USAGE, usages, critical=True)
    renewed = twice.twin("twice renewed", serial=44)
    yield _record("a leaf that signs itself served twice", [twice, twice], [renewed])

    expired = _draft("Expired", _P256[6], None)
    expired.not_after = TIME - timedelta(days=1)
    below = _draft("CA", _P256[1], expired)
    under = _draft("leaf", _P256[2], below, ca=False)
    yield _record("expired anchor at the second step", [under, old, below], [expired])
    yield _record("expired anchor at the first step", [below, old], [expired], None)

    bound = _draft("Bound", _P256[7], old)
    digit = _draft("leaf", _P256[2], bound, ca=False, name="0cool.example")
    digit.set(ext.SUBJECT_ALT_NAME, ext.general_names([General("email", "a@b.c")]))
    constraints = ext.name_constraints([General("dns", ".example")], [])
    bound.set(ext.NAME_CONSTRAINTS, constraints, critical=True)
    yield _record("constraints in order", [digit, bound], [old], "0cool.example")
    yield _record("constraints in disorder", [digit, old, bound], [old], "0cool.example")


def _breakdowns() -> Iterator[Record]:
    """Comparisons that break Java down wherever the search meets them, and those of what no name
    is compared with in the end."""
    root = _draft("Root", _P256[0], None)
    bound = _draft("Bound", _P256[1], None)
    nothing = ext.name_constraints([General("ip", "::/0"), General("ip", "1.2.3.0/24")], [])
    bound.set(ext.NAME_CONSTRAINTS, nothing, critical=True)
    issuing = _draft("CA", _P256[2], bound)
    cross = issuing.twin("cross", issuer=root, serial=50)
    leaf = _draft("leaf", _P256[3], issuing, ca=False)
    for name in ("192.0.2.7", "2001:db8::7"):
        leaf = leaf.twin("leaf")
        leaf.set(ext.SUBJECT_ALT_NAME, ext.general_names([General("ip", name)]))
        for chain in ([issuing, bound, cross], [cross, bound, issuing], [bound, cross]):
            labels = ", ".join(draft.label for draft in chain)
            yield _record(f"breakdown over {name} below {labels}", [leaf, *chain], [root], None)
    below = _draft("below", _P256[4], issuing)
    issuing.set(ext.NAME_CONSTRAINTS, ext.name_constraints([General("ip", "9.9.9.0/24")], []))
    other = ext.name_constraints([General("ip", "1.1.1.0/24")], [])
    below.set(ext.NAME_CONSTRAINTS, other, critical=True)
    leaf = _draft("leaf", _P256[3], below, ca=False)
    yield _record("no address in common", [leaf, below, issuing], [bound])


def _meshes() -> Iterator[Record]:
    """Authorities that have all signed each other, with a way out, without one, and with one that
    every path fails on."""
    root = _draft("Root", _P256[0], None)
    elsewhere = ext.name_constraints([General("dns", "elsewhere.test")], [])
    for constrained in (False, True):
        cas = [_draft(f"CA {i}", _P256[i], root) for i in range(1, 5)]
        if constrained:
            for ca in cas:
                ca.set(ext.NAME_CONSTRAINTS, elsewhere, critical=True)
        crosses = [
            subject.twin(f"{subject.label} by {issuer.label}", issuer=issuer)
            for subject, issuer in itertools.permutations(cas, 2)
        ]
        leaf = _draft("leaf", _P256[5], cas[0], ca=False)
        for out in ([], [cas[3]]):
            chain = [leaf, *crosses[:8], *out]
            label = f"mesh, constrained {constrained}, ways out {len(out)}"
            yield _record(label, chain, [root])
            yield _record(f"{label}, reversed", [leaf, *chain[:0:-1]], [root])
    for signers, leads_out in ((7, True), (3, False)):
        chain, anchor = crowd(20, signers, leads_out=leads_out)
        yield _record(f"mesh of 20, {signers} signers each, way out {leads_out}", chain, [anchor])


def crowd(count: int, signers: int, *, leads_out: bool) -> tuple[list[Draft], Draft]:
    """A leaf below the first of ``count`` authorities, each of which the ``signers`` that follow it in
    the circle have signed; and a root, which has signed the last of them if it ``leads_out``."""
    keys = [key for name, key in _KEYS.items() if name.startswith("secp256r1-")]
    root = _draft("Root", keys[0], None)
    cas = [_draft(f"CA {i}", keys[i + 1], root) for i in range(count)]
    crosses = [
        subject.twin(f"{subject.label} by {number}", issuer=cas[(index + number) % count])
        for index, subject in enumerate(cas)
        for number in range(1, signers + 1)
    ]
    leaf = _draft("leaf", keys[-1], cas[0], ca=False)
    return [leaf, *crosses, *(cas[-1:] if leads_out else ())], root


def _fields() -> Iterator[Record]:
    identifier = context(1, b"\x00\xaa", constructed=False)
    for version in (1, 2, 3, 4):
        for with_extensions in (False, True):
            root = _draft("Root", _P256[0], None)
            root.version, root.unique_ids = version, identifier
            if not with_extensions:
                root.extensions = {}
            leaf = _draft("leaf", _P256[2], root, ca=False)
            label = f"version {version} with unique identifiers, extensions {with_extensions}"
            yield _record(label, [leaf], [root])
    for version in (1, 2, 3):
        root = _draft("Root", _P256[0], None)
        root.version, root.extensions, root.empty_extensions = version, {}, True
        leaf = _draft("leaf", _P256[2], root, ca=False)
        yield _record(f"version {version} with an empty list of extensions", [leaf], [root])
    for curve in ("rsa512-0", "rsa768-0", "secp192r1-0", "secp224r1-0", "brainpoolP256r1-0"):
        root = _draft("Root", _KEYS[curve], None)
        issuing = _draft("CA", _KEYS[curve], _draft("Root", _P256[0], None))
        yield _record(f"{curve} anchor", [_draft("leaf", _P256[2], root, ca=False)], [root])
        yield _record(
            f"{curve} intermediate",
            [_draft("leaf", _P256[2], issuing, ca=False), issuing],
            [_draft("Root", _P256[0], None)],
        )
