"""Findings: every one of them from a chain that really has what it tells of."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa

import bot.pki.findings
from bot.pki.advice import advise
from bot.pki.evidence import Evidence
from bot.pki.findings import find, trust
from bot.pki.findings.picture import Picture, View
from bot.pki.paths import CandidatePath
from bot.pki.roots import MOZILLA, Membership, public_roots
from tests.support.authority import make_root, new_key, rsa_key
from tests.support.evidence import DAY, HOST, NOW, certificate, evidence
from tests.support.finding_cases import CASES, Case
from tests.support.flawed_chains import (
    ISSUING,
    LEAF,
    ROOT,
    dated_intermediate,
    dated_root,
    expired,
    healthy,
    installed,
    public,
    with_san,
)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_is_found(case: Case) -> None:
    made = case.made()
    found = find(made, advise(made))
    matching = [f for f in found if f.code == case.code]
    assert matching, [f.code for f in found]
    assert matching[0].severity == case.severity
    for text in case.texts:
        assert text in f"{matching[0].message} {matching[0].remedy}"


@pytest.mark.parametrize("case", CASES, ids=str)
def test_is_worded_well(case: Case) -> None:
    made = case.made()
    for finding in find(made, advise(made)):
        assert finding.message[0].isupper() or finding.message[0] == '"'
        assert finding.message.endswith(".")
        assert not finding.remedy or finding.remedy.endswith(".")
        assert finding.source
        assert len(finding.message) < 500
        assert not {"`", "*ERROR*", "<@"} & set(finding.message.split())


def test_every_code_is_in_the_table() -> None:
    assert {case.code for case in CASES} | {"ca_distrusted", "ca_distrusted_at_renewal"} == set(
        codes_of_the_source()
    )


def codes_of_the_source() -> Iterator[str]:
    for path in Path(bot.pki.findings.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Finding"):
                continue
            code = node.args[0]
            if isinstance(code, ast.Constant):
                yield str(code.value)
            elif isinstance(code, ast.JoinedStr):
                rest = "".join(str(v.value) for v in code.values if isinstance(v, ast.Constant))
                yield from (f"leaf{rest}", f"intermediate{rest}")


@pytest.mark.parametrize(
    "made",
    [
        lambda: healthy(LEAF, ISSUING),
        lambda: healthy(ISSUING.leaf(HOST), ISSUING),
        lambda: healthy(ISSUING.leaf(HOST, key=rsa_key()), ISSUING),
        lambda: healthy(with_san("*.corp.example"), ISSUING),
        lambda: healthy(with_san("10.0.0.1"), ISSUING, host="10.0.0.1"),
        lambda: healthy(LEAF, ISSUING, host="ERP.corp.example"),
        lambda: evidence([LEAF, ISSUING], host=None, company=[ROOT]),
        lambda: evidence([LEAF, ISSUING], [LEAF, ISSUING], company=[ROOT]),
        lambda: evidence(
            [ISSUING.leaf(HOST), ISSUING], [ISSUING.leaf(HOST), ISSUING], company=[ROOT]
        ),
        lambda: installed(ROOT),
        lambda: evidence(
            [LEAF, ISSUING], public=public(ROOT, Membership(MOZILLA, "2015.4.28", "2026.1.4"))
        ),
    ],
    ids=[
        "a year",
        "ninety days",
        "RSA",
        "wildcard",
        "IP address",
        "upper case",
        "no host",
        "two addresses",
        "two leaves",
        "installed",
        "public root",
    ],
)
def test_a_healthy_chain_has_neither_error_nor_warning(made: Callable[[], Evidence]) -> None:
    found = find(made(), advise(made()))
    assert [f for f in found if f.severity != "info"] == []


def test_nothing_is_found_without_a_chain() -> None:
    assert find(evidence(), advise(evidence())) == ()


def test_errors_come_first_and_no_finding_twice() -> None:
    made = healthy(expired(), ISSUING, ISSUING, make_root("Stray"), host="crm.corp.example")
    found = find(made, advise(made))
    severities = [f.severity for f in found]
    assert severities == sorted(severities, key=["error", "warning", "info"].index)
    assert len(set(found)) == len(found)


def test_where_java_accepts_nothing_about_the_chain_is_an_error() -> None:
    made = dated_intermediate(-900, -9)
    advice = advise(made)
    assert advice.recommended is not None
    assert "error" not in {f.severity for f in find(made, advice)}


def test_an_expired_anchor_is_no_obstacle_but_is_told() -> None:
    made = dated_root(-900, -9)
    assert advise(made).verdict == "validated"
    assert "anchor_expired" in {f.code for f in find(made, advise(made))}


def test_a_public_root_says_nothing_about_environments_or_interception() -> None:
    odd = make_root("Sophos Test Root")
    made = evidence(
        [odd.leaf("www.corp.com")],
        host="www.corp.com",
        public=public(odd, Membership(MOZILLA, "2015.4.28", "2026.1.4")),
    )
    assert {f.code for f in find(made, advise(made))} == {"short_lived_leaf"}


@pytest.mark.parametrize(
    ("issued_on", "code", "severity"),
    [
        ("2025-02-01", "ca_distrusted", "error"),
        ("2024-06-01", "ca_distrusted_at_renewal", "warning"),
    ],
)
def test_a_root_that_java_distrusts(issued_on: str, code: str, severity: str) -> None:
    """Nobody but Entrust can sign below its root, so here the path is laid by hand."""
    entrust = next(
        root.certificate
        for root in public_roots().all()
        if root.certificate.subject.common_name == "Entrust Root Certification Authority - G2"
    )
    issued = NOW.fromisoformat(f"{issued_on}T00:00:00+00:00")
    leaf = certificate(ISSUING.leaf(HOST, not_before=issued, not_after=issued + 365 * DAY))
    made = evidence([leaf], at=issued + DAY)
    view = View((leaf,), ("10.0.0.1",), CandidatePath((leaf, entrust), "root"))
    found = list(trust.check(Picture(made, advise(made), (view,))))
    assert (code, severity) in {(f.code, f.severity) for f in found}


def test_a_weak_key_of_each_kind_has_its_article() -> None:
    for key, said in (
        (dsa.generate_private_key(1024), "has only a DSA 1024 bit key;"),
        (rsa_key(1024), "has only an RSA 1024 bit key;"),
    ):
        made = healthy(ISSUING.leaf(HOST, key=key), ISSUING)
        assert any(said in found.message for found in find(made, advise(made)))


def test_names_from_outside_are_shown_and_not_obeyed() -> None:
    evil = make_root("Root\u202e\n*bold* <!channel>")
    leaf = evil.leaf(
        HOST,
        names=[HOST],
        extensions=[(x509.SubjectAlternativeName([x509.DNSName("a\x1b[31m")]), False)],
    )
    made = healthy(leaf, evil, company=[])
    for finding in find(made, advise(made)):
        text = f"{finding.message}{finding.remedy}"
        assert text.isprintable(), finding


def test_hostile_chains_yield_a_bounded_number_of_findings() -> None:
    key = new_key("secp256k1")
    authority = make_root("CA 0", key=key, not_after=NOW + DAY)
    chain = [authority]
    for number in range(1, 40):
        authority = authority.intermediate(f"CA {number}", key=key, not_after=NOW + DAY)
        chain.insert(0, authority)
    made = healthy(authority.leaf(HOST, key=key), *chain, company=[])
    assert len(find(made, advise(made))) <= bot.pki.findings.MAX_FINDINGS
