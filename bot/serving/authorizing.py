"""Whose token answers a request of Slack's.

Bolt's own way asks Slack (auth.test) and, where Slack is unwell just then, acknowledges the request
and drops it. Here nothing is asked that is known already, and what cannot be known is not
acknowledged: Slack sends it again.
"""

from __future__ import annotations

import time
from typing import Any, Final

from slack_bolt.authorization import AuthorizeResult
from slack_bolt.authorization.async_authorize import AsyncAuthorize
from slack_sdk.errors import SlackApiError
from slack_sdk.oauth.installation_store import Bot
from slack_sdk.oauth.installation_store.async_installation_store import AsyncInstallationStore
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import WhichrootError
from bot.store.database import StoreError

#: Why acts wait that need a token; what waits for these reasons goes on after an installation.
NOT_ACCEPTED: Final = "Slack does not accept the bot's token: the app must be installed again."
NOT_INSTALLED: Final = "The app is not installed in this workspace any more."
#: How long an installation is believed, in seconds; where the database is away, longer.
_KEEP_SECONDS: Final = 60.0
_MOST_KEPT: Final = 1000


class OneBot(AsyncAuthorize):
    """The one bot of a token, which Slack is asked for once."""

    # The base class has no constructor of its own to be called.
    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self._known: AuthorizeResult | None = None

    async def learn(self) -> AuthorizeResult:
        """Who the token is. Raises SlackApiError, or what the network raises."""
        if self._known is None:
            answer = await self._client.auth_test()
            self._known = AuthorizeResult.from_auth_test_response(
                auth_test_response=answer,
                bot_token=self._client.token,
            )
        return self._known

    async def __call__(self, **_: Any) -> AuthorizeResult:
        """The bot. Raises WhichrootError while Slack has not said yet who it is."""
        try:
            return await self.learn()
        except SlackApiError:
            # One that Bolt would take for an answer.
            raise WhichrootError("Slack does not say whose the token is.", "Try again.") from None


class InstalledBots(AsyncAuthorize):
    """The bots of several workspaces, from their installations."""

    def __init__(self, store: AsyncInstallationStore) -> None:
        self._store = store
        self._known: dict[tuple[str | None, str | None], tuple[float, Bot]] = {}

    def forget(self) -> None:
        """An installation has come or gone."""
        self._known.clear()

    async def __call__(
        self, *, context: Any, enterprise_id: str | None, team_id: str | None, **_: Any
    ) -> AuthorizeResult | None:
        """The bot of that workspace or organisation; None: the app is not installed there. Raises
        StoreError."""
        bot = await self._bot(enterprise_id, team_id, bool(context.is_enterprise_install))
        if bot is None:
            return None
        return AuthorizeResult(
            enterprise_id=enterprise_id or bot.enterprise_id,
            team_id=bot.team_id or team_id,
            bot_user_id=bot.bot_user_id,
            bot_id=bot.bot_id,
            bot_token=bot.bot_token,
            bot_scopes=bot.bot_scopes,
        )

    async def _bot(
        self, enterprise_id: str | None, team_id: str | None, is_enterprise: bool
    ) -> Bot | None:
        at, known = self._known.get((enterprise_id, team_id), (float("-inf"), None))
        if known and time.monotonic() - at < _KEEP_SECONDS:
            return known
        try:
            bot = await self._store.async_find_bot(
                enterprise_id=enterprise_id, team_id=team_id, is_enterprise_install=is_enterprise
            )
        except StoreError:
            if known is None:
                raise
            # Whoever asks is told by the listener that nothing can be kept.
            return known
        if bot is not None:
            if len(self._known) >= _MOST_KEPT:
                self._known.clear()
            self._known[enterprise_id, team_id] = time.monotonic(), bot
        return bot
