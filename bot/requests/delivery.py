"""Delivery: workers that take acts from the outbox and hand them to the courier of their kind."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import socket
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

from bot import incidents
from bot.requests.courier import Courier, Later, Receipt, Undeliverable
from bot.requests.outcomes import OnDelivered, OnFailed, OnPutOff, Outcomes
from bot.requests.patience import Patience
from bot.requests.settling import Settle, Settling
from bot.store import leases
from bot.store.database import Database, StoreError, Unit
from bot.store.leases import Lease
from bot.store.outbox import POSTS, Act

#: Told of each attempt: the act, `delivered`, `later`, `again` or `failed`, and its seconds.
Observe: TypeAlias = Callable[[Act, str, float], None]

_MEND_CLOCK_SECONDS: Final = 60.0
_CLOCK_JUMP: Final = timedelta(seconds=1)
#: How long something more urgent is given way to, how often it is looked at meanwhile, and how many acts
#: are begun then all the same.
_GIVE_WAY_SECONDS: Final = 1.0
_LOOK_SECONDS: Final = 0.02
_MOST_MEANWHILE: Final = 4

_logger = logging.getLogger("whichroot.delivery")


class Delivery:
    """Delivers the acts of one pool of the outbox with up to ``concurrency`` couriers at once.

    ``on_delivered(unit, act, receipt)`` runs in the transaction that marks the act done,
    ``on_failed(unit, act, reason)`` in the one that gives it up, ``on_put_off(unit, act, reason)`` in
    the one that makes it wait. What they put is kept with that. ``waiting()`` is how many of the
    couriers do nothing but wait, and do not count; `look_again` says that there are more of these.
    While ``gives_way()`` is true little is begun, because something else is more urgent; ``at_once()``
    is how many couriers leave room for others, ``begins()`` is told before each begins.
    """

    def __init__(
        self,
        database: Database,
        couriers: Mapping[str, Courier],
        on_delivered: OnDelivered,
        *,
        on_failed: OnFailed | None = None,
        on_put_off: OnPutOff | None = None,
        observe: Observe | None = None,
        pool: str = POSTS,
        concurrency: int = 8,
        patience: Patience | None = None,
        waiting: Callable[[], int] = int,
        gives_way: Callable[[], bool] = bool,
        at_once: Callable[[], int] | None = None,
        begins: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._couriers = couriers
        self._observe = observe
        self._pool = pool
        self._concurrency = concurrency
        self._waiting = waiting
        self._gives_way = gives_way
        self._at_once = at_once or (lambda: concurrency)
        self._begins = begins
        self._patience = patience or Patience()
        self._outcomes = Outcomes(self._patience, on_delivered, on_failed, on_put_off)
        self._length = timedelta(seconds=self._patience.lease)
        self._worker = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._claims = 0
        #: Places for acts that are being leased, within a transaction that is not kept yet.
        self._reserved = 0
        self._wake = asyncio.Event()
        #: Whether more acts may be due than were found when this was last looked for.
        self._more_due = True
        self._stopping = False
        self._settling = Settling(database, self._outcomes.unrecorded, self._take_within)
        self._running: dict[asyncio.Task[None], Lease] = {}
        self._with_outcome: set[asyncio.Task[Any] | None] = set()
        self._idle = asyncio.Event()
        self._takes_nothing = asyncio.Event()
        self._takes_nothing.set()
        self._ended = asyncio.Event()
        self._ended.set()

    async def run(self) -> None:
        """Delivers until `stop`. Survives an unreachable database."""
        self._ended.clear()
        self._takes_nothing.clear()
        # Whoever takes acts as they are put need not be woken.
        if self._database.is_postgresql:
            forget = self._database.on_put(self._pool, self._look)
        else:
            forget = self._database.on_put_within(self._pool, self._take_within)
        helpers = [
            asyncio.create_task(self._keep_leases()),
            asyncio.create_task(self._settling.run()),
        ]
        try:
            while not self._stopping:
                await self._take_and_wait()
            forget()
            while self._reserved:  # noqa: ASYNC110  commits end it, which tell only the count
                await asyncio.sleep(_LOOK_SECONDS)
            self._takes_nothing.set()
            await self._idle.wait()
        finally:
            forget()
            left = [*helpers, *self._running]
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
            self._takes_nothing.set()
            self._ended.set()

    def look_again(self) -> None:
        """There may be a free place."""
        if self._more_due:
            self._wake.set()

    def _look(self) -> None:
        """There may be something to take."""
        self._more_due = True
        self._wake.set()

    async def stop(self, grace_seconds: float = 20) -> None:
        """Takes nothing more, waits for what is under way, hands back what does not end in time."""
        self._stopping = True
        self._wake.set()
        # What is being taken at this moment is still begun, and waited for as well.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._takes_nothing.wait(), grace_seconds)
        if self._running:
            await asyncio.wait(self._running, timeout=grace_seconds)
        self._settling.hurry()
        for task in self._running.keys() - self._with_outcome:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running, timeout=2 * self._patience.cancelled)
        self._idle.set()
        await self._ended.wait()

    async def _take_and_wait(self) -> None:
        """One round: fills the free places, then waits for a reason to look again."""
        free = self._free()
        self._wake.clear()
        taken: Sequence[Lease] = ()
        if free and await self._give_way():
            free = min(self._free(), _MOST_MEANWHILE)
        else:
            # Some may have been taken meanwhile.
            free = self._free()
        if free:
            self._reserved += free
            self._more_due = False
            full = True
            try:
                taken = await self._claim(free)
                full = len(taken) == free
            except StoreError as error:
                _logger.warning("nothing can be taken from the outbox: %s", error.message)
            except Exception as error:
                incidents.record(error, "taking acts from the outbox")
            finally:
                self._reserved -= free
                self._more_due |= full
        self._begin(taken)
        if free and len(taken) == free:
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), self._patience.poll)

    def _free(self, ending: int = 0) -> int:
        """How many may begin; ``ending`` of those that run are about to end."""
        most = min(self._concurrency, self._at_once()) + self._waiting()
        return max(most - len(self._running) + ending - self._reserved, 0)

    def _begin(self, taken: Sequence[Lease]) -> None:
        for lease in taken:
            self._begins()
            task = asyncio.create_task(self._deliver(lease))
            self._running[task] = lease
            task.add_done_callback(self._place_is_free)

    async def _take_within(self, unit: Unit) -> Callable[[bool], None]:
        """Fills the free places within a transaction that has put acts or kept outcomes; they begin
        once it is kept."""
        taken: Sequence[Lease] = ()
        free = self._free(unit.freed[self._take_within])
        looks = free > 0 and not self._gives_way()
        if looks:
            taken = await leases.claim(unit, self._pool, self._owner(), free, self._length)
        self._more_due = not looks or len(taken) == free
        self._reserved += len(taken)

        def begin(kept: bool) -> None:
            self._reserved -= len(taken)
            if kept:
                self._begin(taken)
            if not kept or (free and not looks):
                self._look()

        return begin

    async def _give_way(self) -> bool:
        """Waits while something else is more urgent, but not for long; gives whether it still is."""
        loop = asyncio.get_running_loop()
        until = loop.time() + _GIVE_WAY_SECONDS
        while (urgent := self._gives_way()) and loop.time() < until and not self._stopping:  # noqa: ASYNC110  urgency ends by the clock, which tells nobody
            await asyncio.sleep(_LOOK_SECONDS)
        return urgent

    def _place_is_free(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        self._with_outcome.discard(task)
        self.look_again()
        if not task.cancelled() and (error := task.exception()):
            incidents.record(error, "delivering an act")

    async def _claim(self, limit: int) -> Sequence[Lease]:
        async with self._database.begin() as unit:
            return await leases.claim(unit, self._pool, self._owner(), limit, self._length)

    def _owner(self) -> str:
        self._claims += 1
        return f"{self._worker}:{self._claims}"

    async def _keep_leases(self) -> None:
        loop = asyncio.get_running_loop()
        mended = loop.time()
        ahead = self._ahead()
        while True:
            await asyncio.sleep(self._patience.lease / 3)
            was_set_back = ahead - self._ahead() > _CLOCK_JUMP
            try:
                async with self._database.begin() as unit:
                    lost = await leases.renew(unit, list(self._running.values()), self._length)
                    if was_set_back:
                        await leases.mend_clock(unit, self._length, _CLOCK_JUMP)
                    elif loop.time() - mended > _MEND_CLOCK_SECONDS:
                        await leases.mend_clock(unit, self._length)
                        mended = loop.time()
                ahead = self._ahead()
                if was_set_back:
                    self._wake.set()
            except StoreError as error:
                _logger.warning("leases cannot be renewed: %s", error.message)
                continue
            except Exception as error:
                incidents.record(error, "renewing leases")
                continue
            for task, lease in tuple(self._running.items()):
                # Who has the outcome already finds out by keeping it.
                if lease in lost and task not in self._with_outcome:
                    task.cancel()

    def _ahead(self) -> timedelta:
        """How far the clock is from one that nobody sets."""
        since = timedelta(seconds=asyncio.get_running_loop().time())
        return self._database.clock() - datetime.min.replace(tzinfo=UTC) - since

    async def _deliver(self, lease: Lease) -> None:
        """One attempt and its outcome in the outbox."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        try:
            outcome, settle = await self._attempt(lease)
        except asyncio.CancelledError:
            outcome, settle = "later", self._outcomes.hand_back(lease)
        seconds = loop.time() - begun
        self._with_outcome.add(asyncio.current_task())
        await self._settling.keep(lease, settle)
        if self._observe:
            self._observe(lease.act, outcome, seconds)

    async def _attempt(self, lease: Lease) -> tuple[str, Settle]:
        act, patience = lease.act, self._patience
        if act.attempts >= patience.attempts:
            return self._outcomes.failure(
                lease,
                "The program ended each time that it tried this.",
                maybe_delivered=True,
                attempts=act.attempts,
            )
        try:
            receipt = await self._call(act)
        except Later as later:
            return "later", self._outcomes.put_off(lease, later)
        except Undeliverable as refusal:
            maybe = act.maybe_delivered or refusal.maybe_delivered
            if refusal.final:
                reason = str(refusal)
                return "failed", self._outcomes.give_up(lease, reason, maybe_delivered=maybe)
            return self._outcomes.failure(lease, str(refusal), maybe_delivered=maybe)
        except _TooLong:
            reason = f"It took longer than {patience.courier:g} seconds."
            return self._outcomes.failure(lease, reason, maybe_delivered=True)
        except Exception as error:
            told = incidents.record(error, f"delivering act {act.id} ({act.kind})", where=False)
            return self._outcomes.failure(
                lease, f"Something went wrong. {told}", maybe_delivered=True
            )
        return "delivered", self._outcomes.done(lease, receipt)

    async def _call(self, act: Act) -> Receipt:
        """Raises _TooLong, also where the courier does not even heed its cancellation."""
        courier = self._couriers.get(act.kind)
        if courier is None:
            raise Undeliverable(f"This version of the bot does not know what “{act.kind}” is.")
        task = asyncio.ensure_future(courier.deliver(act))
        task.add_done_callback(_look_at_outcome)
        try:
            await asyncio.wait({task}, timeout=self._patience.courier)
            if not task.done():
                raise _TooLong
            return await task
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait({task}, timeout=self._patience.cancelled)


class _TooLong(Exception):
    """The courier did not end in time."""


def _look_at_outcome(task: asyncio.Future[Any]) -> None:
    """An abandoned courier's error has been told as its time-out."""
    if not task.cancelled():
        task.exception()
