"""What is kept of one prediction serves another only where nothing that decides differs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.pki.certificate import Certificate
from bot.pki.java import JDKS, predict
from tests.support.authority import make_root, rsa_key

ROOT = make_root("Corp Root CA")
LEAF = ROOT.leaf("a.corp.example", names=["a.corp.example", "b.corp.example"])
CHAIN = [Certificate.from_der(LEAF.der)]
INSTALLED = [Certificate.from_der(ROOT.der)]


@pytest.mark.parametrize("jdk", JDKS)
def test_the_same_chain_is_judged_anew_for_every_name(jdk: int) -> None:
    for host, accepted in (("a.corp.example", True), ("c.corp.example", False), (None, True)):
        for _ in range(2):
            assert predict(CHAIN, INSTALLED, host=host, jdk=jdk).accepted is accepted


@pytest.mark.parametrize("jdk", JDKS)
def test_the_clock_decides_to_the_moment(jdk: int) -> None:
    begins, ends = CHAIN[0].not_before, CHAIN[0].not_after
    moment = timedelta(microseconds=1)
    for at, phrase in (
        (begins - moment, "NotBefore"),
        (begins, None),
        (ends, None),
        (ends + moment, "NotAfter"),
        (begins, None),
    ):
        message = predict(CHAIN, INSTALLED, host=None, at=at, jdk=jdk).message
        assert message is None if phrase is None else message is not None and phrase in message


def test_what_is_installed_and_whether_it_is_the_jdks_own_decide() -> None:
    weak = make_root("Old Root CA", key=rsa_key(2048, 1))
    leaf = [Certificate.from_der(weak.leaf("a.corp.example", weak_digest="sha1").der)]
    root = [Certificate.from_der(weak.der)]
    at = datetime.now(UTC)
    assert predict(leaf, root, host=None, at=at).accepted
    assert not predict(leaf, root, host=None, at=at, is_jdk_root=lambda sha256: True).accepted
    assert not predict(leaf, INSTALLED, host=None, at=at).accepted
    assert predict(leaf, [*INSTALLED, *root], host=None, at=at).accepted


def test_a_connections_limits_are_not_kept_from_the_trust_manager() -> None:
    long = [*CHAIN, *(Certificate.from_der(make_root(f"Other {n}").der) for n in range(10))]
    for _ in range(2):
        assert predict(long, INSTALLED, host=None, connected=False).accepted
        assert not predict(long, INSTALLED, host=None).accepted
