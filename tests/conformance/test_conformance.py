"""Our judge against the real ones: the public core cases, and random chains."""

from __future__ import annotations

import os
import secrets

import pytest

from bot.errors import FormatError
from bot.pki.certificate import Certificate
from bot.pki.java import Prediction, predict
from tests.conformance.generator import records
from tests.conformance.limbo import corpus_path, read_corpus
from tests.conformance.oracle import JDKS, JavaOracle
from tests.conformance.records import Record

CASES = int(os.environ.get("WHICHROOT_CONFORMANCE_CASES", "2000"))
SEED = int(os.environ.get("WHICHROOT_CONFORMANCE_SEED", "0")) or secrets.randbelow(10**9) + 1
_CORPUS = corpus_path()


def judged(record: Record, jdk: int) -> Prediction:
    """What we predict of ``record``, for the trust manager alone; what is no certificate is
    rejected."""
    try:
        chain = [Certificate.from_der(der) for der in record.chain]
        installed = [Certificate.from_der(der) for der in record.installed]
    except FormatError as error:
        return Prediction(accepted=False, message=error.message)
    return predict(
        chain,
        installed,
        host=record.host,
        endpoint=record.protocol,
        at=record.at,
        jdk=jdk,
        connected=False,
    )


if _CORPUS is not None:
    _CORE = read_corpus(_CORPUS)

    @pytest.mark.parametrize("jdk", JDKS)
    def test_every_core_case_fares_as_with_java(jdk: int) -> None:
        wrong = [
            case.record.id
            for case in _CORE
            if judged(case.record, jdk).accepted != case.full[jdk][0]
        ]
        assert wrong == []


@pytest.mark.parametrize("jdk", JDKS)
def test_random_chains_fare_as_with_java(jdk: int) -> None:
    print(f"WHICHROOT_CONFORMANCE_SEED={SEED}")
    disagreements = []
    with JavaOracle(jdk) as oracle:
        for record in records(SEED, CASES // len(JDKS)):
            verdict = oracle.judge(record)
            prediction = judged(record, jdk)
            if prediction.accepted != verdict.accepted:
                disagreements.append((record.id, verdict.message, prediction.message))
    assert disagreements == [], f"seed {SEED}"
