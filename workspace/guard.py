"""Keeps other sites' pages out of the page API: a browser on this machine may visit any site, and
that site must not be able to act in the workspace."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse (403) a page request that comes from another origin or under a foreign host name
    (DNS rebinding)."""
    is_page = request.path.startswith(("/page/", "/static/")) or request.path == "/"
    if is_page and (not _is_local_name(request.host) or _is_foreign(request)):
        raise web.HTTPForbidden(text="This workspace only answers its own page.")
    return await handler(request)


def _is_local_name(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_foreign(request: web.Request) -> bool:
    if request.headers.get("Sec-Fetch-Site", "none") == "cross-site":
        return True
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc != request.host
