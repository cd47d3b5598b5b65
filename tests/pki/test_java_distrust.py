"""Authorities that JDKs distrust, with their real roots: nobody but they can issue a leaf."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.pki.certificate import Certificate
from bot.pki.java import JDKS
from bot.pki.java.distrust import check_distrust, distrusted_after
from bot.pki.java.rejection import Rejected
from bot.pki.roots import public_roots
from tests.support.authority import make
from tests.support.evidence import certificate


def root(sha256: str) -> Certificate:
    return next(r.certificate for r in public_roots().all() if r.certificate.sha256 == sha256)


def leaf_of(day: str) -> Certificate:
    issued = datetime.fromisoformat(day).replace(tzinfo=UTC)
    return replace(certificate(make("leaf.test")), not_before=issued)


def refusing(anchor: Certificate, day: str) -> set[int]:
    """The JDKs that refuse a leaf issued on ``day`` below ``anchor``."""
    found = set()
    for jdk in JDKS:
        try:
            check_distrust((leaf_of(day), anchor), jdk)
        except Rejected:
            found.add(jdk)
    return found


@pytest.mark.parametrize(
    ("sha256", "last", "first_refused", "jdks"),
    [
        (
            "43df5774b03e7fef5fe40d931a7bedf1bb2e6b42738c4e6d3841103d3aa7f339",
            "2024-11-11T23:59:59",
            "2024-11-12",
            {21, 25},
        ),
        (
            "c0a6f4dc63a24bfdcf54ef2a6a082a0a72de35803e2ff5ff527ae5d87206dfd5",
            "2026-03-17T23:59:59",
            "2026-03-18",
            {25},
        ),
    ],
    ids=["Entrust", "Chunghwa"],
)
def test_leaves_issued_later_are_refused(
    sha256: str, last: str, first_refused: str, jdks: set[int]
) -> None:
    anchor = root(sha256)
    assert refusing(anchor, last) == set()
    assert refusing(anchor, first_refused) == jdks
    assert distrusted_after(anchor) == datetime.fromisoformat(last).replace(tzinfo=UTC)


def test_other_roots_are_trusted() -> None:
    anchor = certificate(make("Other Root", ca=True))
    assert refusing(anchor, "2026-11-01") == set()
    assert distrusted_after(anchor) is None
