"""Who somebody is to an install request: support staff or not, by the setting that says so."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.requests.courier import Undeliverable
from bot.requests.request import Actor
from bot.requests.states import Refused
from bot.serving.logs import logger
from bot.settings import Settings
from handlers.couriers.slack_errors import UNREACHABLE, code_of, told_apart

#: How long a list of members is believed for what is shown, and for what changes something, in
#: seconds. The second is for a person who presses again at once: Slack lists a user group 20 times a
#: minute (https://docs.slack.dev/reference/methods/usergroups.users.list).
_KEEP_SECONDS: Final = 30.0
_KEEP_FOR_ACTS_SECONDS: Final = 2.0
#: How long the last list counts while Slack does not give another, and how long one is waited for:
#: a press is to be acknowledged within three seconds.
_KEEP_UNWELL_SECONDS: Final = 300.0
_WAIT_SECONDS: Final = 1.0
_MAX_PAGES: Final = 50


class People:
    """Finds out who is who, and remembers it: for half a minute what is shown by it, and for two
    seconds what somebody may do by it."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._members: dict[tuple[str, str], tuple[float, frozenset[str]]] = {}
        self._names: dict[tuple[str, str], str] = {}
        # The workspaces of which there is no list, because Slack is unwell.
        self._unsure: set[str] = set()

    async def actor(self, client: AsyncWebClient, team: str, user: str, name: str = "") -> Actor:
        """``user`` as an actor, for something that changes a request, by the name that people read;
        ``name`` is what Slack sent along, and stands in where Slack does not say it."""
        shown = await self.name(client, team, user)
        if shown == user and name:
            shown = name
        is_supporter = await self.is_supporter(client, team, user, keep=_KEEP_FOR_ACTS_SECONDS)
        return Actor(team, user, shown, is_supporter)

    def sure(self, team: str, refusal: Refused) -> Refused:
        """``refusal``, or what is true while Slack does not say who belongs to the support staff."""
        if team not in self._unsure:
            return refusal
        return Refused(
            "Slack does not say at the moment who belongs to support.", "Try again in a minute."
        )

    async def is_supporter(
        self, client: AsyncWebClient, team: str, user: str, *, keep: float = _KEEP_SECONDS
    ) -> bool:
        """Whether the setting counts ``user`` among the support staff, by a list that is no older
        than ``keep`` seconds. Where Slack does not say, it does not."""
        if user in self._settings.support_users:
            return True
        if self._settings.support_by == "users":
            return False
        if self._settings.support_by == "group":
            return user in await self._known(client, team, self._settings.support_group, keep)
        channels = {self._settings.channel_for(name) for name in ("production", "test")}
        found = [await self._known(client, team, channel, keep) for channel in sorted(channels)]
        return any(user in members for members in found)

    async def name(self, client: AsyncWebClient, team: str, user: str) -> str:
        """How the person is called; the id where Slack does not say."""
        if (team, user) not in self._names:
            try:
                answer = await client.users_info(user=user)
                profile = answer["user"]
                shown = profile.get("real_name") or profile.get("name") or user
            except (SlackApiError, KeyError, *UNREACHABLE):
                return user
            if len(self._names) > 5000:
                self._names.clear()
            self._names[team, user] = str(shown)
        return self._names[team, user]

    async def is_external(
        self, client: AsyncWebClient, team: str, enterprise: str | None, user: str
    ) -> bool:
        """Whether ``user`` belongs neither to the workspace nor to its organisation; who Slack does
        not know does not. Raises SlackApiError while Slack is unwell."""
        try:
            found = (await client.users_info(user=user))["user"]
        except SlackApiError as error:
            if error.response.get("error") in ("user_not_found", "user_not_visible"):
                return True
            raise
        of_organisation = found.get("enterprise_user") or {}
        if enterprise and of_organisation.get("enterprise_id") == enterprise:
            return False
        return found.get("team_id") != team and team not in (of_organisation.get("teams") or ())

    async def _known(
        self, client: AsyncWebClient, team: str, where: str, keep: float
    ) -> frozenset[str]:
        if not where:
            return frozenset()
        at, members = self._members.get((team, where), (float("-inf"), frozenset()))
        age = self._clock() - at
        if age < keep:
            return members
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                members = await (_group if where.startswith("S") else _channel)(client, team, where)
        except (SlackApiError, *UNREACHABLE) as error:
            # An older list is better than none while Slack is unwell, but not for long.
            code = code_of(error) if isinstance(error, SlackApiError) else type(error).__name__
            logger.warning("The support staff cannot be listed.", extra={"error": code})
            known = members if age < _KEEP_UNWELL_SECONDS else frozenset()
            if not known and not _is_refused(error):
                self._unsure.add(team)
            return known
        self._unsure.discard(team)
        self._members[team, where] = self._clock(), members
        return members


def _is_refused(error: Exception) -> bool:
    """Whether Slack will say the same the next time."""
    return isinstance(error, SlackApiError) and isinstance(told_apart(error), Undeliverable)


async def _group(client: AsyncWebClient, team: str, group: str) -> frozenset[str]:
    # A token of a whole organisation must name the workspace; any other ignores it.
    answer = await client.usergroups_users_list(usergroup=group, team_id=team)
    return frozenset(answer["users"])


async def _channel(client: AsyncWebClient, team: str, channel: str) -> frozenset[str]:
    found: set[str] = set()
    cursor = ""
    for _ in range(_MAX_PAGES):
        answer = await client.conversations_members(channel=channel, limit=1000, cursor=cursor)
        found.update(answer["members"])
        cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
        if not cursor:
            break
    return frozenset(found)
