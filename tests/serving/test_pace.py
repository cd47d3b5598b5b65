"""How much runs at once, by how long a round of the event loop takes."""

from __future__ import annotations

import asyncio
import time

from bot.serving.pace import Pace

_SLOW = 0.03


def test_slow_rounds_leave_less_at_once_but_never_nothing() -> None:
    pace = Pace(20)
    assert pace.at_once == 20
    pace.note(_SLOW)
    assert pace.at_once < 20
    for _ in range(50):
        pace.note(_SLOW)
    assert pace.at_once == 2


def test_quick_rounds_give_back_what_slow_ones_took() -> None:
    pace = Pace(20)
    for _ in range(50):
        pace.note(_SLOW)
    for _ in range(100):
        pace.note(0.001)
    assert pace.at_once == 20


def test_where_one_may_run_one_runs() -> None:
    pace = Pace(1)
    pace.note(_SLOW)
    assert pace.at_once == 1


async def test_what_keeps_the_event_loop_busy_is_measured() -> None:
    pace = Pace(20)
    for _ in range(20):
        pace.measure()
        time.sleep(_SLOW)  # noqa: ASYNC251  it is to be in the way
        await asyncio.sleep(0)
    assert pace.at_once == 2


async def test_what_waits_for_others_slows_nobody_down() -> None:
    pace = Pace(20)
    # As slow as it may be elsewhere: what is judged is how much it falls.
    for _ in range(20):
        pace.measure()
        await asyncio.sleep(_SLOW)
    assert pace.at_once > 2
