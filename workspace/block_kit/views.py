"""Modals and App Home (https://docs.slack.dev/reference/views)."""

from __future__ import annotations

from typing import Any

from workspace.block_kit.blocks import blocks
from workspace.block_kit.checks import (
    Check,
    Field,
    Problems,
    all_of,
    boolean,
    by_type,
    properties,
    required,
    string,
)
from workspace.block_kit.composition import TYPE, plain_text

_COMMON = {
    "type": TYPE,
    "blocks": required(blocks(most=100, least=0)),
    "private_metadata": Field(string(most=3000, least=0)),
    "callback_id": Field(string(most=255, least=0)),
    "external_id": Field(string(most=255, least=0)),
}


def _needs_submit(value: Any, pointer: str, problems: Problems) -> None:
    found = value.get("blocks")
    inputs = any(
        isinstance(block, dict) and block.get("type") == "input"
        for block in (found if isinstance(found, list) else [])
    )
    if inputs and not value.get("submit"):
        problems.add(pointer, "missing required field: submit")


VIEWS: dict[str, Check] = {
    "modal": all_of(
        properties(
            {
                **_COMMON,
                "title": required(plain_text(most=24)),
                "submit": Field(plain_text(most=24)),
                "close": Field(plain_text(most=24)),
                "clear_on_close": Field(boolean),
                "notify_on_close": Field(boolean),
                "submit_disabled": Field(boolean),
            }
        ),
        _needs_submit,
    ),
    "home": properties(_COMMON),
}


def view(kinds: tuple[str, ...]) -> Check:
    """A view of one of these kinds."""
    return by_type({kind: VIEWS[kind] for kind in kinds}, schemas=True)
