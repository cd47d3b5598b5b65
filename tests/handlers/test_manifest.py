"""The manifest fits what the bot does: events, methods, scopes, Slack's limits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
MANIFEST: Any = yaml.safe_load((ROOT / "manifest.yml").read_text("utf-8"))
SCOPES = set(MANIFEST["oauth_config"]["scopes"]["bot"])
EVENTS = MANIFEST["settings"]["event_subscriptions"]["bot_events"]

#: https://docs.slack.dev/reference/events: what a subscription needs.
EVENT_SCOPES = {
    "app_home_opened": set(),
    "app_mention": {"app_mentions:read"},
    "app_uninstalled": set(),
    "message.channels": {"channels:history"},
    "message.groups": {"groups:history"},
    "message.im": {"im:history"},
    "tokens_revoked": set(),
}
#: https://docs.slack.dev/reference/methods: what a method needs. A conversation's history and members
#: need the scope for each kind of conversation where the bot reads them.
METHOD_SCOPES = {
    "auth_test": set(),
    "chat_delete": {"chat:write"},
    "chat_getPermalink": set(),
    "chat_postEphemeral": {"chat:write"},
    # Public channels that the bot has not joined are posted to as well.
    "chat_postMessage": {"chat:write", "chat:write.public"},
    "chat_update": {"chat:write"},
    "conversations_history": {"channels:history", "groups:history", "im:history"},
    "conversations_members": {"channels:read", "groups:read"},
    "conversations_open": {"im:write"},
    "conversations_replies": {"channels:history", "groups:history", "im:history"},
    "files_completeUploadExternal": {"files:write"},
    "files_delete": {"files:write"},
    "files_getUploadURLExternal": {"files:write"},
    "files_info": {"files:read"},
    "usergroups_users_list": {"usergroups:read"},
    "users_info": {"users:read"},
    "views_open": set(),
    "views_publish": set(),
    "views_update": set(),
}
_CALL = re.compile(
    r"client\.((?:auth|chat|conversations|files|usergroups|users|views|reactions|apps|team)_\w+)\("
)


def _sources() -> Iterator[str]:
    for folder in ("bot", "handlers"):
        for path in (ROOT / folder).rglob("*.py"):
            yield path.read_text("utf-8")


def test_each_method_that_is_called_has_its_scopes_and_no_scope_is_spare() -> None:
    called = {method for source in _sources() for method in _CALL.findall(source)}
    assert called == set(METHOD_SCOPES), "a method is called that is not in the table, or no longer"
    needed = {"commands"}
    needed |= {scope for method in called for scope in METHOD_SCOPES[method]}
    needed |= {scope for event in EVENTS for scope in EVENT_SCOPES[event]}
    assert needed == SCOPES


def test_each_event_has_its_scope_and_a_listener_and_each_listener_its_event() -> None:
    listened = {
        event for source in _sources() for event in re.findall(r'app\.event\(\s*"(\w+)"', source)
    }
    assert {event.partition(".")[0] for event in EVENTS} == listened
    for event in EVENTS:
        assert EVENT_SCOPES[event] <= SCOPES


def test_each_command_and_shortcut_has_a_listener() -> None:
    text = "\n".join(_sources())
    for command in MANIFEST["features"]["slash_commands"]:
        assert f'app.command("{command["command"]}")' in text
    for shortcut in MANIFEST["features"]["shortcuts"]:
        assert f'Final = "{shortcut["callback_id"]}"' in text
    assert text.count("app.shortcut(") == len(MANIFEST["features"]["shortcuts"])


def test_the_limits_of_a_manifest_hold() -> None:
    shown = MANIFEST["display_information"]
    assert len(shown["name"]) <= 35
    assert len(shown["description"]) <= 140
    assert len(MANIFEST["features"]["bot_user"]["display_name"]) <= 80
    assert len(MANIFEST["features"]["slash_commands"]) <= 50
    for command in MANIFEST["features"]["slash_commands"]:
        assert len(command["description"]) <= 2000
        assert len(command["usage_hint"]) <= 1000
        assert command["should_escape"] is False
    for shortcut in MANIFEST["features"]["shortcuts"]:
        assert len(shortcut["name"]) <= 24
        assert len(shortcut["description"]) <= 150
    assert MANIFEST["settings"]["interactivity"]["is_enabled"] is True
