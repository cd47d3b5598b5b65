"""What a person enters into Block Kit elements: the `state` that the app gets, and the checks that
a client makes before it sends a modal."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

from workspace.errors import SlackError

# Element type → (the key of its value in `state`, the key of its initial value).
FIELDS = {
    "plain_text_input": ("value", "initial_value"),
    "email_text_input": ("value", "initial_value"),
    "url_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
    "rich_text_input": ("rich_text_value", "initial_value"),
    "static_select": ("selected_option", "initial_option"),
    "external_select": ("selected_option", "initial_option"),
    "radio_buttons": ("selected_option", "initial_option"),
    "overflow": ("selected_option", ""),
    "checkboxes": ("selected_options", "initial_options"),
    "multi_static_select": ("selected_options", "initial_options"),
    "multi_external_select": ("selected_options", "initial_options"),
    "users_select": ("selected_user", "initial_user"),
    "multi_users_select": ("selected_users", "initial_users"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "channels_select": ("selected_channel", "initial_channel"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
    "file_input": ("files", ""),
}
_WITHOUT_STATE = ("overflow", "button")
REQUIRED = "Please complete this required field."

Values = dict[str, dict[str, dict[str, Any]]]
Describe = Callable[[str], dict[str, Any]]


def elements(blocks: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Every interactive element with its block."""
    for block in blocks:
        candidates = [block.get("element"), block.get("accessory"), *(block.get("elements") or [])]
        for candidate in candidates:
            if isinstance(candidate, dict) and "action_id" in candidate:
                yield block, candidate


def find(
    blocks: list[dict[str, Any]], action_id: str, block_id: str = ""
) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """The block and element with that action id; the first one if no block id is given."""
    for block, element in elements(blocks):
        if element["action_id"] == action_id and block_id in ("", block["block_id"]):
            return block, element
    return None


def read_state(
    blocks: list[dict[str, Any]], given: Values, describe_file: Describe, previous: Values
) -> Values:
    """The `state.values` of these blocks: what is given, else what was there, else initial values.

    In `given` a value may stand under its own key (`selected_option`, …) or under `value`; options
    may be given by their value alone, files by their id. Raises SlackError `invalid_option`.
    """
    state: Values = {}
    for block, element in elements(blocks):
        if element["type"] not in FIELDS or element["type"] in _WITHOUT_STATE:
            continue
        key, initial = FIELDS[element["type"]]
        block_id, action_id = block["block_id"], element["action_id"]
        entered = given.get(block_id, {}).get(action_id)
        if entered is None:
            value = previous.get(block_id, {}).get(action_id, {}).get(key)
            if value is None:
                value = copy.deepcopy(element.get(initial))
        else:
            value = read_value(element, entered, describe_file)
        if value is None and key in ("selected_options", "files"):
            value = []
        state.setdefault(block_id, {})[action_id] = {"type": element["type"], key: value}
    return state


def read_value(element: dict[str, Any], entered: dict[str, Any], describe_file: Describe) -> Any:
    """The value of one element, in Slack's form. Raises SlackError `invalid_option`."""
    key, _ = FIELDS[element["type"]]
    value = entered.get(key, entered.get("value"))
    if key == "selected_option":
        return None if value is None else _option(element, value)
    if key == "selected_options":
        return [_option(element, item) for item in _listed(value)]
    if key == "files":
        return [
            describe_file(str(item.get("id")) if isinstance(item, dict) else str(item))
            for item in _listed(value)
        ]
    if key == "value":
        return None if value in (None, "") else str(value)
    return value


def form_errors(blocks: list[dict[str, Any]], state: Values) -> dict[str, str]:
    """What the client itself objects to: block id → text."""
    errors: dict[str, str] = {}
    for block in blocks:
        element = block.get("element")
        if block.get("type") != "input" or not isinstance(element, dict):
            continue
        key, _ = FIELDS.get(element["type"], ("value", ""))
        value = state.get(block["block_id"], {}).get(element["action_id"], {}).get(key)
        if value in (None, "", []):
            if not block.get("optional", False):
                errors[block["block_id"]] = REQUIRED
            continue
        problem = _problem(element, value)
        if problem:
            errors[block["block_id"]] = problem
    return errors


def _problem(element: dict[str, Any], value: Any) -> str:
    if element["type"] == "plain_text_input":
        longest = element.get("max_length", 3000)
        if len(value) > longest:
            return f"Your response must be {longest} characters or fewer."
        if len(value) < element.get("min_length", 0):
            return f"Your response must be at least {element['min_length']} characters."
    if element["type"] == "number_input":
        return _number_problem(element, value)
    if element["type"] == "email_text_input" and ("@" not in value or " " in value):
        return "Please enter a valid email address."
    if element["type"] == "url_text_input" and not value.startswith(("http://", "https://")):
        return "Please enter a valid URL."
    if element["type"] == "file_input" and len(value) > element.get("max_files", 10):
        return f"You can add up to {element.get('max_files', 10)} files."
    return ""


def _number_problem(element: dict[str, Any], value: str) -> str:
    try:
        number = float(value)
    except ValueError:
        return "Please enter a valid number."
    if "." in value and not element.get("is_decimal_allowed", False):
        return "Please enter a whole number."
    if "min_value" in element and number < float(element["min_value"]):
        return f"Must be {element['min_value']} or more."
    if "max_value" in element and number > float(element["max_value"]):
        return f"Must be {element['max_value']} or less."
    return ""


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _option(element: dict[str, Any], chosen: Any) -> dict[str, Any]:
    value = chosen.get("value") if isinstance(chosen, dict) else chosen
    options = list(element.get("options") or [])
    for group in element.get("option_groups") or []:
        options += group.get("options") or []
    for option in options:
        if option.get("value") == value:
            return dict(option)
    if "external" in element["type"] and isinstance(chosen, dict):
        return chosen
    raise SlackError(
        "invalid_option", f"{value!r} is none of the options of {element['action_id']}"
    )
