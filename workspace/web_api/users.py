"""users.*, usergroups.*, bots.info"""

from __future__ import annotations

from workspace.errors import SlackError
from workspace.web_api.method import Answer, Call, method
from workspace.web_api.paging import page


@method("users.info", scopes=("users:read",), arguments=("user", "include_locale"), tier=4)
async def info(call: Call) -> Answer:
    """One user (https://docs.slack.dev/reference/methods/users.info)."""
    user = call.services.state.user_for(call.installation, call.required("user"))
    described = user.to_slack(
        seen_from=call.installation.team_id,
        with_email="users:read.email" in call.installation.scopes,
    )
    if call.boolean("include_locale"):
        described["locale"] = user.locale
    return {"user": described}


@method(
    "users.list",
    scopes=("users:read",),
    arguments=("cursor", "include_locale", "limit", "team_id"),
    tier=2,
)
async def listing(call: Call) -> Answer:
    """The team's users, and those known through shared channels
    (https://docs.slack.dev/reference/methods/users.list)."""
    state = call.services.state
    teams = state.visible_teams(call.installation.team_id)
    users = [user for user in state.users.values() if user.team_id in teams]
    items, metadata = page(
        users, call.text("cursor"), call.integer("limit", 1000, least=1, most=1000)
    )
    with_email = "users:read.email" in call.installation.scopes
    return {
        "members": [
            user.to_slack(seen_from=call.installation.team_id, with_email=with_email)
            for user in items
        ],
        "cache_ts": 0,
        "response_metadata": metadata,
    }


@method(
    "users.lookupByEmail",
    scopes=("users:read.email",),
    arguments=("email",),
    tier=3,
)
async def lookup_by_email(call: Call) -> Answer:
    """The user with that address (https://docs.slack.dev/reference/methods/users.lookupByEmail)."""
    email = call.required("email").lower()
    for user in call.services.state.users.values():
        if user.email.lower() == email and user.team_id == call.installation.team_id:
            return {
                "user": user.to_slack(seen_from=call.installation.team_id, with_email=True),
            }
    raise SlackError("users_not_found")


@method(
    "usergroups.list",
    scopes=("usergroups:read",),
    arguments=("include_count", "include_disabled", "include_users", "team_id"),
    tier=2,
)
async def groups(call: Call) -> Answer:
    """The team's user groups (https://docs.slack.dev/reference/methods/usergroups.list)."""
    return {
        "usergroups": [
            group.to_slack(include_users=call.boolean("include_users"))
            for group in call.services.state.groups.values()
            if group.team_id == call.installation.team_id
        ]
    }


@method(
    "usergroups.users.list",
    scopes=("usergroups:read",),
    arguments=("usergroup", "include_disabled", "team_id"),
    tier=2,
)
async def group_members(call: Call) -> Answer:
    """The members of a user group
    (https://docs.slack.dev/reference/methods/usergroups.users.list)."""
    group = call.services.state.groups.get(call.required("usergroup"))
    if group is None or group.team_id != call.installation.team_id:
        raise SlackError("no_such_subteam")
    return {"users": list(group.members)}


@method("bots.info", scopes=("users:read",), arguments=("bot", "team_id"), tier=3)
async def bot_info(call: Call) -> Answer:
    """A bot (https://docs.slack.dev/reference/methods/bots.info)."""
    bot = call.text("bot") or call.installation.bot_id
    if bot != call.installation.bot_id:
        raise SlackError("bot_not_found")
    return {
        "bot": {
            "id": bot,
            "deleted": False,
            "name": call.services.app.manifest.bot_name,
            "updated": 0,
            "app_id": call.services.app.id,
            "user_id": call.installation.bot_user_id,
            "icons": {},
        }
    }
