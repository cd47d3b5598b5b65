"""Block elements (https://docs.slack.dev/reference/block-kit/block-elements)."""

from __future__ import annotations

import re
from typing import Any

from workspace.block_kit.checks import (
    Check,
    Field,
    Problems,
    all_of,
    any_of,
    anything,
    boolean,
    integer,
    items,
    one_of,
    properties,
    required,
    string,
    url,
)
from workspace.block_kit.composition import (
    CONFIRM,
    CONVERSATION_FILTER,
    DISPATCH_CONFIG,
    OPTION,
    OPTION_GROUP,
    SLACK_FILE,
    TYPE,
    option,
    plain_text,
)

_ACTION_ID = Field(string(most=255))
_PLACEHOLDER = Field(plain_text(most=150))
_FOCUS = Field(boolean)
_MOST_SELECTED = Field(integer(1, 10_000))
_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def _pattern(expression: str, text: str) -> Check:
    def check(value: Any, pointer: str, problems: Problems) -> None:
        if not isinstance(value, str) or not re.fullmatch(expression, value):
            problems.add(pointer, text)

    return check


def _number(value: Any, pointer: str, problems: Problems) -> None:
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        problems.add(pointer, "must be a valid number")


def _options_or_groups(value: Any, pointer: str, problems: Problems) -> None:
    if bool(value.get("options")) == bool(value.get("option_groups")):
        problems.add(pointer, "missing required field: options")


def _known_initial(value: Any, pointer: str, problems: Problems) -> None:
    """Initial options must be among the options, exactly."""
    options = list(_listed(value, "options"))
    for group in _listed(value, "option_groups"):
        options += _listed(group, "options")
    plain = [_bare(item) for item in options]
    for name in ("initial_option", "initial_options"):
        initial = value.get(name)
        wanted = initial if isinstance(initial, list) else [initial] if initial else []
        if any(_bare(item) not in plain for item in wanted):
            problems.add(f"{pointer}/{name}", "must match one of the options")


def _listed(value: Any, name: str) -> list[Any]:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, list) else []


def _bare(item: Any) -> Any:
    """An option without what Slack adds to its texts."""
    if isinstance(item, dict):
        return {k: _bare(v) for k, v in item.items() if k not in ("emoji", "verbatim")}
    return item


def _unique_values(value: Any, pointer: str, problems: Problems) -> None:
    values = [item.get("value") for item in _listed(value, "options") if isinstance(item, dict)]
    if len(values) != len(set(map(str, values))):
        problems.add(f"{pointer}/options", "option values must be unique")


def _element(**fields: Field) -> Check:
    return properties({"type": TYPE, "action_id": _ACTION_ID, **fields})


def _select(initial: str, *, multiple: bool, **fields: Field) -> Check:
    more = {"max_selected_items": _MOST_SELECTED} if multiple else {}
    if initial:
        more[initial] = Field(items(string(most=255), most=100) if multiple else string(most=255))
    return _element(
        placeholder=_PLACEHOLDER, confirm=Field(CONFIRM), focus_on_load=_FOCUS, **more, **fields
    )


def _static_select(*, multiple: bool) -> Check:
    initial = (
        {"initial_options": Field(items(OPTION, most=100))}
        if multiple
        else {"initial_option": Field(OPTION)}
    )
    return all_of(
        _select(
            "",
            multiple=multiple,
            options=Field(items(OPTION, most=100)),
            option_groups=Field(items(OPTION_GROUP, most=100)),
            **initial,
        ),
        _options_or_groups,
        _known_initial,
    )


def _choices(initial: str, *, multiple: bool) -> Check:
    choice = option(formatted=True)
    return all_of(
        _element(
            options=required(items(choice, most=10)),
            confirm=Field(CONFIRM),
            focus_on_load=_FOCUS,
            **{initial: Field(items(choice, most=10) if multiple else choice)},
        ),
        _known_initial,
        _unique_values,
    )


IMAGE = all_of(
    properties(
        {
            "type": TYPE,
            "alt_text": required(string(most=2000)),
            "image_url": Field(url()),
            "slack_file": Field(SLACK_FILE),
        }
    ),
    any_of(("image_url", "slack_file")),
)

BUTTON = _element(
    text=required(plain_text(most=75)),
    url=Field(url()),
    value=Field(string(most=2000, least=0)),
    style=Field(one_of("primary", "danger")),
    confirm=Field(CONFIRM),
    accessibility_label=Field(string(most=75)),
)

ACTIVE: dict[str, Check] = {
    "button": BUTTON,
    "checkboxes": _choices("initial_options", multiple=True),
    "radio_buttons": _choices("initial_option", multiple=False),
    "overflow": _element(
        options=required(items(option(formatted=False, with_url=True), most=5)),
        confirm=Field(CONFIRM),
    ),
    "datepicker": _element(
        initial_date=Field(_pattern(r"\d{4}-\d{2}-\d{2}", "must be a date YYYY-MM-DD")),
        placeholder=_PLACEHOLDER,
        confirm=Field(CONFIRM),
        focus_on_load=_FOCUS,
    ),
    "timepicker": _element(
        initial_time=Field(_pattern(r"([01]\d|2[0-3]):[0-5]\d", "must be a time HH:mm")),
        placeholder=_PLACEHOLDER,
        confirm=Field(CONFIRM),
        focus_on_load=_FOCUS,
        timezone=Field(string(most=100)),
    ),
    "datetimepicker": _element(
        initial_date_time=Field(integer(1_000_000_000, 9_999_999_999)),
        confirm=Field(CONFIRM),
        focus_on_load=_FOCUS,
    ),
    "static_select": _static_select(multiple=False),
    "multi_static_select": _static_select(multiple=True),
    "external_select": _select(
        "", multiple=False, initial_option=Field(OPTION), min_query_length=Field(integer(0, 1000))
    ),
    "multi_external_select": _select(
        "",
        multiple=True,
        initial_options=Field(items(OPTION, most=100)),
        min_query_length=Field(integer(0, 1000)),
    ),
    "users_select": _select("initial_user", multiple=False),
    "multi_users_select": _select("initial_users", multiple=True),
    "conversations_select": _select(
        "initial_conversation",
        multiple=False,
        default_to_current_conversation=Field(boolean),
        response_url_enabled=Field(boolean),
        filter=Field(CONVERSATION_FILTER),
    ),
    "multi_conversations_select": _select(
        "initial_conversations",
        multiple=True,
        default_to_current_conversation=Field(boolean),
        filter=Field(CONVERSATION_FILTER),
    ),
    "channels_select": _select(
        "initial_channel", multiple=False, response_url_enabled=Field(boolean)
    ),
    "multi_channels_select": _select("initial_channels", multiple=True),
    "workflow_button": _element(
        text=required(plain_text(most=75)),
        workflow=required(anything),
        style=Field(one_of("primary", "danger")),
        accessibility_label=Field(string(most=75)),
    ),
}

INPUTS: dict[str, Check] = {
    **{
        name: check
        for name, check in ACTIVE.items()
        if name not in ("button", "overflow", "workflow_button")
    },
    "plain_text_input": _element(
        initial_value=Field(string(most=3000, least=0)),
        multiline=Field(boolean),
        min_length=Field(integer(0, 3000)),
        max_length=Field(integer(1, 3000)),
        dispatch_action_config=Field(DISPATCH_CONFIG),
        focus_on_load=_FOCUS,
        placeholder=_PLACEHOLDER,
    ),
    "email_text_input": _element(
        initial_value=Field(string(most=3000)),
        dispatch_action_config=Field(DISPATCH_CONFIG),
        focus_on_load=_FOCUS,
        placeholder=_PLACEHOLDER,
    ),
    "url_text_input": _element(
        initial_value=Field(string(most=3000)),
        dispatch_action_config=Field(DISPATCH_CONFIG),
        focus_on_load=_FOCUS,
        placeholder=_PLACEHOLDER,
    ),
    "number_input": _element(
        is_decimal_allowed=required(boolean),
        initial_value=Field(_number),
        min_value=Field(_number),
        max_value=Field(_number),
        dispatch_action_config=Field(DISPATCH_CONFIG),
        focus_on_load=_FOCUS,
        placeholder=_PLACEHOLDER,
    ),
    "rich_text_input": _element(
        initial_value=Field(anything),
        dispatch_action_config=Field(DISPATCH_CONFIG),
        focus_on_load=_FOCUS,
        placeholder=_PLACEHOLDER,
    ),
    "file_input": _element(
        filetypes=Field(items(string(most=255), most=100)),
        max_files=Field(integer(1, 10)),
    ),
}
