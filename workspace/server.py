"""The workspace as a running server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

from aiohttp import web

from workspace.activity import Activity
from workspace.apps import App
from workspace.cast import Cast
from workspace.delivery import Transport
from workspace.events import Events
from workspace.faults import Faults
from workspace.feed import Feed, Log
from workspace.founding import found
from workspace.grants import Grants
from workspace.guard import guard
from workspace.hooks import Hooks
from workspace.http_delivery import HttpDelivery
from workspace.identifiers import Identifiers
from workspace.interactions import Interactions
from workspace.manifest import Manifest
from workspace.page_api import Offers, PageApi
from workspace.page_control import PageControl
from workspace.person import Person
from workspace.rates import Rates
from workspace.rendering import Rendering
from workspace.rules import Rules
from workspace.services import Services
from workspace.socket_mode import SocketMode
from workspace.state import State
from workspace.tasks import Tasks
from workspace.transfers import Transfers
from workspace.web_api.dispatch import WebApi
from workspace.web_api.oauth import Authorize

_PAGE = Path(__file__).parent / "page"
_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_LARGEST_REQUEST = 64 * 1024 * 1024


class Workspace:
    """A Slack workspace on this machine, for one app described by its manifest.

    `async with Workspace(manifest) as workspace:` starts it; `port` 0 picks a free one. `bot_token`,
    `app_token` and `signing_secret` are what the app needs, `api_url` goes into the Slack client as
    its `base_url`. `places` are lines to try that the page offers: `line` (what to type) and `shows`;
    `links` are other pages that belong to it, by title.
    With a `request_url` everything is sent there over HTTP, whatever the manifest says of Socket Mode
    and of URLs. Raises ManifestError if the manifest breaks Slack's rules.
    """

    def __init__(
        self,
        manifest: Mapping[str, Any],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        rules: Rules | None = None,
        cast: Cast | None = None,
        places: Sequence[Mapping[str, Any]] = (),
        links: Mapping[str, str] | None = None,
        request_url: str | None = None,
    ) -> None:
        self._manifest = Manifest.read(manifest)
        if request_url is not None:
            self._manifest = replace(self._manifest, socket_mode=False)
        self._request_url = request_url
        self._host = host
        self._port = port
        self._rules = rules or Rules()
        self._cast = cast or Cast()
        self._offers = Offers(places, links or {})
        self._runner: web.AppRunner | None = None
        self._people: list[Person] = []
        self.services: Services

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """The page's address, without a slash at its end."""
        return self.services.base_url

    @property
    def api_url(self) -> str:
        """The Web API's address, with a slash at its end."""
        return f"{self.url}/api/"

    @property
    def bot_token(self) -> str:
        """The bot token in the first team."""
        return next(iter(self.services.app.installations.values())).bot_token

    @property
    def bot_tokens(self) -> dict[str, str]:
        """Team id → bot token, for each team that has the app."""
        return {
            team: installation.bot_token
            for team, installation in self.services.app.installations.items()
        }

    @property
    def app_token(self) -> str:
        """The app-level token, for Socket Mode."""
        return self.services.app.app_token

    @property
    def signing_secret(self) -> str:
        """The secret with which requests to the app are signed."""
        return self.services.app.signing_secret

    @property
    def channels(self) -> dict[str, str]:
        """Channel name → id."""
        return {c.name: c.id for c in self.services.state.channels.values() if c.name}

    @property
    def users(self) -> dict[str, str]:
        """Handle → user id."""
        return {user.name: user.id for user in reversed(self.services.state.users.values())}

    @property
    def groups(self) -> dict[str, str]:
        """User group handle → id."""
        return {group.handle: group.id for group in self.services.state.groups.values()}

    def person(self, name: str) -> Person:
        """Someone to act as, by handle."""
        person = Person(self.url, self.users[name])
        self._people.append(person)
        return person

    async def wait_connected(self, count: int = 1, seconds: float = 60.0) -> None:
        """Wait until the app has so many Socket Mode connections. Raises TimeoutError."""
        await self.services.socket_mode.wait_connected(count, seconds)

    def uninstall(self, domain: str) -> None:
        """An administrator of that team removes the app: its token is worth nothing from then on, and
        the app hears of it (https://docs.slack.dev/reference/events/app_uninstalled)."""
        services = self.services
        team = next(t.id for t in services.state.teams.values() if t.domain == domain)
        installation = services.app.installations[team]
        services.app.revoked.add(installation.bot_token)
        tokens = {"oauth": [], "bot": [installation.bot_user_id]}
        for event in ({"type": "tokens_revoked", "tokens": tokens}, {"type": "app_uninstalled"}):
            services.events.emit(str(event["type"]), event, None, team)

    def described(self) -> dict[str, Any]:
        """What the app and its tests need to know, as JSON: address, tokens, ids."""
        return {
            "url": self.url,
            "api_url": self.api_url,
            "bot_token": self.bot_token,
            "bot_tokens": self.bot_tokens,
            "app_token": self.app_token,
            "signing_secret": self.signing_secret,
            "client_id": self.services.app.client_id,
            "client_secret": self.services.app.client_secret,
            "channels": self.channels,
            "users": self.users,
            "groups": self.groups,
        }

    async def start(self) -> None:
        """Listen. The address is known afterwards. Raises OSError if the port is taken."""
        application = web.Application(middlewares=[guard], client_max_size=_LARGEST_REQUEST)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        # Routes must be there before the runner is set up, the port only afterwards.
        services = self._wire()
        self.services = services
        _routes(application, services, self._offers)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, self._port).start()
        except OSError:
            await runner.cleanup()
            raise
        port = runner.addresses[0][1]
        shown = "127.0.0.1" if self._host in ("0.0.0.0", "::") else self._host  # noqa: S104
        services.base_url = services.rendering.base_url = f"http://{shown}:{port}"
        self._runner = runner

    async def stop(self) -> None:
        """Close every connection and end every task."""
        for person in self._people:
            await person.close()
        await self.services.tasks.stop()
        await self.services.socket_mode.close()
        await self._http.close()
        self.services.feed.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def _wire(self) -> Services:
        identifiers = Identifiers()
        app = App(id=identifiers.new("A"), manifest=self._manifest, client_id="1.1")
        state = State(app, identifiers)
        feed = Feed()
        log = Log(feed)
        faults = Faults()
        tasks = Tasks()
        rates = Rates(strict=self._rules.strict_rates)
        socket_mode = SocketMode(app, self._rules, log, faults, tasks, feed)
        http = HttpDelivery(app, log, faults, self._request_url)
        transport: Transport = socket_mode if self._manifest.socket_mode else http
        self._http = http
        rendering = Rendering(state, "")
        events = Events(state, self._rules, transport, tasks, log)
        found(state, self._cast)
        for installation in app.installations.values():
            log.mask(installation.bot_token, "bot token")
        log.mask(app.app_token, "app token")
        log.mask(app.signing_secret, "signing secret")
        log.mask(app.client_secret, "client secret")
        log.mask(app.verification_token, "verification token")
        return Services(
            base_url="",
            rules=self._rules,
            app=app,
            state=state,
            feed=feed,
            log=log,
            faults=faults,
            rates=rates,
            grants=Grants(self._rules),
            tasks=tasks,
            socket_mode=socket_mode,
            transport=transport,
            events=events,
            activity=Activity(state, feed, events, rendering),
            rendering=rendering,
        )


def _routes(application: web.Application, services: Services, offers: Offers) -> None:
    web_api = WebApi(services)
    hooks = Hooks(services)
    transfers = Transfers(services)
    page = PageApi(services, Interactions(services), offers)
    router = application.router
    router.add_route("*", "/api/{method}", web_api.handle)
    router.add_get("/oauth/v2/authorize", Authorize(services).handle)
    router.add_get("/link/", services.socket_mode.handle)
    router.add_post("/commands/{team}/{number}/{secret}", hooks.handle)
    router.add_post("/actions/{team}/{number}/{secret}", hooks.handle)
    router.add_post("/upload/v1/{file}/{secret}", transfers.upload)
    router.add_get("/files-pri/{file}/{name}", transfers.download)
    router.add_get("/files-pri/{file}/download/{name}", transfers.download)
    page.add_routes(router)
    PageControl(services).add_routes(router)
    if (_PAGE / "index.html").exists():
        router.add_get("/", _index)
        router.add_get("/archives/{channel}/p{number:[0-9]{7,20}}", _permalink)
        router.add_static("/static/", _PAGE)


async def _index(request: web.Request) -> web.StreamResponse:
    return web.FileResponse(_PAGE / "index.html", headers=_PAGE_HEADERS)


async def _permalink(request: web.Request) -> web.StreamResponse:
    """Leads a message's link to its thread on the page."""
    number = request.match_info["number"]
    thread = request.query.get("thread_ts") or f"{number[:-6]}.{number[-6:]}"
    place = urlencode({"channel": request.match_info["channel"], "thread": thread})
    raise web.HTTPFound(f"/#{place}")
