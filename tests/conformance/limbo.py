"""The core cases of C2SP x509-limbo with the verdicts that Java gave, where they are at hand."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.conformance.oracle import JDKS, ROOT
from tests.conformance.records import Record, der_of

# The day on which Java judged the cases that name no time.
_JUDGED_ON = datetime(2026, 11, 24, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class LimboCase:
    """A record and what each Java said: accepted and message, without and with the name check."""

    record: Record
    path: Mapping[int, tuple[bool, str]]
    full: Mapping[int, tuple[bool, str]]


def corpus_path() -> Path | None:
    """``WHICHROOT_LIMBO_CORPUS``, else the file beside the checkout; None where neither exists."""
    named = os.environ.get("WHICHROOT_LIMBO_CORPUS")
    path = Path(named) if named else ROOT.parent / "shared/corpora/x509-limbo-core.jsonl.gz"
    return path if path.is_file() else None


def read_corpus(path: Path) -> list[LimboCase]:
    """All cases of the corpus at *path*."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [_case(json.loads(line)) for line in lines]


def _case(data: dict[str, object]) -> LimboCase:
    match data:
        case {
            "id": str(name),
            "trusted_certs": list(trusted),
            "untrusted_intermediates": list(untrusted),
            "peer_certificate": str(peer),
            "validation_time": time,
            "expected_peer_name": expected,
            "java": dict(java),
        }:
            record = Record(
                id=name,
                chain=tuple(der_of(text) for text in [peer, *untrusted]),
                installed=tuple(der_of(text) for text in trusted),
                host=str(expected["value"]) if isinstance(expected, dict) else None,
                at=datetime.fromisoformat(time) if isinstance(time, str) else _JUDGED_ON,
            )
            path, full = (
                {jdk: (java[str(jdk)][kind][0], java[str(jdk)][kind][1]) for jdk in JDKS}
                for kind in ("path", "full")
            )
            return LimboCase(record, path, full)
        case _:
            raise ValueError("not a case of x509-limbo with Java's verdicts")
