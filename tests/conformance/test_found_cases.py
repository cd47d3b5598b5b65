"""What random chains have found stays mended: the same verdict as every Java, in the same words."""

from __future__ import annotations

import pytest

from tests.conformance.comparison import compare_record
from tests.conformance.found_cases import found_cases
from tests.conformance.oracle import JDKS, JavaOracle


@pytest.mark.parametrize("jdk", JDKS)
def test_every_found_case_fares_as_with_java(jdk: int) -> None:
    cases = list(found_cases())
    assert len({case.id for case in cases}) == len(cases)
    with JavaOracle(jdk, brief=True) as oracle:
        compared = [compare_record(case, jdk, oracle.judge(case)) for case in cases]
    assert {one.verdict.accepted for one in compared} == {True, False}
    assert [
        (one.record.id, one.verdict.message, one.message)
        for one in compared
        if not (one.agrees and one.same_phrase)
    ] == []
