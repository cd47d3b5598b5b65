"""Where Slack's requests come in, over Socket Mode or HTTP, and how that ends in good order."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

#: How often a connection is looked after, and tried again where there is none, in seconds.
_PING_SECONDS: Final = 5.0


class Intake:
    """Counts what is being accepted. Once closed it accepts nothing more: Slack asks another
    replica, or again."""

    def __init__(self) -> None:
        self._open = True
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def is_open(self) -> bool:
        """Whether anything is still accepted."""
        return self._open

    @contextmanager
    def accepting(self) -> Iterator[None]:
        """Around one request."""
        self._running += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._running -= 1
            if not self._running:
                self._idle.set()

    async def close(self, seconds: float) -> None:
        """Accepts nothing more, and waits at most ``seconds`` for what is being accepted."""
        self._open = False
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            return


class _Opening(AsyncWebClient):
    """Asks for the address of a connection. Slack's client would wait as long as it is told."""

    async def apps_connections_open(self, *, app_token: str, **given: Any) -> AsyncSlackResponse:
        try:
            return await super().apps_connections_open(app_token=app_token, **given)
        except SlackApiError as error:
            # The connection's own loop waits some seconds and asks again.
            raise ConnectionError(f"Slack gives no connection: {error}") from None


class SocketConnection(AsyncSocketModeHandler):
    """One Socket Mode connection, which heeds the intake."""

    def __init__(self, app: AsyncApp, app_token: str, intake: Intake) -> None:
        opening = _Opening(base_url=app.client.base_url, timeout=10, retry_handlers=[])
        super().__init__(app, app_token, web_client=opening, ping_interval=_PING_SECONDS)
        self._intake = intake

    # Narrower than its base class, as Bolt's own handler for aiohttp is.
    async def handle(self, client: SocketModeClient, req: SocketModeRequest) -> None:  # type: ignore[override]
        """Hands one envelope to Bolt, or leaves it unacknowledged."""
        if not self._intake.is_open:
            return
        with self._intake.accepting():
            await super().handle(client, req)

    async def is_connected(self) -> bool:
        """Whether the connection stands."""
        return bool(await self.client.is_connected())


def add_http_intake(application: web.Application, app: AsyncApp, intake: Intake) -> None:
    """HTTP mode: Slack's signed requests to ``/slack/events``."""

    async def events(request: web.Request) -> web.Response:
        if not intake.is_open:
            return web.Response(status=503, headers={"Retry-After": "1"})
        with intake.accepting():
            answer = await app.async_dispatch(await to_bolt_request(request))
            return await to_aiohttp_response(answer)

    application.router.add_post("/slack/events", events)
