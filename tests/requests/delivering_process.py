"""A process of its own that delivers: each delivery is a line of a file, its receipt the line's act.

Run as a program: DATABASE_URL FILE LEASE_SECONDS.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from pathlib import Path

from bot.requests.courier import Receipt
from bot.requests.delivery import Delivery
from bot.requests.patience import Patience
from bot.store.database import Database, Unit
from bot.store.outbox import Act
from bot.store.seen import Seen


class Writing:
    """Looks for its line first, where an earlier attempt may have written it, as couriers must."""

    def __init__(self, file: Path) -> None:
        self._file = file

    async def deliver(self, act: Act) -> Receipt:
        """Writes one line."""
        await asyncio.sleep(random.uniform(0, 0.03))
        if act.maybe_delivered and act.id in self._file.read_text().split():
            return {"found": True}
        with self._file.open("a") as stream:
            stream.write(f"{act.id}\n")
            stream.flush()
            os.fsync(stream.fileno())
        await asyncio.sleep(random.uniform(0, 0.03))
        return {"found": False}


async def _record(unit: Unit, act: Act, receipt: Receipt) -> None:
    assert await Seen().first(unit, f"recorded:{act.id}") is None, "recorded twice"


async def _main(url: str, file: Path, lease: float) -> None:
    database = Database(url)
    courier = Writing(file)
    delivery = Delivery(
        database,
        {"line": courier, "card": courier},
        _record,
        patience=Patience(lease=lease, poll=0.05),
    )
    print("started", flush=True)
    await delivery.run()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])))
