"""Block Kit: what Slack accepts, in Slack's words, and the form in which it keeps it."""

from __future__ import annotations

import copy
import json
import secrets
from collections.abc import Iterator
from typing import Any, Literal

from workspace.block_kit.blocks import blocks
from workspace.block_kit.checks import Problems
from workspace.block_kit.elements import INPUTS
from workspace.block_kit.views import view as view_check
from workspace.errors import SlackError

__all__ = ["ViewType", "check_blocks", "check_view", "normalized"]

_INTERACTIVE = {*INPUTS, "button", "overflow", "workflow_button", "icon_button", "feedback_buttons"}
_MESSAGE = blocks(most=50, least=0)
_LONGEST_MESSAGE = 12_000
_LARGEST_VIEW = 250_000

ViewType = Literal["modal", "home"]


def check_blocks(given: list[dict[str, Any]]) -> None:
    """Check the blocks of a message. Raises SlackError `invalid_blocks` with every place, or
    `msg_blocks_too_long`: all texts together may have 12,000 characters
    (https://github.com/slackapi/bolt-js/issues/2509)."""
    problems = Problems("message")
    _MESSAGE(given, "/blocks", problems)
    _refuse("invalid_blocks", problems)
    if sum(len(text) for text in _texts(given)) > _LONGEST_MESSAGE:
        raise SlackError("msg_blocks_too_long")


def check_view(given: dict[str, Any], kind: ViewType | None) -> None:
    """Check a view; None: a modal or a home view. Raises SlackError `invalid_arguments` with every
    place, or `view_too_large` (250 kB)."""
    surface: ViewType = "home" if given.get("type") == "home" else "modal"
    problems = Problems(surface)
    view_check((kind,) if kind else ("modal", "home"))(given, "/view", problems)
    _refuse("invalid_arguments", problems)
    if len(json.dumps(given)) > _LARGEST_VIEW:
        raise SlackError("view_too_large")


def normalized(given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A copy in the form that Slack keeps: every block has an id, every element an action id,
    every text its `emoji` or `verbatim`."""
    kept = copy.deepcopy(given)
    for block in kept:
        block.setdefault("block_id", _random_id())
        _fill(block)
    return kept


def _refuse(code: str, problems: Problems) -> None:
    if problems.found:
        raise SlackError(
            code, *(f"[ERROR] {text}" for text in problems.found), errors=list(problems.found)
        )


def _fill(value: Any) -> None:
    if isinstance(value, list):
        for item in value:
            _fill(item)
        return
    if not isinstance(value, dict):
        return
    kind = value.get("type")
    if kind == "plain_text":
        value.setdefault("emoji", True)
    elif kind == "mrkdwn":
        value.setdefault("verbatim", False)
    elif kind in _INTERACTIVE:
        value.setdefault("action_id", _random_id())
    for item in value.values():
        _fill(item)


def _random_id() -> str:
    return secrets.token_urlsafe(8)[:5]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "text" and isinstance(item, str):
                yield item
            else:
                yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
