"""The payloads of interactions (https://docs.slack.dev/reference/interaction-payloads)."""

from __future__ import annotations

from typing import Any

from workspace import forms
from workspace.apps import Installation
from workspace.conversations import Channel
from workspace.errors import SlackError
from workspace.messages import Message
from workspace.people import Organisation, User
from workspace.services import Services
from workspace.views import View


class Payloads:
    """Builds what the app is sent when a person acts."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._state = services.state

    def interaction(
        self, kind: str, user: User, installation: Installation, *, view_id: str = ""
    ) -> dict[str, Any]:
        """What every interaction has. `view_id`: the modal in which it arose."""
        team = self._state.teams[installation.team_id]
        organisation = self.organisation_of(installation)
        return {
            "type": kind,
            "token": self._services.app.verification_token,
            "api_app_id": self._services.app.id,
            # What arises outside a channel names no workspace where the app is installed for all.
            "team": None
            if organisation and (view_id or kind == "shortcut")
            else {"id": team.id, "domain": team.domain},
            "enterprise": organisation and {"id": organisation.id, "name": organisation.name},
            "is_enterprise_install": installation.is_org_wide,
            "user": {
                "id": user.id,
                "username": user.name,
                "name": user.name,
                "team_id": user.team_id,
            },
            "trigger_id": self._services.grants.trigger(user.id, team.id, view_id=view_id),
        }

    def view_interaction(
        self, kind: str, user: User, installation: Installation, view: View
    ) -> dict[str, Any]:
        """Here `team` is the person's own; the view says in which team the app is installed."""
        payload = self.interaction(kind, user, installation, view_id=view.id)
        team = self._state.teams[user.team_id]
        described = view.to_slack()
        if installation.is_org_wide:
            described["app_installed_team_id"] = installation.enterprise_id
            return payload | {"team": None, "view": described}
        return payload | {"team": {"id": team.id, "domain": team.domain}, "view": described}

    def organisation_of(self, installation: Installation) -> Organisation | None:
        """The organisation that the app's workspace belongs to."""
        team = self._state.teams[installation.team_id]
        return self._state.organisations.get(team.enterprise_id)

    def message_context(
        self, message: Message, user: User, installation: Installation
    ) -> dict[str, Any]:
        """Where a message of the app is, with a response URL; the message unless ephemeral."""
        channel = self._state.channel(message.channel)
        context: dict[str, Any] = {
            "container": {
                "type": "message",
                "message_ts": message.ts,
                "channel_id": channel.id,
                "is_ephemeral": bool(message.ephemeral_to),
            },
            "channel": {"id": channel.id, "name": shown_name(channel)},
            "response_url": self.response_url(
                "actions", channel, user, installation, message=message
            ),
        }
        if message.thread_ts:
            context["container"]["thread_ts"] = message.thread_ts
        if not message.ephemeral_to:
            context["message"] = self._services.rendering.message(message)
        return context

    def used(
        self, block: dict[str, Any], element: dict[str, Any], entered: dict[str, Any]
    ) -> dict[str, Any]:
        """The entry of `actions` for a component with what was entered."""
        used: dict[str, Any] = {
            "type": element["type"],
            "action_id": element["action_id"],
            "block_id": block["block_id"],
            "action_ts": self._state.identifiers.timestamp(),
        }
        if element["type"] == "button":
            used |= {
                key: element[key] for key in ("text", "value", "style", "url") if key in element
            }
        else:
            key, _ = forms.FIELDS[element["type"]]
            used[key] = forms.read_value(element, entered, lambda file_id: {"id": file_id})
            if "placeholder" in element:
                used["placeholder"] = element["placeholder"]
        return used

    def describe_file(self, installation: Installation, user: User) -> forms.Describe:
        """Describes files that the user put into a form, and lets the bot read them. Another's
        file is SlackError `file_not_found`."""

        def describe(file_id: str) -> dict[str, Any]:
            file = self._state.file(file_id)
            if file.user != user.id:
                raise SlackError("file_not_found")
            file.readers.add(installation.bot_user_id)
            return self._services.rendering.file(file_id)

        return describe

    def response_url(
        self,
        kind: str,
        channel: Channel,
        user: User,
        installation: Installation,
        *,
        message: Message | None = None,
    ) -> str:
        """A new response URL, for the message whose component or shortcut was used, if any."""
        path = self._services.grants.response_url(
            kind,
            channel=channel.id,
            user=user.id,
            team_id=installation.team_id,
            message_ts=message.ts if message else "",
            ephemeral=bool(message and message.ephemeral_to),
        )
        return f"{self._services.base_url}{path}"


def shown_name(channel: Channel) -> str:
    """The channel's name as interactions have it: private ones are not named."""
    if channel.kind == "im":
        return "directmessage"
    return "privategroup" if channel.kind == "group" else channel.name
