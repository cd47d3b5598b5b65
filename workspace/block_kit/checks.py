"""Small checks of JSON values that are put together into the rules of Block Kit.

A check looks at a value and reports what is wrong, with the JSON pointer of the place, in Slack's
words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Surface = Literal["message", "modal", "home"]


@dataclass
class Problems:
    """What was found wrong, in order, each text with its place."""

    surface: Surface
    found: list[str] = field(default_factory=list)

    def add(self, pointer: str, text: str) -> None:
        """Report one problem."""
        line = f"{text} [json-pointer:{pointer}]"
        if line not in self.found:
            self.found.append(line)


Check = Callable[[Any, str, Problems], None]


@dataclass(frozen=True)
class Field:
    """A property of an object."""

    check: Check
    required: bool = False


def required(check: Check) -> Field:
    """A property that must be there."""
    return Field(check, required=True)


def string(*, most: int, least: int = 1) -> Check:
    """A text of so many characters."""

    def check(value: Any, pointer: str, problems: Problems) -> None:
        if not isinstance(value, str):
            problems.add(pointer, "must be a string")
        elif len(value) > most:
            problems.add(pointer, f"must be less than {most + 1} characters")
        elif len(value) < least:
            problems.add(pointer, f"must be more than {least - 1} characters")

    return check


def url(*, most: int = 3000) -> Check:
    """An address that starts with http: or https:."""
    length = string(most=most)

    def check(value: Any, pointer: str, problems: Problems) -> None:
        length(value, pointer, problems)
        if isinstance(value, str) and not value.startswith(("http://", "https://", "mailto:")):
            problems.add(pointer, "must be a valid URL")

    return check


def one_of(*values: str) -> Check:
    """One of these words."""

    def check(value: Any, pointer: str, problems: Problems) -> None:
        if value not in values:
            problems.add(pointer, "must be a valid enum value")

    return check


def boolean(value: Any, pointer: str, problems: Problems) -> None:
    """true or false."""
    if not isinstance(value, bool):
        problems.add(pointer, "must be a boolean")


def integer(least: int, most: int) -> Check:
    """A whole number within these bounds."""

    def check(value: Any, pointer: str, problems: Problems) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            problems.add(pointer, "must be an integer")
        elif value < least:
            problems.add(pointer, f"must be greater than or equal to {least}")
        elif value > most:
            problems.add(pointer, f"must be less than or equal to {most}")

    return check


def items(check_item: Check, *, most: int, least: int = 1) -> Check:
    """A list of so many items, each of which is checked."""

    def check(value: Any, pointer: str, problems: Problems) -> None:
        if not isinstance(value, list):
            problems.add(pointer, "must be an array")
            return
        if len(value) > most:
            problems.add(pointer, f"no more than {most} items allowed")
        if len(value) < least:
            problems.add(pointer, f"no less than {least} items allowed")
        for index, item in enumerate(value):
            check_item(item, f"{pointer}/{index}", problems)

    return check


def properties(fields: Mapping[str, Field]) -> Check:
    """An object with these properties and no others."""

    def check(value: Any, pointer: str, problems: Problems) -> None:
        if not isinstance(value, dict):
            problems.add(pointer, "must be an object")
            return
        for name, member in fields.items():
            if value.get(name) is None:
                if member.required:
                    problems.add(pointer, f"missing required field: {name}")
            else:
                member.check(value[name], f"{pointer}/{name}", problems)
        for name in value:
            if name not in fields:
                problems.add(pointer, f"invalid additional property: {name}")

    return check


def by_type(kinds: Mapping[str, Check], *, schemas: bool = False) -> Check:
    """An object whose `type` says which rules it follows. `schemas`: Slack first says that none of
    the allowed schemas fits."""

    def check(value: Any, pointer: str, problems: Problems) -> None:
        if not isinstance(value, dict):
            problems.add(pointer, "must be an object")
            return
        kind = value.get("type")
        if kind is None:
            problems.add(pointer, "missing required field: type")
        elif not isinstance(kind, str) or kind not in kinds:
            problems.add(f"{pointer}/type", f"unsupported type: {kind}")
        else:
            own = Problems(problems.surface)
            kinds[kind](value, pointer, own)
            if own.found and schemas:
                problems.add(pointer, "failed to match all allowed schemas")
            for line in own.found:
                if line not in problems.found:
                    problems.found.append(line)

    return check


def all_of(*checks: Check) -> Check:
    """Every one of these checks."""

    def check(value: Any, pointer: str, problems: Problems) -> None:
        for each in checks:
            each(value, pointer, problems)

    return check


def any_of(names: Sequence[str]) -> Check:
    """An object that has at least one of these properties."""

    def check(value: Any, pointer: str, problems: Problems) -> None:
        if isinstance(value, dict) and not any(value.get(name) for name in names):
            problems.add(pointer, f"missing required field: {' or '.join(names)}")

    return check


def anything(value: Any, pointer: str, problems: Problems) -> None:
    """Whatever it is."""
