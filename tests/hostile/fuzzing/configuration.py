"""What an administrator writes: the desk file, and settings."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bot import settings
from bot.desks.configuration import load_desks
from bot.errors import SettingsError
from tests.hostile.fuzzing.target import FuzzTarget, as_text, check_told

_FOLDER: Final = tempfile.TemporaryDirectory()
_FILE: Final = Path(_FOLDER.name) / "desks.toml"
_VARIABLES: Final = tuple(found.variable for found in settings.describe(settings.Settings()))


def _desk_file(data: bytes) -> None:
    _FILE.write_bytes(data)
    try:
        load_desks(_FILE)
    except SettingsError as error:
        check_told(error.message, error.remedy)


def _settings(data: bytes) -> None:
    """Lines of ``NUMBER=VALUE``: the number is that of a setting."""
    environment = {}
    for line in data.split(b"\n"):
        if len(line) > 1:
            environment[_VARIABLES[line[0] % len(_VARIABLES)]] = as_text(line[1:])
    try:
        found = settings.load(environment, Path(_FOLDER.name))
    except SettingsError as error:
        check_told(error.message, error.remedy)
        return
    for described in settings.describe(found):
        check_told(described.value)


def _desk_files() -> Iterator[bytes]:
    yield b"""[production]
kind = "enterprise"
url = "https://desk.example/m42Services/api/"
api_token = "env:TOKEN"
activity_type = 6
states = { 200 = "open" }
suffixes = [".pem"]
[test]
kind = "none"
"""
    yield b"""[production]
kind = "professional"
url = "http://localhost:1/"
login = "a"
password = "file:/run/secret"
template = "t"
folder = "f"
timeout = 3.5
"""
    yield b"""[production]
kind = "email"
to = "desk@corp.example"
sender = "bot@corp.example"
host = "mail"
port = 25
tls = "implicit"
"""


def _examples() -> Iterator[bytes]:
    values = (
        *("10.0.0.0/8, fd00::/8", "443,8000-8999", "*.corp.example", "http://u:p@proxy:3128"),
        *("yes", "no", "/", "3.5", "100", "channel", "postgresql://u:p@h/db", "C0123456789"),
        *("U0123456789,U0123456788", "h=10.0.0.1", "info", "xoxb-1-2", "1e400", "-1", "nan", "~x"),
    )
    for number in range(len(_VARIABLES)):
        yield b"\n".join(bytes([number]) + value.encode() for value in values[:1])
        yield bytes([number]) + values[number % len(values)].encode()


TARGETS: Final = (
    FuzzTarget("desk_file", _desk_file, _desk_files, max_bytes=2000),
    FuzzTarget("settings", _settings, _examples, max_bytes=600),
)
