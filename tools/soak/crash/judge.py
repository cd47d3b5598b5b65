"""Crash points, and who decides at each of them whether the bot dies there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

Phase: TypeAlias = Literal["before", "during", "after"]
#: Before the call is sent; sent and processed, the answer lost; answered. Of a commit: before it is
#: sent to the database; at a random moment of its being carried out; carried out.
PHASES: Final[tuple[Phase, ...]] = get_args(Phase)


@dataclass(frozen=True, order=True, slots=True)
class Point:
    """The ``number``-th time that ``what`` happens in a step of the story."""

    step: str
    what: str
    number: int

    def __str__(self) -> str:
        return f"{self.step}: {self.what} #{self.number}"


@dataclass(frozen=True, order=True, slots=True)
class Aim:
    """A point, and when the process is killed there."""

    point: Point
    phase: Phase

    def __str__(self) -> str:
        return f"{self.point}, {self.phase}"


class Judge:
    """Counts what happens in each step, and says where it is time to strike.

    ``strike(replica)`` kills that process before it returns; whoever runs the processes sets it.
    """

    def __init__(self, aims: Iterable[Aim]) -> None:
        self._aims = {aim.point: aim for aim in aims}
        self.strike: Callable[[int], None] = lambda _: None
        self._counts: Counter[tuple[str, str]] = Counter()
        self.step = ""
        self.points: list[Point] = []
        self.struck: list[Aim] = []

    def arrives(self, what: str) -> Phase | None:
        """``what`` is about to happen; the phase in which the process that does it has to die."""
        self._counts[self.step, what] += 1
        point = Point(self.step, what, self._counts[self.step, what])
        self.points.append(point)
        aim = self._aims.pop(point, None)
        if aim is None:
            return None
        self.struck.append(aim)
        return aim.phase

    def aims_at(self, step: str) -> bool:
        """Whether a point of that step has not come yet."""
        return any(point.step == step for point in self._aims)
