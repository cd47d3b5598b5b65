"""The composition root of the bot: settings → parts → a running bot.

This module and ``bot.commands.serve`` alone know the conversation in ``handlers``.
"""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Self

from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncRateLimitErrorRetryHandler,
)
from slack_sdk.web.async_client import AsyncWebClient

import handlers
from bot.desks.choosing import Desks
from bot.desks.configuration import load_desks
from bot.desks.polling import Poller
from bot.errors import SettingsError
from bot.lookup import Lookup
from bot.lookup_runner import LookupRunner, Share
from bot.requests.delivery import Delivery, Patience, Receipt
from bot.requests.messages import Messages
from bot.requests.service import Requests
from bot.serving.health import health_application
from bot.serving.housekeeping import keep_house
from bot.serving.intake import Intake, SocketConnection, add_http_intake
from bot.serving.logs import logger
from bot.serving.metrics import Metrics
from bot.serving.oauth import (
    InstallationStore,
    ManyWorkspaces,
    add_install_pages,
    oauth_settings,
)
from bot.serving.tasks import Tasks
from bot.settings import Settings
from bot.store import outbox
from bot.store.database import Database, StoreError, Unit
from bot.store.installations import Installations
from bot.store.lookups import Lookups
from bot.store.outbox import LOOKUPS, POSTS, Act
from bot.store.seen import Seen
from handlers.parts import Clients, Parts
from handlers.people import People

#: How long the end may take in all is 30 s; each of its steps gets a share of that, in seconds.
_INTAKE_SECONDS: Final = 4.0
_TASK_SECONDS: Final = 4.0
_DELIVERY_SECONDS: Final = 15.0
#: An outbox is stuck where nobody took an act for so long that could be delivered. What waits for
#: Matrix42 or Slack to come back is no such act.
_STALE_SECONDS: Final = 600.0
_POSTING: Final = 8


class OneWorkspace:
    """The clients of a bot that is installed in one workspace by its token."""

    def __init__(self, settings: Settings) -> None:
        self._client = AsyncWebClient(
            settings.slack_bot_token, base_url=settings.slack_api_url, retry_handlers=[]
        )

    async def web(self, team: str) -> AsyncWebClient:
        """The same client for every team: a shared channel belongs to several."""
        return self._client


class Bot:
    """A running bot; an asynchronous context manager. ``port`` is where health and HTTP mode
    listen. ``patience`` is how long delivering is tried; by default as the settings say.

    Entering raises SettingsError where tokens are missing or refused, StoreError where the database
    cannot be used.
    """

    def __init__(self, settings: Settings, *, patience: Patience | None = None) -> None:
        self._settings = settings
        self._patience = patience or Patience(lease=settings.lease)
        self.port = settings.listen_port
        self.metrics = Metrics()
        self._tasks = Tasks()
        self._intake = Intake()
        self._connections: list[SocketConnection] = []
        self._stack = contextlib.AsyncExitStack()
        self._database = Database(settings.database_url)
        self._installations: InstallationStore | None = None
        if settings.slack_client_id:
            installations = Installations(self._database, settings.encryption_keys)
            self._installations = InstallationStore(installations)

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as stack:
            await self._start(stack)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stops intake, finishes what is under way or hands it over, closes."""
        await self._stack.aclose()
        logger.info("The bot has stopped.", extra={"state": "stopped"})

    async def _start(self, stack: contextlib.AsyncExitStack) -> None:
        settings = self._settings
        stack.push_async_callback(self._database.dispose)
        await self._database.migrate()
        lookup = await stack.enter_async_context(Lookup(settings))
        runner = LookupRunner(
            lookup.answer,
            Share(settings.lookups_per_user, settings.lookups_per_workspace),
            settings.lookup_cache_seconds,
        )
        stack.push_async_callback(runner.aclose)
        desks = self._desks(stack)
        parts = self._parts(runner, desks)
        app = self._application()
        if not settings.slack_client_id:
            await self._check_token(app)
        handlers.register(app, parts)
        await self._deliver(stack, parts)
        housekeeping = asyncio.create_task(keep_house(self._database, settings))
        stack.push_async_callback(_ended, housekeeping)
        stack.callback(housekeeping.cancel)
        if desks is not None:
            poller = Poller(self._database, desks)
            polling = asyncio.create_task(poller.run())
            stack.push_async_callback(_stopped, poller, polling)
        stack.push_async_callback(self._tasks.drain, _TASK_SECONDS)
        await self._listen(stack, app)
        if settings.mode == "socket":
            await self._connect(stack, app)
        stack.push_async_callback(self._intake.close, _INTAKE_SECONDS)
        logger.info("The bot is running.", extra={"state": "running"})

    def _desks(self, stack: contextlib.AsyncExitStack) -> Desks | None:
        if self._settings.desk_file is None:
            return None
        desks = Desks(load_desks(self._settings.desk_file))
        stack.push_async_callback(desks.aclose)
        return desks

    def _parts(self, runner: LookupRunner, desks: Desks | None) -> Parts:
        database = self._database
        return Parts(
            settings=self._settings,
            database=database,
            lookups=Lookups(database),
            requests=Requests(database),
            messages=Messages(database),
            seen=Seen(),
            runner=runner,
            clients=self._clients(),
            people=People(self._settings),
            tasks=self._tasks,
            metrics=self.metrics,
            desks=desks,
        )

    def _clients(self) -> Clients:
        if self._installations is None:
            return OneWorkspace(self._settings)
        return ManyWorkspaces(self._settings, self._installations)

    def _application(self) -> AsyncApp:
        settings = self._settings
        client = AsyncWebClient(
            settings.slack_bot_token or None,
            base_url=settings.slack_api_url,
            timeout=10,
            retry_handlers=[
                AsyncConnectionErrorRetryHandler(max_retry_count=1),
                AsyncRateLimitErrorRetryHandler(max_retry_count=1),
            ],
        )
        return AsyncApp(
            logger=logger.getChild("bolt"),
            client=client,
            signing_secret=settings.slack_signing_secret or "unused in Socket Mode",
            request_verification_enabled=settings.mode == "http",
            # A request is answered when its listener has kept what it accepts, and not before.
            process_before_response=True,
            oauth_settings=oauth_settings(settings, self._database, self._installations)
            if self._installations
            else None,
        )

    async def _check_token(self, app: AsyncApp) -> None:
        try:
            await app.client.auth_test()
        except SlackApiError as error:
            code = str(error.response.get("error", ""))
            raise SettingsError(
                f"Slack does not accept SLACK_BOT_TOKEN ({code}).",
                "Copy the Bot User OAuth Token from the app's page “OAuth & Permissions”.",
            ) from None

    async def _deliver(self, stack: contextlib.AsyncExitStack, parts: Parts) -> None:
        couriers = handlers.couriers(parts)

        async def delivered(unit: Unit, act: Act, receipt: Receipt) -> None:
            await handlers.on_delivered(parts, unit, act, receipt)

        async def failed(unit: Unit, act: Act, reason: str) -> None:
            await handlers.on_failed(parts, unit, act, reason)

        for pool, concurrency in (
            (POSTS, _POSTING),
            (LOOKUPS, self._settings.lookups_per_workspace),
        ):
            delivery = Delivery(
                self._database,
                couriers,
                delivered,
                on_failed=failed,
                observe=self._observe,
                pool=pool,
                patience=self._patience,
                concurrency=concurrency,
            )
            task = asyncio.create_task(delivery.run())
            stack.push_async_callback(_ended, task)
            stack.push_async_callback(delivery.stop, _DELIVERY_SECONDS / 2)

    def _observe(self, act: Act, outcome: str, seconds: float) -> None:
        self.metrics.deliveries.labels(act.kind, outcome).inc()
        logger.info(
            "An act was attempted.",
            extra={
                "kind": act.kind,
                "act": act.id,
                "outcome": outcome,
                "milliseconds": round(seconds * 1000),
            },
        )

    async def _listen(self, stack: contextlib.AsyncExitStack, app: AsyncApp) -> None:
        application = health_application(self._readiness, self._refresh, self.metrics)
        if self._settings.mode == "http":
            add_http_intake(application, app, self._intake)
        add_install_pages(application, app)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=2.0)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, self._settings.listen_host, self._settings.listen_port)
        try:
            await site.start()
        except OSError as error:
            raise SettingsError(
                f"Nothing can listen on {self._settings.listen_host}, port "
                f"{self._settings.listen_port}: {error.strerror}.",
                "Choose another WHICHROOT_LISTEN_PORT.",
            ) from None
        self.port = runner.addresses[0][1]

    async def _connect(self, stack: contextlib.AsyncExitStack, app: AsyncApp) -> None:
        for _ in range(self._settings.socket_connections):
            connection = SocketConnection(app, self._settings.slack_app_token, self._intake)
            try:
                # Bolt's method has no types.
                await connection.connect_async()  # type: ignore[no-untyped-call]
            except SlackApiError as error:
                code = str(error.response.get("error", ""))
                raise SettingsError(
                    f"Slack does not accept SLACK_APP_TOKEN ({code}).",
                    "Make an app-level token with the scope connections:write.",
                ) from None
            stack.push_async_callback(connection.close_async)
            self._connections.append(connection)

    async def _readiness(self) -> dict[str, str]:
        problems = {}
        try:
            async with self._database.read() as unit:
                backlog = await outbox.backlog(unit)
        except StoreError as error:
            return {"database": error.message}
        if backlog.due_at:
            age = (datetime.now(UTC) - backlog.due_at).total_seconds()
            if age > _STALE_SECONDS:
                problems["outbox"] = f"An act has been due for {age:.0f} seconds; nobody took it."
        if not self._intake.is_open:
            problems["slack"] = "The bot is stopping."
        elif self._settings.mode == "socket" and not await self._is_connected():
            problems["slack"] = "There is no connection to Slack."
        return problems

    async def _is_connected(self) -> bool:
        return any([await connection.is_connected() for connection in self._connections])

    async def _refresh(self) -> None:
        try:
            async with self._database.read() as unit:
                backlog = await outbox.backlog(unit)
        except StoreError:
            return
        self.metrics.outbox.labels("waiting").set(backlog.waiting)
        self.metrics.outbox.labels("failed").set(backlog.failed)
        now = datetime.now(UTC)
        age = (now - backlog.oldest_at).total_seconds() if backlog.oldest_at else 0.0
        self.metrics.outbox_age.set(max(age, 0.0))


async def _stopped(poller: Poller, task: asyncio.Task[None]) -> None:
    """A poll that does not end in time is undone; its ticket's lease runs out."""
    poller.stop()
    await asyncio.wait({task}, timeout=_TASK_SECONDS)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _ended(task: asyncio.Task[None]) -> None:
    await asyncio.gather(task, return_exceptions=True)
