"""Where Slack's requests come in, over Socket Mode or HTTP, and how that ends in good order."""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.serving.logs import logger
from bot.serving.pace import Pace

#: How often a connection is looked after, and tried again where there is none, in seconds.
_PING_SECONDS: Final = 5.0

#: Unix seconds.
_STAMP: Final = re.compile(r"[0-9]{1,12}", re.ASCII)
#: With this Slack looks at the server's certificate; it is not signed and waits for 200
#: (https://docs.slack.dev/interactivity/implementing-slash-commands).
_SSL_CHECK: Final = b"ssl_check=1"
_MAX_SSL_CHECK: Final = 1_000

#: An acknowledgement takes some milliseconds and the commit that it waits for.
_LATE_SECONDS: Final = 0.1
#: What Bolt raises over a body that Slack would not send.
_UNREADABLE: Final = (ValueError, TypeError, AttributeError, LookupError, RecursionError)
#: So many are accepted at once on a connection; they share a commit.
_AT_ONCE: Final = 64


class Intake:
    """Counts what is being accepted, and has the ``pace`` measured then. Once closed it accepts nothing more: Slack asks another
    replica, or again."""

    def __init__(self, pace: Pace | None = None) -> None:
        self._open = True
        self._pace = pace
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
        if self._pace is not None:
            self._pace.measure()
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
        self._turns = asyncio.Semaphore(_AT_ONCE)

    # Narrower than its base class, as Bolt's own handler for aiohttp is.
    async def handle(self, client: SocketModeClient, req: SocketModeRequest) -> None:  # type: ignore[override]
        """Hands one envelope to Bolt, or leaves it unacknowledged."""
        if not self._intake.is_open:
            return
        with self._intake.accepting():
            # In turn: those who came first are answered first, and not all of them at the end.
            async with self._turns:
                try:
                    await super().handle(client, req)
                except _UNREADABLE:
                    logger.warning("Slack's request cannot be read.", extra={"kind": "socket"})

    async def is_connected(self) -> bool:
        """Whether the connection stands."""
        return bool(await self.client.is_connected())


def add_http_intake(
    application: web.Application, app: AsyncApp, intake: Intake, signing_secret: str
) -> None:
    """HTTP mode: Slack's signed requests to ``/slack/events``. Nothing is read of a request before
    its signature has proven that it is Slack's, and of these minutes."""
    verifier = SignatureVerifier(signing_secret)

    async def events(request: web.Request) -> web.Response:
        if not intake.is_open:
            return web.Response(status=503, headers={"Retry-After": "1"})
        with intake.accepting():
            body = await request.read()
            if body.startswith(_SSL_CHECK) and len(body) < _MAX_SSL_CHECK:
                return web.Response()
            try:
                text = body.decode()
            except UnicodeDecodeError:
                return web.Response(status=401)
            if not _is_signed(verifier, text, request.headers):
                return web.Response(status=401)
            try:
                asked = AsyncBoltRequest(
                    body=text,
                    query=request.query_string,
                    headers=dict(request.headers),
                )
                answer = await app.async_dispatch(asked)
            except _UNREADABLE:
                logger.warning("Slack's request cannot be read.", extra={"kind": "http"})
                return web.Response(status=400)
            return await to_aiohttp_response(answer)

    application.router.add_post("/slack/events", events)


def _is_signed(verifier: SignatureVerifier, body: str, headers: Mapping[str, str]) -> bool:
    """https://docs.slack.dev/authentication/verifying-requests-from-slack"""
    stamp = headers.get("X-Slack-Request-Timestamp", "")
    signature = headers.get("X-Slack-Signature", "")
    if not _STAMP.fullmatch(stamp) or not signature.isascii():
        return False
    return bool(verifier.is_valid(body=body, timestamp=stamp, signature=signature))
