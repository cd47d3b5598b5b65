"""Advice about random chains, judged by real Java: what is recommended works, nothing is missed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from bot.errors import FormatError
from bot.pki.advice import advise
from bot.pki.certificate import Certificate
from bot.pki.evidence import Evidence
from bot.pki.findings import MAX_FINDINGS, find
from tests.conformance.generator import record
from tests.conformance.oracle import JavaOracle
from tests.conformance.records import Record
from tests.support.evidence import evidence

SEED = 20_261
CASES = 60


@pytest.fixture(scope="module")
def java() -> Iterator[JavaOracle]:
    with JavaOracle(25, brief=True) as oracle:
        yield oracle


def _readable(encoded: tuple[bytes, ...]) -> list[Certificate]:
    found = []
    for der in encoded:
        try:
            found.append(Certificate.from_der(der))
        except FormatError:
            continue
    return found


def _evidence(index: int) -> Evidence | None:
    """One random server, or one with two addresses; what is installed there lies in the company's
    folder here, was downloaded, or some of each. None where a chain cannot be read."""
    records = [record(SEED, index)] + [record(SEED + 1, index)] * (index % 4 == 0)
    chains = [_readable(one.chain) for one in records]
    if any(len(c) != len(r.chain) or not c for c, r in zip(chains, records, strict=True)):
        return None
    known = [certificate for one in records for certificate in _readable(one.installed)]
    vouched = random.Random(index).choice([len(known), 0, 1])
    return evidence(
        *chains,
        host=records[0].host,
        company=known[:vouched],
        aia=known[vouched:],
        at=records[0].at or datetime.now(UTC),
    )


def _accepts(java: JavaOracle, made: Evidence, installed: list[Certificate]) -> bool:
    return all(
        java.judge(
            Record(
                id="",
                chain=tuple(c.der for c in chain),
                installed=tuple(c.der for c in installed),
                host=made.host,
                at=made.at,
            )
        ).accepted
        for chain in made.distinct_chains
    )


@pytest.mark.parametrize("index", range(CASES))
def test_advice_holds_before_java(java: JavaOracle, index: int) -> None:
    made = _evidence(index)
    if made is None:
        return
    advice = advise(made)
    found = find(made, advice)
    recommended = advice.recommended
    for option in advice.options:
        certificates = [known.certificate for known in option.certificates]
        assert option.is_accepted is _accepts(java, made, certificates)
    if recommended is None:
        assert advice.verdict == "not_found"
        assert any(finding.severity == "error" for finding in found)
    else:
        assert recommended.is_accepted
        assert (advice.verdict == "validated") is recommended.proven
    if advice.verdict != "validated":
        assert advice.request_text
        roots = [
            known.certificate
            for known in made.everything
            if known.is_vouched_for and known.certificate not in made.leaves
        ]
        assert not any(_accepts(java, made, [root]) for root in roots if root.is_self_signed)
    assert len(found) <= MAX_FINDINGS
