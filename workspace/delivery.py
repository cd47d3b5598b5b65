"""How payloads reach the app: one way in, whatever the transport."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

EnvelopeType = Literal["events_api", "interactive", "slash_commands"]


@dataclass(frozen=True)
class Acknowledgement:
    """The app's answer in time. `payload` is what it answered, {} if nothing."""

    payload: dict[str, Any]


@dataclass(frozen=True)
class Failure:
    """No answer in time, or a bad one.

    `error` is the word that Slack shows (`operation_timeout`, `dispatch_failed`,
    `http_client_error`, …); `reason` is the `X-Slack-Retry-Reason` of an event's next attempt.
    """

    error: str
    reason: str
    no_retry: bool = False


class Transport(Protocol):
    """Socket Mode or HTTP."""

    async def send(
        self,
        kind: EnvelopeType,
        payload: dict[str, Any],
        *,
        seconds: float,
        url: str | None = None,
        attempt: int = 0,
        reason: str = "",
    ) -> Acknowledgement | Failure:
        """Send one payload and wait at most `seconds` for the acknowledgement.

        `url` is the request URL (HTTP only); `attempt` counts the retries, from 0.
        """
