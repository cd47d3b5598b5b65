"""Whether a running bot can do its work, and how much waits."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from bot.serving.health import Condition
from bot.serving.intake import Intake, SocketConnection
from bot.serving.metrics import Metrics
from bot.store import outbox
from bot.store.database import Database, StoreError

#: An outbox is stuck where nobody took an act for so long that could be delivered. What waits for
#: Matrix42 or Slack to come back is no such act.
_STALE_SECONDS: Final = 600.0
#: How long a check of the database may take.
_CHECK_SECONDS: Final = 5.0


class Readiness:
    """Looks at the database, the intake and the connections to Slack (``by_socket``: one of them must
    stand), and at the outbox for ``metrics``."""

    def __init__(
        self,
        database: Database,
        intake: Intake,
        connections: Sequence[SocketConnection],
        metrics: Metrics,
        *,
        by_socket: bool,
    ) -> None:
        self._database = database
        self._intake = intake
        self._connections = connections
        self._metrics = metrics
        self._by_socket = by_socket

    async def condition(self) -> Condition:
        """How the bot is."""
        problems = {}
        try:
            async with asyncio.timeout(_CHECK_SECONDS):
                await self._database.check_writing()
                async with self._database.read() as unit:
                    backlog = await outbox.backlog(unit)
                    waiting = await outbox.held_up(unit)
        except StoreError as error:
            return Condition({"database": error.message})
        except TimeoutError:
            return Condition(
                {"database": f"The database does not answer within {_CHECK_SECONDS:g} seconds."}
            )
        if backlog.overdue_at:
            age = (self._database.clock() - backlog.overdue_at).total_seconds()
            if age > _STALE_SECONDS:
                problems["outbox"] = f"An act has been due for {age:.0f} seconds; nobody took it."
        if not self._intake.is_open:
            problems["slack"] = "The bot is stopping."
        elif self._by_socket and not await self._is_connected():
            problems["slack"] = "There is no connection to Slack."
        return Condition(problems, waiting)

    async def _is_connected(self) -> bool:
        return any([await connection.is_connected() for connection in self._connections])

    async def refresh(self) -> None:
        """Brings the gauges up to date."""
        try:
            async with self._database.read() as unit:
                backlog = await outbox.backlog(unit)
        except StoreError:
            return
        self._metrics.outbox.labels("waiting").set(backlog.waiting)
        self._metrics.outbox.labels("failed").set(backlog.failed)
        now = self._database.clock()
        age = (now - backlog.oldest_at).total_seconds() if backlog.oldest_at else 0.0
        self._metrics.outbox_age.set(max(age, 0.0))
