"""Which desk an environment has, and everything that an installation of it may change.

A TOML file with a table ``[production]`` and, where they differ, one ``[test]``. Secrets are not
written there: ``env:NAME`` names an environment variable, ``file:PATH`` a file.
"""

from __future__ import annotations

import ipaddress
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, TypeAlias
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from bot.desks.base import Meaning, Pace
from bot.errors import SettingsError
from bot.requests.states import State
from bot.text import visible

#: In ``set_states``: the ticket is closed by the call for that.
CLOSE: Final = "close"
_MAX_SECRET: Final = 1 << 16


_Seconds: TypeAlias = Annotated[float, Field(gt=0, le=86400)]
_CallSeconds: TypeAlias = Annotated[float, Field(gt=0, le=300)]
_Suffixes: TypeAlias = Annotated[tuple[str, ...], Field(min_length=1, max_length=8)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


def _checked_secret(text: str) -> str:
    if not text.startswith(("env:", "file:")) or not text.partition(":")[2]:
        # The value itself is a secret then, and is not quoted.
        raise ValueError("write env:NAME or file:PATH, not the secret itself")
    return text


def _with_word(text: str) -> str:
    if "{word}" not in text:
        raise ValueError("it must hold {word}")
    return text


class WebTable(_Table):
    """What both APIs need."""

    url: str
    """The API's address, as https://desk.example/m42Services/api/."""
    ca_bundle: Path | None = None
    """A PEM file of roots that are trusted besides the public ones."""
    proxy: str = ""
    """http://host:port, or where one with a login is written; `none`: there is none; empty: as the
    environment says."""
    timeout: _CallSeconds = 30.0
    """How long one call may take, in seconds."""
    suffixes: _Suffixes = (".pem", ".pem.txt")
    """What a PEM's name ends with; the next one where the desk refuses one."""
    link: str = ""
    """Where people read a ticket; {id} and {number} are filled in."""
    states: dict[str, Meaning] = Field(default_factory=dict)
    """What a state's code means."""
    set_states: dict[State, str] = Field(default_factory=dict)
    """The state that a ticket is given when its request gets this one; others leave it alone."""
    download: str = ""
    """The call that gives a file back; empty: there is none, and sizes are compared."""
    relay_files: bool = True
    """Bring files of the ticket into Slack. Neither API says of a file who may see it: False where
    files that the customer must not see are kept at tickets."""
    poll_first: _Seconds = 20.0
    poll_most: _Seconds = 600.0
    outage: Annotated[float, Field(ge=0, le=86400)] = 600.0
    settle: Annotated[float, Field(ge=0, le=600)] = 30.0

    @property
    def pace(self) -> Pace:
        """How often the desk is asked."""
        return Pace(self.poll_first, self.poll_most, self.outage, self.settle)

    @field_validator("proxy")
    @classmethod
    def _is_proxy(cls, text: str) -> str:
        if text in ("", "none"):
            return text
        if text.startswith(("env:", "file:")):
            return _checked_secret(text)
        parts = urlsplit(text)
        if parts.username or parts.password or "@" in parts.netloc:
            raise ValueError("a proxy with a login is a secret: write env:NAME or file:PATH")
        if (
            parts.scheme not in ("http", "https")
            or not parts.hostname
            or parts.path not in ("", "/")
        ):
            raise ValueError("write http://host:port, none, env:NAME or file:PATH")
        return text

    @field_validator("link", "download")
    @classmethod
    def _is_one_line(cls, text: str) -> str:
        if not text.isprintable():
            raise ValueError("write it in one line")
        return text

    @field_validator("download")
    @classmethod
    def _is_of_the_api(cls, text: str) -> str:
        # Another server would be sent the token.
        if urlsplit(text).scheme or text.startswith(("/", "\\")):
            raise ValueError("write it as it stands after url, as filestorage/{id}")
        return text

    @field_validator("url")
    @classmethod
    def _is_safe(cls, url: str) -> str:
        parts = urlsplit(url)
        local = parts.hostname == "localhost" or _is_loopback(parts.hostname or "")
        if parts.username or parts.password:
            raise ValueError("the address must hold no password")
        if not parts.hostname or (
            parts.scheme != "https" and not (parts.scheme == "http" and local)
        ):
            raise ValueError("write https://… (plain http is for this machine alone)")
        return url if url.endswith("/") else f"{url}/"


class EnterpriseTable(WebTable):
    """Matrix42 Enterprise (M42Services)."""

    kind: Literal["enterprise"]
    api_token: str
    activity_type: Literal[0, 5, 6] = 5
    user: str = ""
    """The GUID of whom tickets are for, where the requester is not found by mail."""
    category: str = ""
    role: str = ""
    """The GUID of the responsible role."""
    impact: int = 2
    urgency: int = 3
    priority: int = 2
    entry_by: int = 4
    extra: dict[str, str] = Field(default_factory=dict)
    """ExtraProperties: name and value."""
    object_column: str = "[Expression-ObjectID]"
    """The column of a fragment that holds the id of its object."""
    name_columns: tuple[str, ...] = ("FirstName", "LastName")
    """The columns of a user that hold the name."""
    category_class: str = "SPSScCategoryClassBase"
    role_class: str = "SPSScRoleClassBase"
    """The data definitions that ``category`` and ``role`` are of."""
    category_name: str = "Name"
    role_name: str = "T(SPSSecurityClassRole).Name"
    """The columns with which `check` names those that there are."""
    state_class: str = "SPSActivityClassBase"
    """The data definition whose ``State`` is the ticket's."""
    state_label: str = ""
    """The column with what people call the state, as State.DisplayString; empty: the number."""
    sort: str = "sort"
    """The parameter that orders fragments; empty: they come in no order."""
    find: str = "Subject LIKE '%{word}%'"
    """How a ticket is found whose subject holds {word}."""
    comments: Literal["html", "text"] = "html"
    """What Matrix42 takes a comment for."""
    download: str = "filestorage/{id}"

    @field_validator("find")
    @classmethod
    def _finds(cls, text: str) -> str:
        return _with_word(text)

    @field_validator("set_states")
    @classmethod
    def _are_numbers(cls, given: dict[State, str]) -> dict[State, str]:
        for wanted in given.values():
            word, _, reason = wanted.partition(":")
            if not wanted.isdecimal() and (word != CLOSE or (reason and not reason.isdecimal())):
                raise ValueError("write the number of a state, close, or close:REASON")
        return given

    @model_validator(mode="after")
    def _knows_closed(self) -> Self:
        closes = any(wanted.startswith(CLOSE) for wanted in self.set_states.values())
        if closes and Meaning.CLOSED not in self.states.values():
            raise ValueError("set_states closes tickets: say in states which state is closed")
        return self

    secret = field_validator("api_token")(_checked_secret)


class ProfessionalTable(WebTable):
    """Matrix42 Core, Pro and IGA (formerly Efecte)."""

    kind: Literal["professional"]
    login: str
    password: str
    template: str
    folder: str
    subject: str = "subject"
    description: str = "description"
    status: str = "status"
    worklog: str = "worklog"
    """The worklog that the customer may read; no other one is read or written."""
    attachment: str = "attachments"
    values: dict[str, str] = Field(default_factory=dict)
    """More attributes of a new ticket: attribute and value."""
    codes: dict[str, str] = Field(default_factory=dict)
    """More attributes of a new ticket: attribute and code of a static value."""
    number: str = ""
    """The attribute that holds what people call the ticket; empty: its id."""
    find: str = "${subject}$ LIKE '%{word}%'"
    """How a ticket is found whose attribute {subject} holds {word}."""
    download: str = "dc/{template}/data/{ticket}/{attribute}/file/{id}"

    @field_validator("find")
    @classmethod
    def _finds(cls, text: str) -> str:
        return _with_word(text)

    secret = field_validator("password")(_checked_secret)


class EmailTable(_Table):
    """A mailbox: Matrix42's own desk, which has no API."""

    kind: Literal["email"]
    to: str
    sender: str
    mode: Literal["send", "download"] = "send"
    """Send the message, or offer it as a file that a person sends."""
    host: str = ""
    """The mail server; not needed to offer a file."""
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    tls: Literal["starttls", "implicit"] = "starttls"
    login: str = ""
    password: str = ""
    ca_bundle: Path | None = None
    timeout: _CallSeconds = 30.0
    """How long sending one message may take, in seconds."""
    suffixes: _Suffixes = (".pem",)

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.mode == "send" and not self.host:
            raise ValueError("host names the mail server; or set mode to download")
        if bool(self.login) != bool(self.password):
            raise ValueError("login and password belong together")
        return self

    @field_validator("password")
    @classmethod
    def _secret(cls, text: str) -> str:
        return _checked_secret(text) if text else text

    @field_validator("to", "sender")
    @classmethod
    def _address(cls, text: str) -> str:
        if text.count("@") != 1 or not text.isprintable() or any(c in text for c in " ,;<>"):
            raise ValueError("write one address, as desk@example.com")
        return text


class NoTable(_Table):
    """Slack alone."""

    kind: Literal["none"]


DeskTable: TypeAlias = Annotated[
    EnterpriseTable | ProfessionalTable | EmailTable | NoTable, Field(discriminator="kind")
]


class DeskFile(_Table):
    """The whole file."""

    production: DeskTable
    test: DeskTable | None = None

    def of(self, environment: str) -> EnterpriseTable | ProfessionalTable | EmailTable | NoTable:
        """The desk of ``test`` or ``production``."""
        return self.test if environment == "test" and self.test else self.production


_FILE: Final[TypeAdapter[DeskFile]] = TypeAdapter(DeskFile)


def load_desks(path: Path) -> DeskFile:
    """The file, checked. Raises SettingsError, which names the setting and quotes no value."""
    try:
        given = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(
            f"The desk file “{visible(str(path))}” cannot be read: {error.strerror}.",
            "Write it with “whichroot desk init”.",
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeError) as error:
        raise SettingsError(
            f"The desk file “{visible(str(path))}” is no TOML: {visible(str(error), 120)}.",
            "Correct it, or write it anew with “whichroot desk init”.",
        ) from None
    return read_desks(given)


def read_desks(given: Mapping[str, Any]) -> DeskFile:
    """The same from data. Raises SettingsError."""
    try:
        return _FILE.validate_python(given)
    except ValidationError as error:
        problems = "; ".join(_problem(found) for found in error.errors()[:5])
        raise SettingsError(
            f"The desk file cannot be used: {problems}.",
            "Correct it and try “whichroot desk check”.",
        ) from None


def secret(reference: str, environment: Mapping[str, str] | None = None) -> str:
    """What ``env:NAME`` or ``file:PATH`` names. Raises SettingsError."""
    kind, _, name = reference.partition(":")
    if kind == "env":
        value = (os.environ if environment is None else environment).get(name, "").strip()
        what = f"the environment variable {visible(name)}"
    else:
        what = f"the file {visible(name)}"
        try:
            with Path(name).expanduser().open(encoding="utf-8") as file:
                value = file.read(_MAX_SECRET).strip()
        except (OSError, ValueError, RuntimeError):
            raise SettingsError(
                f"The desk's secret cannot be read from {what}.", "Make it readable for the bot."
            ) from None
    if not value or any(character in value for character in "\r\n\0"):
        raise SettingsError(
            f"The desk's secret is missing: {what} has none.", "Set it, in one line."
        )
    return value


def proxy_of(table: WebTable, environment: Mapping[str, str] | None = None) -> str:
    """The proxy, as `bot.desks.http.DeskHttp` takes it. Raises SettingsError."""
    if table.proxy.startswith(("env:", "file:")):
        return secret(table.proxy, environment)
    return table.proxy


def problem_with(kind: str, name: str, value: str) -> str:
    """Why a setting of a desk of that kind cannot be ``value``; empty: it can."""
    try:
        _FILE.validate_python({"production": {"kind": kind, name: value}})
    except ValidationError as error:
        return next((_message(e) for e in error.errors() if e["loc"][2:3] == (name,)), "")
    return ""


def _problem(found: Any) -> str:
    # Which kind of desk it is stands between the table and the setting.
    place = ".".join(str(part) for part in (*found["loc"][:1], *found["loc"][2:]))
    return f"{visible(place, 80)}: {_message(found)}"


def _message(found: Any) -> str:
    if found["type"] == "missing":
        return "it is needed"
    message = str(found["msg"]).removeprefix("Value error, ")
    return visible(message[:1].lower() + message[1:], 160)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
