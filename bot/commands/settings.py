"""``whichroot settings``: every setting, its value in force and its meaning."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterator
from typing import Final

from bot.settings import Described, Settings, describe, load

_PAGE: Final = """\
# Settings

Each setting is an environment variable; a `.env` file in the working directory gives those that the
environment does not. An empty value means the default. `whichroot settings` shows what is in force.

| Variable | Write | Default | Meaning |
|---|---|---|---|
"""


def run(arguments: argparse.Namespace) -> int:
    """Prints them. Exit code 0."""
    if arguments.markdown:
        print(_PAGE + "\n".join(map(_row, describe(Settings()))))
    else:
        print("\n".join(line for setting in describe(load()) for line in _entry(setting)))
    return 0


def _row(setting: Described) -> str:
    default = f"`{setting.default}`" if setting.default else ""
    return f"| `{setting.variable}` | {setting.kind} | {default} | {setting.meaning} |"


def _entry(setting: Described) -> Iterator[str]:
    yield f"{setting.variable}={setting.value}"
    kind = setting.kind.replace("`", "")
    meaning = setting.meaning.replace("`", "")
    yield from textwrap.wrap(
        f"{meaning} ({kind})", 96, initial_indent="    ", subsequent_indent="    "
    )
