"""auth.*, apps.*, oauth.*, team.info."""

from __future__ import annotations

from workspace.errors import SlackError
from workspace.web_api.method import Answer, Call, method


@method("auth.test", tier=0)
async def auth_test(call: Call) -> Answer:
    """Who the token is (https://docs.slack.dev/reference/methods/auth.test)."""
    state = call.services.state
    team = state.teams[call.installation.team_id]
    organisation = state.organisations.get(call.installation.enterprise_id)
    if organisation:
        return {
            "url": f"https://{organisation.domain}.enterprise.slack.com/",
            "team": organisation.name,
            "user": state.users[call.installation.bot_user_id].name,
            "team_id": organisation.id,
            "enterprise_id": organisation.id,
            "user_id": call.installation.bot_user_id,
            "bot_id": call.installation.bot_id,
            "is_enterprise_install": True,
        }
    of = {"enterprise_id": team.enterprise_id} if team.enterprise_id else {}
    return of | {
        "url": f"https://{team.domain}.slack.com/",
        "team": team.name,
        "user": state.users[call.installation.bot_user_id].name,
        "team_id": team.id,
        "user_id": call.installation.bot_user_id,
        "bot_id": call.installation.bot_id,
        "is_enterprise_install": False,
    }


@method("api.test", tier=4, caller="anyone")
async def api_test(call: Call) -> Answer:
    """Echo (https://docs.slack.dev/reference/methods/api.test)."""
    if call.given("error"):
        raise SlackError(call.text("error"))
    return {"args": {key: value for key, value in call.arguments.items() if key != "token"}}


@method("apps.connections.open", tier=1, caller="app")
async def connections_open(call: Call) -> Answer:
    """A WebSocket URL (https://docs.slack.dev/reference/methods/apps.connections.open)."""
    if not call.services.app.manifest.socket_mode:
        raise SlackError("socket_mode_not_enabled")
    return {"url": call.services.socket_mode.open(call.services.base_url)}


@method("team.info", scopes=("team:read",), arguments=("team",), tier=3)
async def team_info(call: Call) -> Answer:
    """The caller's team (https://docs.slack.dev/reference/methods/team.info)."""
    team = call.services.state.teams[call.installation.team_id]
    return {
        "team": {
            "id": team.id,
            "name": team.name,
            "url": f"https://{team.domain}.slack.com/",
            "domain": team.domain,
            "email_domain": "",
            "icon": {"image_default": True},
        }
    }
