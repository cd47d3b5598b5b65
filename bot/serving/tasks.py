"""What runs beside the event loop's main course: known by name, and waited for at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

from bot import incidents


class Tasks:
    """Background work that is neither lost nor outlives its owner."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[object, object, None], doing: str) -> asyncio.Task[None]:
        """Runs ``work``; an unexpected failure of it is recorded."""
        task = asyncio.get_running_loop().create_task(_recorded(work, doing))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def drain(self, seconds: float) -> None:
        """Waits for all of it, at most ``seconds``; what still runs then is cancelled."""
        running = list(self._running)
        if not running:
            return
        _, pending = await asyncio.wait(running, timeout=seconds)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)


async def _recorded(work: Coroutine[object, object, None], doing: str) -> None:
    try:
        await work
    except Exception as error:
        incidents.record(error, doing)
