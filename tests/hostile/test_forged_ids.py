"""Ids, values and forms that the bot never made: nothing happens, and whoever sent them is told in
words that are no incident."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from bot.requests.request import Actor, Draft, TargetSystem
from handlers.submission import installation_of
from tests.conversation.support import Json
from tests.hostile.payloads import Forge
from tests.hostile.policy import PEOPLE, TABLE, Row
from tests.hostile.stage import Effect, Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: What a button's value, or a view's metadata, may be in place of what the bot wrote.
_NO_IDS: tuple[Any, ...] = (
    None,
    "",
    7,
    ["x"],
    {"x": 1},
    "R-0000",
    "x" * 100_000,
    "\0",
    "\ud800",
    "⏎",
)
_NO_NOTES: tuple[Any, ...] = (
    *_NO_IDS,
    "[]",
    "null",
    "{}",
    '{"request": 5, "lookup": null, "file": {}, "action": [], "channel": 1}',
    '{"request": "R-0000", "lookup": "x", "file": "F1", "action": "take", "channel": "C1"}',
    "[" * 2_900,
)


async def test_no_id_that_the_bot_never_gave_does_anything(stage: Stage) -> None:
    forge, wrong = Forge(stage), []
    rows = [row for row in TABLE if row.listener.startswith(("action:", "view:"))]
    for number, row in enumerate(rows):
        # Listeners share how they read: each value comes to several of them, not to all.
        for value in (_NO_NOTES if _has_notes(row) else _NO_IDS)[number % 3 :: 3]:
            payload = forge.of(row, _allowed(row), _state(row))
            if row.listener.startswith("action:"):
                payload["actions"][0]["value"] = value
            else:
                payload["view"]["private_metadata"] = value
            effect = await stage.send(payload)
            stage.undo()
            wrong += [f"{row.listener} {row.case} {value!r:.60}: {e}" for e in _objections(effect)]
    assert not wrong, "\n".join(wrong)


async def test_no_form_with_other_fields_does_anything(stage: Stage) -> None:
    forge, wrong = Forge(stage), []
    for number, row in enumerate([row for row in TABLE if row.listener.startswith("view:")]):
        for state in list(_no_states())[number % 3 :: 3]:
            payload = forge.of(row, _allowed(row), _state(row))
            payload["view"]["state"] = state
            effect = await stage.send(payload)
            stage.undo()
            if row.case in ("reopen", "fail") and effect.moved:
                # Their words may be missing.
                continue
            wrong += [f"{row.listener} {row.case} {state!r:.60}: {e}" for e in _objections(effect)]
    assert not wrong, "\n".join(wrong)


async def test_a_form_cannot_name_an_action_that_has_no_words(stage: Stage) -> None:
    forge = Forge(stage)
    row = next(row for row in TABLE if row.case == "ask")
    for action in ("take", "install", "cancel", "verify", "replace", "__class__"):
        payload = forge.of(row, "supporter", "posted")
        payload["view"]["private_metadata"] = json.dumps(
            {"request": stage.requests["posted"].id, "action": action}
        )
        effect = await stage.send(payload)
        stage.undo()
        assert not effect.does_something, effect
        assert "not one of mine" in effect.told


async def test_what_is_private_is_for_whoever_asked_alone(stage: Stage) -> None:
    forge = Forge(stage)
    rows = [row for row in TABLE if row.listener.startswith("action:report_")]
    for row in rows:
        for person in PEOPLE:
            payload = forge.of(row, person, "")
            payload["actions"][0]["value"] = stage.private.id
            effect = await stage.send(payload)
            assert effect.does_something == (person == "requester"), (row, person, effect)
            if effect.does_something:
                stage.undo()


async def test_ids_of_another_workspace_are_nobodys_here(stage: Stage) -> None:
    assert stage.report.recommended
    other = Actor("T0OTHER", stage.company.workspace.users["rita"], "rita", is_supporter=True)
    draft = Draft(
        TargetSystem("other.example", 636, "tls"),
        "production",
        installation_of(stage.report.recommended),
    )
    theirs = (await stage.parts.requests.submit(draft, other, key="other")).request
    forge = Forge(stage)
    stage.keep()
    for row in TABLE:
        if not row.states or not row.listener.startswith(("action:", "view:")):
            continue
        ours = stage.requests[_state(row)].id
        for person in ("requester", "supporter"):
            text = json.dumps(forge.of(row, person, _state(row)))
            effect = await stage.send(json.loads(text.replace(ours, theirs.id)))
            assert not effect.does_something, (row, effect)
            assert effect.told
            assert "other.example" not in effect.told


async def test_what_is_sent_again_does_nothing_more(stage: Stage) -> None:
    """An envelope or a request that comes twice, as Slack repeats them and as somebody would who
    recorded one. What it opened before is not opened again: its trigger is used."""
    forge, wrong = Forge(stage), []
    for row in TABLE:
        payload = forge.of(row, _allowed(row), _state(row))
        first = await stage.send(payload)
        kept = stage.read()
        second = await stage.send(payload)
        if stage.read() != kept:
            wrong.append(f"{row.listener} {row.case}: {first} {second}")
        if row.listener != "event:app_home_opened":
            wrong += [f"{row} again: {second}"] if second.views else []
        assert "Something went wrong" not in second.told, (row, second)
        stage.undo()
    assert not wrong, "\n".join(wrong)


async def test_a_trigger_that_is_too_old_is_told_in_words(stage: Stage) -> None:
    forge = Forge(stage)
    stage.services.grants.expire()
    told = set()
    for row in TABLE:
        if not row.listener.startswith("action:"):
            continue
        payload = forge.of(row, _allowed(row), _state(row))
        stage.services.grants.expire()
        effect = await stage.send(payload)
        assert not effect.views, row
        assert "Something went wrong" not in effect.told
        if not effect.does_something:
            told.add(effect.told)
        stage.undo()
    assert len(told) == 1
    assert "Press again" in told.pop()


def _objections(effect: Effect) -> Iterator[str]:
    if effect.status != 200:
        yield f"answered {effect.status}"
    if effect.does_something:
        yield f"something happened: {effect}"
    if not effect.told:
        yield "nobody was told"
    if "Something went wrong" in effect.told:
        yield f"an incident: {effect.told}"


def _has_notes(row: Row) -> bool:
    return row.listener.startswith(("view:", "action:file_"))


def _allowed(row: Row) -> str:
    return next(person for person in PEOPLE if person in row.who)


def _state(row: Row) -> str:
    return next(iter(row.states), "")


def _no_states() -> Iterator[Json | None]:
    yield None
    yield {}
    yield {"values": None}
    yield {"values": []}
    yield {"values": {"words": None, "file": [], "choice": 5, "environment": "x"}}
    entered: tuple[object, ...] = (
        None,
        "x",
        [],
        {},
        {"value": None},
        {"value": 5},
        {"selected_option": 5},
    )
    for inner in entered:
        names = ("words", "file", "choice", "environment")
        yield {"values": {name: {"text": inner, "value": inner} for name in names}}
    wrong = {"selected_option": {"value": "moon"}}
    yield {"values": {"environment": {"value": wrong}, "choice": {"value": wrong}}}
