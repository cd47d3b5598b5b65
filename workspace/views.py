"""Modals and App Home."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any


@dataclass
class View:
    """A modal (`type` modal) or a person's App Home (`home`), for one user.

    `source` is what the app sent; `state` the values that the person has entered.
    """

    id: str
    team_id: str
    user: str
    app_id: str
    bot_id: str
    source: dict[str, Any]
    root_id: str
    previous_id: str = ""
    hash: str = field(default_factory=lambda: secrets.token_hex(4))
    state: dict[str, dict[str, Any]] = field(default_factory=dict)

    def to_slack(self) -> dict[str, Any]:
        """The view object (https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload)."""
        source = self.source
        described: dict[str, Any] = {
            "id": self.id,
            "team_id": self.team_id,
            "type": source["type"],
            "blocks": source["blocks"],
            "private_metadata": source.get("private_metadata", ""),
            "callback_id": source.get("callback_id", ""),
            "state": {"values": self.state},
            "hash": self.hash,
            "title": source.get("title")
            or {"type": "plain_text", "text": "View Title", "emoji": True},
            "clear_on_close": bool(source.get("clear_on_close", False)),
            "notify_on_close": bool(source.get("notify_on_close", False)),
            "close": source.get("close"),
            "submit": source.get("submit"),
            "previous_view_id": self.previous_id or None,
            "root_view_id": self.root_id,
            "app_id": self.app_id,
            "external_id": source.get("external_id", ""),
            "app_installed_team_id": self.team_id,
            "bot_id": self.bot_id,
        }
        return described

    def replace(self, source: dict[str, Any]) -> None:
        """New content: the hash changes; entered values stay where block and action ids stay."""
        kept = {
            (block.get("block_id"), _element(block).get("action_id")) for block in source["blocks"]
        }
        self.state = {
            block: {action: value for action, value in actions.items() if (block, action) in kept}
            for block, actions in self.state.items()
        }
        self.source = source
        self.hash = secrets.token_hex(4)


class Views:
    """Each user's stack of open modals (the last is on top), and each user's App Home."""

    def __init__(self) -> None:
        self._stacks: dict[str, list[View]] = {}
        self._homes: dict[str, View] = {}

    def stack(self, user: str) -> list[View]:
        """The open modals of this user, the top one last."""
        return self._stacks.setdefault(user, [])

    def find(self, view_id: str) -> View | None:
        """An open modal or a home view."""
        for views in (*self._stacks.values(), list(self._homes.values())):
            for view in views:
                if view.id == view_id:
                    return view
        return None

    def find_external(self, external_id: str) -> View | None:
        """An open modal or home view by the app's own id."""
        for views in (*self._stacks.values(), list(self._homes.values())):
            for view in views:
                if external_id and view.source.get("external_id") == external_id:
                    return view
        return None

    def home(self, user: str) -> View | None:
        """The App Home that the app has published for this user."""
        return self._homes.get(user)

    def publish(self, view: View) -> None:
        """Keep this user's App Home."""
        self._homes[view.user] = view


def _element(block: dict[str, Any]) -> dict[str, Any]:
    element = block.get("element") or block.get("accessory") or {}
    return element if isinstance(element, dict) else {}
