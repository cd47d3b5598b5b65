"""The catalogue of odd certificates, judged by us and by every Java."""

from __future__ import annotations

import pytest

from bot.pki.certificate import Certificate
from bot.pki.java import predict
from tests.conformance.edge_cases import edge_cases
from tests.conformance.oracle import JDKS, JavaOracle


@pytest.mark.parametrize("jdk", JDKS)
def test_every_odd_certificate_fares_as_with_java(jdk: int) -> None:
    disagreements = []
    with JavaOracle(jdk, brief=True) as oracle:
        for record in edge_cases():
            verdict = oracle.judge(record)
            prediction = predict(
                [Certificate.from_der(der) for der in record.chain],
                [Certificate.from_der(der) for der in record.installed],
                host=record.host,
                at=record.at,
                jdk=jdk,
                # The oracle asks about trust alone.
                connected=False,
            )
            if prediction.accepted != verdict.accepted:
                disagreements.append((record.id, verdict.message, prediction.message))
    assert disagreements == []
