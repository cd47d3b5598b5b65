"""Our prediction agrees with real Java: on the core corpus, and on random chains.

``WHICHROOT_CONFORMANCE_CASES`` (1200) says how many of these, ``WHICHROOT_SEED`` which.
"""

from __future__ import annotations

import os
from collections import Counter

import pytest

from tests.conformance.comparison import Comparison, compare, compare_record
from tests.conformance.limbo import LimboCase
from tests.conformance.oracle import JDKS, JavaOracle
from tests.conformance.phrases import OTHER, phrase_of
from tests.conformance.records import Verdict
from tests.support.seeds import seed

# Of the rejections that both agree on, this share must have Java's phrase.
SAME_PHRASES = 0.99

# Java 11's search takes 18 seconds here.
_SLOW_ON_11 = "pathological::pathological-chain-same-subject-distinct-key"


@pytest.mark.parametrize("jdk", JDKS)
def test_the_oracle_judges_the_core_corpus_as_recorded(
    jdk: int, limbo_cases: list[LimboCase]
) -> None:
    cases = [case for case in limbo_cases if jdk != 11 or case.record.id != _SLOW_ON_11]
    with JavaOracle(jdk, brief=True) as oracle:
        judged = [oracle.judge(case.record) for case in cases]
    assert [
        (one.id, (one.path_accepted, one.path_message or "OK"), (one.accepted, one.message or "OK"))
        for one in judged
    ] == [(case.record.id, case.path[jdk], case.full[jdk]) for case in cases]


@pytest.mark.parametrize("jdk", JDKS)
def test_the_core_corpus_is_predicted(jdk: int, limbo_cases: list[LimboCase]) -> None:
    compared = [compare_record(case.record, jdk, _recorded(case, jdk)) for case in limbo_cases]
    assert _differing(compared) == []
    assert _share_of_same_phrases(compared) >= SAME_PHRASES, _differing_phrases(compared)


def test_random_chains_are_predicted() -> None:
    cases = int(os.environ.get("WHICHROOT_CONFORMANCE_CASES", "1200"))
    compared = list(compare(seed(), cases, JDKS))
    assert len(compared) == cases * len(JDKS)
    assert _differing(compared) == []
    share = _share_of_same_phrases(compared)
    assert share >= SAME_PHRASES, _differing_phrases(compared)


def test_a_phrase_is_found_in_its_parts() -> None:
    message = "CertPathValidatorException: validity check failed <- X: NotAfter: Fri Jan 01"
    assert phrase_of(message) == "validity check failed … NotAfter:"
    assert phrase_of("something else") == OTHER
    assert phrase_of(None) == ""


def _recorded(case: LimboCase, jdk: int) -> Verdict:
    accepted, message = case.full[jdk]
    path_accepted, path_message = case.path[jdk]
    return Verdict(
        case.record.id,
        accepted,
        None if accepted else message,
        path_accepted,
        None if path_accepted else path_message,
    )


def _differing(compared: list[Comparison]) -> list[tuple[str, int, str | None, str | None]]:
    """Where one accepts and the other rejects: record, JDK, Java's message, ours."""
    return [
        (one.record.id, one.jdk, one.verdict.message, one.message)
        for one in compared
        if not one.agrees
    ]


def _share_of_same_phrases(compared: list[Comparison]) -> float:
    rejected = [one for one in compared if not one.accepted and not one.verdict.accepted]
    return sum(one.same_phrase for one in rejected) / max(len(rejected), 1)


def _differing_phrases(compared: list[Comparison]) -> Counter[tuple[str, str]]:
    return Counter(
        (phrase_of(one.verdict.message), phrase_of(one.message))
        for one in compared
        if one.agrees and not one.same_phrase
    )
