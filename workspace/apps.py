"""The app under test: its secrets and where it is installed."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from workspace.manifest import Manifest


@dataclass(frozen=True)
class Installation:
    """The app in one team: its bot user, token and granted scopes. Installed for a whole
    organisation, `enterprise_id`, it is in each of its teams with the same token and bot user."""

    team_id: str
    bot_user_id: str
    bot_id: str
    bot_token: str
    scopes: frozenset[str]
    enterprise_id: str = ""

    @property
    def is_org_wide(self) -> bool:
        """Whether it is of a whole organisation."""
        return bool(self.enterprise_id)


@dataclass(frozen=True)
class Grant:
    """A person's consent, worth one code: the team, or organisation, the scopes, and where they were
    sent back."""

    team_id: str
    user: str
    scopes: frozenset[str]
    redirect_uri: str


@dataclass
class App:
    """The app: what its configuration page at Slack would show."""

    id: str
    manifest: Manifest
    client_id: str
    client_secret: str = field(default_factory=lambda: secrets.token_hex(16))
    signing_secret: str = field(default_factory=lambda: secrets.token_hex(16))
    verification_token: str = field(default_factory=lambda: secrets.token_hex(12))
    app_token: str = field(default_factory=lambda: f"xapp-1-A-{secrets.token_hex(24)}")
    installations: dict[str, Installation] = field(default_factory=dict)
    revoked: set[str] = field(default_factory=set)
    oauth_codes: dict[str, Grant] = field(default_factory=dict)

    def by_token(self, token: str, team_id: str = "") -> Installation | None:
        """The installation that this bot token belongs to; of an organisation's, that in the team."""
        found = None
        for installation in self.installations.values():
            if secrets.compare_digest(installation.bot_token.encode(), token.encode()):
                found = found or installation
                if installation.team_id == team_id:
                    return installation
        return found

    def by_bot_user(self, user: str, team_id: str = "") -> Installation | None:
        """The installation whose bot user this is; of an organisation's, that in the team."""
        found = [i for i in self.installations.values() if i.bot_user_id == user]
        return next((i for i in found if i.team_id == team_id), found[0] if found else None)
