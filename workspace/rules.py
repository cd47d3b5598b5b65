"""Slack's times and counts, in one place; a test may make them shorter."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rules:
    """Times are in seconds. The defaults are Slack's own, but for `strict_rates`.

    - `ack_seconds`: how long a command, interaction or event may wait for its acknowledgement.
    - `trigger_seconds`: how long a `trigger_id` can be used (once).
    - `response_url_uses`, `response_url_seconds`: how often and how long a `response_url` works.
    - `event_retry_seconds`: when an event that was not acknowledged is sent again, counted from
      the failure before (https://docs.slack.dev/apis/events-api/#retries).
    - `share_seconds`: how long after `files.completeUploadExternal` a file appears in its channel.
    - `strict_rates`: answer 429 as Slack's tiers have it; otherwise never, unless a fault orders it.
    - `ping_seconds`: how often a Socket Mode connection is pinged.
    - `refresh_seconds`: how long a Socket Mode connection lasts before Slack asks for a new one.
    """

    ack_seconds: float = 3.0
    trigger_seconds: float = 3.0
    response_url_uses: int = 5
    response_url_seconds: float = 1800.0
    event_retry_seconds: tuple[float, ...] = (0.0, 60.0, 300.0)
    share_seconds: float = 0.2
    strict_rates: bool = False
    ping_seconds: float = 10.0
    refresh_seconds: float = 3600.0
