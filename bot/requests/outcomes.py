"""What became of an attempt to deliver an act, as what is to be written for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final, TypeAlias

from bot.requests.courier import Delivered, Later, Receipt
from bot.requests.patience import Patience
from bot.requests.settling import Settle
from bot.store import leases
from bot.store.database import Unit
from bot.store.leases import Lease
from bot.store.outbox import Act

OnDelivered: TypeAlias = Callable[[Unit, Act, Receipt], Awaitable[None]]
OnFailed: TypeAlias = Callable[[Unit, Act, str], Awaitable[None]]
OnPutOff: TypeAlias = Callable[[Unit, Act, str], Awaitable[None]]

_MAX_LATER_SECONDS: Final = 3600.0
#: Whoever asks to wait for no time at all is not asked again in the same breath.
_MIN_LATER_SECONDS: Final = 0.01


class Outcomes:
    """Outcomes of attempts, with the hooks that run in the transaction that keeps them."""

    def __init__(
        self,
        patience: Patience,
        on_delivered: OnDelivered,
        on_failed: OnFailed | None = None,
        on_put_off: OnPutOff | None = None,
    ) -> None:
        self._patience = patience
        self._on_delivered = on_delivered
        self._on_failed = on_failed
        self._on_put_off = on_put_off

    def failure(
        self,
        lease: Lease,
        reason: str,
        *,
        maybe_delivered: bool,
        attempts: int | None = None,
    ) -> tuple[str, Settle]:
        """An attempt failed: `again`, or `failed` where it was the last, and how to keep that."""
        attempts = lease.act.attempts + 1 if attempts is None else attempts
        if attempts >= self._patience.attempts:
            return "failed", self.give_up(lease, reason, maybe_delivered=maybe_delivered)
        wait = timedelta(seconds=self._patience.wait(attempts))

        async def settle(unit: Unit) -> None:
            leases.try_again(unit, lease, unit.now + wait, reason, maybe_delivered=maybe_delivered)

        return "again", settle

    def done(self, lease: Lease, receipt: Receipt) -> Settle:
        """The act is delivered."""

        async def settle(unit: Unit) -> None:
            if isinstance(receipt, Delivered):
                await receipt.keep(unit)
            await self._on_delivered(unit, lease.act, receipt)
            leases.done(unit, lease, receipt)

        return settle

    def give_up(self, lease: Lease, reason: str, *, maybe_delivered: bool) -> Settle:
        """The act has failed for good."""

        async def settle(unit: Unit) -> None:
            if self._on_failed:
                await self._on_failed(unit, lease.act, reason)
            leases.give_up(unit, lease, reason, maybe_delivered=maybe_delivered)

        return settle

    def put_off(self, lease: Lease, later: Later) -> Settle:
        """The act waits as long as it is asked to, without an attempt lost."""
        seconds = later.seconds
        if seconds is None:
            seconds = self._patience.wait(lease.delays + 1)
        wait = timedelta(seconds=min(max(seconds, _MIN_LATER_SECONDS), _MAX_LATER_SECONDS))

        async def settle(unit: Unit) -> None:
            if self._on_put_off:
                await self._on_put_off(unit, lease.act, later.message)
            leases.put_off(
                unit, lease, unit.now + wait, later.message, maybe_delivered=later.maybe_delivered
            )

        return settle

    def hand_back(self, lease: Lease) -> Settle:
        """The attempt was broken off; anybody may take the act."""

        async def settle(unit: Unit) -> None:
            leases.hand_back(unit, lease, maybe_delivered=True)

        return settle

    def unrecorded(self, lease: Lease, reason: str) -> Settle:
        """What is left where a hook raised: a failed attempt, without hooks."""
        attempts = lease.act.attempts + 1
        wait = timedelta(seconds=self._patience.wait(attempts))

        async def settle(unit: Unit) -> None:
            if attempts >= self._patience.attempts:
                leases.give_up(unit, lease, reason, maybe_delivered=True)
            else:
                leases.try_again(unit, lease, unit.now + wait, reason, maybe_delivered=True)

        return settle
