"""The control API: the log, faults and disconnections, for the page and the tests."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from workspace.errors import SlackError
from workspace.services import Services

Body = dict[str, Any]


class PageControl:
    """Serves `/page/log`, `/page/faults` and `/page/disconnect`."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Register the paths."""
        router.add_get("/page/log", self._log)
        router.add_post("/page/faults", self._faults)
        router.add_post("/page/disconnect", self._disconnect)

    async def _log(self, request: web.Request) -> web.StreamResponse:
        """Requests, envelopes and acknowledgements, oldest first."""
        return web.json_response(self._services.log.entries())

    async def _faults(self, request: web.Request) -> web.StreamResponse:
        """Order faults: `{"clear": true}` and/or the fields of one, or `{"faults": [{…}, …]}`."""
        try:
            body = await read_body(request)
            if body.pop("clear", False):
                self._services.faults.clear()
            for order in body.get("faults") or ([body] if body else []):
                self._services.faults.order(**order)
        except (SlackError, ValueError, TypeError) as error:
            return refused(SlackError("invalid_fault", str(error)))
        self._services.feed.publish("faults")
        return web.json_response({"ok": True, "faults": self._services.faults.listed()})

    async def _disconnect(self, request: web.Request) -> web.StreamResponse:
        """`{"reason": "warning" | "refresh_requested" | "link_disabled" | "cut"}`."""
        try:
            reason = (await read_body(request)).get("reason", "refresh_requested")
        except SlackError as error:
            return refused(error)
        socket_mode = self._services.socket_mode
        if reason == "cut":
            return web.json_response({"ok": True, "connections": await socket_mode.cut()})
        if reason not in ("warning", "refresh_requested", "link_disabled"):
            return refused(SlackError("invalid_reason", f"unknown reason {reason!r}"))
        return web.json_response({"ok": True, "connections": await socket_mode.disconnect(reason)})


async def read_body(request: web.Request) -> Body:
    """The JSON object of a request. Raises SlackError `invalid_json` or `json_not_object`."""
    try:
        body = json.loads(await request.text() or "{}")
    except ValueError:
        raise SlackError("invalid_json") from None
    if not isinstance(body, dict):
        raise SlackError("json_not_object")
    return body


def refused(error: SlackError) -> web.Response:
    """The answer to a request that cannot be met."""
    message = "; ".join(error.messages) or error.code.replace("_", " ")
    return web.json_response({"ok": False, "error": error.code, "message": message}, status=400)
