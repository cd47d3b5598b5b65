"""Evidence: what is known, where it came from, and what vouches for it."""

from __future__ import annotations

import pytest

from bot.pki.certificate import Source
from bot.pki.company_roots import CompanyRoots
from bot.pki.evidence import (
    MAX_KNOWN,
    Evidence,
    Known,
    Served,
    merged,
    server_certificate,
    with_roots,
)
from bot.pki.roots import Root
from tests.support.authority import make, make_root
from tests.support.evidence import HOST, NOW, certificate, evidence

ROOT = make_root("Root")
ISSUING = ROOT.intermediate("Issuing")
LEAF = ISSUING.leaf(HOST)


def company(*issued: object) -> CompanyRoots:
    return CompanyRoots(
        Root(certificate(one), Source("company", "corp.pem"))
        for one in (ROOT, ISSUING)
        if one in issued
    )


def test_a_certificate_is_known_once_with_every_source() -> None:
    root = certificate(ROOT)
    first, second = Source("served", "10.0.0.1"), Source("aia", "http://aia.example/")
    known = merged([(root, first), (certificate(LEAF), first), (root, second), (root, first)])
    assert known == (Known(root, (first, second)), Known(certificate(LEAF), (first,)))


def test_no_more_than_a_bounded_number_is_taken_in() -> None:
    root = certificate(ROOT)
    pairs = [(root, Source("served", str(number))) for number in range(5)]
    assert len(merged(pairs)) == 1
    many = [
        certificate(make("x", serial=number + 1, key=ROOT.key)) for number in range(MAX_KNOWN + 5)
    ]
    assert len(merged((one, Source("aia", "")) for one in many)) == MAX_KNOWN


@pytest.mark.parametrize(
    ("kind", "vouches"),
    [("public", True), ("company", True), ("served", False), ("aia", False), ("upload", False)],
)
def test_only_programmes_and_the_company_vouch(kind: str, vouches: bool) -> None:
    source = Source(kind, "https://aia.example/")  # type: ignore[arg-type]  # a parametrized literal
    assert Known(certificate(ROOT), (source,)).is_vouched_for is vouches


def test_roots_complete_what_is_known_step_by_step() -> None:
    served = merged([(certificate(LEAF), Source("served", "10.0.0.1"))])
    completed = with_roots(served, company(ISSUING), company(ROOT))
    assert [k.certificate for k in completed] == [
        certificate(LEAF),
        certificate(ISSUING),
        certificate(ROOT),
    ]
    assert completed[2].sources == (Source("company", "corp.pem"),)


def test_a_served_root_that_a_store_holds_has_both_sources() -> None:
    served = merged([(certificate(ROOT), Source("served", "10.0.0.1"))])
    (root,) = with_roots(served, company(ROOT))
    assert [source.kind for source in root.sources] == ["served", "company"]
    assert root.is_vouched_for


def test_what_was_served_need_not_be_repeated() -> None:
    chain = (certificate(LEAF), certificate(ISSUING))
    bare = Evidence(HOST, "https", NOW, (Served("10.0.0.1", chain),))
    assert [k.certificate for k in bare.everything] == list(chain)
    assert bare.describe(chain[1]).sources == (Source("served", "10.0.0.1"),)
    assert bare.describe(certificate(ROOT)).sources == ()


def test_equal_chains_of_several_addresses_are_one() -> None:
    made = evidence([LEAF, ISSUING], [LEAF, ISSUING], [LEAF], [])
    assert list(made.distinct_chains.values()) == [("10.0.0.1", "10.0.0.2"), ("10.0.0.3",)]
    assert made.leaves == (certificate(LEAF),)


def test_the_server_certificate_is_the_first_one_unless_that_is_a_ca() -> None:
    leaf, issuing, root = map(certificate, (LEAF, ISSUING, ROOT))
    assert server_certificate((leaf, issuing)) == leaf
    assert server_certificate((root, issuing, leaf)) == leaf
    assert server_certificate((issuing, root)) == issuing
