"""Outcomes of deliveries, kept together: one transaction for all that have come in meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from bot import incidents
from bot.store.database import Database, StoreError, Take, Unit
from bot.store.lanework import LeaseLost
from bot.store.leases import Lease

#: Writes an outcome with the unit that it is given.
Settle: TypeAlias = Callable[[Unit], Awaitable[None]]
#: What is written in its place where it raised, given a sentence that tells why.
Fallback: TypeAlias = Callable[[Lease, str], Settle]

#: How many outcomes are kept together, and how long a database that fails is left alone, in seconds.
_MOST: Final = 64
_PAUSE_SECONDS: Final = (0.2, 5.0)

_logger = logging.getLogger("whichroot.delivery")


@dataclass(slots=True, eq=False)
class _Outcome:
    lease: Lease
    settle: Settle
    kept: asyncio.Event = field(default_factory=asyncio.Event)
    is_fallback: bool = False


class Settling:
    """Keeps outcomes in ``database`` while `run` runs. With ``take`` the places that this frees are
    filled again in the same transaction, where it was given to `Database.on_put_within`."""

    def __init__(self, database: Database, fallback: Fallback, take: Take) -> None:
        self._database = database
        self._fallback = fallback
        self._take = take
        self._outcomes: list[_Outcome] = []
        self._come = asyncio.Event()
        self._hurry = asyncio.Event()

    async def keep(self, lease: Lease, settle: Settle) -> None:
        """Returns once the outcome is kept, however long the database is away; or once it is certain
        that it will not be, and the act's lease runs out."""
        outcome = _Outcome(lease, settle)
        self._outcomes.append(outcome)
        self._come.set()
        await outcome.kept.wait()

    def hurry(self) -> None:
        """From now on a database that fails is not waited for."""
        self._hurry.set()

    async def run(self) -> None:
        """Keeps what comes in, until it is cancelled."""
        while True:
            await self._come.wait()
            self._come.clear()
            while self._outcomes:
                batch, self._outcomes = self._outcomes[:_MOST], self._outcomes[_MOST:]
                await self._keep(batch)

    async def _keep(self, batch: Sequence[_Outcome]) -> None:
        # In the order of the lanes, as is all that locks several things.
        batch = sorted(batch, key=lambda outcome: outcome.lease.act.lane)
        pause, most = _PAUSE_SECONDS
        while True:
            try:
                async with self._database.begin() as unit:
                    for outcome in batch:
                        await outcome.settle(unit)
                    unit.freed[self._take] += len(batch)
                break
            except StoreError as error:
                _logger.warning("outcomes of %d acts not kept: %s", len(batch), error.message)
                if self._hurry.is_set():
                    break
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._hurry.wait(), pause)
                pause = min(2 * pause, most)
            except Exception as error:
                if len(batch) == 1:
                    await self._give_up(batch[0], error)
                else:
                    # One of them: each for itself.
                    for outcome in batch:
                        await self._keep([outcome])
                return
        for outcome in batch:
            outcome.kept.set()

    async def _give_up(self, outcome: _Outcome, error: Exception) -> None:
        act = outcome.lease.act
        if isinstance(error, LeaseLost):
            _logger.warning("act %s: its lease ran out", act.id)
            outcome.kept.set()
            return
        told = incidents.record(
            error, f"keeping the outcome of act {act.id} ({act.kind})", where=False
        )
        if outcome.is_fallback:
            outcome.kept.set()
            return
        outcome.settle = self._fallback(outcome.lease, f"It was done, but not recorded. {told}")
        outcome.is_fallback = True
        await self._keep([outcome])
