"""Channels and direct messages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["channel", "group", "im"]


@dataclass
class Channel:
    """A conversation: a public channel, a private one (`group`) or a direct message (`im`).

    `team_id` is the host; `connected_teams` are the other companies of a Slack Connect channel.
    """

    id: str
    team_id: str
    kind: Kind
    name: str = ""
    topic: str = ""
    created: int = 0
    creator: str = ""
    members: list[str] = field(default_factory=list)
    connected_teams: tuple[str, ...] = ()
    is_archived: bool = False

    @property
    def is_shared(self) -> bool:
        """Whether people of another company are in it."""
        return bool(self.connected_teams)

    @property
    def teams(self) -> tuple[str, ...]:
        """Every team that sees this conversation."""
        return (self.team_id, *self.connected_teams)

    def to_slack(self, *, seen_by: str) -> dict[str, Any]:
        """The conversation object (https://docs.slack.dev/reference/objects/conversation-object)
        as the user `seen_by` gets it."""
        if self.kind == "im":
            return {
                "id": self.id,
                "created": self.created,
                "is_im": True,
                "is_org_shared": False,
                "is_archived": self.is_archived,
                "context_team_id": self.team_id,
                "updated": self.created * 1000,
                "user": next((user for user in self.members if user != seen_by), seen_by),
                "is_user_deleted": False,
                "priority": 0,
            }
        return {
            "id": self.id,
            "name": self.name,
            "name_normalized": self.name,
            "is_channel": self.kind == "channel",
            "is_group": False,
            "is_im": False,
            "is_mpim": False,
            "is_private": self.kind == "group",
            "created": self.created,
            "is_archived": self.is_archived,
            "is_general": self.name == "general",
            "unlinked": 0,
            "is_shared": self.is_shared,
            "is_org_shared": False,
            "is_ext_shared": self.is_shared,
            "is_pending_ext_shared": False,
            "context_team_id": self.team_id,
            "updated": self.created * 1000,
            "creator": self.creator,
            "is_member": seen_by in self.members,
            "topic": {"value": self.topic, "creator": self.creator, "last_set": self.created},
            "purpose": {"value": "", "creator": "", "last_set": 0},
            "shared_team_ids": list(self.teams),
            "previous_names": [],
        }
