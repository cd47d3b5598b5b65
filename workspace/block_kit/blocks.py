"""Blocks (https://docs.slack.dev/reference/block-kit/blocks), and which surface takes which."""

from __future__ import annotations

from typing import Any

from workspace.block_kit.checks import (
    Check,
    Field,
    Problems,
    all_of,
    any_of,
    anything,
    boolean,
    by_type,
    integer,
    items,
    one_of,
    properties,
    required,
    string,
    url,
)
from workspace.block_kit.composition import SLACK_FILE, TYPE, any_text, plain_text
from workspace.block_kit.elements import ACTIVE, BUTTON, IMAGE, INPUTS

_MESSAGE_ONLY = ("markdown", "table", "context_actions")
_STYLE = properties({name: Field(boolean) for name in ("bold", "italic", "strike", "code")})
_LONGEST_RICH_TEXT = 12_000


def _block(**fields: Field) -> Check:
    return properties({"type": TYPE, "block_id": Field(string(most=255)), **fields})


def _rich(name: str, /, **fields: Field) -> tuple[str, Check]:
    return name, properties({"type": TYPE, "style": Field(_STYLE), **fields})


_RICH_INLINE = by_type(
    dict(
        [
            _rich("text", text=required(string(most=_LONGEST_RICH_TEXT))),
            _rich(
                "link",
                url=required(string(most=3000)),
                text=Field(string(most=_LONGEST_RICH_TEXT)),
                unsafe=Field(boolean),
            ),
            _rich(
                "emoji",
                name=required(string(most=255)),
                unicode=Field(string(most=255)),
                skin_tone=Field(integer(2, 6)),
            ),
            _rich("user", user_id=required(string(most=255))),
            _rich("usergroup", usergroup_id=required(string(most=255))),
            _rich("channel", channel_id=required(string(most=255))),
            _rich("broadcast", range=required(one_of("here", "channel", "everyone"))),
            _rich("color", value=required(string(most=7))),
            _rich(
                "date",
                timestamp=required(integer(0, 9_999_999_999)),
                format=required(string(most=255)),
                url=Field(string(most=3000)),
                fallback=Field(string(most=255)),
            ),
        ]
    )
)
_RICH_INLINES = required(items(_RICH_INLINE, most=1000, least=0))
_RICH_SECTION = properties({"type": TYPE, "elements": _RICH_INLINES})
_INDENT = Field(integer(0, 8))
_BORDER = Field(integer(0, 1))
_RICH_ELEMENT = by_type(
    {
        "rich_text_section": _RICH_SECTION,
        "rich_text_preformatted": properties(
            {
                "type": TYPE,
                "elements": _RICH_INLINES,
                "border": _BORDER,
                "language": Field(string(most=255)),
            }
        ),
        "rich_text_quote": properties({"type": TYPE, "elements": _RICH_INLINES, "border": _BORDER}),
        "rich_text_list": properties(
            {
                "type": TYPE,
                "style": required(one_of("bullet", "ordered")),
                "elements": required(
                    items(by_type({"rich_text_section": _RICH_SECTION}), most=1000)
                ),
                "indent": _INDENT,
                "border": _BORDER,
                "offset": Field(integer(0, 1_000_000)),
            }
        ),
    }
)
_RICH_TEXT = _block(elements=required(items(_RICH_ELEMENT, most=1000)))

_CELL = by_type(
    {
        "raw_text": properties({"type": TYPE, "text": required(string(most=3000))}),
        "raw_number": properties(
            {"type": TYPE, "value": required(anything), "text": Field(string(most=3000))}
        ),
        "rich_text": _RICH_TEXT,
    }
)


def _same_width(value: Any, pointer: str, problems: Problems) -> None:
    rows = value.get("rows")
    if isinstance(rows, list):
        widths = {len(row) for row in rows if isinstance(row, list)}
        if len(widths) > 1:
            problems.add(f"{pointer}/rows", "all rows must have the same number of cells")


def _input_rules(value: Any, pointer: str, problems: Problems) -> None:
    element = value.get("element")
    is_file_input = isinstance(element, dict) and element.get("type") == "file_input"
    if is_file_input and (problems.surface != "modal" or value.get("dispatch_action")):
        problems.add(f"{pointer}/element/type", "unsupported type: file_input")


BLOCKS: dict[str, Check] = {
    "section": all_of(
        _block(
            text=Field(any_text(most=3000)),
            fields=Field(items(any_text(most=2000), most=10)),
            accessory=Field(by_type({**ACTIVE, "image": IMAGE})),
            expand=Field(boolean),
        ),
        any_of(("text", "fields")),
    ),
    "divider": _block(),
    "header": _block(text=required(plain_text(most=150))),
    "image": all_of(
        _block(
            alt_text=required(string(most=2000)),
            image_url=Field(url()),
            slack_file=Field(SLACK_FILE),
            title=Field(plain_text(most=2000)),
        ),
        any_of(("image_url", "slack_file")),
    ),
    "actions": _block(elements=required(items(by_type(ACTIVE), most=25))),
    "context": _block(
        elements=required(
            items(
                by_type(
                    {
                        "image": IMAGE,
                        "plain_text": any_text(most=3000),
                        "mrkdwn": any_text(most=3000),
                    }
                ),
                most=10,
            )
        )
    ),
    "context_actions": _block(
        elements=required(
            items(
                by_type(
                    {
                        "feedback_buttons": properties(
                            {
                                "type": TYPE,
                                "action_id": Field(string(most=255)),
                                "positive_button": required(anything),
                                "negative_button": required(anything),
                            }
                        ),
                        "icon_button": properties(
                            {
                                "type": TYPE,
                                "action_id": Field(string(most=255)),
                                "icon": required(string(most=255)),
                                "text": required(plain_text(most=75)),
                                "value": Field(string(most=2000)),
                                "confirm": Field(anything),
                                "accessibility_label": Field(string(most=75)),
                                "visible_to_user_ids": Field(items(string(most=255), most=100)),
                            }
                        ),
                        "button": BUTTON,
                    }
                ),
                most=5,
            )
        )
    ),
    "input": all_of(
        _block(
            label=required(plain_text(most=2000)),
            element=required(by_type(INPUTS)),
            dispatch_action=Field(boolean),
            hint=Field(plain_text(most=2000)),
            optional=Field(boolean),
        ),
        _input_rules,
    ),
    "markdown": _block(text=required(string(most=12_000))),
    "rich_text": _RICH_TEXT,
    "table": all_of(
        _block(
            rows=required(items(items(_CELL, most=20), most=100)),
            column_settings=Field(
                items(
                    properties(
                        {
                            "align": Field(one_of("left", "center", "right")),
                            "is_wrapped": Field(boolean),
                        }
                    ),
                    most=20,
                    least=0,
                )
            ),
        ),
        _same_width,
    ),
    "video": _block(
        alt_text=required(string(most=2000)),
        title=required(plain_text(most=199)),
        thumbnail_url=required(url()),
        video_url=required(url()),
        author_name=Field(string(most=49)),
        description=Field(plain_text(most=199)),
        provider_icon_url=Field(url()),
        provider_name=Field(string(most=49)),
        title_url=Field(url()),
    ),
}


def blocks(*, most: int, least: int) -> Check:
    """A list of blocks for the surface that the problems are about."""

    def check_one(value: Any, pointer: str, problems: Problems) -> None:
        kinds = {
            name: rule
            for name, rule in BLOCKS.items()
            if problems.surface == "message" or name not in _MESSAGE_ONLY
        }
        by_type(kinds)(value, pointer, problems)

    return all_of(items(check_one, most=most, least=least), _unique_ids, _one_focus, _one_table)


def _unique_ids(value: Any, pointer: str, problems: Problems) -> None:
    seen: set[str] = set()
    for index, block in enumerate(value if isinstance(value, list) else []):
        if not isinstance(block, dict):
            continue
        block_id = block.get("block_id")
        if isinstance(block_id, str) and block_id:
            if block_id in seen:
                problems.add(f"{pointer}/{index}/block_id", f'block_id "{block_id}" already exists')
            seen.add(block_id)
        _unique_action_ids(block, f"{pointer}/{index}", problems)


def _unique_action_ids(block: dict[str, Any], pointer: str, problems: Problems) -> None:
    seen: set[str] = set()
    elements = block.get("elements")
    for index, element in enumerate(elements if isinstance(elements, list) else []):
        action_id = element.get("action_id") if isinstance(element, dict) else None
        if not isinstance(action_id, str):
            continue
        if action_id in seen:
            problems.add(
                f"{pointer}/elements/{index}/action_id",
                f'`action_id` "{action_id}" already exists for block_id '
                f'"{block.get("block_id", "")}"',
            )
        seen.add(action_id)


def _one_focus(value: Any, pointer: str, problems: Problems) -> None:
    focused = 0
    for block in value if isinstance(value, list) else []:
        if not isinstance(block, dict):
            continue
        elements = block.get("elements")
        for element in (
            block.get("element"),
            block.get("accessory"),
            *(elements if isinstance(elements, list) else []),
        ):
            focused += isinstance(element, dict) and element.get("focus_on_load") is True
    if focused > 1:
        problems.add(pointer, "only one element may have focus_on_load")


def _one_table(value: Any, pointer: str, problems: Problems) -> None:
    blocks_ = value if isinstance(value, list) else []
    tables = sum(1 for b in blocks_ if isinstance(b, dict) and b.get("type") == "table")
    if tables > 1:
        problems.add(pointer, "only one table allowed")
