"""Who writes when: commits that are shared, and those who wait for one."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bot.store.database import Database
from bot.store.seen import Seen


async def test_all_who_wait_for_a_commit_write_in_one_round_of_the_event_loop(
    tmp_path: Path,
) -> None:
    database = Database(f"sqlite:///{tmp_path}/x.db")
    await database.migrate()
    rounds = 0
    wrote_in: list[int] = []
    wrote = asyncio.Event()

    async def count() -> None:
        nonlocal rounds
        while True:
            rounds += 1
            await asyncio.sleep(0)

    async def write(number: int) -> None:
        async with database.begin() as unit:
            await Seen().first(unit, f"event:{number}", "x" * 1000)
            wrote_in.append(rounds)
            wrote.set()

    counting = asyncio.create_task(count())
    first = asyncio.create_task(write(0))
    await wrote.wait()
    await asyncio.sleep(0)
    # Now its commit is under way.
    await asyncio.gather(first, *(write(number) for number in range(1, 21)))
    counting.cancel()
    assert len(wrote_in) == 21
    assert len(set(wrote_in[1:])) <= 2
    await database.dispose()


async def test_those_who_keep_coming_hold_up_no_commit(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/x.db")
    await database.migrate()

    async def write(key: str) -> None:
        async with database.begin() as unit:
            await Seen().first(unit, key)
            # Others come meanwhile.
            await asyncio.sleep(0.001)

    async def keep_coming(name: str, until: asyncio.Task[None]) -> None:
        number = 0
        while not until.done():
            number += 1
            coming = asyncio.create_task(write(f"{name}:{number}"))
            await asyncio.sleep(0.0005)
            others.append(coming)

    others: list[asyncio.Task[None]] = []
    first = asyncio.create_task(write("first"))
    async with asyncio.timeout(10):
        await asyncio.gather(*(keep_coming(name, first) for name in "abc"))
    await asyncio.gather(*others)
    await database.dispose()
