"""Builds the state at the start from a cast."""

from __future__ import annotations

import secrets
from dataclasses import replace

from workspace.apps import Installation
from workspace.cast import Cast
from workspace.conversations import Channel
from workspace.people import Organisation, Team, User, UserGroup
from workspace.state import State


def found(state: State, cast: Cast) -> None:
    """Make teams, people, the app's bot users, channels and user groups."""
    new = state.identifiers.new
    teams = {domain: Team(new("T"), name, domain) for domain, name in cast.teams}
    state.teams = {team.id: team for team in teams.values()}
    organisations = {}
    for planned in cast.organisations:
        organisation = Organisation(new("E"), planned.name, planned.domain)
        organisations[planned.domain] = state.organisations[organisation.id] = organisation
        for domain in planned.teams:
            teams[domain].enterprise_id = organisation.id
    first = next(iter(teams.values()))
    state.users["USLACKBOT"] = User("USLACKBOT", first.id, "slackbot", "Slackbot", is_bot=False)
    people: dict[str, User] = {}
    for person in cast.people:
        user = User(
            new("U"),
            teams[person.team].id,
            person.name,
            person.real_name,
            email=person.email,
            is_guest=person.guest,
            is_bot=person.bot,
            enterprise_id=teams[person.team].enterprise_id,
            enterprise_teams=tuple(_teams_of(state, teams[person.team].enterprise_id)),
        )
        people[person.name] = state.users[user.id] = user
    for domain in cast.installed:
        where = organisations[domain] if domain in organisations else teams[domain]
        install(state, where.id)
    for room in cast.rooms:
        team = teams[room.team]
        channel = Channel(
            id=new("C"),
            team_id=team.id,
            kind="group" if room.private else "channel",
            name=room.name,
            topic=room.topic,
            created=int(float(state.identifiers.timestamp())),
            creator=people[room.members[0]].id if room.members else "",
            members=[people[name].id for name in room.members],
            is_archived=room.archived,
            connected_teams=tuple(teams[domain].id for domain in room.connected_teams),
        )
        if room.with_bot and team.id in state.app.installations:
            channel.members.append(state.app.installations[team.id].bot_user_id)
        state.channels[channel.id] = channel
    for group in cast.groups:
        made = UserGroup(
            new("S"),
            teams[group.team].id,
            group.name,
            group.handle,
            members=[people[name].id for name in group.members],
        )
        state.groups[made.id] = made


def install(state: State, team_id: str, *, scopes: frozenset[str] | None = None) -> Installation:
    """Install the app in a team, or in each of an organisation: its bot user, and a direct message
    with each of its people.

    `scopes` None: all of the manifest. Installing again gives a new token and keeps the bot user.
    """
    app = state.app
    if team_id in state.organisations:
        first, *others = _teams_of(state, team_id)
        made = replace(install(state, first, scopes=scopes), enterprise_id=team_id)
        for team in (first, *others):
            app.installations[team] = replace(made, team_id=team)
            _open_direct_messages(state, team, made.bot_user_id)
        return made
    known = app.installations.get(team_id)
    if known is not None:
        again = replace(known, bot_token=_token(team_id), scopes=scopes or known.scopes)
        app.installations[team_id] = again
        return again
    bot = User(
        id=state.identifiers.new("U"),
        team_id=team_id,
        name=app.manifest.bot_name.lower().replace(" ", "_"),
        real_name=app.manifest.bot_name,
        is_bot=True,
        app_id=app.id,
        bot_id=state.identifiers.new("B"),
    )
    state.users[bot.id] = bot
    installation = Installation(
        team_id=team_id,
        bot_user_id=bot.id,
        bot_id=bot.bot_id,
        bot_token=_token(team_id),
        scopes=scopes or frozenset(app.manifest.bot_scopes),
    )
    app.installations[team_id] = installation
    _open_direct_messages(state, team_id, bot.id)
    return installation


def _open_direct_messages(state: State, team_id: str, bot: str) -> None:
    for user in list(state.users.values()):
        if user.team_id == team_id and not user.is_bot and user.id != "USLACKBOT":
            state.direct_message(team_id, user.id, bot)


def _teams_of(state: State, enterprise_id: str) -> list[str]:
    if not enterprise_id:
        return []
    return [team.id for team in state.teams.values() if team.enterprise_id == enterprise_id]


def _token(team_id: str) -> str:
    return f"xoxb-{team_id.removeprefix('T')}-{secrets.token_hex(20)}"
