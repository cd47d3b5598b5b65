"""Slack's limits on blocks, views and messages, asserted.

Source: https://docs.slack.dev/reference/block-kit and https://docs.slack.dev/reference/views.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Json = Mapping[str, Any]


def check_message(text: str, blocks: Sequence[Json]) -> None:
    """Fails where a message breaks a limit."""
    assert 0 < len(text) <= 4000
    assert len(blocks) <= 50
    _check_blocks(blocks)


def check_view(view: Json) -> None:
    """Fails where a modal or App Home breaks a limit."""
    assert len(view["blocks"]) <= 100
    _check_blocks(view["blocks"])
    if view["type"] == "modal":
        for part in ("title", "submit", "close"):
            assert part not in view or 0 < len(view[part]["text"]) <= 24
        assert len(view.get("private_metadata", "")) <= 3000
        has_input = any(block["type"] == "input" for block in view["blocks"])
        assert not has_input or "submit" in view


def _check_blocks(blocks: Sequence[Json]) -> None:
    identifiers = [block["block_id"] for block in blocks if "block_id" in block]
    assert len(identifiers) == len(set(identifiers))
    for block in blocks:
        assert len(block.get("block_id", "")) <= 255
        _CHECKS[block["type"]](block)


def _section(block: Json) -> None:
    _text(block["text"], 3000)
    if "accessory" in block:
        _element(block["accessory"])


def _header(block: Json) -> None:
    assert block["text"]["type"] == "plain_text"
    _text(block["text"], 150)


def _context(block: Json) -> None:
    assert 0 < len(block["elements"]) <= 10
    for element in block["elements"]:
        _text(element, 3000)


def _actions(block: Json) -> None:
    assert 0 < len(block["elements"]) <= 25
    actions = [element["action_id"] for element in block["elements"]]
    assert len(actions) == len(set(actions))
    for element in block["elements"]:
        _element(element)


def _input(block: Json) -> None:
    _text(block["label"], 2000)
    if "hint" in block:
        _text(block["hint"], 2000)
    _element(block["element"])


def _table(block: Json) -> None:
    assert 0 < len(block["rows"]) <= 100
    cells = [cell for row in block["rows"] for cell in row]
    assert all(0 < len(row) <= 20 for row in block["rows"])
    assert all(cell["text"] for cell in cells)
    assert sum(len(cell["text"]) for cell in cells) <= 10_000


def _element(element: Json) -> None:
    assert 0 < len(element["action_id"]) <= 255
    if element["type"] == "button":
        _text(element["text"], 75)
        assert len(element.get("value", "")) <= 2000
    for option in element.get("options", ()):
        _text(option["text"], 75)
        assert len(option["value"]) <= 150
        assert len(option.get("description", {}).get("text", "")) <= 75
    if element["type"] in ("radio_buttons", "checkboxes"):
        assert 0 < len(element["options"]) <= 10
    if element["type"] == "plain_text_input":
        assert len(element.get("initial_value", "")) <= element["max_length"] <= 3000


def _text(text: Json, limit: int) -> None:
    assert text["type"] in ("mrkdwn", "plain_text")
    assert 0 < len(text["text"]) <= limit


_CHECKS: Mapping[str, Callable[[Json], None]] = {
    "section": _section,
    "header": _header,
    "context": _context,
    "actions": _actions,
    "input": _input,
    "table": _table,
    "divider": lambda block: None,
}
