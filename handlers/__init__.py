"""The conversation in Slack: one module for each part of it, pure blocks, and couriers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from slack_bolt.async_app import AsyncApp

from bot.requests.delivery import Courier, Receipt
from bot.store.database import Unit
from bot.store.outbox import Act
from handlers import cert, failures, reports
from handlers.couriers.lookups import LookupCourier, PemCourier, ReportCourier, TableCourier
from handlers.failures import on_failed
from handlers.parts import Parts
from handlers.saying import SayCourier

__all__ = ["couriers", "on_delivered", "on_failed", "register"]

_PARTS: Final = (cert, reports, failures)


def register(app: AsyncApp, parts: Parts) -> None:
    """Every listener."""
    for part in _PARTS:
        part.register(app, parts)


def couriers(parts: Parts) -> Mapping[str, Courier]:
    """Every courier, by the kind of act that it delivers."""
    return {
        "lookup": LookupCourier(parts),
        "report": ReportCourier(parts),
        "table": TableCourier(parts),
        "file": PemCourier(parts),
        "say": SayCourier(parts),
    }


async def on_delivered(parts: Parts, unit: Unit, act: Act, receipt: Receipt) -> None:
    """Keeps where a message went, in the transaction that marks its act done."""
    if act.kind in ("report", "table") and receipt.get("ts"):
        await parts.lookups.note_posted(
            unit, str(act.payload["lookup"]), receipt["channel"], receipt["ts"]
        )
