"""Commands, clicks, modals and shortcuts: what a person's act sends to the app, and what the app's
acknowledgement does (https://docs.slack.dev/interactivity/handling-user-interaction)."""

from __future__ import annotations

import time
from typing import Any

from workspace import forms
from workspace.activity import Draft
from workspace.apps import Installation
from workspace.conversations import Channel
from workspace.delivery import Acknowledgement, Failure
from workspace.errors import SlackError
from workspace.messages import Message
from workspace.payloads import Payloads, shown_name
from workspace.people import User
from workspace.services import Services
from workspace.text import typed_command
from workspace.views import View
from workspace.web_api.content import Content
from workspace.web_api.method import Call
from workspace.web_api.views import push_view, read_view

SLACKBOT = "USLACKBOT"
TROUBLE = "We had some trouble connecting. Try again?"
_DEEPEST = 3

Result = dict[str, Any]


class Interactions:
    """What people do with the app. Every method waits for the acknowledgement and gives
    `{"ok": true, …}` or `{"ok": false, "error": …, "message": what Slack shows}`."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._state = services.state
        self._payloads = Payloads(services)

    async def command(self, user_id: str, channel_id: str, line: str) -> Result:
        """Type `/command text` into a channel. Its answer appears only to this user, unless the
        app says `in_channel`."""
        user, channel = self._in_channel(user_id, channel_id)
        name, _, text = line.strip().partition(" ")
        command = self._services.app.manifest.command(name)
        installation = self._state.installed_for(user, channel)
        if command is None or installation is None:
            message = (
                f"`{name}` is not a valid command. In Slack, all messages that start with the "
                '"/" character are interpreted as commands.'
            )
            self._slackbot(user, channel, message)
            return {"ok": False, "error": "not_a_command", "message": message}
        payload = {
            "token": self._services.app.verification_token,
            "team_id": installation.team_id,
            "team_domain": self._state.teams[installation.team_id].domain,
            "channel_id": channel.id,
            "channel_name": "directmessage" if channel.kind == "im" else channel.name,
            "user_id": user.id,
            "user_name": user.name,
            "command": name,
            "text": typed_command(
                self._state, user.team_id, text.strip(), should_escape=command.should_escape
            ),
            "api_app_id": self._services.app.id,
            "is_enterprise_install": str(installation.is_org_wide).lower(),
            "response_url": self._payloads.response_url("commands", channel, user, installation),
            "trigger_id": self._services.grants.trigger(user.id, installation.team_id),
        }
        organisation = self._payloads.organisation_of(installation)
        if organisation:
            payload |= {"enterprise_id": organisation.id, "enterprise_name": organisation.name}
        answer = await self._services.transport.send(
            "slash_commands", payload, seconds=self._services.rules.ack_seconds, url=command.url
        )
        if isinstance(answer, Failure):
            message = f'{name} failed with the error "{answer.error}"'
            self._slackbot(user, channel, message)
            return self._failed(answer, message, user)
        if answer.payload:
            self._answer_command(answer.payload, user, channel, installation)
        return {"ok": True, "response": answer.payload}

    async def action(
        self,
        user_id: str,
        container: dict[str, Any],
        block_id: str,
        action_id: str,
        entered: dict[str, Any],
        state: forms.Values,
    ) -> Result:
        """Use a component of a message (`{"channel", "ts"}`) or of a view (`{"view_id"}`)."""
        user = self._state.user(user_id)
        if "view_id" in container:
            view = self._view(user, str(container["view_id"]))
            installation = self._services.app.installations[view.team_id]
            blocks = view.source["blocks"]
        else:
            message = self._message(
                user, str(container.get("channel", "")), str(container.get("ts", ""))
            )
            owner = self._services.app.by_bot_user(message.user, message.team_id)
            if owner is None:
                raise SlackError("message_not_from_the_app")
            installation = owner
            blocks = [*message.blocks, *_attachment_blocks(message)]
        found = forms.find(blocks, action_id, block_id)
        if found is None:
            raise SlackError("action_not_found", f"there is no component {action_id!r} there")
        payload = self._payloads.interaction("block_actions", user, installation)
        payload["actions"] = [self._payloads.used(*found, entered)]
        if "view_id" in container:
            view.state = forms.read_state(
                blocks, state, self._payloads.describe_file(installation, user), view.state
            )
            payload["container"] = {"type": "view", "view_id": view.id}
            payload["view"] = view.to_slack()
            payload["trigger_id"] = self._services.grants.trigger(
                user.id, installation.team_id, view_id=view.id
            )
        else:
            payload |= self._payloads.message_context(message, user, installation)
            values = forms.read_state(
                blocks, state, self._payloads.describe_file(installation, user), {}
            )
            payload["state"] = {"values": values}
        answer = await self._send(payload)
        if isinstance(answer, Failure):
            return self._failed(answer, TROUBLE, user)
        return {"ok": True}

    async def submit(self, user_id: str, view_id: str, state: forms.Values) -> Result:
        """Submit the top modal. `errors` (block id → text) leave it open."""
        user = self._state.user(user_id)
        view = self._view(user, view_id)
        installation = self._services.app.installations[view.team_id]
        view.state = forms.read_state(
            view.source["blocks"],
            state,
            self._payloads.describe_file(installation, user),
            view.state,
        )
        errors = forms.form_errors(view.source["blocks"], view.state)
        if errors:
            return {"ok": False, "error": "form", "errors": errors}
        payload = self._payloads.view_interaction("view_submission", user, installation, view)
        payload |= {"response_urls": []}
        answer = await self._send(payload)
        if isinstance(answer, Failure):
            return self._failed(answer, TROUBLE, user)
        try:
            return self._after_submission(view, answer, installation)
        except SlackError as error:
            self._services.log.add(
                "bad_acknowledgement",
                at=time.time(),
                view_id=view.id,
                error=error.code,
                messages=list(error.messages),
            )
            return {"ok": False, "error": error.code, "message": TROUBLE}

    async def close(self, user_id: str, view_id: str, *, all_views: bool = False) -> Result:
        """Close a modal (the one below appears), or all of them."""
        user = self._state.user(user_id)
        view = self._view(user, view_id)
        stack = self._state.views.stack(user.id)
        closed = list(stack) if all_views or view.source.get("clear_on_close") else [view]
        for item in reversed(closed):
            stack.remove(item)
            self._services.feed.publish("view_closed", users=[user.id], view_id=item.id)
        for item in closed:
            if item.source.get("notify_on_close"):
                installation = self._services.app.installations[item.team_id]
                payload = self._payloads.view_interaction("view_closed", user, installation, item)
                payload.pop("trigger_id")
                payload |= {"is_cleared": len(closed) > 1}
                await self._send(payload)
        return {"ok": True}

    async def shortcut(
        self, user_id: str, callback_id: str, channel_id: str = "", ts: str = ""
    ) -> Result:
        """Use a global shortcut, or one on a message."""
        user = self._state.user(user_id)
        shortcut = self._services.app.manifest.shortcut(callback_id)
        channel = self._state.channels.get(channel_id)
        installation = self._state.installed_for(user, channel)
        if shortcut is None or installation is None:
            return {"ok": False, "error": "no_such_shortcut", "message": "No such shortcut."}
        kind = "message_action" if shortcut.type == "message" else "shortcut"
        payload = self._payloads.interaction(kind, user, installation)
        payload |= {"callback_id": callback_id, "action_ts": self._state.identifiers.timestamp()}
        if shortcut.type == "message":
            message = self._message(user, channel_id, ts)
            channel = self._state.channel(channel_id)
            payload |= {
                "message_ts": message.ts,
                "message": self._services.rendering.message(message),
                "channel": {"id": channel.id, "name": shown_name(channel)},
                "response_url": self._payloads.response_url(
                    "actions", channel, user, installation, message=message
                ),
            }
        answer = await self._send(payload)
        if isinstance(answer, Failure):
            return self._failed(answer, TROUBLE, user)
        return {"ok": True}

    def _after_submission(
        self, view: View, answer: Acknowledgement, installation: Installation
    ) -> Result:
        stack = self._state.views.stack(view.user)
        feed = self._services.feed
        action = answer.payload.get("response_action")
        match action:
            case None:
                stack.remove(view)
                feed.publish("view_closed", users=[view.user], view_id=view.id)
            case "clear":
                for item in reversed(stack):
                    feed.publish("view_closed", users=[view.user], view_id=item.id)
                stack.clear()
            case "errors":
                errors = answer.payload.get("errors")
                known = {b["block_id"] for b in view.source["blocks"] if b["type"] == "input"}
                if not isinstance(errors, dict) or not errors or not set(errors) <= known:
                    raise SlackError("invalid_errors", "errors must name input blocks of the view")
                return {"ok": False, "error": "form", "errors": errors, "response_action": action}
            case "update":
                source = read_view(answer.payload.get("view"), "modal")
                view.replace(source)
                feed.publish("view_updated", users=[view.user], view_id=view.id)
            case "push":
                source = read_view(answer.payload.get("view"), "modal")
                if len(stack) >= _DEEPEST:
                    raise SlackError("push_limit_reached")
                push_view(Call(self._services, "views.push", {}, installation), view.user, source)
            case _:
                raise SlackError("invalid_response_action", f"unknown response_action {action!r}")
        return {"ok": True, "response_action": action}

    def _answer_command(
        self, payload: dict[str, Any], user: User, channel: Channel, installation: Installation
    ) -> None:
        try:
            content = Content.read(
                payload.get("text"), payload.get("blocks"), payload.get("attachments")
            )
        except SlackError as error:
            self._services.log.add(
                "bad_acknowledgement",
                at=time.time(),
                error=error.code,
                messages=list(error.messages),
            )
            return
        in_channel = payload.get("response_type") == "in_channel"
        self._services.activity.post(
            channel,
            Draft(
                user=installation.bot_user_id,
                bot_id=installation.bot_id,
                app_id=self._services.app.id,
                team_id=installation.team_id,
                text=content.text,
                blocks=content.blocks,
                attachments=content.attachments,
                ephemeral_to="" if in_channel else user.id,
            ),
        )

    def _slackbot(self, user: User, channel: Channel, text: str) -> None:
        self._services.activity.post(
            channel, Draft(user=SLACKBOT, team_id=user.team_id, text=text, ephemeral_to=user.id)
        )

    def _failed(self, failure: Failure, message: str, user: User) -> Result:
        self._services.feed.publish(
            "ack_failed", users=[user.id], error=failure.error, message=message
        )
        return {"ok": False, "error": failure.error, "message": message}

    async def _send(self, payload: dict[str, Any]) -> Acknowledgement | Failure:
        if not self._services.app.manifest.interactivity:
            return Failure("interactivity_disabled", "")
        return await self._services.transport.send(
            "interactive",
            payload,
            seconds=self._services.rules.ack_seconds,
            url=self._services.app.manifest.interactivity_url,
        )

    def _in_channel(self, user_id: str, channel_id: str) -> tuple[User, Channel]:
        user = self._state.user(user_id)
        channel = self._state.channel(channel_id)
        if user.id not in channel.members:
            raise SlackError("not_in_channel")
        return user, channel

    def _message(self, user: User, channel_id: str, ts: str) -> Message:
        channel = self._state.channel(channel_id)
        if channel.kind != "channel" and user.id not in channel.members:
            raise SlackError("channel_not_found")
        ephemeral = self._state.messages.find_ephemeral(channel_id, ts)
        if ephemeral is not None and ephemeral.ephemeral_to == user.id:
            return ephemeral
        return self._state.message(channel_id, ts)

    def _view(self, user: User, view_id: str) -> View:
        view = self._state.views.find(view_id)
        if view is None or view.user != user.id:
            raise SlackError("view_not_found")
        return view


def _attachment_blocks(message: Message) -> list[dict[str, Any]]:
    return [block for item in message.attachments for block in item.get("blocks", [])]
