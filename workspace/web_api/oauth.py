"""oauth.v2.access, and the page on which a person allows the app into a team
(https://docs.slack.dev/authentication/installing-with-oauth)."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from workspace.apps import Grant
from workspace.errors import SlackError
from workspace.founding import install
from workspace.services import Services
from workspace.web_api.method import Answer, Call, method


@method(
    "oauth.v2.access",
    arguments=("client_id", "client_secret", "code", "grant_type", "redirect_uri", "refresh_token"),
    tier=4,
    caller="anyone",
)
async def access(call: Call) -> Answer:
    """Exchange a code for a token (https://docs.slack.dev/reference/methods/oauth.v2.access)."""
    app, state = call.services.app, call.services.state
    if call.text("client_id") != app.client_id:
        raise SlackError("invalid_client_id")
    if not secrets.compare_digest(call.text("client_secret"), app.client_secret):
        raise SlackError("bad_client_secret")
    grant = app.oauth_codes.pop(call.text("code"), None)
    if grant is None:
        raise SlackError("invalid_code")
    if grant.redirect_uri and call.text("redirect_uri") not in ("", grant.redirect_uri):
        raise SlackError("bad_redirect_uri")
    installation = install(state, grant.team_id, scopes=grant.scopes)
    call.services.log.mask(installation.bot_token, "bot token")
    team = state.teams[installation.team_id]
    organisation = state.organisations.get(team.enterprise_id)
    return {
        "access_token": installation.bot_token,
        "token_type": "bot",
        "scope": ",".join(sorted(installation.scopes)),
        "bot_user_id": installation.bot_user_id,
        "app_id": app.id,
        "team": None if installation.is_org_wide else {"id": team.id, "name": team.name},
        "enterprise": organisation and {"id": organisation.id, "name": organisation.name},
        "authed_user": {"id": grant.user},
        "is_enterprise_install": installation.is_org_wide,
    }


class Authorize:
    """Serves `/oauth/v2/authorize`: the person allows, and is sent back with a code."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """The query has `client_id`, `scope`, `state`, `redirect_uri`, and, in place of signing
        in, `user` (an id). `deny=1` is the person who says no, `org=1` an administrator who
        installs it for the whole organisation."""
        app = self._services.app
        query = request.query
        if query.get("client_id") != app.client_id:
            return web.Response(status=400, text="invalid_client_id")
        redirect = query.get("redirect_uri") or next(iter(app.manifest.redirect_urls), "")
        allowed = any(_is_below(redirect, known) for known in app.manifest.redirect_urls)
        if not redirect or not allowed:
            return web.Response(status=400, text="bad_redirect_uri")
        user = self._services.state.users.get(query.get("user", ""))
        if user is None:
            return web.Response(status=400, text="Who are you? Add &user=U… to the address.")
        scopes = frozenset(filter(None, query.get("scope", "").split(",")))
        if not scopes or not scopes <= set(app.manifest.bot_scopes):
            return web.Response(status=400, text="invalid_scope")
        answer: dict[str, Any] = {"state": query.get("state", "")}
        if query.get("deny"):
            answer["error"] = "access_denied"
        else:
            code = secrets.token_urlsafe(24)
            organisation = self._services.state.teams[user.team_id].enterprise_id
            where = organisation if query.get("org") and organisation else user.team_id
            app.oauth_codes[code] = Grant(where, user.id, scopes, query.get("redirect_uri", ""))
            answer["code"] = code
        joiner = "&" if "?" in redirect else "?"
        raise web.HTTPFound(f"{redirect}{joiner}{urlencode(answer)}")


def _is_below(redirect: str, known: str) -> bool:
    return redirect == known or redirect.startswith((f"{known.rstrip('/')}/", f"{known}?"))
