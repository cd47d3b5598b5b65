"""The whole text about keys and digests that Java has disabled, word by word."""

from __future__ import annotations

import json

import pytest

from bot.prediction_records import answer
from tests.conformance.der_builder import Attribute, Parts, integer, name
from tests.conformance.der_builder import certificate as assemble
from tests.conformance.der_builder import time as encoded_time
from tests.conformance.keys import Digest, pool
from tests.conformance.oracle import JavaOracle
from tests.conformance.records import Record
from tests.support.evidence import DAY, HOST, NOW

#: The keys of root and leaf, and the digest of the signatures.
CASES: tuple[tuple[str, str, Digest], ...] = (
    ("rsa768-0", "rsa2048-0", "sha256"),
    ("rsa2048-1", "rsa768-0", "sha256"),
    ("rsa2048-1", "rsa2048-0", "md5"),
    ("secp192r1-0", "rsa2048-0", "sha256"),
    ("rsa2048-1", "secp192r1-0", "sha256"),
)


@pytest.mark.parametrize("jdk", [11, 17, 21, 25])
def test_the_refusal_of_weak_algorithms_has_javas_words(jdk: int) -> None:
    with JavaOracle(jdk, brief=True) as java:
        for case in CASES:
            line = json.dumps({**_record(*case).to_json(), "jdk": jdk})
            said, predicted = java.judge_line(line).message, answer(line.encode()).message
            assert said is not None
            # The outermost exception, without its class.
            assert predicted == said.split(" <- ")[0].removeprefix("ValidatorException: "), case


def _record(root_key: str, leaf_key: str, digest: Digest) -> Record:
    signer, issuer = pool()[root_key], name(((Attribute("2.5.4.3", "Weak Root"),),))
    made: list[bytes] = []
    for subject, key in (
        (name(((Attribute("2.5.4.3", HOST),),)), pool()[leaf_key]),
        (issuer, signer),
    ):
        parts = Parts(
            version=1,
            serial=integer(len(made) + 1),
            algorithm=signer.algorithm(digest),
            issuer=issuer,
            not_before=encoded_time(NOW - 100 * DAY),
            not_after=encoded_time(NOW + 365 * DAY),
            subject=subject,
            spki=key.spki,
        )
        made.append(assemble(parts.tbs(), parts.algorithm, signer.sign(parts.tbs(), digest)))
    leaf, root = made
    return Record("weak", (leaf,), (root,), HOST)
