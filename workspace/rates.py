"""Rate limits (https://docs.slack.dev/apis/web-api/rate-limits)."""

from __future__ import annotations

import math
import time
from collections import deque

# Requests per minute and team. Slack says "1+", "20+", "50+", "100+" and allows bursts.
TIERS = {1: 1, 2: 20, 3: 50, 4: 100}
_POSTING_BURST = 3
_WINDOW = 60.0


class Rates:
    """Counts requests per method and team over a minute, and posting per channel: one message a
    second, with a short burst. `strict` False counts nothing."""

    def __init__(self, *, strict: bool) -> None:
        self.strict = strict
        self._windows: dict[tuple[str, str], deque[float]] = {}
        self._posting: dict[str, float] = {}

    def exceeded(self, method: str, tier: int, team_id: str) -> int:
        """Count a request: 0 if it may pass, otherwise the seconds of `Retry-After`."""
        limit = TIERS.get(tier)
        if not self.strict or limit is None:
            return 0
        now = time.monotonic()
        window = self._windows.setdefault((method, team_id), deque())
        while window and window[0] <= now - _WINDOW:
            window.popleft()
        if len(window) >= limit:
            return max(1, math.ceil(window[0] + _WINDOW - now))
        window.append(now)
        return 0

    def exceeded_in_channel(self, channel: str) -> int:
        """Count a message posted to a channel: 0, or the seconds of `Retry-After`."""
        if not self.strict:
            return 0
        now = time.monotonic()
        # The time at which the channel's bucket is empty again; each message adds a second.
        empty_at = max(self._posting.get(channel, 0.0), now)
        if empty_at - now > _POSTING_BURST - 1:
            return max(1, math.ceil(empty_at - now - (_POSTING_BURST - 1)))
        self._posting[channel] = empty_at + 1.0
        return 0
