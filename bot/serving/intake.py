"""Where Slack's requests come in, over Socket Mode or HTTP, and how that ends in good order."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

#: An acknowledgement takes some milliseconds and the commit that it waits for.
_LATE_SECONDS: Final = 0.25
#: So many are accepted at once on a connection; they share a commit.
_AT_ONCE: Final = 64


class Intake:
    """Counts what is being accepted. Once closed it accepts nothing more: Slack asks another
    replica, or again."""

    def __init__(self) -> None:
        self._open = True
        self._running = 0
        self._begun: dict[int, float] = {}
        self._numbers = itertools.count()
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def is_open(self) -> bool:
        """Whether anything is still accepted."""
        return self._open

    @property
    def is_late(self) -> bool:
        """Whether somebody waits for an acknowledgement noticeably long. Slack gives up after three
        seconds, so other work should wait."""
        oldest = next(iter(self._begun.values()), None)
        return oldest is not None and time.monotonic() - oldest > _LATE_SECONDS

    @contextmanager
    def accepting(self) -> Iterator[None]:
        """Around one request."""
        number = next(self._numbers)
        self._begun[number] = time.monotonic()
        self._running += 1
        self._idle.clear()
        try:
            yield
        finally:
            del self._begun[number]
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


class SocketConnection(AsyncSocketModeHandler):
    """One Socket Mode connection, which heeds the intake."""

    def __init__(self, app: AsyncApp, app_token: str, intake: Intake) -> None:
        super().__init__(app, app_token)
        self._intake = intake
        self._turns = asyncio.Semaphore(_AT_ONCE)

    # Narrower than its base class, as Bolt's own handler for aiohttp is.
    async def handle(self, client: SocketModeClient, req: SocketModeRequest) -> None:  # type: ignore[override]
        """Hands one envelope to Bolt, or leaves it unacknowledged."""
        if not self._intake.is_open:
            return
        with self._intake.accepting():
            # In turn: those who came first are answered first, and not all of them at the end.
            async with self._turns:
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
