"""Lookups as many people ask for them: the same one runs once, its report serves for a few seconds,
and nobody takes all the places."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from bot.lookup import Question
from bot.redaction import redacted
from bot.report import Report

#: Reports kept at once; one is some tens of kilobytes.
_MAX_CACHED: Final = 200

Answer = Callable[[Question], Awaitable[Report]]


class Busy(Exception):
    """This user or workspace has as many lookups running as it may; ask again in a moment."""


@dataclass(frozen=True, slots=True)
class Share:
    """How many lookups may run at once for one user, and for one workspace."""

    per_user: int
    per_workspace: int


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

    async def run(self, question: Question, *, team: str, user: str, fresh: bool = False) -> Report:
        """The report. ``fresh``: not one from the cache, though one that is being made at this
        moment is fresh. Raises Busy."""
        key = replace(question, target=replace(question.target, input=""))
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
        places = ((team, user), (team,))
        limits = (self._share.per_user, self._share.per_workspace)
        if any(self._places[who] >= most for who, most in zip(places, limits, strict=True)):
            raise Busy
        self._places.update(places)
        try:
            yield
        finally:
            self._places.subtract(places)
            self._places = +self._places

    async def _share_one(self, key: Question, question: Question) -> Report:
        task = self._running.get(key)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._make(key, question))
            self._running[key] = task
            task.add_done_callback(lambda done: self._finished(key, done))
        # One who stops waiting does not end it for the others.
        return await asyncio.shield(task)

    async def _make(self, key: Question, question: Question) -> Report:
        report = await self._answer(question)
        if self._cache_seconds:
            self._cached[key] = self._clock(), report
            self._cached.move_to_end(key)
            while len(self._cached) > _MAX_CACHED:
                self._cached.popitem(last=False)
        return report

    def _finished(self, key: Question, task: asyncio.Task[Report]) -> None:
        self._running.pop(key, None)
        if not task.cancelled():
            # Whoever waited was given it; else nobody would have looked at it.
            task.exception()
