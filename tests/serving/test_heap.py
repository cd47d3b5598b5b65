"""Memory that is free goes back to the system while the process lives on."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes

import psutil
import pytest

from bot.serving.heap import give_back

_PIECES = 4000
_OCTETS = 20_000


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="needs glibc")
async def test_what_lies_between_used_pieces_is_given_back() -> None:
    process = psutil.Process()
    pieces = [bytearray(_OCTETS) for _ in range(_PIECES)]
    used = pieces[::10]
    full = process.memory_info().rss
    del pieces
    giving = asyncio.create_task(give_back(every=0.01))
    async with asyncio.timeout(60):
        # Nothing tells of it.
        while full - process.memory_info().rss < _PIECES * _OCTETS // 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    giving.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await giving
    assert len(used) == _PIECES // 10
