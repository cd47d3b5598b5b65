"""``/healthz`` (alive), ``/readyz`` (can do its work, and what waits for others) and ``/metrics``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from bot.serving.metrics import CONTENT_TYPE, Metrics


@dataclass(frozen=True, slots=True)
class Condition:
    """How the bot is. ``problems``: what is not ready, in a word and a sentence each; empty:
    everything is. ``waiting``: why something is not delivered yet, and how many acts wait for it."""

    problems: Mapping[str, str] = field(default_factory=dict)
    waiting: Mapping[str, int] = field(default_factory=dict)


Readiness = Callable[[], Awaitable[Condition]]
Refresh = Callable[[], Awaitable[None]]

_MAX_BODY: Final = 4 << 20


def health_application(readiness: Readiness, refresh: Refresh, metrics: Metrics) -> web.Application:
    """The web application; ``refresh`` brings the gauges up to date before they are shown."""

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def readyz(_: web.Request) -> web.Response:
        found = await readiness()
        status = 503 if found.problems else 200
        body = {
            "ready": not found.problems,
            "problems": dict(found.problems),
            "waiting": dict(found.waiting),
        }
        return web.json_response(body, status=status)

    async def numbers(_: web.Request) -> web.Response:
        await refresh()
        return web.Response(body=metrics.render(), headers={"Content-Type": CONTENT_TYPE})

    application = web.Application(client_max_size=_MAX_BODY)
    application.router.add_get("/healthz", healthz)
    application.router.add_get("/readyz", readyz)
    application.router.add_get("/metrics", numbers)
    return application
