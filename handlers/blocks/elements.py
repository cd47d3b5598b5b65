"""Block Kit's elements, each within Slack's limits whatever is put in.

Source: https://docs.slack.dev/reference/block-kit; the numbers are asserted by the tests.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from bot.text import visible
from handlers.blocks.markup import Markup, cut, escape, fill

Block: TypeAlias = dict[str, Any]

MAX_BLOCKS: Final = 50
MAX_VIEW_BLOCKS: Final = 100
MAX_SECTION: Final = 3000
MAX_FIELD: Final = 2000
MAX_HEADER: Final = 150
MAX_BUTTON: Final = 75
MAX_OPTION: Final = 75
MAX_TITLE: Final = 24
MAX_TEXT: Final = 4000


def mrkdwn(text: str, limit: int = MAX_SECTION) -> Block:
    """A text object. ``verbatim``: Slack makes no link or mention of what looks like one."""
    return {"type": "mrkdwn", "text": cut(escape(text), limit) or " ", "verbatim": True}


def plain(text: str, limit: int) -> Block:
    """A plain_text object."""
    return {"type": "plain_text", "text": visible(text, limit) or " ", "emoji": False}


def section(
    text: str, *, accessory: Block | None = None, fields: Sequence[str] = (), block_id: str = ""
) -> Block:
    """A section; at most ten fields."""
    block: Block = {"type": "section", "text": mrkdwn(text)}
    if fields:
        block["fields"] = [mrkdwn(field, MAX_FIELD) for field in fields[:10]]
    if accessory:
        block["accessory"] = accessory
    if block_id:
        block["block_id"] = block_id
    return block


def header(text: str) -> Block:
    return {"type": "header", "text": plain(text, MAX_HEADER)}


def context(*texts: str) -> Block:
    """At most ten texts in small print."""
    return {"type": "context", "elements": [mrkdwn(text) for text in texts[:10]]}


def divider() -> Block:
    return {"type": "divider"}


def button(
    label: str,
    action_id: str,
    value: str = "",
    *,
    style: str = "",
    confirm: str = "",
) -> Block:
    """A button; ``style`` is ``primary`` or ``danger``; ``confirm`` is asked before it acts."""
    made: Block = {"type": "button", "text": plain(label, MAX_BUTTON), "action_id": action_id}
    if value:
        made["value"] = value
    if style:
        made["style"] = style
    if confirm:
        made["confirm"] = {
            "title": plain(label, 100),
            "text": plain(confirm, 300),
            "confirm": plain("Yes", 30),
            "deny": plain("No", 30),
        }
    return made


def actions(*buttons: Block, block_id: str = "") -> Block:
    block: Block = {"type": "actions", "elements": list(buttons[:25])}
    if block_id:
        block["block_id"] = block_id
    return block


def option(label: str, value: str, description: str = "") -> Block:
    """One choice of a select or of radio buttons."""
    made: Block = {"text": plain(label, MAX_OPTION), "value": value}
    if description:
        made["description"] = plain(description, 75)
    return made


def input_block(
    block_id: str, label: str, element: Mapping[str, Any], *, hint: str = "", optional: bool = False
) -> Block:
    """An input of a modal."""
    block: Block = {
        "type": "input",
        "block_id": block_id,
        "label": plain(label, 2000),
        "element": dict(element),
        "optional": optional,
    }
    if hint:
        block["hint"] = plain(hint, 2000)
    return block


def capped(blocks: Sequence[Block], limit: int, note: str) -> list[Block]:
    """``blocks`` within ``limit``; ``note`` (with ``{}`` for how many) says what was left out."""
    if len(blocks) <= limit:
        return list(blocks)
    kept = list(blocks[: limit - 1])
    return [*kept, context(fill(note, len(blocks) - len(kept)))]


def modal(
    title: str,
    blocks: Iterable[Block],
    *,
    callback_id: str,
    submit: str = "",
    close: str = "Close",
    metadata: str = "",
) -> dict[str, Any]:
    """A modal view, at most `MAX_VIEW_BLOCKS` blocks."""
    view: dict[str, Any] = {
        "type": "modal",
        "callback_id": callback_id,
        "title": plain(title, MAX_TITLE),
        "close": plain(close, MAX_TITLE),
        "blocks": capped(list(blocks), MAX_VIEW_BLOCKS, "{} more parts are not shown."),
    }
    if submit:
        view["submit"] = plain(submit, MAX_TITLE)
    if metadata:
        view["private_metadata"] = metadata
    return view


def top_text(text: Markup | str) -> str:
    """The top-level text of a message: what a notification and a screen reader give."""
    return cut(escape(text), MAX_TEXT)
