"""Random stories of many requests: what must hold after every step, whatever people do."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from bot.requests.request import Actor, InstallRequest
from bot.requests.rows import installation_of, open_key
from bot.requests.service import Requests
from bot.requests.states import RULES, Action, Refused, Role, State
from bot.store import tables
from bot.store.database import Database
from tests.requests.people import BEA, FAY, OTHER_TEAM, RITA, SAM, TOM, draft, installation
from tests.requests.possible import possible_actions

_T = TypeVar("_T")
_PEOPLE = st.sampled_from([RITA, FAY, BEA, SAM, TOM, OTHER_TEAM, replace(RITA, is_supporter=True)])
_NUMBERS = st.integers(0, 2)


class Stories(RuleBasedStateMachine):
    """People submit and act as they like, in one loop, on one database."""

    ids: Bundle[str] = Bundle("ids")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.database = Database(f"sqlite:///{Path(self.folder.name)}/x.db")
        self.requests = Requests(self.database)
        self.run(self.database.migrate())
        self.keys = 0
        self.acts = 0

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        return self.runner.run(work)

    def teardown(self) -> None:
        self.run(self.database.dispose())
        self.runner.close()
        self.folder.cleanup()

    def key(self) -> str:
        self.keys += 1
        return str(self.keys)

    @rule(target=ids, number=_NUMBERS, by=_PEOPLE)
    def submit(self, number: int, by: Actor) -> str:
        key = self.key()
        first = self.run(self.requests.submit(draft(number), by, key=key))
        again = self.run(self.requests.submit(draft(number + 9), by, key=key))
        assert (again.request.id, again.joined) == (first.request.id, first.joined)
        return first.request.id

    @rule(
        request_id=ids,
        action=st.sampled_from(Action),
        by=_PEOPLE,
        text=st.sampled_from(["", "because"]),
        number=_NUMBERS,
    )
    def act(self, request_id: str, action: Action, by: Actor, text: str, number: int) -> None:
        before = self.find(request_id)
        roles = self.run(self.requests.roles(before, by))
        key = self.key()
        attempt = self.requests.act(
            request_id, action, by, text=text, installation=installation(number), key=key
        )
        refusal = ""
        try:
            after = self.run(attempt)
        except Refused as refused:
            refusal = refused.message
        if refusal:
            assert self.find(request_id) == before
            possible = action in possible_actions(before.state, roles)
            words = bool(text) or not RULES[action].needs
            assert not (possible and words) or "asks for" in refusal, refusal
            return
        assert action in possible_actions(before.state, roles)
        assert by.team == before.team
        assert after == self.find(request_id)
        again = self.run(self.requests.act(request_id, action, by, text=text, key=key))
        assert again == after

    @rule(request_id=ids)
    def post(self, request_id: str) -> None:
        async def note() -> None:
            async with self.database.begin() as unit:
                await self.requests.note_posted(unit, request_id, "C1", request_id)

        self.run(note())

    @invariant()
    def at_most_one_open_request_asks_for_the_same(self) -> None:
        found = self.run(self.requests.all())
        keys = [
            open_key(one.team, one.target, one.environment, one.installation)
            for one in found
            if one.state.is_open
        ]
        assert len(keys) == len(set(keys))

    @invariant()
    def the_audit_trail_tells_how_the_request_stands(self) -> None:
        for request in self.run(self.requests.all()):
            audit = self.run(self.requests.audit(request.id))
            assert [entry.number for entry in audit] == list(range(1, request.version + 1))
            assert audit[-1].state is request.state
            assert audit[-1].at == request.changed_at
            taken_by, asked_for = None, None
            for entry in audit:
                taken_by = entry.data.get("taken_by", taken_by)
                if "installation" in entry.data:
                    asked_for = installation_of(entry.data["installation"])
            assert (taken_by, asked_for) == (request.taken_by, request.installation)
            assert (request.closed_at is None) == request.state.is_open
            joined = {entry.who for entry in audit if entry.what == "joined"}
            followers = self.run(self.requests.followers(request.id))
            assert {follower.user for follower in followers} == joined

    @invariant()
    def every_change_that_people_must_see_has_its_acts(self) -> None:
        async def kept() -> tuple[list[Any], list[Any]]:
            async with self.database.read() as unit:
                acts = (await unit.execute(select(tables.acts))).all()
                entries = (await unit.execute(select(tables.entries))).all()
                return list(acts), list(entries)

        acts, entries = self.run(kept())
        lines = [act.payload["entry"] for act in acts if act.kind == "line"]
        seen = [entry.id for entry in entries if entry.what not in ("posted", "attached")]
        assert sorted(lines) == sorted(seen)
        assert [act.kind for act in acts].count("card") == len(seen)
        assert len(acts) >= self.acts
        self.acts = len(acts)

    def find(self, request_id: str) -> InstallRequest:
        found = self.run(self.requests.get(request_id))
        assert found
        return found


def test_no_story_breaks_what_must_hold() -> None:
    run_state_machine_as_test(
        Stories,
        settings=settings(
            max_examples=8,
            stateful_step_count=16,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_every_state_can_be_reached_and_left_by_somebody() -> None:
    roles = set(Role)
    reached = {rule.leads_to for rule in RULES.values()} | {State.SUBMITTED, State.POSTED}
    assert reached - {None} == set(State)
    for state in State:
        assert possible_actions(state, roles)
        assert not possible_actions(state, ())
