"""The app as its manifest describes it (https://docs.slack.dev/reference/app-manifest)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from workspace.errors import ManifestError


@dataclass(frozen=True)
class Command:
    """A slash command. `url` is None in Socket Mode."""

    command: str
    description: str
    usage_hint: str
    should_escape: bool
    url: str | None


@dataclass(frozen=True)
class Shortcut:
    """A shortcut: `global` from the composer, `message` from a message's menu."""

    name: str
    type: Literal["global", "message"]
    callback_id: str
    description: str


@dataclass(frozen=True)
class Manifest:
    """What the workspace needs of a manifest.

    `events_url` and `interactivity_url` are None in Socket Mode.
    """

    name: str
    description: str
    bot_name: str
    commands: tuple[Command, ...]
    shortcuts: tuple[Shortcut, ...]
    bot_scopes: tuple[str, ...]
    redirect_urls: tuple[str, ...]
    bot_events: tuple[str, ...]
    socket_mode: bool
    interactivity: bool
    events_url: str | None
    interactivity_url: str | None
    home_tab: bool
    messages_tab: bool
    messages_tab_read_only: bool

    @classmethod
    def read(cls, source: Mapping[str, Any]) -> Manifest:
        """The manifest as parsed from YAML or JSON. Raises ManifestError, naming the place."""
        information = _mapping(source, "display_information")
        features = _mapping(source, "features")
        settings = _mapping(source, "settings")
        oauth = _mapping(source, "oauth_config")
        scopes = _mapping(oauth, "scopes", "oauth_config")
        bot_user = _mapping(features, "bot_user", "features")
        home = _mapping(features, "app_home", "features")
        events = _mapping(settings, "event_subscriptions", "settings")
        interactivity = _mapping(settings, "interactivity", "settings")
        manifest = cls(
            name=_text(information, "name", "display_information", longest=35),
            description=_text(
                information, "description", "display_information", longest=140, required=False
            ),
            bot_name=_text(bot_user, "display_name", "features.bot_user", longest=80),
            commands=tuple(
                _command(item, index)
                for index, item in enumerate(_items(features, "slash_commands", longest=50))
            ),
            shortcuts=tuple(
                _shortcut(item, index)
                for index, item in enumerate(_items(features, "shortcuts", longest=10))
            ),
            bot_scopes=tuple(scopes.get("bot") or ()),
            redirect_urls=tuple(oauth.get("redirect_urls") or ()),
            bot_events=tuple(events.get("bot_events") or ()),
            socket_mode=bool(settings.get("socket_mode_enabled", False)),
            interactivity=bool(interactivity.get("is_enabled", False)),
            events_url=events.get("request_url"),
            interactivity_url=interactivity.get("request_url"),
            home_tab=bool(home.get("home_tab_enabled", False)),
            messages_tab=bool(home.get("messages_tab_enabled", False)),
            messages_tab_read_only=bool(home.get("messages_tab_read_only_enabled", False)),
        )
        manifest._check()
        return manifest

    def command(self, name: str) -> Command | None:
        """The command of that name (with its slash), or None."""
        return next((item for item in self.commands if item.command == name), None)

    def shortcut(self, callback_id: str) -> Shortcut | None:
        """The shortcut with that callback id, or None."""
        return next((item for item in self.shortcuts if item.callback_id == callback_id), None)

    def _check(self) -> None:
        for names, place in (
            ([item.command for item in self.commands], "features.slash_commands"),
            ([item.callback_id for item in self.shortcuts], "features.shortcuts"),
            (list(self.bot_events), "settings.event_subscriptions.bot_events"),
            (list(self.bot_scopes), "oauth_config.scopes.bot"),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ManifestError(f"{place}: {', '.join(twice)} is listed twice")
        if self.commands and "commands" not in self.bot_scopes:
            raise ManifestError("oauth_config.scopes.bot: slash commands need the scope commands")
        if self.shortcuts and "commands" not in self.bot_scopes:
            raise ManifestError("oauth_config.scopes.bot: shortcuts need the scope commands")


def _mapping(source: Mapping[str, Any], key: str, parent: str = "") -> Mapping[str, Any]:
    value = source.get(key)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        place = f"{parent}.{key}" if parent else key
        raise ManifestError(f"{place}: a mapping is expected, not {type(value).__name__}")
    return value


def _items(features: Mapping[str, Any], key: str, *, longest: int) -> Sequence[Mapping[str, Any]]:
    value = features.get(key) or []
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        raise ManifestError(f"features.{key}: a list of mappings is expected")
    if len(value) > longest:
        raise ManifestError(f"features.{key}: {len(value)} items, at most {longest} are allowed")
    return value


def _text(
    source: Mapping[str, Any], key: str, parent: str, *, longest: int, required: bool = True
) -> str:
    value = source.get(key)
    if value is None and not required:
        return ""
    if not isinstance(value, str) or not value:
        raise ManifestError(f"{parent}.{key}: a text is required")
    if len(value) > longest:
        raise ManifestError(f"{parent}.{key}: {len(value)} characters, at most {longest}")
    return value


def _command(item: Mapping[str, Any], index: int) -> Command:
    place = f"features.slash_commands[{index}]"
    command = _text(item, "command", place, longest=32)
    if not command.startswith("/") or command != command.lower() or " " in command:
        raise ManifestError(f"{place}.command: {command!r} must be lower case and start with /")
    return Command(
        command=command,
        description=_text(item, "description", place, longest=2000),
        usage_hint=_text(item, "usage_hint", place, longest=1000, required=False),
        should_escape=bool(item.get("should_escape", False)),
        url=item.get("url"),
    )


def _shortcut(item: Mapping[str, Any], index: int) -> Shortcut:
    place = f"features.shortcuts[{index}]"
    kind = item.get("type")
    if kind not in ("global", "message"):
        raise ManifestError(f"{place}.type: global or message is expected, not {kind!r}")
    return Shortcut(
        name=_text(item, "name", place, longest=24),
        type=kind,
        callback_id=_text(item, "callback_id", place, longest=255),
        description=_text(item, "description", place, longest=150),
    )
