"""Paths: every one of them, by signature, and in bounded time."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest

from bot.pki.certificate import Certificate
from bot.pki.paths import CandidatePath, PathLimits, find_paths, is_root
from tests.conformance.der_builder import Attribute, Extension, Parts, integer, name
from tests.conformance.der_builder import certificate as assemble
from tests.conformance.der_builder import time as encoded_time
from tests.conformance.keys import Digest, pool
from tests.support.authority import Issued, make_root, new_key
from tests.support.evidence import DAY, NOW, certificate


def paths(leaf: Issued, *known: Issued, **bounds: int) -> set[tuple[str, ...]]:
    found = find_paths(certificate(leaf), map(certificate, known), limits=PathLimits(**bounds))
    return {described(path, [leaf, *known]) for path in found}


def described(path: CandidatePath, made: Sequence[Issued]) -> tuple[str, ...]:
    return (*(c.subject.short for c in path.certificates[1:]), path.end)


def test_a_plain_chain_has_one_path() -> None:
    root = make_root("Root")
    issuing = root.intermediate("Issuing")
    leaf = issuing.leaf("a.example")
    assert paths(leaf, root, issuing) == {("Issuing", "Root", "root")}


def test_a_path_breaks_off_where_nobody_has_the_issuer() -> None:
    issuing = make_root("Root").intermediate("Issuing")
    leaf = issuing.leaf("a.example")
    assert paths(leaf, issuing) == {("Issuing", "missing")}
    assert paths(leaf) == {("missing",)}


def test_a_self_signed_leaf_is_its_own_root() -> None:
    leaf = make_root("a.example", ca=False, names=["a.example"])
    assert paths(leaf, make_root("Other")) == {("root",)}


def test_cross_certificates_give_a_path_each() -> None:
    old, new = make_root("Old Root"), make_root("New Root")
    cross = old.intermediate("New Root", key=new.key)
    issuing = new.intermediate("Issuing")
    leaf = issuing.leaf("a.example")
    assert paths(leaf, old, new, cross, issuing) == {
        ("Issuing", "New Root", "root"),
        ("Issuing", "New Root", "Old Root", "root"),
    }


def test_the_issuer_is_chosen_by_signature_and_not_by_name() -> None:
    production, test_system = make_root("Corp Root"), make_root("Corp Root")
    leaf = production.leaf("a.example")
    found = find_paths(certificate(leaf), map(certificate, (test_system, production)))
    assert [path.last for path in found] == [certificate(production)]
    assert paths(leaf, test_system) == {("missing",)}


def test_a_re_keyed_authority_is_followed_from_new_key_to_old() -> None:
    old = make_root("Root")
    new_with_old = old.intermediate("Root")
    leaf = new_with_old.leaf("a.example")
    assert paths(leaf, old, new_with_old) == {("Root", "Root", "root")}


def test_certificates_of_one_authority_are_all_found() -> None:
    key = new_key()
    first = make_root("Root", key=key, not_after=NOW + 100 * DAY)
    second = make_root("Root", key=key, not_after=NOW + 900 * DAY)
    leaf = first.leaf("a.example")
    found = find_paths(certificate(leaf), map(certificate, (first, second, first)))
    assert [path.last for path in found] == [certificate(second), certificate(first)]


def test_two_authorities_that_certify_each_other_are_no_endless_path() -> None:
    a, b = make_root("A"), make_root("B")
    a_by_b = b.intermediate("A", key=a.key)
    b_by_a = a.intermediate("B", key=b.key)
    leaf = a.leaf("x.example")
    assert paths(leaf, a_by_b, b_by_a) == {("A", "B", "circle")}


def test_the_length_of_a_path_is_bounded() -> None:
    authority = make_root("CA 0")
    known = [authority]
    for number in range(1, 20):
        authority = authority.intermediate(f"CA {number}")
        known.append(authority)
    found = find_paths(certificate(authority.leaf("x.example")), map(certificate, known))
    assert [path.end for path in found] == ["limit"]
    assert len(found[0].certificates) == PathLimits().length


@pytest.mark.parametrize("bound", [{"paths": 3}, {"steps": 2}])
def test_the_search_is_bounded(bound: dict[str, int]) -> None:
    key = new_key()
    known = [make_root("Root", key=key, serial=number + 1) for number in range(9)]
    inner = [known[0].intermediate("Issuing", serial=n + 1, key=known[0].key) for n in range(9)]
    leaf = inner[0].leaf("x.example")
    assert len(find_paths(certificate(leaf), map(certificate, known + inner))) == 64
    limited = find_paths(
        certificate(leaf), map(certificate, known + inner), limits=PathLimits(**bound)
    )
    assert 0 < len(limited) <= 9


def test_a_mesh_of_twenty_authorities_reaches_every_root_in_time() -> None:
    roots = [make_root(f"CA {number}") for number in range(20)]
    mesh = [certificate(root) for root in roots]
    mesh += (
        certificate(issuer.intermediate(f"CA {number}", key=root.key))
        for number, root in enumerate(roots)
        for issuer in roots
        if issuer is not root
    )
    leaf = certificate(roots[0].leaf("x.example"))
    started = time.process_time()
    found = find_paths(leaf, mesh)
    assert time.process_time() - started < 5
    assert {path.last for path in found if path.end == "root"} == set(mesh[:20])
    assert len(found) <= PathLimits().paths


def test_an_old_root_whose_own_signature_nobody_verifies_any_more_is_a_root() -> None:
    root = _self_signed("md2")
    assert not root.is_self_signed
    assert is_root(root)
    assert not is_root(_self_signed("sha256", spoilt=True))


def _self_signed(digest: Digest, *, spoilt: bool = False) -> Certificate:
    key = pool()["rsa2048-0"]
    subject = name(((Attribute("2.5.4.3", "Old Root"),),))
    parts = Parts(
        version=3,
        serial=integer(1),
        algorithm=key.algorithm(digest),
        issuer=subject,
        not_before=encoded_time(NOW - DAY),
        not_after=encoded_time(NOW + DAY),
        subject=subject,
        spki=key.spki,
        extensions=[Extension("2.5.29.19", bytes.fromhex("30030101ff"), critical=True)],
    )
    signature = key.sign(b"other" if spoilt else parts.tbs(), digest)
    return Certificate.from_der(assemble(parts.tbs(), parts.algorithm, signature))
