"""``whichroot desk``: the Matrix42 desk checked and set up."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from bot import settings as settings_module
from bot.desks.base import CheckLine
from bot.desks.choosing import open_desk
from bot.desks.configuration import DeskFile, load_desks, problem_with, read_desks
from bot.desks.writing import desk_file_text
from bot.errors import SettingsError
from bot.text import visible

_NAME: Final = "desk.toml"
_ROOTS: Final = ("ca_bundle", "File with the company's own roots (PEM); empty: none", "")
#: What is asked for each kind: setting, question, default.
_QUESTIONS: Final[Mapping[str, tuple[tuple[str, str, str], ...]]] = {
    "enterprise": (
        ("url", "Address of the API (https://HOST/m42Services/api/)", ""),
        ("api_token", "Where the API token is (env:NAME or file:PATH)", "env:MATRIX42_API_TOKEN"),
        ("category", "GUID of the category of tickets; empty: none", ""),
        ("role", "GUID of the responsible role; empty: none", ""),
        ("user", "GUID of the user whom tickets are for, else; empty: none", ""),
        ("link", "Address of a ticket for people, with {id} or {number}; empty: none", ""),
        _ROOTS,
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
        _ROOTS,
    ),
    "email": (
        ("to", "Address of the desk", ""),
        ("sender", "Address that messages come from", ""),
        ("mode", "Messages are sent (send) or offered as files (download)", "send"),
        ("host", "Mail server", ""),
        ("tls", "TLS from the start (implicit) or after a command (starttls)", "starttls"),
        ("port", "Its port, as 587 for starttls and 465 for implicit", "587"),
        ("login", "Login there; empty: none", ""),
        ("password", "Where its password is (env:NAME or file:PATH)", "env:MAIL_PASSWORD"),
        _ROOTS,
    ),
    "none": (),
}
#: What may be left out.
_OPTIONAL: Final = frozenset({"category", "role", "user", "link", "login", "ca_bundle"})


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
    try:
        path.lstat()
    except FileNotFoundError:
        pass
    except OSError as error:
        raise SettingsError(
            f"The file “{visible(str(path))}” cannot be written: {error.strerror}.",
            "Name another one with --file.",
        ) from None
    else:
        raise SettingsError(
            f"The file “{visible(str(path))}” is there already.", "Name another one with --file."
        )
    try:
        table = _answers(ask)
    except EOFError:
        raise SettingsError("The questions were not all answered.", "Start again.") from None
    read_desks({"production": table})
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(desk_file_text(table))
    except OSError as error:
        raise SettingsError(
            f"The file “{visible(str(path))}” cannot be written: {error.strerror}.",
            "Name another one with --file.",
        ) from None
    shown = visible(str(path))
    print(f"Written: {shown}. For the bot set WHICHROOT_DESK_FILE={shown}.")
    try:
        asyncio.run(check_desks(load_desks(path)))
    except SettingsError as error:
        print(f"It is not checked yet: {error}")
        print(f"Then check it: whichroot desk check --file {shown}")
    return 0


def _answers(ask: Callable[[str], str]) -> dict[str, Any]:
    """The table that the answers make. What cannot be is asked again. Raises EOFError."""
    kinds = ", ".join(_QUESTIONS)
    while (kind := _asked(ask, f"Which desk: {kinds}", "none").lower()) not in _QUESTIONS:
        print(f"“{visible(kind)}” is no desk: write one of {kinds}.")
    table: dict[str, Any] = {"kind": kind}
    for name, text, default in _QUESTIONS[kind]:
        if _is_idle(name, table):
            continue
        while not (value := _asked(ask, text, default)) or problem_with(kind, name, value):
            if not value and name in _OPTIONAL:
                break
            print(f"Once more: {problem_with(kind, name, value) if value else 'it is needed'}.")
        if value:
            table[name] = int(value) if name == "port" else value
    return table


def _is_idle(name: str, table: Mapping[str, Any]) -> bool:
    """Whether a setting has no meaning after what was answered so far."""
    if table["kind"] != "email":
        return False
    if table.get("mode") == "download":
        return name not in ("to", "sender", "mode")
    # Without a login there is no password.
    return name == "password" and "login" not in table


def _asked(ask: Callable[[str], str], text: str, default: str) -> str:
    shown = f"{text} [{default}]: " if default else f"{text}: "
    return ask(shown).strip() or default
