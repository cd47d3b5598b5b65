"""A replica that delivers and does nothing else: ``python -m tools.bench.outbox_worker URL`` says
``ready``, waits for a line on its standard input, and delivers until its standard input ends."""

from __future__ import annotations

import asyncio
import sys

from bot.requests.courier import Receipt
from bot.requests.delivery import Delivery
from bot.store.database import Database, Unit
from bot.store.outbox import Act

_CONCURRENCY = 32


class _Nothing:
    async def deliver(self, act: Act) -> Receipt:
        return {"ts": act.id}


async def _record(unit: Unit, act: Act, receipt: Receipt) -> None:
    pass


async def deliver(url: str) -> None:
    """Delivers until standard input ends."""
    database = Database(url)
    await database.ping()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    delivery = Delivery(database, {"say": _Nothing()}, _record, concurrency=_CONCURRENCY)
    running = asyncio.create_task(delivery.run())
    await asyncio.to_thread(sys.stdin.read)
    await delivery.stop()
    await running
    await database.dispose()


if __name__ == "__main__":
    asyncio.run(deliver(sys.argv[1]))
