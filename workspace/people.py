"""Teams, users and user groups."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Team:
    """A Slack workspace: several can exist, connected by shared channels."""

    id: str
    name: str
    domain: str
    enterprise_id: str = ""
    """The organisation that it belongs to."""


@dataclass(frozen=True)
class Organisation:
    """An Enterprise organisation of several workspaces, for which an app can be installed at once
    (https://docs.slack.dev/enterprise/developing-for-enterprise-orgs)."""

    id: str
    name: str
    domain: str


@dataclass
class User:
    """A person or a bot user. `name` is the handle, `real_name` what is shown."""

    id: str
    team_id: str
    name: str
    real_name: str
    email: str = ""
    is_bot: bool = False
    is_guest: bool = False
    enterprise_id: str = ""
    enterprise_teams: tuple[str, ...] = ()
    """The workspaces of the organisation, all of which its people may enter here."""
    app_id: str = ""
    bot_id: str = ""
    tz: str = "Europe/Berlin"
    tz_offset: int = 3600
    locale: str = "en-GB"

    def to_slack(self, *, seen_from: str, with_email: bool) -> dict[str, Any]:
        """The user object (https://docs.slack.dev/reference/objects/user-object), as the team
        `seen_from` sees it; the address only with the scope `users:read.email`."""
        profile: dict[str, Any] = {
            "real_name": self.real_name,
            "real_name_normalized": self.real_name,
            "display_name": "" if self.is_bot else self.name,
            "display_name_normalized": "" if self.is_bot else self.name,
            "team": self.team_id,
        }
        if with_email and self.email:
            profile["email"] = self.email
        if self.is_bot:
            profile |= {"bot_id": self.bot_id, "api_app_id": self.app_id}
        described: dict[str, Any] = {
            "id": self.id,
            "team_id": self.team_id,
            "name": self.name,
            "deleted": False,
            "real_name": self.real_name,
            "tz": self.tz,
            "tz_offset": self.tz_offset,
            "profile": profile,
            "is_admin": False,
            "is_owner": False,
            "is_bot": self.is_bot,
            "is_app_user": False,
            "is_restricted": self.is_guest,
            "is_ultra_restricted": False,
            "updated": 0,
        }
        if self.enterprise_id:
            described["enterprise_user"] = {
                "id": self.id,
                "enterprise_id": self.enterprise_id,
                "teams": list(self.enterprise_teams),
            }
        if seen_from != self.team_id:
            described["is_stranger"] = False
        return described


@dataclass
class UserGroup:
    """A user group such as `@support`: `handle` is without the @."""

    id: str
    team_id: str
    name: str
    handle: str
    description: str = ""
    members: list[str] = field(default_factory=list)

    def to_slack(self, *, include_users: bool) -> dict[str, Any]:
        """The user group object (https://docs.slack.dev/reference/objects/usergroup-object)."""
        described: dict[str, Any] = {
            "id": self.id,
            "team_id": self.team_id,
            "is_usergroup": True,
            "is_subteam": True,
            "name": self.name,
            "description": self.description,
            "handle": self.handle,
            "is_external": False,
            "date_create": 0,
            "date_update": 0,
            "date_delete": 0,
            "auto_type": None,
            "user_count": len(self.members),
        }
        if include_users:
            described["users"] = list(self.members)
        return described
