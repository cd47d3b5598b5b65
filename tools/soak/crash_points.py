"""``python -m tools.soak crash``: the bot is killed at every outward call and every commit of the
request story, before, during and after it.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import math
import random
import secrets
import sys
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from tests.support.postgresql import postgresql_server
from tools.soak.crash.judge import PHASES, Aim, Point
from tools.soak.crash.running import DESKS, Outcome, Setting, drop_sqlite, live, new_sqlite

DATABASES: Final = ("sqlite", "postgresql")
_AT_ONCE: Final = 4
#: How many kills a step of one story may have.
_IN_A_STEP: Final = 3


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a whole matrix of points under one setting."""

    points: int
    kills: int
    stories: int
    unreached: Sequence[Aim]
    repeated_whispers: int
    failures: Sequence[str]
    seconds: float


def main(arguments: Sequence[str]) -> int:
    """Runs what ``arguments`` ask for and prints a table. Exit code 0: everything was there once."""
    parser = argparse.ArgumentParser(prog="python -m tools.soak crash", description=__doc__)
    parser.add_argument("--database", choices=DATABASES, help="default: both")
    parser.add_argument("--replicas", type=int, choices=(1, 2), help="default: both")
    parser.add_argument("--desk", choices=list(DESKS), default="enterprise")
    parser.add_argument("--sample", type=int, help="so many kills, chosen by chance (default: all)")
    parser.add_argument("--seed", type=int, help="of that chance and of the order")
    parser.add_argument("--at-once", type=int, default=_AT_ONCE, help="stories lived at once")
    parser.add_argument("--minutes", type=float, help="begin no story after so many, per setting")
    parser.add_argument("--only", help="points whose description holds this text")
    parser.add_argument("--list", action="store_true", help="only say which points there are")
    given = parser.parse_args(arguments)
    seed = secrets.randbelow(10**6) if given.seed is None else given.seed
    print(f"seed {seed}", flush=True)
    databases = [given.database] if given.database else DATABASES
    replicas = [given.replicas] if given.replicas else (1, 2)
    rows = []
    for database, count in itertools.product(databases, replicas):
        title = f"{database}, {count} replica{'s' if count > 1 else ''}, {given.desk}"
        print(f"-- {title}", flush=True)
        result = asyncio.run(
            _attack(
                database,
                count,
                given.desk,
                Wanted(given.sample, seed, given.only, none=given.list, minutes=given.minutes),
                given.at_once,
            )
        )
        rows.append((title, result))
    print(
        "\n| Setting | Points | Kills | Stories | Unreached | Whispers again | Failures | Minutes |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for title, r in rows:
        print(
            f"| {title} | {r.points} | {r.kills} | {r.stories} | {len(r.unreached)} | "
            f"{r.repeated_whispers} | {len(r.failures)} | {r.seconds / 60:.1f} |"
        )
    return 1 if any(result.failures for _, result in rows) else 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which kills: ``sample`` of them by chance, or all; of points that hold ``only``; those of the
    stories that begin within ``minutes``."""

    sample: int | None
    seed: int
    only: str | None = None
    none: bool = False
    minutes: float | None = None

    def aims(self, points: Iterable[Point]) -> list[Aim]:
        """The kills among those that ``points`` offer, shuffled."""
        offered = [
            Aim(point, phase)
            for point in points
            for phase in PHASES
            if not self.only or self.only in f"{point}, {phase}"
        ]
        random.Random(self.seed).shuffle(offered)  # noqa: S311  not a secret
        return [] if self.none else offered[: self.sample]


async def _attack(database: str, replicas: int, desk: str, wanted: Wanted, at_once: int) -> Result:
    async with settings(database) as setting:
        return await attack(replace(setting, replicas=replicas, desk=DESKS[desk]), wanted, at_once)


async def attack(setting: Setting, wanted: Wanted, at_once: int = _AT_ONCE) -> Result:
    """Finds the points, kills at each that is wanted, and tells what is not as it should be."""
    began = time.monotonic()
    recorded = await live(setting, (), None)
    if recorded.evidence is None:
        raise RuntimeError(f"the story fails without a kill: {recorded.problem}\n{recorded.log}")
    points = sorted({point for point in recorded.points if point.step})
    _list(points)
    aims = wanted.aims(points)
    limit = asyncio.Semaphore(at_once)

    async def one(chosen: Sequence[Aim]) -> Outcome | None:
        async with limit:
            if wanted.minutes and time.monotonic() > began + 60 * wanted.minutes:
                return None
            outcome = await live(setting, chosen, recorded.evidence)
            print(_told(outcome) if outcome.problem else ".", end="", flush=True)
            return outcome

    outcomes: list[Outcome] = []
    struck: set[Aim] = set()
    # What was not come to behind an earlier kill of its step is aimed at once more, alone there.
    for most in (_IN_A_STEP, 1):
        left = [aim for aim in aims if aim not in struck]
        found = await asyncio.gather(*(one(chosen) for chosen in pack(left, most)))
        outcomes += [outcome for outcome in found if outcome is not None]
        struck = {aim for outcome in outcomes for aim in outcome.struck}
        print(f" {len(struck)} of {len(aims)} kills", flush=True)
    return Result(
        points=len(points),
        kills=len(struck),
        stories=len(outcomes),
        unreached=[aim for aim in aims if aim not in struck],
        repeated_whispers=sum(outcome.repeated_whispers for outcome in outcomes),
        failures=[_told(outcome) for outcome in outcomes if outcome.problem],
        seconds=time.monotonic() - began,
    )


def pack(aims: Iterable[Aim], most: int = 1) -> list[list[Aim]]:
    """The aims in as few stories as there can be with ``most`` kills in a step."""
    steps: defaultdict[str, list[Aim]] = defaultdict(list)
    for aim in aims:
        steps[aim.point.step].append(aim)
    count = max((math.ceil(len(found) / most) for found in steps.values()), default=0)
    return [[aim for found in steps.values() for aim in found[n::count]] for n in range(count)]


@asynccontextmanager
async def settings(database: str) -> AsyncIterator[Setting]:
    """A setting with databases of that kind."""
    if database == "sqlite":
        yield Setting(new_sqlite, drop_sqlite, 1, DESKS["enterprise"])
        return
    with postgresql_server() as server:

        async def new(_: Path) -> str:
            return await asyncio.to_thread(server.new_database)

        async def drop(url: str) -> None:
            name = urlsplit(url).path.strip("/")
            await asyncio.to_thread(server.run, f"DROP DATABASE {name} WITH (FORCE);")

        yield Setting(new, drop, 1, DESKS["enterprise"])


def _list(points: Iterable[Point]) -> None:
    steps: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for point in points:
        steps[point.step][point.what] += 1
    for step, whats in steps.items():
        print(f"{step}: {sum(whats.values())}")
        for what, count in sorted(whats.items()):
            print(f"    {count:3} {what}")
    sys.stdout.flush()


def _told(outcome: Outcome) -> str:
    kills = "; ".join(str(aim) for aim in outcome.aims)
    return f"\nFAILED after {outcome.seconds:.0f} s with kills at {kills}:\n{outcome.problem}\n{_odd(outcome.log)}\n"


def _odd(log: str) -> str:
    """The lines of the bots' log that tell of something odd."""
    odd = [
        line
        for line in log.splitlines()
        if '"level": "info"' not in line and "`token` will be unused" not in line
    ]
    return "\n".join(line[:600] for line in odd[-12:])
