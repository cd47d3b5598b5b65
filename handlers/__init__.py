"""The conversation in Slack: one module for each part of it, pure blocks, and couriers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from slack_bolt.async_app import AsyncApp

from bot.requests.courier import Courier, Receipt
from bot.requests.showing import answered, note_shown
from bot.store import outbox
from bot.store.database import Unit
from bot.store.outbox import Act
from handlers import (
    cert,
    failures,
    home,
    install,
    installations,
    questions,
    reports,
    requests,
    shortcuts,
    thread,
)
from handlers import tickets as ticket_buttons
from handlers.couriers import tickets
from handlers.couriers.inquiries import InquiryCourier
from handlers.couriers.lookups import LookupCourier, PemCourier, ReportCourier, TableCourier
from handlers.couriers.reading import ReadingCourier
from handlers.couriers.requests import AnsweredCourier, CardCourier, LineCourier, NoticeCourier
from handlers.couriers.requests import PemCourier as RequestPemCourier
from handlers.failures import on_failed, on_put_off
from handlers.install import SubmissionCourier
from handlers.parts import Parts
from handlers.saying import SayCourier

__all__ = ["couriers", "on_delivered", "on_failed", "on_put_off", "register"]

_PARTS: Final = (
    cert,
    reports,
    install,
    requests,
    thread,
    shortcuts,
    home,
    failures,
    installations,
    ticket_buttons,
)


def register(app: AsyncApp, parts: Parts) -> None:
    """Every listener."""
    for part in _PARTS:
        part.register(app, parts)


def warm_up() -> None:
    """Loads what only the first click needs, so that it need not wait. Takes time: not for the event
    loop."""
    questions.warm_up()


def couriers(parts: Parts) -> Mapping[str, Courier]:
    """Every courier, by the kind of act that it delivers."""
    return {
        "lookup": _LookupPool(parts),
        "card": CardCourier(parts),
        "pem": RequestPemCourier(parts),
        "line": LineCourier(parts),
        "notice": NoticeCourier(parts),
        "answered": AnsweredCourier(parts),
        "report": ReportCourier(parts),
        "table": TableCourier(parts),
        "file": PemCourier(parts),
        "say": SayCourier(parts),
        **tickets.couriers(parts),
    }


class _LookupPool:
    """``lookup``: everything that looks at a server, by what it is for."""

    def __init__(self, parts: Parts) -> None:
        inquiries = InquiryCourier(parts)
        self._couriers: Mapping[str, Courier] = {
            "": LookupCourier(parts),
            "submission": SubmissionCourier(parts),
            "read": ReadingCourier(parts),
            **dict.fromkeys(("verify", "explain", "file", "use"), inquiries),
        }

    async def deliver(self, act: Act) -> Receipt:
        return await self._couriers[act.payload.get("do", "")].deliver(act)


async def on_delivered(parts: Parts, unit: Unit, act: Act, receipt: Receipt) -> None:
    """Keeps where a message went, in the transaction that marks its act done."""
    if act.kind in ("report", "table") and receipt.get("ts"):
        await parts.lookups.note_posted(
            unit, str(act.payload["lookup"]), receipt["channel"], receipt["ts"]
        )
    elif act.kind == "card" and receipt.get("ts"):
        await parts.requests.note_posted(
            unit, str(act.payload["request"]), receipt["channel"], receipt["ts"]
        )
    elif act.kind == "pem" and receipt.get("file"):
        await parts.requests.note_attached(unit, str(act.payload["request"]), receipt["file"])
    if act.kind in ("line", "notice") and receipt.get("ts"):
        found = [receipt, receipt["also"]] if "also" in receipt else [receipt]
        places = [{"channel": p["channel"], "ts": p["ts"], "kind": act.kind} for p in found]
        await note_shown(unit, str(act.payload["entry"]), places)
    elif act.kind == "card":
        request = str(act.payload["request"])
        for entry in await answered(unit, request):
            key = f"answered:{entry.id}"
            payload = {"request": request, "entry": entry.id}
            await outbox.put(unit, f"answered:{request}", "answered", payload, key=key)
    await tickets.on_delivered(parts, unit, act, receipt)
