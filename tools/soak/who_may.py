"""Every way into the bot, tried by everybody in every state of a request.

The tests try whoever may in every state, and whoever may not in one; this tries all of them.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.conversation.conftest import MANIFEST, RULES
from tests.conversation.support import Surroundings
from tests.hostile.conftest import EVERYBODY
from tests.hostile.policy import PEOPLE, STATES, TABLE
from tests.hostile.stage import Stage
from tests.hostile.test_who_may_each import try_all
from workspace import Workspace


def main(arguments: Sequence[str]) -> int:
    """Exit code 0: every outcome is the policy's; 1: not."""
    argparse.ArgumentParser(prog="python -m tools.soak who", description=__doc__).parse_args(
        arguments
    )
    return asyncio.run(_run())


async def _run() -> int:
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        async with (
            Workspace(MANIFEST, cast=EVERYBODY, rules=RULES) as workspace,
            Surroundings(workspace, Path(folder)) as company,
            Stage(company) as stage,
        ):
            objections, tries = await try_all(stage, lambda row, person, turn: True)
    print(
        f"{len(TABLE)} ways in, {len(PEOPLE)} kinds of people, {len(STATES)} states: {tries} tries in "
        f"{time.monotonic() - started:.0f} s, {len(objections)} not as the policy says."
    )
    for objection in objections:
        print(f"  {objection}")
    return 1 if objections else 0
