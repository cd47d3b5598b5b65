"""The bot is killed at calls and commits of the request story, and nothing is lost or comes twice.

``make soak ARGS=crash`` kills at every point; here it is at those that something was found at, and at
some that chance chooses.
"""

from __future__ import annotations

import random
from dataclasses import replace

from tests.support.seeds import seed
from tools.soak.crash.judge import Aim, Phase, Point
from tools.soak.crash.running import live
from tools.soak.crash_points import Wanted, pack, settings

_SAMPLE = 4


def _aim(step: str, what: str, phase: Phase) -> Aim:
    return Aim(Point(step, what, 1), phase)


#: Where something came of a kill: the desk was not asked again for two minutes.
FOUND = (
    _aim("talk with the desk", "desk GET data/fragments/SPSActivityClassUnitOfWork", "before"),
    _aim("close the ticket", "commit ~tickets", "after"),
)


async def test_nothing_is_lost_and_nothing_comes_twice_where_the_bot_is_killed() -> None:
    chance = seed()
    async with settings("sqlite") as setting:
        setting = replace(setting, lease=2.0)
        recorded = await live(setting, (), None)
        assert recorded.evidence is not None, recorded.problem
        points = sorted({point for point in recorded.points if point.step})
        assert len(points) > 250
        taken = {aim.point.step for aim in FOUND}
        chosen = [aim for aim in Wanted(None, chance).aims(points) if aim.point.step not in taken]
        aims = [*FOUND, *pack(chosen)[0][:_SAMPLE]]
        replicas = random.Random(chance).choice((1, 2))
        outcome = await live(replace(setting, replicas=replicas), aims, recorded.evidence)
    kills = "; ".join(map(str, outcome.struck))
    assert not outcome.problem, f"{replicas} replicas, {kills}:\n{outcome.problem}"
    # A point that depends on the time may not come.
    assert len(outcome.struck) >= len(aims) // 2
