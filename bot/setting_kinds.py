"""What a setting is, and how the text of one is read."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from bot.errors import SettingsError
from bot.records import record
from bot.text import visible

SECONDS: Final = "seconds"
_TRUE: Final = ("1", "true", "yes", "on")
_FALSE: Final = ("0", "false", "no", "off")


@record
class Setting:
    """What is known of a setting: how its text is read, what to write, what it means, whether its
    value must not be shown, and its environment variable where that is not its name with the
    prefix."""

    parse: Callable[[str], object]
    kind: str
    meaning: str
    secret: bool = False
    variable: str = ""


def number(least: float, most: float) -> Callable[[str], float]:
    """A number within these bounds. Raises SettingsError."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not least <= value <= most:
            raise SettingsError(
                f"“{visible(text)}” is no number from {least:g} to {most:g}.", "Write a number."
            )
        return value

    return parse


def count(least: int, most: int) -> Callable[[str], int]:
    """A whole number within these bounds. Raises SettingsError."""

    def parse(text: str) -> int:
        if not text.isdecimal() or len(text) > 9 or not least <= int(text) <= most:
            raise SettingsError(
                f"“{visible(text)}” is no whole number from {least} to {most}.",
                "Write a whole number.",
            )
        return int(text)

    return parse


def switch(text: str) -> bool:
    """Yes or no. Raises SettingsError."""
    if text.lower() not in _TRUE + _FALSE:
        raise SettingsError(f"“{visible(text)}” is neither yes nor no.", "Write yes or no.")
    return text.lower() in _TRUE


def patterns(text: str) -> tuple[str, ...]:
    """The items of a comma-separated list."""
    return tuple(item.strip() for item in text.split(",") if item.strip())


def folder(text: str) -> Path:
    """A folder that need not be there. Raises SettingsError."""
    try:
        return Path(text).expanduser()
    except (RuntimeError, ValueError):
        # ValueError: NUL in it, which a file of settings may hold.
        raise SettingsError(
            f"“{visible(text)}” names no folder: there is no such home directory.",
            "Write the folder's full path.",
        ) from None


def existing_folder(text: str) -> Path:
    """A folder that is there. Raises SettingsError."""
    found = folder(text)
    # Not Path.is_dir, which raises where a name is too long or its folder is not to be read.
    if not os.path.isdir(found):  # noqa: PTH112
        raise SettingsError(
            f"“{visible(text)}” is no folder that can be read.", "Write the folder's full path."
        )
    return found
