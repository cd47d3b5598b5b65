"""What one person sees of the workspace, as JSON for the page and the tests."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from workspace.conversations import Channel
from workspace.messages import Message
from workspace.people import User
from workspace.services import Services


class Snapshot:
    """Describes the workspace as a person sees it."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._state = services.state
        self._read: dict[tuple[str, str], str] = {}

    def mark_read(self, user: str, channel: str, ts: str) -> None:
        """This user has seen the channel up to `ts`."""
        self._read[user, channel] = max(ts, self._read.get((user, channel), ""))

    def of(self, user: User) -> dict[str, Any]:
        """Everything: see the keys below. `sequence` is the number of the last happening in it.

        Messages are Slack's own objects with, in addition, `channel`, `ephemeral`, `notifies` and
        `metadata`; a channel's messages include replies (those with a `thread_ts` other than
        their `ts`), oldest first. Files have a `page_url` for download.
        """
        state = self._state
        team = state.teams[user.team_id]
        teams = state.visible_teams(user.team_id)
        home = state.views.home(user.id)
        installation = state.app.installations.get(user.team_id)
        return {
            "sequence": self._services.feed.sequence,
            "team": {"id": team.id, "name": team.name, "domain": team.domain},
            "user": user.id,
            "users": [
                self._user(item, user) for item in state.users.values() if item.team_id in teams
            ],
            "groups": [
                {
                    "id": group.id,
                    "handle": group.handle,
                    "name": group.name,
                    "members": group.members,
                }
                for group in state.groups.values()
                if group.team_id in teams
            ],
            "app": self._app(user, installation.bot_user_id if installation else ""),
            "channels": [
                self._channel(channel, user)
                for channel in state.channels.values()
                if user.id in channel.members
                or (channel.kind == "channel" and user.team_id == channel.team_id)
            ],
            "home": home.to_slack() if home else None,
            "views": [view.to_slack() for view in state.views.stack(user.id)],
            "faults": self._services.faults.listed(),
            "connections": self._services.socket_mode.connections,
        }

    def message(self, message: Message) -> dict[str, Any]:
        """One message, with what only the workspace knows."""
        described = self._services.rendering.message(message, metadata=True)
        for file in described.get("files", []):
            file["page_url"] = f"/page/file/{file['id']}/{quote(file.get('name', 'file'))}"
        return described | {
            "channel": message.channel,
            "ephemeral": bool(message.ephemeral_to),
            "notifies": message.notifies,
        }

    def _channel(self, channel: Channel, user: User) -> dict[str, Any]:
        messages = sorted(
            [
                *self._state.messages.of_channel(channel.id),
                *self._state.messages.ephemeral_of(channel.id, user.id),
            ],
            key=lambda message: message.ts,
        )
        read = self._read.get((user.id, channel.id), "")
        partner = next((m for m in channel.members if m != user.id), "")
        return {
            "id": channel.id,
            "name": channel.name or self._state.users[partner].name,
            "kind": channel.kind,
            "topic": channel.topic,
            "members": channel.members,
            "is_member": user.id in channel.members,
            "is_shared": channel.is_shared,
            "with": partner if channel.kind == "im" else None,
            "read": read,
            "unread": sum(1 for m in messages if m.ts > read and m.user != user.id),
            "messages": [self.message(message) for message in messages],
        }

    def _user(self, user: User, seen_by: User) -> dict[str, Any]:
        return {
            "id": user.id,
            "name": user.name,
            "real_name": user.real_name,
            "team_id": user.team_id,
            "team": self._state.teams[user.team_id].name,
            "is_bot": user.is_bot,
            "is_external": user.team_id != seen_by.team_id,
        }

    def _app(self, user: User, bot_user: str) -> dict[str, Any]:
        manifest = self._state.app.manifest
        installed = bool(bot_user)
        return {
            "id": self._state.app.id,
            "name": manifest.bot_name,
            "description": manifest.description,
            "bot_user_id": bot_user,
            "commands": [
                {
                    "command": item.command,
                    "description": item.description,
                    "usage_hint": item.usage_hint,
                }
                for item in manifest.commands
                if installed
            ],
            "shortcuts": [
                {"name": item.name, "type": item.type, "callback_id": item.callback_id}
                for item in manifest.shortcuts
                if installed
            ],
            "home_tab": manifest.home_tab and installed,
            "messages_tab": manifest.messages_tab and installed,
            "messages_tab_read_only": manifest.messages_tab_read_only,
        }
