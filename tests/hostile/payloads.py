"""What Slack sends when somebody does something, and what it would send if somebody could forge it."""

from __future__ import annotations

import json
import secrets
import time
from typing import Any

from bot.requests.states import Action
from handlers.blocks import install_modal
from handlers.blocks.request_views import words_view
from tests.conversation.support import Json
from tests.hostile.policy import ELSEWHERE, Row
from tests.hostile.stage import Stage
from workspace.apps import Installation
from workspace.payloads import Payloads
from workspace.people import User
from workspace.views import View

#: Who plays each of the kinds of people in the policy.
NAMES = {
    "requester": "rita",
    "follower": "fay",
    "supporter": "sam",
    "bystander": "bea",
    "guest": "gus",
    "external": "ext",
    "elsewhere": "gina",
    "bot": "robo",
}


class Forge:
    """Makes payloads for the stage, for anybody, with whatever ids and values."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._services = stage.services
        self._payloads = Payloads(stage.services)
        state = stage.services.state
        support = stage.settings.support_channel
        connectors = stage.company.workspace.channels["connectors"]
        self._card = state.message(support, str(stage.requests["posted"].card_ts))
        self.support, self.connectors = support, connectors

    def of(self, row: Row, person: str, state: str) -> Json:
        """What is sent when ``person`` does what the row says, of the request in that state."""
        kind, _, name = row.listener.partition(":")
        user, installation = self.user(person), self.installation(person)
        stage = self._stage
        request = stage.requests[state or "posted"]
        if kind == "action":
            value = request.id
            if name.startswith("report_"):
                value = stage.lookup.id
            elif name.startswith("file_"):
                value = json.dumps({"request": request.id, "file": "F123"})
            elif name == "act_retry":
                value = stage.failed
            elif name == "ticket_retry":
                value = stage.requests["taken"].id
            return self.action(user, installation, name, value)
        if kind == "view":
            return self.view(user, installation, *self._form(name, row.case, request))
        if kind == "command":
            text = stage.company.host if row.case == "server" else row.case
            return self.command(user, installation, text)
        if kind == "shortcut":
            return self.shortcut(user, installation, name)
        return self.event(user, installation, self._event(name, row.case, request, user))

    def user(self, person: str) -> User:
        """Who plays that part."""
        return self._services.state.user(self._stage.company.workspace.users[NAMES[person]])

    def installation(self, person: str) -> Installation:
        """Through which installation of the app it comes: somebody of another company acts in a
        channel of ours, somebody of another workspace in their own."""
        installations = list(self._services.app.installations.values())
        return installations[1 if person == ELSEWHERE else 0]

    def action(self, user: User, installation: Installation, action_id: str, value: object) -> Json:
        """A button of a message is pressed."""
        payload = self._payloads.interaction("block_actions", user, installation)
        payload |= self._payloads.message_context(self._card, user, installation)
        used = {"type": "button", "action_id": action_id, "block_id": "b", "value": value}
        stamp = self._services.state.identifiers.timestamp()
        return payload | {"actions": [used | {"action_ts": stamp}], "state": {"values": {}}}

    def view(self, user: User, installation: Installation, source: Json, values: Json) -> Json:
        """A form is submitted."""
        identifier = f"V{secrets.token_hex(5).upper()}"
        view = View(
            id=identifier,
            team_id=installation.team_id,
            user=user.id,
            app_id=self._services.app.id,
            bot_id=installation.bot_id,
            source=source,
            root_id=identifier,
            state=values,
        )
        payload = self._payloads.view_interaction("view_submission", user, installation, view)
        return payload | {"response_urls": []}

    def command(self, user: User, installation: Installation, text: str) -> Json:
        """``/cert`` is typed."""
        channel = self._services.state.channel(self.connectors)
        return {
            "token": self._services.app.verification_token,
            "team_id": installation.team_id,
            "team_domain": "x",
            "channel_id": channel.id,
            "channel_name": channel.name,
            "user_id": user.id,
            "user_name": user.name,
            "command": "/cert",
            "text": text,
            "api_app_id": self._services.app.id,
            "is_enterprise_install": "false",
            "response_url": self._payloads.response_url("commands", channel, user, installation),
            "trigger_id": self._services.grants.trigger(user.id, installation.team_id),
        }

    def shortcut(self, user: User, installation: Installation, callback_id: str) -> Json:
        """A shortcut of a message is used."""
        payload = self._payloads.interaction("message_action", user, installation)
        message = self._services.rendering.message(self._card)
        channel = self._services.state.channel(self.support)
        return payload | {
            "callback_id": callback_id,
            "message_ts": self._card.ts,
            "message": message,
            "channel": {"id": self.support, "name": channel.name},
            "action_ts": self._services.state.identifiers.timestamp(),
            "response_url": self._payloads.response_url("actions", channel, user, installation),
        }

    def event(self, user: User, installation: Installation, event: Json) -> Json:
        """Something happened."""
        channel = self._services.state.channels.get(str(event.get("channel")))
        return {
            "token": self._services.app.verification_token,
            "team_id": user.team_id,
            "context_team_id": installation.team_id,
            "context_enterprise_id": None,
            "api_app_id": self._services.app.id,
            "event": event,
            "type": "event_callback",
            "event_id": self._services.state.identifiers.new("Ev"),
            "event_time": int(time.time()),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": installation.team_id,
                    "user_id": installation.bot_user_id,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": bool(channel and channel.is_shared),
            "event_context": f"4-{secrets.token_urlsafe(24)}",
        }

    def _form(self, callback_id: str, case: str, request: Any) -> tuple[Json, Json]:
        stage = self._stage
        if callback_id == "request_words":
            return words_view(request, Action(case)), {"words": {"text": {"value": "Because."}}}
        if callback_id == "upload_chain":
            metadata = json.dumps({"lookup": stage.lookup.id, "channel": self.connectors})
            source = {"type": "modal", "blocks": [], "callback_id": callback_id}
            files = {"files": [{"id": "F123", "name": "chain.txt"}]}
            return source | {"private_metadata": metadata}, {"file": {"value": files}}
        origin = {"channel": self.connectors, "ts": None}
        view = install_modal.install_view(
            stage.report, stage.lookup.id, install_modal.Filled(), origin
        )
        chosen = {"choice": "root", "environment": "production"}
        values = {
            block: {"value": {"type": "radio_buttons", "selected_option": {"value": value}}}
            for block, value in chosen.items()
        }
        return view, values

    def _event(self, name: str, case: str, request: Any, user: User) -> Json:
        if name == "app_home_opened":
            return {"type": name, "user": user.id, "channel": "D1", "tab": "home"}
        stamp = self._services.state.identifiers.timestamp()
        event: Json = {
            "type": name,
            "user": user.id,
            "team": user.team_id,
            "ts": stamp,
            "event_ts": stamp,
            "channel": self.support,
            "channel_type": "channel",
        }
        if user.is_bot:
            event |= {"bot_id": "B123", "subtype": "bot_message"}
        bot = f"<@{next(iter(self._services.app.installations.values())).bot_user_id}>"
        if name == "app_mention":
            text = self._stage.company.host if case == "server" else "help"
            return event | {"text": f"{bot} {text}"}
        if case == "direct":
            direct = {"channel": "D0123", "channel_type": "im"}
            return event | direct | {"text": self._stage.company.host}
        event |= {"thread_ts": request.card_ts, "text": "Hello."}
        if case == "file":
            event |= {"subtype": "file_share", "files": [{"id": "F123", "name": "root.pem"}]}
        return event
