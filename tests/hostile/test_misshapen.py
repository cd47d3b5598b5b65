"""Payloads whose parts are not what Slack sends: refused in words, and no fault of the program."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from handlers.shapes import is_readable
from tests.conversation.support import Json
from tests.hostile.payloads import Forge
from tests.hostile.policy import TABLE
from tests.hostile.stage import Effect, Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")


def _with(payload: Json, path: str, value: Any) -> Json:
    *way, last = path.split(".")
    part: Any = payload
    for name in way:
        part = part[int(name) if name.isdigit() else name]
    part[last] = value
    return payload


async def test_everything_that_slack_sends_is_readable(stage: Stage) -> None:
    forge = Forge(stage)
    for row in TABLE:
        kind = row.listener.partition(":")[0]
        payload = forge.of(row, "requester", next(iter(row.states), "posted"))
        assert is_readable(kind, payload), row


@pytest.mark.parametrize(
    ("listener", "path", "value"),
    [
        ("action:report_details", "trigger_id", ["x"]),
        ("action:request_check", "trigger_id", "\0"),
        ("action:request_check", "trigger_id", "\ud800"),
        ("action:report_pem", "container", 5),
        ("action:report_pem", "message", "x"),
        ("action:report_pem", "container.message_ts", "9" * 5000),
        ("action:request_take", "user", {"id": None}),
        ("action:request_take", "response_url", "javascript:x"),
        ("view:upload_chain", "view.state", {"values": {"file": {"value": [1]}}}),
        ("view:upload_chain", "view.id", {}),
        ("command:/cert", "channel_id", []),
        ("event:app_mention", "event.ts", None),
        ("event:app_mention", "event.files", [None]),
        ("event:message", "event.channel", {"id": "C1"}),
        ("event:app_home_opened", "event.user", None),
    ],
)
async def test_what_has_another_shape_does_nothing(
    stage: Stage, caplog: pytest.LogCaptureFixture, listener: str, path: str, value: Any
) -> None:
    payload = _with(_payload(stage, listener), path, value)
    effect = await _sent(stage, caplog, payload)
    assert not effect.does_something


@pytest.mark.parametrize("name", ["explain_error", "analyse_certificate"])
async def test_a_shortcut_of_no_message_is_answered(
    stage: Stage, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    payload = _payload(stage, f"shortcut:{name}")
    del payload["message"]
    assert (await _sent(stage, caplog, payload)).views == 1


def _payload(stage: Stage, listener: str) -> Json:
    row = next(row for row in TABLE if row.listener == listener)
    return Forge(stage).of(row, "requester", "posted")


async def _sent(stage: Stage, caplog: pytest.LogCaptureFixture, payload: Json) -> Effect:
    own = logging.getLogger("whichroot")
    own.addHandler(caplog.handler)
    try:
        effect = await stage.send(payload)
    finally:
        own.removeHandler(caplog.handler)
        stage.undo()
    # An incident has a traceback.
    assert [r for r in caplog.records if r.exc_info and r.name == "whichroot"] == []
    return effect
