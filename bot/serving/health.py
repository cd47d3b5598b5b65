"""``/healthz`` (alive), ``/readyz`` (can do its work) and ``/metrics``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from bot.serving.metrics import CONTENT_TYPE, Metrics

#: What is not ready, in a word and a sentence each; empty: everything is.
Readiness = Callable[[], Awaitable[dict[str, str]]]
Refresh = Callable[[], Awaitable[None]]

_MAX_BODY: Final = 4 << 20


def health_application(readiness: Readiness, refresh: Refresh, metrics: Metrics) -> web.Application:
    """The web application; ``refresh`` brings the gauges up to date before they are shown."""

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def readyz(_: web.Request) -> web.Response:
        problems = await readiness()
        status = 503 if problems else 200
        return web.json_response({"ready": not problems, "problems": problems}, status=status)

    async def numbers(_: web.Request) -> web.Response:
        await refresh()
        return web.Response(body=metrics.render(), headers={"Content-Type": CONTENT_TYPE})

    application = web.Application(client_max_size=_MAX_BODY)
    application.router.add_get("/healthz", healthz)
    application.router.add_get("/readyz", readyz)
    application.router.add_get("/metrics", numbers)
    return application
