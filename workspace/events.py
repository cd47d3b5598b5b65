"""The Events API: which events the app gets, and how often Slack tries
(https://docs.slack.dev/apis/events-api)."""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import Any

from workspace.apps import Installation
from workspace.conversations import Channel
from workspace.delivery import Acknowledgement, Transport
from workspace.feed import Log
from workspace.rules import Rules
from workspace.state import State
from workspace.tasks import Tasks

# Subscription → a scope that it needs (https://docs.slack.dev/reference/events).
EVENT_SCOPES = {
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "app_mention": "app_mentions:read",
    "app_home_opened": "",
    "file_shared": "files:read",
    "file_deleted": "files:read",
    "reaction_added": "reactions:read",
    "reaction_removed": "reactions:read",
    "member_joined_channel": "channels:read",
    "member_left_channel": "channels:read",
    "app_uninstalled": "",
    "tokens_revoked": "",
}


class Events:
    """Sends events to the app: those subscribed in the manifest, with the scope for them."""

    def __init__(
        self, state: State, rules: Rules, transport: Transport, tasks: Tasks, log: Log
    ) -> None:
        self._state = state
        self._rules = rules
        self._transport = transport
        self._tasks = tasks
        self._log = log

    def emit(
        self, subscription: str, event: dict[str, Any], channel: Channel | None, team_id: str = ""
    ) -> None:
        """Send `event` to each installation that subscribed to it and sees its channel.

        With a channel, the bot must be a member; without, `team_id` says whose event it is.
        """
        for installation in self._state.app.installations.values():
            if channel is not None and installation.bot_user_id not in channel.members:
                continue
            # The bot user is the same in each team of the organisation.
            if installation.is_org_wide and channel and channel.team_id != installation.team_id:
                continue
            if channel is None and installation.team_id != team_id:
                continue
            if subscription not in self._state.app.manifest.bot_events:
                continue
            scope = EVENT_SCOPES.get(subscription, "")
            if scope and scope not in installation.scopes:
                continue
            self._tasks.start(self._deliver(self._wrap(installation, event, channel)))

    def emit_message(self, event: dict[str, Any], channel: Channel) -> None:
        """Send a `message` event, with its channel's kind."""
        kind = {"channel": "channels", "group": "groups", "im": "im"}[channel.kind]
        event = event | {"channel": channel.id, "channel_type": channel.kind}
        event.setdefault("event_ts", event.get("ts"))
        self.emit(f"message.{kind}", event, channel)

    def _wrap(
        self, installation: Installation, event: dict[str, Any], channel: Channel | None
    ) -> dict[str, Any]:
        enterprise = self._state.teams[installation.team_id].enterprise_id or None
        wrapped: dict[str, Any] = {
            "token": self._state.app.verification_token,
            "team_id": installation.team_id,
            "context_team_id": installation.team_id,
            "context_enterprise_id": enterprise,
            "api_app_id": self._state.app.id,
            "event": event,
            "type": "event_callback",
            "event_id": self._state.identifiers.new("Ev"),
            "event_time": int(time.time()),
            "authorizations": [
                {
                    "enterprise_id": enterprise,
                    "team_id": installation.team_id,
                    "user_id": installation.bot_user_id,
                    "is_bot": True,
                    "is_enterprise_install": installation.is_org_wide,
                }
            ],
            "is_ext_shared_channel": channel is not None and channel.is_shared,
            "event_context": f"4-{secrets.token_urlsafe(24)}",
        }
        if enterprise:
            wrapped["enterprise_id"] = enterprise
        return wrapped

    async def _deliver(self, payload: dict[str, Any]) -> None:
        reason = ""
        for attempt, delay in enumerate((0.0, *self._rules.event_retry_seconds)):
            if delay:
                await asyncio.sleep(delay)
            answer = await self._transport.send(
                "events_api",
                payload,
                seconds=self._rules.ack_seconds,
                url=self._state.app.manifest.events_url,
                attempt=attempt,
                reason=reason,
            )
            if isinstance(answer, Acknowledgement):
                return
            self._log.add(
                "event_failed",
                at=time.time(),
                event_id=payload["event_id"],
                event=payload["event"]["type"],
                attempt=attempt,
                error=answer.error,
                reason=answer.reason,
            )
            reason = answer.reason
            if answer.no_retry:
                return
