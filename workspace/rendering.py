"""Messages as Slack's JSON."""

from __future__ import annotations

from typing import Any

from workspace.messages import Message
from workspace.state import State


class Rendering:
    """Makes Slack's JSON out of messages. `base_url` is where files are downloaded."""

    def __init__(self, state: State, base_url: str) -> None:
        self._state = state
        self.base_url = base_url

    def message(
        self,
        message: Message,
        *,
        metadata: bool = False,
        thread: bool = True,
        connect: bool = False,
    ) -> dict[str, Any]:
        """The message object (https://docs.slack.dev/reference/events/message).

        `metadata`: with its metadata; `thread`: a root says how many replies it has; `connect`:
        files as an event in a shared channel has them.
        """
        described: dict[str, Any] = {
            "type": "message",
            "user": message.user,
            "ts": message.ts,
            "text": message.text,
            "team": message.team_id,
        }
        if message.subtype:
            described["subtype"] = message.subtype
        if message.client_msg_id:
            described["client_msg_id"] = message.client_msg_id
        if message.bot_id:
            described |= {
                "bot_id": message.bot_id,
                "app_id": message.app_id,
                "bot_profile": self._bot_profile(message),
            }
        if message.blocks:
            described["blocks"] = message.blocks
        if message.attachments:
            described["attachments"] = message.attachments
        if message.files:
            described["files"] = [self.file(file, connect=connect) for file in message.files]
            described["upload"] = False
            described["display_as_bot"] = False
        if message.edited:
            described["edited"] = message.edited
        if message.reactions:
            described["reactions"] = [
                {"name": name, "users": list(users), "count": len(users)}
                for name, users in message.reactions.items()
            ]
        if message.thread_ts:
            described["thread_ts"] = message.thread_ts
        if message.is_reply:
            root = self._state.messages.find(message.channel, message.thread_ts)
            if root is not None:
                described["parent_user_id"] = root.user
        elif thread:
            described |= self._thread(message)
        if metadata and message.metadata:
            described["metadata"] = message.metadata
        return described

    def file(self, file_id: str, *, connect: bool = False) -> dict[str, Any]:
        """The file object, or the little that is told in a shared channel."""
        file = self._state.files[file_id]
        if file.deleted:
            return {"id": file.id, "mode": "tombstone"}
        return file.to_slack_connect() if connect else file.to_slack(base_url=self.base_url)

    def permalink(self, message: Message) -> str:
        """The link to the message in its workspace."""
        link = f"{self.base_url}/archives/{message.channel}/p{message.ts.replace('.', '')}"
        if message.is_reply:
            link += f"?thread_ts={message.thread_ts}&cid={message.channel}"
        return link

    def _thread(self, message: Message) -> dict[str, Any]:
        replies = self._state.messages.replies(message.channel, message.ts)
        if not replies:
            return {}
        users = list(dict.fromkeys(reply.user for reply in replies))
        return {
            "thread_ts": message.ts,
            "reply_count": len(replies),
            "reply_users_count": len(users),
            "latest_reply": replies[-1].ts,
            "reply_users": users[:5],
            "is_locked": False,
            "subscribed": False,
        }

    def _bot_profile(self, message: Message) -> dict[str, Any]:
        return {
            "id": message.bot_id,
            "app_id": message.app_id,
            "user_id": message.user,
            "name": self._state.app.manifest.bot_name,
            "icons": {},
            "deleted": False,
            "updated": 0,
            "team_id": message.team_id,
        }
