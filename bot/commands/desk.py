"""``whichroot desk``: the Matrix42 desk checked and set up."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from bot import settings as settings_module
from bot.desks.base import CheckLine
from bot.desks.choosing import open_desk
from bot.desks.configuration import DeskFile, load_desks, read_desks
from bot.desks.writing import desk_file_text
from bot.errors import SettingsError
from bot.text import visible

_NAME: Final = "desk.toml"
#: What is asked for each kind: setting, question, default.
_QUESTIONS: Final[Mapping[str, tuple[tuple[str, str, str], ...]]] = {
    "enterprise": (
        ("url", "Address of the API (https://HOST/m42Services/api/)", ""),
        ("api_token", "Where the API token is (env:NAME or file:PATH)", "env:MATRIX42_API_TOKEN"),
        ("category", "GUID of the category of tickets; empty: none", ""),
        ("role", "GUID of the responsible role; empty: none", ""),
        ("user", "GUID of the user whom tickets are for, else; empty: none", ""),
        ("link", "Address of a ticket for people, with {id} or {number}; empty: none", ""),
    ),
    "professional": (
        ("url", "Address of the API (https://HOST/rest-api/itsm/v1/)", ""),
        ("login", "Login of the technical user", ""),
        ("password", "Where its password is (env:NAME or file:PATH)", "env:MATRIX42_PASSWORD"),
        ("template", "Code of the template of tickets", ""),
        ("folder", "Code of the folder", ""),
        ("subject", "Code of the attribute for the subject", "subject"),
        ("description", "… for the description", "description"),
        ("status", "… for the status", "status"),
        ("worklog", "… for the worklog that the customer may read", "worklog"),
        ("attachment", "… for attachments", "attachments"),
        ("link", "Address of a ticket for people, with {id} or {number}; empty: none", ""),
    ),
    "email": (
        ("to", "Address of the desk", ""),
        ("sender", "Address that messages come from", ""),
        ("host", "Mail server", ""),
        ("login", "Login there; empty: none", ""),
        ("password", "Where its password is (env:NAME or file:PATH); empty: none", ""),
    ),
    "none": (),
}


def run(arguments: argparse.Namespace) -> int:
    """Exit code 0, or 1 where something is missing. Raises SettingsError."""
    given = arguments.file or settings_module.load().desk_file
    if arguments.what == "init":
        return _init(given or Path(_NAME))
    if given is None:
        raise SettingsError(
            "No desk file is set.", "Name one with --file, or write one with “whichroot desk init”."
        )
    return asyncio.run(check_desks(load_desks(given)))


async def check_desks(file: DeskFile) -> int:
    """Prints what each desk says; 1 where something is missing. Raises SettingsError."""
    ok = True
    for environment in ("production", "test") if file.test else ("production",):
        table = file.of(environment)
        print(f"{environment} ({table.kind})")
        desk = open_desk(table)
        if desk is None:
            print("  ✓ Install requests stay in Slack.")
            continue
        try:
            lines = await desk.check()
        finally:
            await desk.aclose()
        print("\n".join(map(_shown, lines)))
        ok &= all(line.ok for line in lines)
    print("Nothing is missing." if ok else "Mend what is marked ✗, and check again.")
    return 0 if ok else 1


def _shown(line: CheckLine) -> str:
    sign = ("!" if line.remark else "✓") if line.ok else "✗"
    return f"  {sign} {line.text}"


def _init(path: Path, ask: Callable[[str], str] = input) -> int:
    """Asks, checks what was answered, writes ``path``."""
    if path.exists():
        raise SettingsError(
            f"The file “{visible(str(path))}” is there already.", "Name another one with --file."
        )
    try:
        kind = _asked(ask, f"Which desk: {', '.join(_QUESTIONS)}", "none").lower()
        if kind not in _QUESTIONS:
            raise SettingsError(
                f"“{visible(kind)}” is no desk.", f"Write one of {', '.join(_QUESTIONS)}."
            )
        answers = {name: _asked(ask, text, default) for name, text, default in _QUESTIONS[kind]}
    except EOFError:
        raise SettingsError("The questions were not all answered.", "Start again.") from None
    table = {"kind": kind, **{name: value for name, value in answers.items() if value}}
    read_desks({"production": table})
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(desk_file_text(table))
    except OSError as error:
        raise SettingsError(
            f"The file “{visible(str(path))}” cannot be written: {error.strerror}.",
            "Name another one with --file.",
        ) from None
    print(
        f"Written: {visible(str(path))}. Try it: whichroot desk check --file {visible(str(path))}"
    )
    print(f"Then set WHICHROOT_DESK_FILE={visible(str(path))} for the bot.")
    return 0


def _asked(ask: Callable[[str], str], text: str, default: str) -> str:
    shown = f"{text} [{default}]: " if default else f"{text}: "
    return ask(shown).strip() or default
