"""Files: uploads in three steps, sharing, downloads."""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

_TEXT_TYPES = {"pem", "crt", "cer", "txt", "text", "csv", "json", "log", "md"}


@dataclass
class File:
    """A file. `content` is None until it was uploaded; `shares` holds (channel, message ts).

    `upload_secret` is the secret part of its upload URL; `readers` are those who may read it
    although it is shared nowhere, such as the bot that got it through a modal.
    """

    id: str
    team_id: str
    user: str
    name: str
    title: str
    created: int
    length: int = 0
    content: bytes | None = None
    completed: bool = False
    deleted: bool = False
    alt_text: str = ""
    upload_secret: str = ""
    readers: set[str] = field(default_factory=set)
    shares: list[tuple[str, str]] = field(default_factory=list)

    @property
    def filetype(self) -> str:
        """The ending of the name, `text` for text without one, `binary` otherwise."""
        ending = PurePath(self.name).suffix.removeprefix(".").lower()
        return ending or ("text" if self._is_text() else "binary")

    @property
    def mimetype(self) -> str:
        """Guessed from the name, as Slack does."""
        if self.filetype in _TEXT_TYPES:
            return "text/plain"
        return mimetypes.guess_type(self.name)[0] or "application/octet-stream"

    def to_slack(self, *, base_url: str) -> dict[str, Any]:
        """The file object (https://docs.slack.dev/reference/objects/file-object)."""
        kinds: dict[str, dict[str, list[dict[str, Any]]]] = {}
        for channel, ts in self.shares:
            kind = "public" if channel.startswith("C") else "private"
            kinds.setdefault(kind, {}).setdefault(channel, []).append({"ts": ts})
        channels = sorted({channel for channel, _ in self.shares})
        described: dict[str, Any] = {
            "id": self.id,
            "created": self.created,
            "timestamp": self.created,
            "name": self.name,
            "title": self.title,
            "mimetype": self.mimetype,
            "filetype": self.filetype,
            "pretty_type": self.filetype.upper() if self.filetype != "text" else "Plain Text",
            "user": self.user,
            "user_team": self.team_id,
            "editable": False,
            "size": len(self.content or b""),
            "mode": "snippet" if self._is_text() else "hosted",
            "is_external": False,
            "external_type": "",
            "is_public": any(channel.startswith("C") for channel in channels),
            "public_url_shared": False,
            "display_as_bot": False,
            "username": "",
            "url_private": f"{base_url}/files-pri/{self.team_id}-{self.id}/{self.name}",
            "url_private_download": f"{base_url}/files-pri/{self.team_id}-{self.id}/download/{self.name}",
            "permalink": f"{base_url}/files/{self.user}/{self.id}/{self.name}",
            "comments_count": 0,
            "is_starred": False,
            "has_rich_preview": False,
            "file_access": "visible",
            "channels": [channel for channel in channels if channel.startswith("C")],
            "groups": [channel for channel in channels if channel.startswith("G")],
            "ims": [channel for channel in channels if channel.startswith("D")],
        }
        if kinds:
            described["shares"] = kinds
        if self.alt_text:
            described["alt_txt"] = self.alt_text
        return described

    def to_slack_connect(self) -> dict[str, Any]:
        """What an event carries in a channel shared with another company: only enough to call
        `files.info` (https://docs.slack.dev/reference/events/message/file_share)."""
        return {
            "id": self.id,
            "mode": "file_access",
            "file_access": "check_file_info",
            "created": 0,
            "timestamp": 0,
            "user": "",
        }

    def _is_text(self) -> bool:
        if PurePath(self.name).suffix.removeprefix(".").lower() in _TEXT_TYPES:
            return True
        try:
            (self.content or b"").decode("utf-8")
        except UnicodeDecodeError:
            return False
        return b"\0" not in (self.content or b"") and not PurePath(self.name).suffix
