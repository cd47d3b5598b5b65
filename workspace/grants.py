"""What an interaction lets the app do for a short while: trigger ids and response URLs."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

from workspace.errors import SlackError
from workspace.rules import Rules

_KEPT_SECONDS = 3600.0


@dataclass
class Trigger:
    """A `trigger_id`: opens one view for `user`, once, for a few seconds.

    `view_id` is the modal in which it arose, "" for others.
    """

    id: str
    user: str
    team_id: str
    expires: float
    view_id: str = ""
    exchanged: bool = False


@dataclass
class ResponseUrl:
    """A `response_url`: answers in `channel` to `user`.

    `message_ts` is the message whose component was used (it can be replaced or deleted), "" for
    a command; `ephemeral` says whether only `user` saw it.
    """

    path: str
    channel: str
    user: str
    team_id: str
    expires: float
    uses_left: int
    message_ts: str = ""
    ephemeral: bool = False


class Grants:
    """Hands out trigger ids and response URLs, and honours them."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._triggers: dict[str, Trigger] = {}
        self._response_urls: dict[str, ResponseUrl] = {}

    def trigger(self, user: str, team_id: str, *, view_id: str = "") -> str:
        """A new trigger id."""
        trigger = Trigger(
            id=f"{secrets.randbelow(10**13)}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}",
            user=user,
            team_id=team_id,
            expires=time.monotonic() + self._rules.trigger_seconds,
            view_id=view_id,
        )
        self._forget_old()
        self._triggers[trigger.id] = trigger
        return trigger.id

    def exchange(self, trigger_id: str, team_id: str) -> Trigger:
        """Use a trigger id up. Raises SlackError `invalid_trigger_id`, `exchanged_trigger_id` or
        `expired_trigger_id`."""
        trigger = self._triggers.get(trigger_id)
        if trigger is None or trigger.team_id != team_id:
            raise SlackError("invalid_trigger_id")
        if trigger.exchanged:
            raise SlackError("exchanged_trigger_id")
        if trigger.expires < time.monotonic():
            raise SlackError("expired_trigger_id")
        trigger.exchanged = True
        return trigger

    def team_of(self, trigger_id: str) -> str:
        """The team in which a trigger id arose; empty for none of ours."""
        trigger = self._triggers.get(trigger_id)
        return trigger.team_id if trigger else ""

    def expire(self) -> None:
        """Make every trigger id that was given too old, as if its seconds had passed."""
        for trigger in self._triggers.values():
            trigger.expires = time.monotonic() - 1.0

    def response_url(
        self,
        kind: str,
        *,
        channel: str,
        user: str,
        team_id: str,
        message_ts: str = "",
        ephemeral: bool = False,
    ) -> str:
        """The path of a new response URL; `kind` is `commands` or `actions`."""
        path = f"/{kind}/{team_id}/{secrets.randbelow(10**13)}/{secrets.token_urlsafe(18)}"
        self._response_urls[path] = ResponseUrl(
            path=path,
            channel=channel,
            user=user,
            team_id=team_id,
            expires=time.monotonic() + self._rules.response_url_seconds,
            uses_left=self._rules.response_url_uses,
            message_ts=message_ts,
            ephemeral=ephemeral,
        )
        return path

    def use(self, path: str) -> ResponseUrl:
        """The response URL, one use spent. Raises SlackError `used_url` or `expired_url`."""
        url = self._response_urls.get(path)
        if url is None or url.uses_left <= 0:
            raise SlackError("used_url")
        if url.expires < time.monotonic():
            raise SlackError("expired_url")
        url.uses_left -= 1
        return url

    def _forget_old(self) -> None:
        long_ago = time.monotonic() - _KEPT_SECONDS
        self._triggers = {k: v for k, v in self._triggers.items() if v.expires > long_ago}
        self._response_urls = {k: v for k, v in self._response_urls.items() if v.expires > long_ago}
