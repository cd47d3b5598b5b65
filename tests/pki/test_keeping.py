"""What is kept of earlier questions stays within its bounds, whatever a server sends."""

from __future__ import annotations

import gc
import weakref

from bot.pki.certificate import Certificate
from bot.pki.java import predict
from bot.pki.keeping import LARGE, SMALL, kept
from tests.hostile.hostile_certificates import authority, long_name

_SIZE = 100_000


def test_what_is_small_is_computed_once_until_others_come() -> None:
    asked: list[bytes] = []

    @kept(2)
    def last(data: bytes) -> int:
        asked.append(data)
        return data[-1]

    assert [last(b"a"), last(b"a"), last(b"b"), last(b"a")] == [97, 97, 98, 97]
    assert asked == [b"a", b"b"]
    last(b"c")
    last(b"b")
    assert asked == [b"a", b"b", b"c", b"b"]


def test_what_is_large_is_computed_once_until_it_is_too_much() -> None:
    asked: list[int] = []

    @kept(2, lambda size, _: size)
    def noted(size: int, name: str) -> str:
        asked.append(size)
        return name

    count = LARGE // (SMALL + 1)
    for _ in range(2):
        assert [noted(SMALL + 1, str(n)) for n in range(count)] == [str(n) for n in range(count)]
    assert len(asked) == count
    noted(SMALL + 1, "one more")
    noted(SMALL + 1, "0")
    assert len(asked) == count + 2


def test_large_certificates_of_many_servers_are_not_all_remembered() -> None:
    root = [Certificate.from_der(authority().der)]
    met = []
    for number in range(60):
        served = Certificate.from_der(long_name(_SIZE + number))
        predict([served], root, host="a.corp.example", connected=False)
        met.append(weakref.ref(served))
    del served
    gc.collect()
    alive = sum(found() is not None for found in met)
    assert 0 < alive <= LARGE // _SIZE
