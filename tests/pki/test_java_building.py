"""The search through any order of certificates stays bounded; ``tests/conformance`` holds its
verdicts to the real JVMs."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence

import pytest
from cryptography import x509

from bot.pki.java import JDKS, predict
from tests.support.authority import Issued, make, make_root
from tests.support.evidence import certificate

HOST = "mesh.example.test"
#: In seconds of one core: ten times what it takes, for a busy machine.
BOUND = 5.0


def authorities(count: int, root: Issued) -> list[Issued]:
    return [root.intermediate(f"CA {i}") for i in range(count)]


def crosses(cas: Sequence[Issued]) -> list[Issued]:
    """Each authority's name and key, signed by every other one."""
    return [
        make(f"CA {i}", issuer, ca=True, key=subject.key)
        for (i, subject), issuer in itertools.product(enumerate(cas), cas)
        if issuer is not subject
    ]


def timed(
    jdk: int, chain: Sequence[Issued], installed: Issued, *, connected: bool = True
) -> tuple[bool, float]:
    read = [certificate(issued) for issued in chain]
    anchor = certificate(installed)
    started = time.process_time()
    prediction = predict(read, [anchor], host=HOST, jdk=jdk, connected=connected)
    return prediction.accepted, time.process_time() - started


@pytest.mark.parametrize("jdk", JDKS)
def test_a_mesh_that_leads_to_no_anchor_is_given_up_at_once(jdk: int) -> None:
    cas = authorities(4, make_root("Unknown Root"))
    chain = [cas[0].leaf(HOST), *crosses(cas)[:9]]
    accepted, took = timed(jdk, chain, make_root("Another Root"))
    assert not accepted
    assert took < BOUND


@pytest.mark.parametrize("jdk", JDKS)
def test_a_way_out_of_a_mesh_is_found_at_once(jdk: int) -> None:
    root = make_root("Mesh Root")
    cas = authorities(4, root)
    inner = crosses(cas)[:8]
    accepted, took = timed(jdk, [cas[0].leaf(HOST), *inner, cas[3]], root)
    assert accepted
    assert took < BOUND


@pytest.mark.parametrize("jdk", JDKS)
def test_twenty_authorities_that_all_signed_each_other_stay_bounded(jdk: int) -> None:
    root = make_root("Mesh Root")
    cas = authorities(20, root)
    chain = [cas[0].leaf(HOST), *crosses(cas)]
    accepted, took = timed(jdk, chain, make_root("Another Root"), connected=False)
    assert not accepted
    assert took < BOUND
    # Over a connection it is no question of search: 381 certificates are too many.
    assert not timed(jdk, chain, root)[0]


@pytest.mark.parametrize("jdk", JDKS)
def test_a_mesh_whose_every_path_fails_at_the_end_stays_bounded(jdk: int) -> None:
    root = make_root("Mesh Root")
    nowhere = x509.NameConstraints([x509.DNSName("elsewhere.test")], None)
    cas = [make(f"CA {i}", root, ca=True, extensions=[(nowhere, True)]) for i in range(4)]
    chain = [cas[0].leaf(HOST), *crosses(cas)[:8], cas[3]]
    accepted, took = timed(jdk, chain, root)
    assert not accepted
    assert took < BOUND
