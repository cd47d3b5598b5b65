"""What Hypothesis proposes is made of what a target reads, and of what it does not expect."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings

from tests.hostile.fuzzing.strategies import inputs
from tests.hostile.fuzzing.target import FuzzTarget

_EXAMPLE = FuzzTarget(
    "example", bytes, lambda: [b"seed=1", b"other"], words=(b"WORD",), max_bytes=64
)


def test_seeds_words_and_strange_bytes_are_among_what_is_proposed() -> None:
    made: list[bytes] = []

    @settings(
        max_examples=80, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(inputs(_EXAMPLE))
    def collect(data: bytes) -> None:
        made.append(data)

    collect()
    assert all(len(data) <= 64 for data in made)
    for piece in (b"seed=1", b"WORD"):
        assert any(piece in data for data in made), piece
    assert any(not data.isascii() for data in made)
