"""Who somebody is to an install request: support staff or not, by the setting that says so."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.requests.request import Actor
from bot.serving.logs import logger
from bot.settings import Settings

#: How long a list of members is believed, in seconds.
_KEEP_SECONDS: Final = 30.0
_MAX_PAGES: Final = 50


class People:
    """Finds out who is who, and remembers it for half a minute."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._members: dict[tuple[str, str], tuple[float, frozenset[str]]] = {}
        self._names: dict[tuple[str, str], str] = {}

    async def actor(self, client: AsyncWebClient, team: str, user: str, name: str = "") -> Actor:
        """``user`` as an actor, by the name that people read; ``name`` is what Slack sent along, and
        stands in where Slack does not say it."""
        shown = await self.name(client, team, user)
        if shown == user and name:
            shown = name
        return Actor(team, user, shown, await self.is_supporter(client, team, user))

    async def is_supporter(self, client: AsyncWebClient, team: str, user: str) -> bool:
        """Whether the setting counts ``user`` among the support staff. Where Slack does not say, it
        does not."""
        if user in self._settings.support_users:
            return True
        if self._settings.support_by == "users":
            return False
        if self._settings.support_by == "group":
            return user in await self._known(client, team, self._settings.support_group)
        channels = {self._settings.channel_for(name) for name in ("production", "test")}
        found = [await self._known(client, team, channel) for channel in sorted(channels)]
        return any(user in members for members in found)

    async def name(self, client: AsyncWebClient, team: str, user: str) -> str:
        """How the person is called; the id where Slack does not say."""
        if (team, user) not in self._names:
            try:
                answer = await client.users_info(user=user)
                profile = answer["user"]
                shown = profile.get("real_name") or profile.get("name") or user
            except (SlackApiError, KeyError):
                return user
            if len(self._names) > 5000:
                self._names.clear()
            self._names[team, user] = str(shown)
        return self._names[team, user]

    async def _known(self, client: AsyncWebClient, team: str, where: str) -> frozenset[str]:
        if not where:
            return frozenset()
        at, members = self._members.get((team, where), (float("-inf"), frozenset()))
        if self._clock() - at < _KEEP_SECONDS:
            return members
        try:
            members = await (_group if where.startswith("S") else _channel)(client, where)
        except SlackApiError as error:
            # An older list is better than none while Slack is unwell.
            logger.warning(
                "The support staff cannot be listed.",
                extra={"error": str(error.response.get("error", ""))},
            )
            return members
        self._members[team, where] = self._clock(), members
        return members


async def _group(client: AsyncWebClient, group: str) -> frozenset[str]:
    answer = await client.usergroups_users_list(usergroup=group)
    return frozenset(answer["users"])


async def _channel(client: AsyncWebClient, channel: str) -> frozenset[str]:
    found: set[str] = set()
    cursor = ""
    for _ in range(_MAX_PAGES):
        answer = await client.conversations_members(channel=channel, limit=1000, cursor=cursor)
        found.update(answer["members"])
        cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
        if not cursor:
            break
    return frozenset(found)
