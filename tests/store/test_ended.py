"""An end that several wait for."""

from __future__ import annotations

import asyncio

import pytest

from bot.store.ended import Ended


async def test_who_waits_knows_in_the_next_round_and_who_is_cancelled_stops_nobody() -> None:
    ended = Ended(asyncio.get_running_loop())
    waiting = [asyncio.create_task(ended.wait()) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.sleep(0)
    ended.tell()
    await asyncio.sleep(0)
    assert [task.done() for task in waiting] == [True] * 3
    assert [task.cancelled() for task in waiting] == [True, False, False]
    await ended.wait()


async def test_an_error_is_everybodys() -> None:
    ended = Ended(asyncio.get_running_loop())
    waiting = [asyncio.create_task(ended.wait()) for _ in range(2)]
    await asyncio.sleep(0)
    ended.tell(ValueError("full"))
    for task in waiting:
        with pytest.raises(ValueError, match="full"):
            await task
    with pytest.raises(ValueError, match="full"):
        await ended.wait()
