"""What waits of one person is bounded however it was asked for, and a file that is given up is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import select

import handlers
from bot.store import outbox
from bot.store.outbox import Act
from bot.store.tables import acts
from tests.conversation.conftest import MANIFEST, RULES
from tests.conversation.support import Json, Surroundings
from tests.hostile.conftest import EVERYBODY
from tests.hostile.payloads import Forge
from tests.hostile.policy import TABLE
from tests.hostile.stage import Stage
from workspace import Workspace


@pytest_asyncio.fixture
async def narrow(tmp_path: Path) -> AsyncIterator[Stage]:
    """A stage on which nothing is looked up, and two lookups of one person may wait."""
    async with (
        Workspace(MANIFEST, cast=EVERYBODY, rules=RULES) as workspace,
        Surroundings(workspace, tmp_path) as company,
        Stage(company, lookups_waiting=2) as made,
    ):
        yield made


@pytest.mark.parametrize(
    ("listener", "case"),
    [
        ("command:/cert", "server"),
        ("action:report_again", ""),
        ("view:upload_chain", ""),
    ],
)
async def test_no_way_leads_to_more_waiting_lookups_than_one_person_may_have(
    narrow: Stage, listener: str, case: str
) -> None:
    forge = Forge(narrow)
    row = next(r for r in TABLE if r.listener == listener and r.case == case)

    def payload() -> Json:
        return forge.of(row, "requester", "posted")

    kept = [await narrow.send(payload()) for _ in range(3)]
    # The stage keeps what was there before, so that the numbers grow.
    assert [effect.rows.get("lookups", 0) for effect in kept] == [1, 2, 2]
    assert "still waiting" in kept[-1].told


@pytest.mark.parametrize("do", ["read", "file"])
async def test_whoever_sent_a_file_hears_that_it_was_given_up(narrow: Stage, do: str) -> None:
    rita = narrow.company.workspace.users["rita"]
    request = narrow.requests["posted"].id
    place = {"channel": "C1", "thread_ts": "1.0", "user": rita, "team": narrow.team}
    about = place if do == "read" else {"request": request}
    async with narrow.database.begin() as unit:
        await outbox.put(unit, "read:1", "lookup", {"do": do, "file": "F1", **about})
    act = (await _acts(narrow, "lookup"))[-1]
    async with narrow.database.begin() as unit:
        await handlers.on_failed(narrow.parts, unit, act, "It took longer than 120 seconds.")
    (told,) = [act.payload for act in await _acts(narrow, "say")]
    assert (told["user"], told["channel"]) == (rita, "")
    assert "A file was not read: It took longer than 120 seconds." in told["text"]


async def _acts(stage: Stage, kind: str) -> list[Act]:
    async with stage.database.read() as unit:
        ids = select(acts.c.id).where(acts.c.kind == kind).order_by(acts.c.position)
        found = [
            await outbox.find(unit, each) for each in (await unit.execute(ids)).scalars().all()
        ]
    return [act for act in found if act]
