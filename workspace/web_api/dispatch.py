"""The way into the Web API: reads the request, authenticates it, applies faults, rates and
scopes, calls the method and answers as Slack does."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from typing import Any

from aiohttp import web

from workspace.apps import Installation
from workspace.errors import SlackError
from workspace.faults import Fault
from workspace.services import Services
from workspace.web_api import (  # noqa: F401  (each registers its methods)
    auth,
    chat,
    conversations,
    files,
    oauth,
    reactions,
    users,
    views,
)
from workspace.web_api.method import METHODS, Call, Method, missing_scope

_LOGGED_VALUE = 20_000
# The SDK sends it with every call that it makes for a known team.
_EVERYWHERE = frozenset({"team_id"})


class WebApi:
    """Serves `/api/{method}`."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One call."""
        name = request.match_info["method"]
        started = time.monotonic()
        arguments: dict[str, Any] = {}
        answer: dict[str, Any]
        installation: Installation | None = None
        fault = self._services.faults.take(
            (
                "ratelimited",
                "server_error",
                "error",
                "truncated",
                "slow_body",
                "reset_before",
                "reset_after",
            ),
            name,
        )
        latency = self._services.faults.take(("latency",), name)
        if latency:
            await asyncio.sleep(latency.seconds)
        spoiled = spoil_before(request, fault)
        if spoiled is not None:
            self._log(name, started, {}, {"ok": False, "error": fault.kind if fault else ""}, fault)
            return spoiled
        try:
            method = METHODS.get(name)
            if method is None:
                raise SlackError("unknown_method", req_method=name)
            arguments = await _arguments(request)
            installation = self._authenticate(request, arguments, method)
            wait = self._services.rates.exceeded(name, method.tier, installation.team_id)
            if wait:
                raise SlackError("ratelimited", retry_after=wait)
            if method.scopes and not installation.scopes.intersection(method.scopes):
                raise missing_scope(",".join(method.scopes), installation)
            call = Call(self._services, name, arguments, installation)
            answer = {"ok": True, **await method.handler(call)}
        except SlackError as error:
            answer = error.answer()
        self._log(name, started, arguments, answer, fault)
        response = spoil_after(request, fault) or _response(answer, fault, installation, name)
        if fault is not None and fault.kind == "slow_body":
            return await _slowly(request, response, fault.seconds)
        return response

    def _authenticate(
        self, request: web.Request, arguments: dict[str, Any], method: Method
    ) -> Installation:
        app = self._services.app
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            token = ""
        if scheme.lower() == "basic":
            arguments |= _credentials(request.headers["Authorization"])
        given = arguments.pop("token", None)
        token = token or str(given or "")
        first = next(iter(app.installations.values()))
        if method.caller == "anyone":
            return first
        if not token:
            raise SlackError("not_authed")
        if token == app.app_token:
            if method.caller != "app":
                raise SlackError("not_allowed_token_type")
            return first
        if token in app.revoked:
            raise SlackError("account_inactive")
        team = self._team_of(arguments)
        installation = app.by_token(token, team)
        if installation is None:
            raise SlackError("invalid_auth")
        if installation.is_org_wide and not team and "team_id" in method.arguments:
            raise SlackError("missing_argument", "[ERROR] missing required field: team_id")
        if method.caller == "app":
            raise SlackError("not_allowed_token_type")
        return installation

    def _team_of(self, arguments: dict[str, Any]) -> str:
        """The team in which a call acts: that of the thing that it names, else the one it names."""
        state = self._services.state
        channel = state.channels.get(str(arguments.get("channel") or arguments.get("channel_id")))
        view = state.views.find(str(arguments.get("view_id") or ""))
        user = state.users.get(str(arguments.get("user_id") or arguments.get("users") or ""))
        trigger = self._services.grants.team_of(str(arguments.get("trigger_id") or ""))
        named = channel.team_id if channel else view.team_id if view else trigger
        return named or (user.team_id if user else "") or str(arguments.get("team_id") or "")

    def _log(
        self,
        name: str,
        started: float,
        arguments: dict[str, Any],
        answer: dict[str, Any],
        fault: Fault | None,
    ) -> None:
        method = METHODS.get(name)
        known = _EVERYWHERE | (method.arguments if method else frozenset())
        self._services.log.add(
            "request",
            at=time.time(),
            method=name,
            arguments={key: _short(value) for key, value in arguments.items()},
            unknown_arguments=sorted(set(arguments) - known) if name != "api.test" else [],
            ok=answer["ok"],
            error=answer.get("error"),
            messages=answer.get("response_metadata", {}).get("messages", []),
            ts=answer.get("ts"),
            seconds=round(time.monotonic() - started, 4),
            fault=fault.kind if fault else None,
        )


def spoil_before(request: web.Request, fault: Fault | None) -> web.StreamResponse | None:
    """What a fault answers in place of doing anything; None if it lets the request through."""
    match fault:
        case Fault(kind="ratelimited"):
            wait = fault.retry_after
            if wait is None:
                wait = str(max(1, round(fault.seconds)))
            return web.json_response(
                {"ok": False, "error": "ratelimited"},
                status=429,
                headers={"Retry-After": wait} if wait else {},
            )
        case Fault(kind="server_error"):
            return web.Response(status=500, text="Internal Server Error")
        case Fault(kind="error"):
            return web.json_response({"ok": False, "error": fault.code})
        case Fault(kind="reset_before"):
            return reset(request)
    return None


def spoil_after(request: web.Request, fault: Fault | None) -> web.StreamResponse | None:
    """What a fault answers in place of the answer, once the effect has happened."""
    if fault is not None and fault.kind == "reset_after":
        return reset(request)
    return None


async def _slowly(
    request: web.Request, response: web.StreamResponse, seconds: float
) -> web.StreamResponse:
    body = response.body if isinstance(response, web.Response) else None
    content = body if isinstance(body, bytes) else b""
    slow = web.StreamResponse(headers={"Content-Type": "application/json; charset=utf-8"})
    slow.content_length = len(content)
    await slow.prepare(request)
    await slow.write(content[: len(content) // 2])
    await asyncio.sleep(seconds)
    await slow.write(content[len(content) // 2 :])
    return slow


def reset(request: web.Request) -> web.StreamResponse:
    """Break the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


def _response(
    answer: dict[str, Any], fault: Fault | None, installation: Installation | None, name: str
) -> web.Response:
    headers = {"X-Slack-Req-Id": "workspace"}
    if installation is not None:
        headers["X-OAuth-Scopes"] = ",".join(sorted(installation.scopes))
        headers["X-Accepted-OAuth-Scopes"] = ",".join(METHODS[name].scopes)
    retry_after = answer.pop("retry_after", 1)
    body = json.dumps(answer)
    if fault is not None and fault.kind == "truncated":
        body = body[: len(body) // 2]
    status = 200
    if answer.get("error") == "ratelimited":
        status = 429
        headers["Retry-After"] = str(retry_after)
    return web.Response(
        text=body, status=status, headers=headers, content_type="application/json", charset="utf-8"
    )


async def _arguments(request: web.Request) -> dict[str, Any]:
    arguments: dict[str, Any] = dict(request.query)
    if request.method != "POST":
        return arguments
    kind = request.content_type
    if kind == "application/json":
        try:
            body = json.loads(await request.text() or "{}")
        except ValueError:
            raise SlackError("invalid_json") from None
        if not isinstance(body, dict):
            raise SlackError("json_not_object")
        # Slack reads JSON null as an argument that is not there.
        arguments |= {key: value for key, value in body.items() if value is not None}
    elif kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
        form = await request.post()
        arguments |= {key: value for key, value in form.items() if isinstance(value, str)}
    elif request.can_read_body:
        raise SlackError("invalid_post_type")
    return arguments


def _credentials(header: str) -> dict[str, str]:
    try:
        decoded = base64.b64decode(header.partition(" ")[2], validate=True).decode()
    except ValueError:
        return {}
    client_id, _, client_secret = decoded.partition(":")
    return {"client_id": client_id, "client_secret": client_secret}


def _short(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _LOGGED_VALUE:
        return value[:_LOGGED_VALUE] + "…"
    return value
