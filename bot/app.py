"""The composition root of the bot: settings → parts → a running bot.

This module and ``bot.commands.serve`` alone know the conversation in ``handlers``.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

import aiohttp
from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_bolt.logger.messages import warning_client_prioritized_and_token_skipped
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncConnectionErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

import handlers
from bot.errors import SettingsError
from bot.lookup import Lookup
from bot.lookup_runner import LookupRunner, Share
from bot.requests.courier import Later, Receipt
from bot.requests.delivery import Delivery
from bot.requests.messages import Messages
from bot.requests.patience import Patience
from bot.requests.service import Requests
from bot.serving import logs
from bot.serving.authorizing import NOT_ACCEPTED, NOT_INSTALLED, InstalledBots, OneBot
from bot.serving.health import health_application
from bot.serving.heap import give_back
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
from bot.serving.one_token import OneToken
from bot.serving.pace import Pace
from bot.serving.readiness import Readiness
from bot.serving.tasks import Tasks
from bot.settings import Settings, secrets_of
from bot.store import outbox
from bot.store.database import Database, Unit
from bot.store.installations import Installations
from bot.store.lookups import Lookups
from bot.store.outbox import LOOKUPS, POSTS, Act
from bot.store.seen import Seen
from handlers.couriers.slack_errors import UNREACHABLE, code_of, is_shut_out, told_apart
from handlers.parts import Clients, Parts
from handlers.people import People
from handlers.queue_news import QueueNews

#: How long the end may take in all is 30 s; each of its steps gets a share of that, in seconds.
_INTAKE_SECONDS: Final = 4.0
_TASK_SECONDS: Final = 4.0
_DELIVERY_SECONDS: Final = 15.0
#: How long the start waits for Slack.
_CONNECT_SECONDS: Final = 5.0
_POSTING: Final = 8
#: How long a call to Slack may take, and one for which somebody waits.
_SLACK_SECONDS: Final = 30
_INTERACTIVE_SECONDS: Final = 10


if TYPE_CHECKING:
    from bot.desks.choosing import Desks
    from bot.desks.polling import Poller


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
        self._pace = Pace(max(_POSTING, settings.lookups_per_workspace))
        self._intake = Intake(self._pace)
        self._connections: list[SocketConnection] = []
        self._stack = contextlib.AsyncExitStack()
        self._database = Database(settings.database_url)
        self._lookups = Lookups(self._database, settings.encryption_keys)
        self._installations: InstallationStore | None = None
        if settings.slack_client_id:
            installations = Installations(self._database, settings.encryption_keys)
            self._installations = InstallationStore(installations, self._installed)
        logs.hide(secrets_of(settings))

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
        # Connections to Slack are kept open: making one costs more than a call does.
        self._session = await stack.enter_async_context(_session(_SLACK_SECONDS))
        in_time = await stack.enter_async_context(
            _session(_INTERACTIVE_SECONDS, self._session.connector)
        )
        self._clients, self._authorize = self._slack(in_time)
        await self._database.migrate()
        lookup = Lookup(settings)
        runner = LookupRunner(
            lookup.answer,
            Share(
                settings.lookups_per_user, settings.lookups_per_workspace, settings.lookups_stalled
            ),
            settings.lookup_cache_seconds,
        )
        stack.push_async_callback(runner.aclose)
        desks = self._desks(stack)
        parts = self._parts(runner, desks)
        app = self._application(in_time)
        if isinstance(self._authorize, OneBot):
            await self._check_token(self._authorize)
        await self._resume()
        handlers.register(app, parts)
        await self._deliver(stack, parts)
        for work in (keep_house(self._database, settings), parts.queue.run(), give_back()):
            task = asyncio.create_task(work)
            stack.push_async_callback(_ended, task)
            stack.callback(task.cancel)
        if desks is not None:
            from bot.desks.polling import Poller, Turns

            turns = Turns(lease=self._patience.lease, look=self._patience.poll)
            poller = Poller(self._database, desks, turns)
            polling = asyncio.create_task(poller.run())
            stack.push_async_callback(_stopped, poller, polling)
        stack.push_async_callback(self._tasks.drain, _TASK_SECONDS)
        await self._listen(stack, app)
        if settings.mode == "socket":
            await self._connect(stack, app)
        stack.push_async_callback(self._intake.close, _INTAKE_SECONDS)
        self._tasks.start(asyncio.to_thread(handlers.warm_up), "warming up")
        logger.info("The bot is running.", extra={"state": "running"})

    def _desks(self, stack: contextlib.AsyncExitStack) -> Desks | None:
        if self._settings.desk_file is None:
            return None
        # Imported late: most of what the desks need is needed by nothing else.
        from bot.desks.choosing import Desks
        from bot.desks.configuration import load_desks

        desks = Desks(load_desks(self._settings.desk_file))
        logs.hide(desks.secrets)
        stack.push_async_callback(desks.aclose)
        return desks

    def _parts(self, runner: LookupRunner, desks: Desks | None) -> Parts:
        database = self._database
        return Parts(
            settings=self._settings,
            database=database,
            lookups=self._lookups,
            requests=Requests(database),
            messages=Messages(database),
            seen=Seen(),
            runner=runner,
            clients=self._clients,
            people=People(self._settings),
            tasks=self._tasks,
            metrics=self.metrics,
            queue=QueueNews(database, self._lookups, self._session),
            desks=desks,
        )

    def _slack(self, in_time: aiohttp.ClientSession) -> tuple[Clients, OneBot | InstalledBots]:
        """With what Slack is spoken to, and who the bot is there."""
        settings = self._settings
        if self._installations is None:
            bot = OneBot(self._web_client(in_time, settings.slack_bot_token))
            return OneToken(settings, self._session), bot
        clients = ManyWorkspaces(settings, self._installations, self._session)
        return clients, InstalledBots(self._installations)

    def _web_client(
        self, session: aiohttp.ClientSession, token: str | None = None
    ) -> AsyncWebClient:
        return AsyncWebClient(
            token,
            base_url=self._settings.slack_api_url,
            timeout=_INTERACTIVE_SECONDS,
            session=session,
            retry_handlers=[AsyncConnectionErrorRetryHandler(max_retry_count=1)],
        )

    def _application(self, session: aiohttp.ClientSession) -> AsyncApp:
        settings = self._settings
        by_http = settings.mode == "http"
        return AsyncApp(
            # Else Bolt reads the source of its callers to find a name, which takes a while.
            name="whichroot",
            logger=_bolt_logger(),
            client=self._web_client(session),
            signing_secret=settings.slack_signing_secret or "unused in Socket Mode",
            request_verification_enabled=by_http,
            ssl_check_enabled=by_http,
            url_verification_enabled=by_http,
            # A request is answered when its listener has kept what it accepts, and not before.
            process_before_response=True,
            # An AsyncAuthorize is taken as well, which its type does not say.
            authorize=self._authorize,  # type: ignore[arg-type]
            oauth_settings=oauth_settings(settings, self._database, self._installations)
            if self._installations
            else None,
        )

    async def _check_token(self, bot: OneBot) -> None:
        try:
            await bot.learn()
        except SlackApiError as error:
            if isinstance(told_apart(error), Later) and not is_shut_out(error):
                logger.warning("Slack does not say whose the token is.", extra={"state": "waiting"})
                return
            raise SettingsError(
                f"Slack does not accept SLACK_BOT_TOKEN ({code_of(error)}).",
                "Copy the Bot User OAuth Token from the app's page “OAuth & Permissions”.",
            ) from None
        except UNREACHABLE as error:
            logger.warning(
                "Slack cannot be reached.",
                extra={"state": "waiting", "error": type(error).__name__},
            )

    async def _installed(self) -> None:
        """A workspace has the app anew: what waits for that goes on."""
        if isinstance(self._clients, ManyWorkspaces):
            self._clients.forget()
        if isinstance(self._authorize, InstalledBots):
            self._authorize.forget()
        await self._resume()

    async def _resume(self) -> None:
        async with self._database.begin() as unit:
            await outbox.hurry(unit, (NOT_ACCEPTED, NOT_INSTALLED))

    async def _deliver(self, stack: contextlib.AsyncExitStack, parts: Parts) -> None:
        couriers = handlers.couriers(parts)

        async def delivered(unit: Unit, act: Act, receipt: Receipt) -> None:
            await handlers.on_delivered(parts, unit, act, receipt)

        async def failed(unit: Unit, act: Act, reason: str) -> None:
            await handlers.on_failed(parts, unit, act, reason)

        async def put_off(unit: Unit, act: Act, reason: str) -> None:
            await handlers.on_put_off(parts, unit, act, reason)

        runner = parts.runner
        pools: Sequence[tuple[str, int, Callable[[], int]]] = (
            (POSTS, _POSTING, int),
            (LOOKUPS, self._settings.lookups_per_workspace, lambda: runner.waiting),
        )
        for pool, concurrency, waiting in pools:
            delivery = Delivery(
                self._database,
                couriers,
                delivered,
                on_failed=failed,
                on_put_off=put_off,
                observe=self._observe,
                pool=pool,
                patience=self._patience,
                concurrency=concurrency,
                waiting=waiting,
                gives_way=lambda: self._intake.is_late,
                at_once=lambda: self._pace.at_once,
                begins=self._pace.measure,
            )
            if pool == LOOKUPS:
                runner.on_waiting(delivery.look_again)
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
        by_socket = self._settings.mode == "socket"
        readiness = Readiness(
            self._database, self._intake, self._connections, self.metrics, by_socket=by_socket
        )
        application = health_application(readiness.condition, readiness.refresh, self.metrics)
        if self._settings.mode == "http":
            add_http_intake(application, app, self._intake, self._settings.slack_signing_secret)
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
        token = self._settings.slack_app_token
        await self._check_app_token(token)
        connecting = []
        for _ in range(self._settings.socket_connections):
            connection = SocketConnection(app, token, self._intake)
            stack.push_async_callback(connection.close_async)
            # Bolt's method has no types. It tries until it succeeds.
            task = asyncio.create_task(connection.connect_async())  # type: ignore[no-untyped-call]
            stack.push_async_callback(_ended, task)
            stack.callback(task.cancel)
            self._connections.append(connection)
            connecting.append(task)
        # Where Slack is out of reach the bot runs all the same: what it has accepted is looked up,
        # the desk is polled, and it is ready once Slack is back.
        await asyncio.wait(connecting, timeout=_CONNECT_SECONDS)

    async def _check_app_token(self, token: str) -> None:
        try:
            await self._web_client(self._session).apps_connections_open(app_token=token)
        except SlackApiError as error:
            if isinstance(told_apart(error), Later) and not is_shut_out(error):
                return
            raise SettingsError(
                f"Slack does not accept SLACK_APP_TOKEN ({code_of(error)}).",
                "Make an app-level token with the scope connections:write.",
            ) from None
        except UNREACHABLE:
            return


def _session(seconds: int, connector: aiohttp.BaseConnector | None = None) -> aiohttp.ClientSession:
    """Keeps no cookies; within ``seconds`` each call ends."""
    return aiohttp.ClientSession(
        connector=connector,
        connector_owner=connector is None,
        timeout=aiohttp.ClientTimeout(total=seconds),
        cookie_jar=aiohttp.DummyCookieJar(),
    )


def _bolt_logger() -> logging.Logger:
    bolt = logger.getChild("bolt")
    bolt.addFilter(_says_something)
    return bolt


def _says_something(record: logging.LogRecord) -> bool:
    # Bolt finds SLACK_BOT_TOKEN in the environment, beside the client that has it.
    return record.getMessage() != warning_client_prioritized_and_token_skipped()


async def _stopped(poller: Poller, task: asyncio.Task[None]) -> None:
    """A poll that does not end in time is undone; its ticket's lease runs out."""
    poller.stop()
    await asyncio.wait({task}, timeout=_TASK_SECONDS)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _ended(task: asyncio.Task[None]) -> None:
    await asyncio.gather(task, return_exceptions=True)
