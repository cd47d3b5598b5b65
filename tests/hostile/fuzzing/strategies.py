"""Hypothesis's inputs for a target: made anew from pieces of its seeds and words, text and JSON."""

from __future__ import annotations

import json
from typing import NoReturn

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.hostile.fuzzing.target import FuzzTarget
from tests.hostile.fuzzing.worker import Run

#: How many inputs Hypothesis makes before it begins anew with another seed.
_EXAMPLES = 5000
_MOST_PIECES = 12


def inputs(target: FuzzTarget) -> st.SearchStrategy[bytes]:
    """Seeds cut and put together with each other, with words, text, JSON and bytes."""
    seeds = sorted(set(target.seeds()))
    known = st.sampled_from(seeds)
    cut = st.builds(_cut, known, st.integers(0, target.max_bytes), st.integers(0, 200))
    text = st.text(max_size=40).map(lambda found: found.encode("utf-8", "surrogatepass"))
    pieces = [known, cut, text, _json(), st.binary(max_size=16)]
    if target.words:
        pieces.append(st.sampled_from(sorted(target.words)))
    joined = st.lists(st.one_of(pieces), max_size=_MOST_PIECES).map(b"".join)
    spliced = st.builds(_spliced, known, st.integers(0, target.max_bytes), joined)
    return st.one_of(joined, spliced).map(lambda data: data[: target.max_bytes])


def propose(run: Run, target: FuzzTarget, first: int) -> NoReturn:
    """Gives ``run`` one input after the other until it ends the process."""
    strategy = inputs(target)
    run.begin()
    number = first
    while True:

        @seed(number)
        @settings(
            max_examples=_EXAMPLES,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(strategy)
        def one(data: bytes) -> None:
            run.one(data)

        one()
        number += 1


def _json() -> st.SearchStrategy[bytes]:
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    values = st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4)
        ),
        max_leaves=12,
    )
    return values.map(lambda value: json.dumps(value).encode())


def _cut(data: bytes, start: int, size: int) -> bytes:
    return data[start % (len(data) + 1) :][:size]


def _spliced(data: bytes, at: int, more: bytes) -> bytes:
    at %= len(data) + 1
    return data[:at] + more + data[at:]
