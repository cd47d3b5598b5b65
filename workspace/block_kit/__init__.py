"""Block Kit: what Slack accepts, and the form in which it keeps it."""

from __future__ import annotations

import copy
import secrets
from typing import Any

from workspace.errors import SlackError

__all__ = ["check_blocks", "check_view", "normalized"]


def check_blocks(blocks: list[dict[str, Any]], surface: str) -> None:
    """Check the blocks of a message. Raises SlackError `invalid_blocks` with every place."""
    if len(blocks) > 50:
        raise SlackError(
            "invalid_blocks", "[ERROR] no more than 50 items allowed [json-pointer:/blocks]"
        )


def check_view(view: dict[str, Any], kind: str | None) -> None:
    """Check a view. Raises SlackError `invalid_arguments` with every place."""
    if view.get("type") not in ("modal", "home"):
        raise SlackError("invalid_arguments", "[ERROR] unsupported type [json-pointer:/view/type]")
    if not isinstance(view.get("blocks"), list):
        raise SlackError(
            "invalid_arguments", "[ERROR] missing required field: blocks [json-pointer:/view]"
        )


def normalized(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A copy in the form that Slack keeps: every block has an id, every element an action id,
    every text its `emoji` or `verbatim`."""
    kept = copy.deepcopy(blocks)
    for block in kept:
        block.setdefault("block_id", secrets.token_urlsafe(4)[:5])
        _fill(block)
    return kept


_INTERACTIVE = (
    "button",
    "overflow",
    "datepicker",
    "timepicker",
    "datetimepicker",
    "checkboxes",
    "radio_buttons",
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
    elif isinstance(kind, str) and (kind in _INTERACTIVE or kind.endswith(("_select", "_input"))):
        value.setdefault("action_id", secrets.token_urlsafe(4)[:5])
    for item in value.values():
        _fill(item)
