"""What people and the app do in conversations: each act changes the state, tells the watchers and
sends the events that follow from it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

from workspace.conversations import Channel
from workspace.errors import SlackError
from workspace.events import Events
from workspace.feed import Feed
from workspace.files import File
from workspace.messages import Message
from workspace.rendering import Rendering
from workspace.state import State
from workspace.text import notified


@dataclass
class Draft:
    """A message about to be posted; see `Message` for the fields."""

    user: str
    team_id: str
    text: str
    bot_id: str = ""
    app_id: str = ""
    subtype: str = ""
    blocks: list[dict[str, Any]] = field(default_factory=list)
    attachments: list[dict[str, Any]] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    thread_ts: str = ""
    is_broadcast: bool = False
    client_msg_id: str = ""
    metadata: dict[str, Any] | None = None
    ephemeral_to: str = ""


class Activity:
    """The acts of a conversation."""

    def __init__(self, state: State, feed: Feed, events: Events, rendering: Rendering) -> None:
        self._state = state
        self._feed = feed
        self._events = events
        self._rendering = rendering

    def post(self, channel: Channel, draft: Draft) -> Message:
        """Post a message. A reply to a message that is gone becomes a message of the channel, as
        in Slack; a reply to a reply goes to the thread of both."""
        thread_ts = draft.thread_ts
        if thread_ts and not draft.ephemeral_to:
            root = self._state.messages.find(channel.id, thread_ts)
            if root is None:
                thread_ts = ""
            elif root.is_reply:
                thread_ts = root.thread_ts
        is_broadcast = draft.is_broadcast and bool(thread_ts)
        message = Message(
            ts=self._state.identifiers.timestamp(),
            channel=channel.id,
            team_id=draft.team_id,
            user=draft.user,
            text=draft.text,
            bot_id=draft.bot_id,
            app_id=draft.app_id,
            subtype=draft.subtype or ("thread_broadcast" if is_broadcast else ""),
            blocks=draft.blocks,
            attachments=draft.attachments,
            files=list(draft.files),
            thread_ts=thread_ts,
            is_broadcast=is_broadcast,
            client_msg_id=draft.client_msg_id,
            metadata=draft.metadata,
            ephemeral_to=draft.ephemeral_to,
            notifies=notified(self._state, channel, draft.text, draft.blocks, draft.attachments),
        )
        self._state.messages.add(message)
        for file_id in message.files:
            self._state.files[file_id].shares.append((channel.id, message.ts))
        if message.ephemeral_to:
            self._tell("ephemeral", channel, message)
            return message
        self._tell("message", channel, message)
        self._events.emit_message(self._event(message, channel), channel)
        self._emit_mention(message, channel)
        for file_id in message.files:
            self._emit_file_shared(self._state.files[file_id], channel, message)
        return message

    def edit(
        self,
        message: Message,
        *,
        text: str | None = None,
        blocks: list[dict[str, Any]] | None = None,
        attachments: list[dict[str, Any]] | None = None,
        metadata: dict[str, Any] | None = None,
        by: str = "",
    ) -> None:
        """Change a message; None leaves a part as it is. `by` marks it as edited by that user."""
        channel = self._state.channel(message.channel)
        before = self._rendering.message(message, thread=False)
        if text is not None:
            message.text = text
        if blocks is not None:
            message.blocks = blocks
        if attachments is not None:
            message.attachments = attachments
        if metadata is not None:
            message.metadata = metadata
        if by:
            message.edited = {"user": by, "ts": self._state.identifiers.timestamp()}
        message.notifies = notified(
            self._state, channel, message.text, message.blocks, message.attachments
        )
        self._tell("message_changed", channel, message)
        if message.ephemeral_to:
            return
        self._events.emit_message(
            {
                "type": "message",
                "subtype": "message_changed",
                "hidden": True,
                "message": self._event(message, channel),
                "previous_message": before,
                "ts": self._state.identifiers.timestamp(),
            },
            channel,
        )

    def delete(self, message: Message) -> None:
        """Delete a message. One that has replies leaves a tombstone that holds its thread."""
        channel = self._state.channel(message.channel)
        if not message.is_reply and self._state.messages.replies(channel.id, message.ts):
            self._bury(message, channel)
            return
        before = self._event(message, channel)
        self._state.messages.remove(message)
        self._unshare(message)
        self._tell("message_deleted", channel, message)
        if message.ephemeral_to:
            return
        self._events.emit_message(
            {
                "type": "message",
                "subtype": "message_deleted",
                "hidden": True,
                "deleted_ts": message.ts,
                "previous_message": before,
                "ts": self._state.identifiers.timestamp(),
            },
            channel,
        )

    def _bury(self, message: Message, channel: Channel) -> None:
        before = self._event(message, channel)
        self._unshare(message)
        tombstone = Message(
            ts=message.ts,
            channel=channel.id,
            team_id=message.team_id,
            user="USLACKBOT",
            text="This message was deleted.",
            subtype="tombstone",
            thread_ts=message.ts,
        )
        self._state.messages.add(tombstone)
        self._tell("message_changed", channel, tombstone)
        self._events.emit_message(
            {
                "type": "message",
                "subtype": "message_changed",
                "hidden": True,
                "message": self._event(tombstone, channel) | {"hidden": True},
                "previous_message": before,
                "ts": self._state.identifiers.timestamp(),
            },
            channel,
        )

    def _unshare(self, message: Message) -> None:
        for file_id in message.files:
            file = self._state.files[file_id]
            file.shares = [s for s in file.shares if s != (message.channel, message.ts)]

    def react(self, message: Message, name: str, user: str, *, remove: bool = False) -> None:
        """Add or remove a reaction. Raises SlackError `already_reacted` or `no_reaction`."""
        users = message.reactions.setdefault(name, [])
        if remove and user not in users:
            raise SlackError("no_reaction")
        if not remove and user in users:
            raise SlackError("already_reacted")
        if remove:
            users.remove(user)
        else:
            users.append(user)
        if not users:
            del message.reactions[name]
        channel = self._state.channel(message.channel)
        self._tell("reaction", channel, message)
        kind = "reaction_removed" if remove else "reaction_added"
        event: dict[str, Any] = {
            "type": kind,
            "user": user,
            "reaction": name,
            "item_user": message.user,
            "item": {"type": "message", "channel": channel.id, "ts": message.ts},
            "event_ts": self._state.identifiers.timestamp(),
        }
        self._events.emit(kind, event, channel)

    def join(self, channel: Channel, user: str, *, inviter: str = "") -> None:
        """Make a user a member, with the line that Slack posts and its event."""
        if user in channel.members:
            return
        channel.members.append(user)
        team_id = self._state.user(user).team_id
        event: dict[str, Any] = {
            "type": "member_joined_channel",
            "user": user,
            "channel": channel.id,
            "channel_type": "C" if channel.kind == "channel" else "G",
            "team": team_id,
            "event_ts": self._state.identifiers.timestamp(),
        }
        if inviter:
            event["inviter"] = inviter
        self._feed.publish("channel", channel=channel.id)
        self.post(
            channel,
            Draft(
                user=user,
                team_id=team_id,
                text=f"<@{user}> has joined the channel",
                subtype="channel_join",
            ),
        )
        self._events.emit("member_joined_channel", event, channel)

    def leave(self, channel: Channel, user: str) -> None:
        """End a user's membership."""
        if user not in channel.members:
            return
        event: dict[str, Any] = {
            "type": "member_left_channel",
            "user": user,
            "channel": channel.id,
            "channel_type": "C" if channel.kind == "channel" else "G",
            "team": self._state.user(user).team_id,
            "event_ts": self._state.identifiers.timestamp(),
        }
        self._events.emit("member_left_channel", event, channel)
        channel.members.remove(user)
        self._feed.publish("channel", channel=channel.id)

    async def share_later(self, channel: Channel, draft: Draft, seconds: float) -> None:
        """Share uploaded files as Slack does: some time after the upload was completed."""
        await asyncio.sleep(seconds)
        draft.files = [file for file in draft.files if not self._state.files[file].deleted]
        if draft.files:
            self.post(channel, draft)

    def delete_file(self, file: File) -> None:
        """Delete a file everywhere."""
        file.deleted = True
        channels = list(dict.fromkeys(channel for channel, _ in file.shares))
        file.content = None
        for message in self._state.messages.with_file(file.id):
            self._tell("message_changed", self._state.channel(message.channel), message)
        for channel_id in channels:
            self._events.emit(
                "file_deleted",
                {
                    "type": "file_deleted",
                    "file_id": file.id,
                    "channel_ids": channels,
                    "event_ts": self._state.identifiers.timestamp(),
                },
                self._state.channel(channel_id),
            )

    def open_home(self, user: str, bot_user: str, team_id: str, *, tab: str) -> None:
        """A person opens the app's Home or Messages tab."""
        channel = self._state.direct_message(team_id, user, bot_user)
        event: dict[str, Any] = {
            "type": "app_home_opened",
            "user": user,
            "channel": channel.id,
            "tab": tab,
            "event_ts": self._state.identifiers.timestamp(),
        }
        view = self._state.views.home(user)
        if tab == "home" and view is not None:
            event["view"] = view.to_slack()
        self._events.emit("app_home_opened", event, None, team_id)

    def _event(self, message: Message, channel: Channel) -> dict[str, Any]:
        event = self._rendering.message(
            message, metadata=True, thread=False, connect=channel.is_shared
        )
        if channel.is_shared:
            event |= {"user_team": message.team_id, "source_team": message.team_id}
        return event

    def _emit_mention(self, message: Message, channel: Channel) -> None:
        if channel.kind == "im" or message.subtype == "channel_join":
            return
        bots = {i.bot_user_id for i in self._state.app.installations.values()}
        for _ in bots.intersection(message.notifies):
            event = self._event(message, channel) | {
                "type": "app_mention",
                "channel": channel.id,
                "event_ts": message.ts,
            }
            event.pop("subtype", None)
            self._events.emit("app_mention", event, channel)

    def _emit_file_shared(self, file: File, channel: Channel, message: Message) -> None:
        self._feed.publish("file", channel=channel.id, file=file.id)
        event: dict[str, Any] = {
            "type": "file_shared",
            "file_id": file.id,
            "user_id": file.user,
            "file": {"id": file.id},
            "channel_id": channel.id,
            "event_ts": self._state.identifiers.timestamp(),
        }
        self._events.emit("file_shared", event, channel)

    def _tell(self, kind: str, channel: Channel, message: Message) -> None:
        users = [message.ephemeral_to] if message.ephemeral_to else list(channel.members)
        if channel.kind == "channel" and not message.ephemeral_to:
            users = None  # type: ignore[assignment]
        self._feed.publish(
            kind, users=users, channel=channel.id, ts=message.ts, thread_ts=message.thread_ts
        )


def now() -> int:
    """The Unix time in whole seconds."""
    return int(time.time())
