"""A run ends when its work is done or is interrupted, whatever its threads still wait for."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from bot.commands.running import run


def test_a_thread_that_is_stuck_holds_up_no_end() -> None:
    stuck = threading.Event()

    async def main() -> str:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.to_thread(stuck.wait), 0.05)
        return "done"

    started = time.monotonic()
    try:
        assert run(main()) == "done"
        assert time.monotonic() - started < 60
    finally:
        stuck.set()


def test_a_hundred_stuck_threads_hold_up_no_further_one() -> None:
    stuck = threading.Event()

    async def main() -> int:
        waiting = [asyncio.create_task(asyncio.to_thread(stuck.wait)) for _ in range(100)]
        answer = await asyncio.wait_for(asyncio.to_thread(lambda: 42), 10)
        stuck.set()
        await asyncio.gather(*waiting)
        return answer

    assert run(main()) == 42


def test_errors_and_results_of_threads_arrive() -> None:
    async def main() -> str:
        with pytest.raises(ZeroDivisionError):
            await asyncio.to_thread(lambda: 1 // 0)
        return await asyncio.to_thread("x".upper)

    assert run(main()) == "X"
