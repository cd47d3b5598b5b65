"""Real processes that deliver and are killed: nothing is lost, nothing is done twice, in order."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from pathlib import Path

from sqlalchemy import select

from bot.store import outbox
from bot.store.database import Database
from bot.store.tables import acts, lanes

_PROGRAM = Path(__file__).with_name("delivering_process.py")
_LEASE = 0.6
_ROOT = Path(__file__).parents[2]


async def start(url: str, file: Path) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(_PROGRAM),
        url,
        str(file),
        str(_LEASE),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
    )
    assert process.stdout
    assert await process.stdout.readline() == b"started\n"
    return process


async def kill(process: asyncio.subprocess.Process) -> None:
    process.send_signal(signal.SIGKILL)
    await process.communicate()


async def waiting(database: Database) -> int:
    async with database.read() as unit:
        return (await outbox.backlog(unit)).waiting


def _count(file: Path) -> int:
    """How many acts are delivered."""
    return len(file.read_text().split())


async def _put_and_wait_for_some(database: Database, file: Path, chance: random.Random) -> None:
    """Puts acts until a moment comes at which some are delivered and others still wait.

    However late this process is woken: acts that were all done by then are followed by more.
    """
    async with asyncio.timeout(60):
        while True:
            some = _count(file) + chance.randint(1, 24)
            async with database.begin() as unit:
                for number in range(48):
                    kind = "card" if number % 5 else "line"
                    await outbox.put(unit, f"lane:{number % 6}", kind, {})
            while _count(file) < some:  # noqa: ASYNC110  the file says it
                await asyncio.sleep(0.005)
            if await waiting(database):
                return


async def test_processes_killed_at_any_moment_lose_nothing_and_do_nothing_twice(
    database: Database, url: str, tmp_path: Path
) -> None:
    chance = random.Random(7)
    file = tmp_path / "delivered"
    file.touch()
    replicas = [await start(url, file), await start(url, file)]
    for victim in (0, 1, 0):
        await _put_and_wait_for_some(database, file, chance)
        await kill(replicas[victim])
        replicas[victim] = await start(url, file)
    async with asyncio.timeout(120):
        while await waiting(database):  # noqa: ASYNC110  the database says it
            await asyncio.sleep(0.1)
    for replica in replicas:
        await kill(replica)

    delivered = file.read_text().split()
    async with database.read() as unit:
        rows = (await unit.execute(select(acts).order_by(acts.c.position))).all()
        assert (await unit.execute(select(lanes))).all() == []
    assert {row.state for row in rows} == {"done"}
    assert sorted(delivered) == sorted(row.id for row in rows)
    for lane in {row.lane for row in rows}:
        in_order = [row.id for row in rows if row.lane == lane]
        assert [act for act in delivered if act in set(in_order)] == in_order
