"""The data files of the public roots: the same packages give the same bytes."""

from __future__ import annotations

import json
import random
from pathlib import Path

from bot.pki.certificate import Certificate
from bot.pki.roots import INDEX_NAME, STORE_NAME, PublicRoots
from tests.support.authority import make_root
from tools.make_roots import CertifiRelease, Jdk, build, released_versions

A, B, C, D = (Certificate.from_der(make_root(f"Root {letter}").der) for letter in "ABCD")


def releases(order: list[Certificate]) -> tuple[list[CertifiRelease], list[Jdk]]:
    def held(*roots: Certificate) -> frozenset[Certificate]:
        return frozenset(root for root in order if root in roots)

    certifi = [
        CertifiRelease("2015.4.28", held(A, B)),
        CertifiRelease("2016.1.1", held(B, C)),
        CertifiRelease("2017.1.1", held(B)),
        CertifiRelease("2018.1.1", held(B, C)),
    ]
    return certifi, [
        Jdk("11", "Temurin-11.0.1+1", held(A, D)),
        Jdk("17", "Temurin-17.0.1+1", held(A)),
    ]


def test_the_same_roots_give_the_same_bytes() -> None:
    order = [A, B, C, D]
    first = build(*releases(order))
    shuffler = random.Random(1)
    for _ in range(5):
        shuffler.shuffle(order)
        assert build(*releases(order)) == first


def test_each_root_is_there_once_with_all_who_hold_it(tmp_path: Path) -> None:
    index, store = build(*releases([A, B, C, D]))
    (tmp_path / INDEX_NAME).write_bytes(index)
    (tmp_path / STORE_NAME).write_bytes(store)
    roots = PublicRoots(tmp_path)

    assert len(roots) == 4
    assert len(store) == sum(len(root.der) for root in (A, B, C, D))
    held = {
        root.certificate.subject.short: [
            (m.programme, m.since, m.last, m.dropped) for m in root.programmes
        ]
        for root in roots.all()
    }
    jdk_11 = ("jdk-11", "Temurin-11.0.1+1", "Temurin-11.0.1+1", None)
    jdk_17 = ("jdk-17", "Temurin-17.0.1+1", "Temurin-17.0.1+1", None)
    assert held == {
        "Root A": [("mozilla", "2015.4.28", "2015.4.28", "2016.1.1"), jdk_11, jdk_17],
        "Root B": [("mozilla", "2015.4.28", "2018.1.1", None)],
        "Root C": [("mozilla", "2016.1.1", "2018.1.1", None)],
        "Root D": [jdk_11],
    }


def test_the_index_is_readable_line_by_line() -> None:
    index, _ = build(*releases([A, B, C, D]))
    lines = index.decode("ascii").splitlines()
    assert len(lines) == 1 + 4 + 1
    assert [json.loads(line.rstrip(","))["sha256"] for line in lines[1:-1]] == sorted(
        root.sha256 for root in (A, B, C, D)
    )


def test_a_release_with_a_suffix_is_not_certifis() -> None:
    listed = (
        "certifi (2026.10.19.post1)\n"
        "Available versions: 2026.10.19.post1, 2026.10.18, 2026.7.22, 2022.12.7rc1, 1.0.1\n"
        "  INSTALLED: 2026.10.18\n"
    )
    assert released_versions(listed) == ["2026.10.18", "2026.7.22", "1.0.1"]
