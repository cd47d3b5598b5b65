"""The clients of a bot that is given its token."""

from __future__ import annotations

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.serving.logs import logger
from bot.settings import Settings


class OneToken:
    """The clients of a bot with one token: of one workspace, or of a whole organisation."""

    def __init__(self, settings: Settings, session: aiohttp.ClientSession) -> None:
        self._settings = settings
        self._session = session
        self._clients: dict[str, AsyncWebClient] = {}

    async def web(self, team: str) -> AsyncWebClient:
        """With the same token for every workspace; that of an organisation says for which it acts."""
        if team not in self._clients:
            self._clients[team] = AsyncWebClient(
                self._settings.slack_bot_token,
                base_url=self._settings.slack_api_url,
                team_id=team,
                session=self._session,
                retry_handlers=[],
            )
        return self._clients[team]

    async def removed(self, enterprise_id: str | None, team_id: str | None) -> None:
        """What is accepted waits until there is a token that Slack accepts."""
        logger.warning("The app was removed.", extra={"team": team_id or enterprise_id})
