"""What a Web API method is, and the call that it answers."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

from workspace.apps import Installation
from workspace.conversations import Channel
from workspace.errors import SlackError
from workspace.services import Services

Caller = Literal["bot", "app", "anyone"]
Answer = dict[str, Any]


@dataclass
class Call:
    """One call of a method, authenticated. Arguments come as text or as JSON; these read them.

    `installation` is the app in the caller's team (for an app-level token: in any).
    """

    services: Services
    method: str
    arguments: dict[str, Any]
    installation: Installation

    def given(self, name: str) -> bool:
        """Whether the argument is there and not empty."""
        return self.arguments.get(name) not in (None, "")

    def text(self, name: str, default: str = "") -> str:
        """A text argument."""
        value = self.arguments.get(name)
        if value is None:
            return default
        if isinstance(value, bool | int | float):
            return str(value)
        if not isinstance(value, str):
            raise SlackError(
                "invalid_arguments", f"[ERROR] must be a string [json-pointer:/{name}]"
            )
        return value

    def required(self, name: str) -> str:
        """A text argument that must be there. Raises SlackError `invalid_arguments`."""
        if not self.given(name):
            raise SlackError("invalid_arguments", f"[ERROR] missing required field: {name}")
        return self.text(name)

    def integer(self, name: str, default: int, *, least: int, most: int) -> int:
        """A whole number within bounds."""
        value = self.arguments.get(name)
        if value in (None, ""):
            return default
        try:
            number = int(str(value))
        except ValueError:
            raise SlackError(
                "invalid_arguments", f"[ERROR] must be an integer [json-pointer:/{name}]"
            ) from None
        if number < least or number > most:
            sign, bound = ("greater", least) if number < least else ("less", most)
            raise SlackError(
                "invalid_arguments",
                f"[ERROR] must be {sign} than or equal to {bound} [json-pointer:/{name}]",
            )
        return number

    def boolean(self, name: str, default: bool = False) -> bool:
        """A truth value: Slack takes true, "true", 1, "1"."""
        value = self.arguments.get(name)
        if value in (None, ""):
            return default
        return value is True or str(value).lower() in ("1", "true")

    def json(self, name: str) -> Any:
        """A JSON argument, which a form carries as text; None if it is not there."""
        value = self.arguments.get(name)
        if value in (None, ""):
            return None
        if isinstance(value, str):
            try:
                return json.loads(value)
            except ValueError:
                raise SlackError(
                    f"invalid_{name}_format" if name == "blocks" else "invalid_json"
                ) from None
        return value

    def texts(self, name: str) -> list[str]:
        """A list that comes as JSON or separated by commas."""
        value = self.arguments.get(name)
        if isinstance(value, list):
            return [str(item) for item in value]
        return [item.strip() for item in self.text(name).split(",") if item.strip()]

    def need(self, *scopes: str) -> None:
        """Demand one of these scopes. Raises SlackError `missing_scope`."""
        if not self.installation.scopes.intersection(scopes):
            raise missing_scope(",".join(scopes), self.installation)

    def channel(self, name: str = "channel") -> Channel:
        """The channel that the argument names, if the app may know of it."""
        return self.services.state.channel_for(self.installation, self.required(name))


Handler = Callable[[Call], Awaitable[Answer]]


@dataclass(frozen=True)
class Method:
    """A Web API method: who may call it, with what, how often.

    - `scopes`: one of them is needed (none: any token will do);
    - `arguments`: those it knows; `tier`: 1 to 4, 0 for its own limit or none;
    - `caller`: which token it takes (`anyone`: none at all).
    """

    name: str
    handler: Handler
    scopes: tuple[str, ...]
    arguments: frozenset[str]
    tier: int
    caller: Caller


METHODS: dict[str, Method] = {}


def method(
    name: str,
    *,
    scopes: tuple[str, ...] = (),
    arguments: tuple[str, ...] = (),
    tier: int,
    caller: Caller = "bot",
) -> Callable[[Handler], Handler]:
    """Register the decorated function as a method of the Web API."""

    def register(handler: Handler) -> Handler:
        METHODS[name] = Method(name, handler, scopes, frozenset(arguments), tier, caller)
        return handler

    return register


def missing_scope(needed: str, installation: Installation) -> SlackError:
    """The answer to a token that lacks a scope."""
    return SlackError(
        "missing_scope", needed=needed, provided=",".join(sorted(installation.scopes))
    )
