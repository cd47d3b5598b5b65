"""One bot for several workspaces and organisations: its installations, kept encrypted in the
database, and the pages through which it is installed."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from logging import Logger
from typing import Any, Final

import aiohttp
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncApp
from slack_bolt.oauth.async_oauth_settings import AsyncOAuthSettings
from slack_sdk.errors import SlackApiError
from slack_sdk.oauth.installation_store import Bot, Installation
from slack_sdk.oauth.installation_store.async_installation_store import AsyncInstallationStore
from slack_sdk.oauth.state_store.async_state_store import AsyncOAuthStateStore
from slack_sdk.web.async_client import AsyncWebClient

from bot.requests.courier import Later
from bot.serving.authorizing import NOT_INSTALLED
from bot.serving.logs import logger
from bot.settings import Settings
from bot.store.database import Database
from bot.store.installations import Installations
from bot.store.seen import Seen

#: What the manifest asks for, which a test compares.
SCOPES: Final = (
    "app_mentions:read",
    "channels:history",
    "channels:read",
    "chat:write",
    "chat:write.public",
    "commands",
    "files:read",
    "files:write",
    "groups:history",
    "groups:read",
    "im:history",
    "im:write",
    "usergroups:read",
    "users:read",
)
INSTALL_PATH: Final = "/slack/install"
REDIRECT_PATH: Final = "/slack/oauth_redirect"
_STATE_SECONDS: Final = 600
#: How long a workspace's client is used before its token is read again, in seconds.
_CLIENT_SECONDS: Final = 60.0
#: How long acts for a workspace without the app wait; an installation ends that at once.
_NOT_INSTALLED_SECONDS: Final = 3600.0
#: What auth.test answers to a token that is of no use any more.
_REVOKED: Final = frozenset({"token_revoked", "account_inactive", "invalid_auth", "token_expired"})


class InstallationStore(AsyncInstallationStore):
    """Bolt's installation store on the database. The bot asks for no user scopes, so a workspace has
    one installation, whoever made it. ``changed`` is awaited after each new installation."""

    def __init__(
        self, installations: Installations, changed: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        self._installations = installations
        self._changed = changed

    @property
    def logger(self) -> Logger:
        """The bot's."""
        return logger

    async def async_save(self, installation: Installation) -> None:
        """Keeps a new installation."""
        await self.async_save_bot(installation.to_bot())

    async def async_save_bot(self, bot: Bot) -> None:
        """The same without the person who installed."""
        if bot.is_enterprise_install:
            await self._keep(bot, enterprise_id=bot.enterprise_id)
        else:
            await self._keep(bot, team_id=bot.team_id)
        if self._changed:
            await self._changed()

    async def async_find_bot(
        self,
        *,
        enterprise_id: str | None,
        team_id: str | None,
        is_enterprise_install: bool | None = False,
    ) -> Bot | None:
        """The installation in a workspace; with ``is_enterprise_install`` that of its organisation,
        which is then known for the workspace as well."""
        own = await self._find(team_id=team_id) if team_id else None
        if not is_enterprise_install or not enterprise_id:
            return own
        found = await self._find(enterprise_id=enterprise_id)
        if found and team_id and (own is None or own.bot_token != found.bot_token):
            await self._keep(found, team_id=team_id)
        return found

    async def _keep(
        self, bot: Bot, *, enterprise_id: str | None = None, team_id: str | None = None
    ) -> None:
        data = {
            name: value.timestamp() if isinstance(value, datetime) else value
            for name, value in bot.to_dict_for_copying().items()
        }
        await self._installations.save("bot", data, enterprise_id=enterprise_id, team_id=team_id)

    async def _find(
        self, *, enterprise_id: str | None = None, team_id: str | None = None
    ) -> Bot | None:
        found = await self._installations.find("bot", enterprise_id=enterprise_id, team_id=team_id)
        return None if found is None else Bot(**found)

    async def async_delete_bot(self, *, enterprise_id: str | None, team_id: str | None) -> None:
        """Forgets it."""
        if team_id:
            await self._installations.delete("bot", enterprise_id=None, team_id=team_id)
        else:
            await self._installations.delete("bot", enterprise_id=enterprise_id, team_id=None)

    async def async_delete_all(self, *, enterprise_id: str | None, team_id: str | None) -> None:
        """Forgets everything of a workspace."""
        await self.async_delete_bot(enterprise_id=enterprise_id, team_id=team_id)

    async def async_delete_installation(
        self, *, enterprise_id: str | None, team_id: str | None, user_id: str | None = None
    ) -> None:
        """A person's grant, of which there is none."""


class StateStore(AsyncOAuthStateStore):
    """What binds the way back from Slack to the way there (RFC 6749 section 10.12), for any replica."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seen = Seen()

    @property
    def logger(self) -> Logger:
        """The bot's."""
        return logger

    async def async_issue(self, *args: Any, **kwargs: Any) -> str:
        """A new state."""
        state = secrets.token_urlsafe(32)
        async with self._database.begin() as unit:
            keep = timedelta(seconds=_STATE_SECONDS)
            await self._seen.first(unit, _state_key(state), keep=keep)
        return state

    async def async_consume(self, state: str) -> bool:
        """Whether it was issued and not used."""
        async with self._database.begin() as unit:
            return await self._seen.forget(unit, _state_key(state))


def _state_key(state: str) -> str:
    """What is kept of a state: whoever reads the database cannot use it."""
    return f"oauth:{hashlib.sha256(state.encode()).hexdigest()}"


class ManyWorkspaces:
    """The clients of a bot that is installed in several workspaces."""

    def __init__(
        self, settings: Settings, store: InstallationStore, session: aiohttp.ClientSession
    ) -> None:
        self._settings = settings
        self._session = session
        self._store = store
        self._clients: dict[str, tuple[float, AsyncWebClient]] = {}

    async def web(self, team: str) -> AsyncWebClient:
        """The client with the token of that workspace. Raises Later where there is none."""
        made, client = self._clients.get(team, (float("-inf"), None))
        if client is None or time.monotonic() - made > _CLIENT_SECONDS:
            bot = await self._store.async_find_bot(enterprise_id=None, team_id=team)
            if bot is None:
                raise Later(_NOT_INSTALLED_SECONDS, NOT_INSTALLED, maybe_delivered=False)
            client = self._client(bot, team)
            self._clients[team] = time.monotonic(), client
        return client

    async def removed(self, enterprise_id: str | None, team_id: str | None) -> None:
        """Slack says that the app was removed there. The installation is forgotten, unless it is a
        newer one whose token works: Slack's message may be late. Raises what Slack's client raises
        where that cannot be known."""
        for place in (
            {"enterprise_id": None, "team_id": team_id},
            {"enterprise_id": enterprise_id, "team_id": None},
        ):
            if not any(place.values()):
                continue
            bot = await self._store.async_find_bot(
                **place, is_enterprise_install=place["team_id"] is None
            )
            if bot is not None and await self._is_revoked(bot):
                await self._store.async_delete_bot(**place)
                logger.warning("The app was removed.", extra={"team": team_id or enterprise_id})
        self.forget()

    def forget(self) -> None:
        """An installation has come or gone."""
        self._clients.clear()

    async def _is_revoked(self, bot: Bot) -> bool:
        try:
            await self._client(bot).auth_test()
        except SlackApiError as error:
            # An answer that is no JSON has no data.
            data = getattr(error.response, "data", None)
            if isinstance(data, dict) and data.get("error") in _REVOKED:
                return True
            raise
        return False

    def _client(self, bot: Bot, team: str | None = None) -> AsyncWebClient:
        # The token of a whole organisation says for which workspace it acts.
        return AsyncWebClient(
            bot.bot_token,
            base_url=self._settings.slack_api_url,
            team_id=team,
            session=self._session,
            retry_handlers=[],
        )


def oauth_settings(
    settings: Settings, database: Database, store: InstallationStore
) -> AsyncOAuthSettings:
    """What Bolt needs to be installed by OAuth."""
    base = settings.public_url.rstrip("/")
    return AsyncOAuthSettings(
        client_id=settings.slack_client_id,
        client_secret=settings.slack_client_secret,
        scopes=SCOPES,
        redirect_uri=f"{base}{REDIRECT_PATH}" if base else None,
        install_path=INSTALL_PATH,
        redirect_uri_path=REDIRECT_PATH,
        authorization_url=settings.slack_api_url.rstrip("/").removesuffix("/api")
        + "/oauth/v2/authorize",
        installation_store=store,
        installation_store_bot_only=True,
        state_store=StateStore(database),
        state_expiration_seconds=_STATE_SECONDS,
        logger=logger,
    )


def add_install_pages(application: web.Application, app: AsyncApp) -> None:
    """The page that sends a person to Slack, and the one to which Slack sends them back."""
    flow = app.oauth_flow
    if flow is None:
        return

    async def install(request: web.Request) -> web.Response:
        return await to_aiohttp_response(
            await flow.handle_installation(await to_bolt_request(request))
        )

    async def redirected(request: web.Request) -> web.Response:
        return await to_aiohttp_response(await flow.handle_callback(await to_bolt_request(request)))

    application.router.add_get(INSTALL_PATH, install)
    application.router.add_get(REDIRECT_PATH, redirected)
