"""What delivers an act outside, and how it says what came of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeAlias

from bot.errors import WhichrootError
from bot.store.database import Unit
from bot.store.outbox import Act

#: What a courier brings back, as JSON; may be empty.
Receipt: TypeAlias = Mapping[str, Any]


class Delivered(dict[str, Any]):
    """A receipt, and what is to be kept in the transaction that marks its act done."""

    def __init__(self, keep: Callable[[Unit], Awaitable[None]], **receipt: Any) -> None:
        super().__init__(**receipt)
        self.keep = keep


class Later(WhichrootError):
    """The act cannot be delivered now, through no fault of its own: a rate limit or an outage. It
    waits ``seconds`` (at most an hour; None: longer each time) and uses up no attempt.

    ``maybe_delivered`` False: it is certain that nothing reached the other side.
    """

    def __init__(self, seconds: float | None, reason: str, *, maybe_delivered: bool = True) -> None:
        super().__init__(reason)
        self.seconds = seconds
        self.maybe_delivered = maybe_delivered


class Undeliverable(WhichrootError):
    """The other side refuses the act; ``message`` says why in a sentence that a person will see. It
    is tried again a few times and has then failed.

    ``final``: trying again helps no more than before somebody has changed something, so that it has
    failed at once. ``maybe_delivered``: the other side may have done it all the same.
    """

    def __init__(
        self,
        message: str,
        remedy: str = "",
        *,
        final: bool = False,
        maybe_delivered: bool = False,
    ) -> None:
        super().__init__(message, remedy)
        self.final = final
        self.maybe_delivered = maybe_delivered


class Courier(Protocol):
    """Delivers the acts of one kind."""

    async def deliver(self, act: Act) -> Receipt:
        """Does it, once for whoever sees it: with ``act.maybe_delivered`` look first whether an
        earlier attempt got through. Raises Later or Undeliverable."""
        ...
