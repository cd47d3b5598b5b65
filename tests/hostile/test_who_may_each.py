"""Every way in, tried by everybody in every state: the outcome is what the policy says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.requests.states import RULES, State
from handlers.requests import WORDS
from tests.conversation.conftest import MANIFEST
from tests.hostile.payloads import NAMES, Forge
from tests.hostile.policy import (
    BOT,
    ELSEWHERE,
    FROM_SLACK,
    PEOPLE,
    STATES,
    TABLE,
    Row,
    markdown,
)
from tests.hostile.stage import Effect, Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_each_listener_has_its_row_and_each_row_its_listener(stage: Stage) -> None:
    assert {row.listener for row in TABLE} | FROM_SLACK == stage.app.found
    features = MANIFEST["features"]
    offered = {f"command:{found['command']}" for found in features["slash_commands"]}
    offered |= {f"shortcut:{found['callback_id']}" for found in features["shortcuts"]}
    subscribed = MANIFEST["settings"]["event_subscriptions"]["bot_events"]
    offered |= {f"event:{found.partition('.')[0]}" for found in subscribed}
    assert offered <= stage.app.found
    forms = {row.case for row in TABLE if row.listener == "view:request_words"}
    assert forms == {str(action) for action in WORDS}
    assert set(NAMES) == set(PEOPLE)
    assert set(STATES) == {str(state) for state in State}


async def test_the_rules_of_requests_are_those_of_the_policy() -> None:
    rows = {row.case or row.listener.removeprefix("action:request_"): row for row in TABLE}
    rows["replace"] = next(row for row in TABLE if row.listener == "action:file_use")
    for action, rule in RULES.items():
        assert set(rows[action].states) == {str(state) for state in rule.states}, action
        assert rows[action].who == {str(role) for role in rule.roles}, action


async def test_the_security_model_shows_the_policy() -> None:
    assert markdown() in (Path(__file__).parents[2] / "SECURITY.md").read_text("utf-8")


async def test_everybody_tries_everything(stage: Stage) -> None:
    """Whoever may, in every state; whoever may not, in one of them, another each time (the soak has
    them all)."""
    objections, tries = await try_all(stage, lambda row, person, number: person in row.who)
    assert not objections, "\n".join(objections)
    assert tries > 500


async def try_all(
    stage: Stage, in_every_state: Callable[[Row, str, int], bool]
) -> tuple[list[str], int]:
    """Tries every row as everybody; gives what was not as the policy says, and how many tries."""
    forge, objections, tries, turn = Forge(stage), [], 0, 0
    for row in TABLE:
        for person in PEOPLE:
            turn += 1
            if person in row.never:
                continue
            states = STATES if row.states else ("",)
            if not in_every_state(row, person, turn):
                states = (states[turn % len(states)],)
            for state in states:
                effect = await stage.send(forge.of(row, person, state))
                tries += 1
                said = _objection(row, person, state, effect)
                if said:
                    who = f"{row.listener} {row.case} by {person} {state}"
                    objections.append(f"{who}: {said} {effect}")
                if effect.does_something:
                    stage.undo()
    stage.undo()
    return objections, tries


def _objection(row: Row, person: str, state: str, effect: Effect) -> str:
    if effect.status != 200:
        return "it is not acknowledged"
    is_event = row.listener.startswith("event:")
    if is_event and person not in row.who and (row.silent or person in (ELSEWHERE, BOT)):
        return "something happens" if effect.does_something else ""
    may = person in row.who and (not row.states or state in row.states)
    if may:
        return "" if effect.does_something or "mine" in row.case else "nothing happens"
    if is_event:
        # The answer is a message of the bot, an act.
        is_answer = set(effect.rows) == {"acts"} and effect.rows["acts"] == 1
        return "" if is_answer else "no refusal"
    if effect.does_something:
        return "it is not refused"
    return "" if effect.told else "nobody is told why"
