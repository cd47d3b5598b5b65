"""Everything the workspace knows, with the look-ups that answer as Slack answers."""

from __future__ import annotations

from workspace.apps import App, Installation
from workspace.conversations import Channel
from workspace.errors import SlackError
from workspace.files import File
from workspace.identifiers import Identifiers
from workspace.messages import Message, Messages
from workspace.people import Organisation, Team, User, UserGroup
from workspace.views import Views


class State:
    """Teams, people, channels, messages, files and views, in memory."""

    def __init__(self, app: App, identifiers: Identifiers) -> None:
        self.app = app
        self.identifiers = identifiers
        self.teams: dict[str, Team] = {}
        self.organisations: dict[str, Organisation] = {}
        self.users: dict[str, User] = {}
        self.groups: dict[str, UserGroup] = {}
        self.channels: dict[str, Channel] = {}
        self.messages = Messages()
        self.files: dict[str, File] = {}
        self.views = Views()

    def user(self, user_id: str) -> User:
        """The user. Raises SlackError `user_not_found`."""
        user = self.users.get(user_id)
        if user is None:
            raise SlackError("user_not_found")
        return user

    def channel(self, channel_id: str) -> Channel:
        """The channel by its id. Raises SlackError `channel_not_found`."""
        channel = self.channels.get(channel_id)
        if channel is None:
            raise SlackError("channel_not_found")
        return channel

    def channel_for(self, installation: Installation, channel_id: str) -> Channel:
        """The channel if the app's team sees it; private ones only as a member.

        Raises SlackError `channel_not_found`, as Slack does for what the app may not know of.
        """
        channel = self.channel(channel_id)
        if installation.team_id not in channel.teams:
            raise SlackError("channel_not_found")
        if channel.kind != "channel" and installation.bot_user_id not in channel.members:
            raise SlackError("channel_not_found")
        return channel

    def visible_teams(self, team_id: str) -> set[str]:
        """This team, those of its organisation, and those it shares a channel with."""
        teams = {team_id}
        enterprise = self.teams[team_id].enterprise_id
        if enterprise:
            teams.update(t.id for t in self.teams.values() if t.enterprise_id == enterprise)
        for channel in self.channels.values():
            if team_id in channel.teams:
                teams.update(channel.teams)
        return teams

    def user_for(self, installation: Installation, user_id: str) -> User:
        """The user if the app's team can see them. Raises SlackError `user_not_found`."""
        user = self.user(user_id)
        if user.team_id not in self.visible_teams(installation.team_id):
            raise SlackError("user_not_found")
        return user

    def installed_for(self, user: User, channel: Channel | None = None) -> Installation | None:
        """The app where this person acts: in the channel's team, if it is of their organisation,
        else in their own."""
        team = self.teams[user.team_id]
        if channel is not None and team.enterprise_id:
            host = self.teams[channel.team_id]
            if host.enterprise_id == team.enterprise_id:
                team = host
        return self.app.installations.get(team.id)

    def direct_message(self, team_id: str, first: str, second: str) -> Channel:
        """The direct message of two users, made if there is none."""
        for channel in self.channels.values():
            if channel.kind == "im" and set(channel.members) == {first, second}:
                return channel
        channel = Channel(
            id=self.identifiers.new("D"),
            team_id=team_id,
            kind="im",
            created=int(float(self.identifiers.timestamp())),
            members=[first, second],
        )
        self.channels[channel.id] = channel
        return channel

    def message(self, channel_id: str, ts: str) -> Message:
        """The message. Raises SlackError `message_not_found`."""
        message = self.messages.find(channel_id, ts)
        if message is None:
            raise SlackError("message_not_found")
        return message

    def file(self, file_id: str) -> File:
        """The file. Raises SlackError `file_not_found` or `file_deleted`."""
        file = self.files.get(file_id)
        if file is None:
            raise SlackError("file_not_found")
        if file.deleted:
            raise SlackError("file_deleted")
        return file
