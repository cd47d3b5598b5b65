"""Delivery: workers that take acts from the outbox and hand them to the courier of their kind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeAlias

from bot.errors import WhichrootError
from bot.store.database import Database, Unit
from bot.store.outbox import POSTS, Act

#: What a courier brings back, as JSON; may be empty.
Receipt: TypeAlias = Mapping[str, Any]
OnDelivered: TypeAlias = Callable[[Unit, Act, Receipt], Awaitable[None]]
OnFailed: TypeAlias = Callable[[Unit, Act, str], Awaitable[None]]


class Later(WhichrootError):
    """The act cannot be delivered now, through no fault of its own: a rate limit or an outage. It
    waits ``seconds`` (None: longer each time) and uses up no attempt. ``maybe_delivered``: it is not
    certain that nothing reached the other side."""

    def __init__(self, seconds: float | None, reason: str, *, maybe_delivered: bool = True) -> None:
        super().__init__(reason)
        self.seconds = seconds
        self.maybe_delivered = maybe_delivered


class Undeliverable(WhichrootError):
    """The other side refuses the act; ``message`` says why in a sentence that a person will see. It
    is tried again a few times and has then failed."""


class Courier(Protocol):
    """Delivers the acts of one kind."""

    async def deliver(self, act: Act) -> Receipt:
        """Does it, once for whoever sees it: with ``act.maybe_delivered`` look first whether an
        earlier attempt got through. Raises Later or Undeliverable."""
        ...


class Delivery:
    """Delivers the acts of one pool of the outbox with ``concurrency`` couriers at once.

    ``on_delivered(unit, act, receipt)`` runs in the transaction that marks the act done,
    ``on_failed(unit, act, reason)`` in the one that gives it up.
    """

    def __init__(
        self,
        database: Database,
        couriers: Mapping[str, Courier],
        on_delivered: OnDelivered,
        *,
        on_failed: OnFailed | None = None,
        pool: str = POSTS,
        concurrency: int = 8,
    ) -> None:
        raise NotImplementedError

    async def run(self) -> None:
        """Delivers until `stop`. Survives an unreachable database."""
        raise NotImplementedError

    async def stop(self, grace_seconds: float = 20) -> None:
        """Takes nothing more, waits for what is under way, hands back what does not end in time."""
        raise NotImplementedError
