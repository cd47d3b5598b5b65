"""The numbers that ``/metrics`` gives (Prometheus)."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """One set of numbers for one running bot."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        self.lookups = Counter(
            "whichroot_lookups", "Lookups by verdict", ["verdict"], registry=registry
        )
        self.lookup_seconds = Histogram(
            "whichroot_lookup_seconds",
            "How long a lookup took",
            buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40),
            registry=registry,
        )
        self.ack_seconds = Histogram(
            "whichroot_ack_seconds",
            "How long Slack waited for an acknowledgement",
            ["kind"],
            buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 3),
            registry=registry,
        )
        self.deliveries = Counter(
            "whichroot_deliveries",
            "Acts by kind and what became of the attempt",
            ["kind", "outcome"],
            registry=registry,
        )
        self.slack_errors = Counter(
            "whichroot_slack_errors", "Errors that Slack answered", ["error"], registry=registry
        )
        self.outbox = Gauge("whichroot_outbox_acts", "Acts by state", ["state"], registry=registry)
        self.outbox_age = Gauge(
            "whichroot_outbox_age_seconds",
            "How long the oldest act has been waiting",
            registry=registry,
        )

    def render(self) -> bytes:
        """All of them as text."""
        return generate_latest(self._registry)
