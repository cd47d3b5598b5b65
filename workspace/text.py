"""Slack's text: what a client makes of typed text, what Slack keeps of an app's text, and whom
mentions reach (https://docs.slack.dev/messaging/formatting-message-text)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from workspace.conversations import Channel
from workspace.state import State

# A client links a bare host only under a top level domain that exists; these are the usual ones.
_TOP_LEVEL = (
    "com|org|net|edu|gov|info|biz|io|dev|app|cloud|online|tech|eu|de|at|ch|uk|fr|nl|be|it|es|pl"
    "|cz|se|no|dk|fi|us|ca|au|jp|cn|in|br|me|co|ai|ly|tv"
)
_URL = re.compile(
    r"(?P<url>https?://[^\s<>|`]*[^\s<>|`.,;:!?)\]'\"])"
    r"|(?P<mail>\b[\w.+-]+@(?:[a-z0-9-]+\.)+[a-z]{2,}\b)"
    r"|(?<![\w@./:&-])(?P<host>(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+(?:" + _TOP_LEVEL + r")"
    r"(?::\d{1,5})?(?:/[^\s<>|]*)?)(?![\w.-]*\w)",
    re.IGNORECASE,
)
_CONTROL = re.compile(r"<([^<>]*)>")
_AT = re.compile(r"(?<![\w<])@([a-z0-9][a-z0-9._-]*)", re.IGNORECASE)
_HASH = re.compile(r"(?<![\w<&])#([a-z0-9][a-z0-9_-]*)", re.IGNORECASE)
_ENTITY = re.compile(r"&(?!(?:amp|lt|gt);)")
_BROADCASTS = ("here", "channel", "everyone")


def escape(text: str) -> str:
    """`&`, `<`, `>` as Slack writes them."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def typed_message(state: State, team_id: str, text: str) -> str:
    """What a client sends when a person types `text`: escaped, hosts and addresses linked,
    `@name`, `@group`, `@here` and `#channel` turned into mentions."""
    return _linked(_mentioned(state, team_id, escape(text), labelled=False), bare_hosts=True)


def typed_command(state: State, team_id: str, text: str, *, should_escape: bool) -> str:
    """The `text` of a slash command: as typed, or with mentions and links marked up."""
    if not should_escape:
        return text
    return _linked(_mentioned(state, team_id, escape(text), labelled=True), bare_hosts=True)


def app_text(text: str) -> str:
    """What Slack keeps of an app's text: stray `&`, `<`, `>` escaped, full URLs linked."""
    pieces: list[str] = []
    end = 0
    for control in _CONTROL.finditer(text):
        pieces.append(_linked(_strays(text[end : control.start()]), bare_hosts=False))
        inner = control.group(1)
        is_control = inner[:1] in ("@", "#", "!") or re.match(r"[a-z][a-z0-9+.-]*:", inner)
        pieces.append(control.group(0) if is_control else f"&lt;{_strays(inner)}&gt;")
        end = control.end()
    pieces.append(_linked(_strays(text[end:]), bare_hosts=False))
    return "".join(pieces)


def notified(
    state: State,
    channel: Channel,
    text: str,
    blocks: list[dict[str, Any]],
    attachments: list[dict[str, Any]],
) -> list[str]:
    """Whom the mentions of a message reach: user ids, `subteam:S…`, `here`, `channel`, `everyone`.

    Only real mentions in formatted text count: never those in `plain_text`, never escaped ones.
    """
    found: dict[str, None] = {}
    for formatted in (text, *_formatted({"blocks": blocks, "attachments": attachments})):
        for control in _CONTROL.finditer(formatted):
            target = control.group(1).split("|", 1)[0]
            if target.startswith("@") and target[1:] in state.users:
                found[target[1:]] = None
            elif target.startswith("!subteam^") and target[9:] in state.groups:
                found[f"subteam:{target[9:]}"] = None
            elif target.removeprefix("!") in _BROADCASTS and target.startswith("!"):
                found[target[1:]] = None
    for element in _elements({"blocks": blocks, "attachments": attachments}):
        match element:
            case {"type": "user", "user_id": str(user)} if user in state.users:
                found[user] = None
            case {"type": "usergroup", "usergroup_id": str(group)} if group in state.groups:
                found[f"subteam:{group}"] = None
            case {"type": "broadcast", "range": str(name)} if name in _BROADCASTS:
                found[name] = None
    return list(found)


def _strays(text: str) -> str:
    return _ENTITY.sub("&amp;", text).replace("<", "&lt;").replace(">", "&gt;")


def _linked(text: str, *, bare_hosts: bool) -> str:
    pieces: list[str] = []
    end = 0
    for control in _CONTROL.finditer(text):
        pieces.append(_link(text[end : control.start()], bare_hosts=bare_hosts))
        pieces.append(control.group(0))
        end = control.end()
    pieces.append(_link(text[end:], bare_hosts=bare_hosts))
    return "".join(pieces)


def _link(text: str, *, bare_hosts: bool) -> str:
    def linked(found: re.Match[str]) -> str:
        whole = found.group(0)
        if found["url"]:
            return f"<{whole}>"
        if found["mail"]:
            return f"<mailto:{whole}|{whole}>" if bare_hosts else whole
        return f"<http://{whole}|{whole}>" if bare_hosts else whole

    return _URL.sub(linked, text)


def _mentioned(state: State, team_id: str, text: str, *, labelled: bool) -> str:
    teams = state.visible_teams(team_id)
    users = {user.name: user for user in state.users.values() if user.team_id in teams}
    groups = {group.handle: group for group in state.groups.values() if group.team_id in teams}
    channels = {
        channel.name: channel for channel in state.channels.values() if team_id in channel.teams
    }

    def at(found: re.Match[str]) -> str:
        name = found[1]
        stripped = name.rstrip(".-_")
        rest = name[len(stripped) :]
        if stripped in users:
            label = f"|{stripped}" if labelled else ""
            return f"<@{users[stripped].id}{label}>{rest}"
        if stripped in groups:
            label = f"|@{stripped}" if labelled else ""
            return f"<!subteam^{groups[stripped].id}{label}>{rest}"
        if stripped in _BROADCASTS:
            return f"<!{stripped}>{rest}"
        return found.group(0)

    def hashed(found: re.Match[str]) -> str:
        channel = channels.get(found[1])
        return f"<#{channel.id}|{channel.name}>" if channel else found.group(0)

    return _HASH.sub(hashed, _AT.sub(at, text))


def _formatted(value: Any) -> Iterator[str]:
    """Every text that Slack formats: mrkdwn objects, markdown blocks, attachments' texts."""
    for element in _elements(value):
        if element.get("type") in ("mrkdwn", "markdown") and isinstance(element.get("text"), str):
            yield element["text"]
        elif "type" not in element:
            for key in ("text", "pretext", "value"):
                if isinstance(element.get(key), str):
                    yield element[key]


def _elements(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from _elements(item)
    elif isinstance(value, list):
        for item in value:
            yield from _elements(item)
