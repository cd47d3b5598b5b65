"""Damaged certificate files and random chains that were never tried before, judged by real Java.

The tests try known ones in CI; every disagreement that is found here belongs into them.
"""

from __future__ import annotations

import argparse
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Final

from tests.conformance.comparison import SLICE, compare
from tests.conformance.oracle import JDKS
from tests.pki.test_formats_java import judged_alike, mutated
from tests.support.java_reader import JavaReader

_FILES: Final = 1000


def main(arguments: Sequence[str]) -> int:
    """Exit code 0: Java says the same of all; 1: not."""
    parser = argparse.ArgumentParser(prog="python -m tools.soak java", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600, help="for each of the two kinds")
    seconds = parser.parse_args(arguments).seconds
    different = 0
    for what, judged in (("files", _files()), ("chains", _chains())):
        end = time.monotonic() + seconds
        count = found = 0
        for problem in judged:
            count += 1
            if problem:
                found += 1
                print(problem, flush=True)
            if time.monotonic() > end:
                break
        print(f"{count:,} judgements of {what}, {found} different", flush=True)
        different += found
    return 1 if different else 0


def _files() -> Iterator[str | None]:
    with ExitStack() as stack:
        readers = {jdk: stack.enter_context(JavaReader(jdk)) for jdk in JDKS}
        while True:
            for data in mutated(secrets.randbits(64), _FILES):
                for jdk, reader in readers.items():
                    problem = judged_alike(jdk, reader, data)
                    yield f"{problem}: {data.hex()}" if problem else None


def _chains() -> Iterator[str | None]:
    while True:
        seed = secrets.randbelow(10**9)
        for one in compare(seed, SLICE, JDKS):
            said = f"Java {one.jdk}: {one.verdict.message}; we: {one.message}"
            yield None if one.agrees else f"{one.record.id}: {said}"
