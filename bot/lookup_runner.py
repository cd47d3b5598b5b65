"""Lookups as many people ask for them: the same one runs once, its report serves for a few seconds,
and nobody takes all the places.

A server that does not answer costs nothing but time. A lookup that has been waiting for a while
gives its place to the next and goes on beside it, so that such servers hold nobody up.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import field, replace
from typing import Final

from bot.lookup import Question
from bot.records import record
from bot.redaction import redacted
from bot.report import Report

#: Reports kept at once; one is some tens of kilobytes.
_MAX_CACHED: Final = 200

#: After so many seconds a lookup waits for its server …
_PATIENCE_SECONDS: Final = 0.5
#: … unless this process was itself that late, because it has too much to do.
_LATE_SECONDS: Final = 0.1
#: How many times as many as may run may wait, for one user.
_WAITING_PER_RUNNING: Final = 4

Answer = Callable[[Question], Awaitable[Report]]


class Busy(Exception):
    """This user or workspace has as many lookups running as it may; ask again in a moment."""


@record
class Share:
    """How many lookups may run at once for one user, and for one workspace; and how many of a
    workspace may wait for their servers besides."""

    per_user: int
    per_workspace: int
    waiting: int = 0


@record(frozen=False, eq=False)
class _Place:
    """What one lookup occupies."""

    owners: tuple[tuple[str, ...], ...]
    is_waiting: bool = False
    timer: asyncio.TimerHandle | None = field(default=None)


class LookupRunner:
    """Runs the lookups of one process, within one event loop.

    ``answer`` runs one (`bot.lookup.Lookup.answer`); ``cache_seconds`` is how long its report
    answers the same question again.
    """

    def __init__(
        self,
        answer: Answer,
        share: Share,
        cache_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._answer = answer
        self._share = share
        self._cache_seconds = cache_seconds
        self._clock = clock
        self._running: dict[Question, asyncio.Task[Report]] = {}
        self._cached: OrderedDict[Question, tuple[float, Report]] = OrderedDict()
        self._places: Counter[tuple[str, ...]] = Counter()
        self._waiting: Counter[tuple[str, ...]] = Counter()
        self._on_waiting: Callable[[], None] = lambda: None
        #: How many lookups wait for their servers and occupy no place.
        self.waiting = 0

    def on_waiting(self, tell: Callable[[], None]) -> None:
        """Has ``tell`` called whenever a lookup begins to wait, so that another may begin."""
        self._on_waiting = tell

    def begin(self, question: Question, *, fresh: bool = False) -> None:
        """Begins the lookup that `run` is about to be asked for, so that the server answers while what
        was asked is still being kept. Only where no other does anything but wait: it takes nobody's
        turn."""
        key = _key(question)
        if key in self._running or len(self._running) > self.waiting:
            return
        if fresh or self._from_cache(key) is None:
            self._start(key, question)

    async def run(self, question: Question, *, team: str, user: str, fresh: bool = False) -> Report:
        """The report. ``fresh``: not one from the cache, though one that is being made at this
        moment is fresh. Raises Busy."""
        key = _key(question)
        report = None if fresh else self._from_cache(key)
        if report is None:
            with self._place(team, user):
                report = await self._share_one(key, question)
        target = replace(report.target, input=redacted(question.target.input))
        return replace(report, target=target)

    async def aclose(self) -> None:
        """Ends the lookups that run."""
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _from_cache(self, key: Question) -> Report | None:
        made, report = self._cached.get(key, (0.0, None))
        return report if report and self._clock() - made < self._cache_seconds else None

    @contextlib.contextmanager
    def _place(self, team: str, user: str) -> Iterator[None]:
        owners = ((team, user), (team,))
        limits = (self._share.per_user, self._share.per_workspace)
        if any(self._places[who] >= most for who, most in zip(owners, limits, strict=True)):
            raise Busy
        self._places.update(owners)
        place = _Place(owners)
        self._look_later(place)
        try:
            yield
        finally:
            if place.timer is not None:
                place.timer.cancel()
            self.waiting -= place.is_waiting
            _leave(self._waiting if place.is_waiting else self._places, owners)

    def _look_later(self, place: _Place) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + _PATIENCE_SECONDS
        place.timer = loop.call_at(due, self._let_wait, place, due)

    def _let_wait(self, place: _Place, due: float) -> None:
        """Gives the lookup's place to others, where it may wait."""
        late = asyncio.get_running_loop().time() - due > _LATE_SECONDS
        limits = (self._share.per_user * _WAITING_PER_RUNNING, self._share.waiting)
        full = any(
            self._waiting[who] >= most for who, most in zip(place.owners, limits, strict=True)
        )
        if late or full:
            self._look_later(place)
            return
        place.is_waiting = True
        place.timer = None
        _leave(self._places, place.owners)
        self._waiting.update(place.owners)
        self.waiting += 1
        self._on_waiting()

    async def _share_one(self, key: Question, question: Question) -> Report:
        task = self._running.get(key) or self._start(key, question)
        # One who stops waiting does not end it for the others.
        return await asyncio.shield(task)

    def _start(self, key: Question, question: Question) -> asyncio.Task[Report]:
        task = asyncio.get_running_loop().create_task(self._make(key, question))
        self._running[key] = task
        task.add_done_callback(lambda done: self._finished(key, done))
        return task

    async def _make(self, key: Question, question: Question) -> Report:
        report = await self._answer(question)
        if self._cache_seconds:
            now = self._clock()
            self._cached[key] = now, report
            self._cached.move_to_end(key)
            # Those that serve no more go as well: of a hostile server they may be large.
            while len(self._cached) > _MAX_CACHED or self._is_old(now):
                self._cached.popitem(last=False)
        return report

    def _is_old(self, now: float) -> bool:
        """Whether the first report of the cache is too old to answer anything."""
        made, _ = next(iter(self._cached.values()))
        return now - made >= self._cache_seconds

    def _finished(self, key: Question, task: asyncio.Task[Report]) -> None:
        self._running.pop(key, None)
        if not task.cancelled():
            # Whoever waited was given it; else nobody would have looked at it.
            task.exception()


def _key(question: Question) -> Question:
    """The same for every way to write a target."""
    return replace(question, target=replace(question.target, input=""))


def _leave(places: Counter[tuple[str, ...]], owners: tuple[tuple[str, ...], ...]) -> None:
    places.subtract(owners)
    for who in owners:
        if not places[who]:
            del places[who]
