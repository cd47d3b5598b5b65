"""Messages, their threads, reactions and metadata."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Message:
    """A message.

    - `user`: who wrote it; `bot_id`, `app_id`: set if an app did.
    - `text`: as Slack keeps it, with `&lt;`, `<@U…>` and `<http://…|…>`.
    - `thread_ts`: the root's `ts` in a reply, and in a root that has replies.
    - `ephemeral_to`: the only user who sees it, or "".
    - `notifies`: whom its mentions really reach: user ids, `subteam:S…`, `channel`, `here`,
      `everyone`. Text that only looks like a mention is not among them.
    - `is_broadcast`: a reply that is also sent to the channel.
    """

    ts: str
    channel: str
    team_id: str
    user: str
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
    edited: dict[str, str] | None = None
    reactions: dict[str, list[str]] = field(default_factory=dict)
    metadata: dict[str, Any] | None = None
    ephemeral_to: str = ""
    notifies: list[str] = field(default_factory=list)

    @property
    def is_reply(self) -> bool:
        """Whether it is in a thread, but not the root."""
        return bool(self.thread_ts) and self.thread_ts != self.ts


class Messages:
    """All messages of all channels, added in the order of their `ts`. Ephemeral ones are kept
    apart."""

    def __init__(self) -> None:
        self._by_channel: dict[str, dict[str, Message]] = {}
        self._ephemeral: dict[str, dict[str, Message]] = {}

    def add(self, message: Message) -> None:
        """Keep a message."""
        shelf = self._ephemeral if message.ephemeral_to else self._by_channel
        shelf.setdefault(message.channel, {})[message.ts] = message

    def find(self, channel: str, ts: str) -> Message | None:
        """The message, unless it is ephemeral, deleted or was never there."""
        return self._by_channel.get(channel, {}).get(ts)

    def find_ephemeral(self, channel: str, ts: str) -> Message | None:
        """An ephemeral message: a client can see it, the Web API never can."""
        return self._ephemeral.get(channel, {}).get(ts)

    def remove(self, message: Message) -> None:
        """Forget a message."""
        shelf = self._ephemeral if message.ephemeral_to else self._by_channel
        shelf.get(message.channel, {}).pop(message.ts, None)

    def of_channel(self, channel: str) -> list[Message]:
        """Everything in the channel, replies too, oldest first."""
        return list(self._by_channel.get(channel, {}).values())

    def ephemeral_of(self, channel: str, user: str) -> list[Message]:
        """What only this user sees in the channel, oldest first."""
        shelf = self._ephemeral.get(channel, {})
        return [message for message in shelf.values() if message.ephemeral_to == user]

    def thread(self, channel: str, root_ts: str) -> list[Message]:
        """The root and its replies, oldest first."""
        return [
            message
            for message in self.of_channel(channel)
            if message.ts == root_ts or message.thread_ts == root_ts
        ]

    def replies(self, channel: str, root_ts: str) -> list[Message]:
        """The replies of a thread, oldest first."""
        return [item for item in self.thread(channel, root_ts) if item.is_reply]

    def with_file(self, file_id: str) -> list[Message]:
        """Every message that shows this file."""
        return [
            message
            for shelf in self._by_channel.values()
            for message in shelf.values()
            if file_id in message.files
        ]
