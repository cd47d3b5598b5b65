"""Acts that were given up: somebody is told, and can have them tried again."""

from __future__ import annotations

from typing import Final

from slack_bolt.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.store import outbox
from bot.store.database import Unit
from bot.store.outbox import Act
from handlers.blocks.elements import actions, button, section, top_text
from handlers.blocks.lines import RETRY
from handlers.blocks.markup import Markup, fill
from handlers.blocks.message import Message
from handlers.couriers import tickets
from handlers.parts import Parts, settle
from handlers.saying import say

_WHAT: Final = {
    "lookup": "A lookup was not made",
    "report": "A report was not posted",
    "table": "The summary of your lookups was not posted",
    "file": "The PEM was not uploaded",
}


def register(app: AsyncApp, parts: Parts) -> None:
    """Listens to *Retry*."""

    async def retry(args: AsyncArgs) -> None:
        action = args.action or {}
        async with parts.database.begin() as unit:
            again = await outbox.retry(unit, str(action.get("value", "")))
        text = Markup("🔁 I am trying again.") if again else Markup("That was tried again already.")
        await args.ack()
        await settle(args, text)

    app.action(RETRY)(parts.listening("action", retry))


async def on_failed(parts: Parts, unit: Unit, act: Act, reason: str) -> None:
    """Tells whoever it concerns by direct message. A reply or notice that cannot be delivered has
    nobody left to be told."""
    await parts.requests.note_failed(unit, act, reason)
    await tickets.on_failed(unit, act, reason)
    is_submission = act.payload.get("do") == "submission"
    what = "Your request was not submitted" if is_submission else _WHAT.get(act.kind)
    person = await _concerned(parts, act)
    if what is None or person is None:
        return
    team, user = person
    text = fill("⚠️ {}: {}", what, reason)
    blocks = (section(text), actions(button("Retry", RETRY, act.id, style="primary")))
    await say(
        unit, team, Message(top_text(text), blocks), channel="", user=user, key=f"failed:{act.id}"
    )


async def _concerned(parts: Parts, act: Act) -> tuple[str, str] | None:
    if identifier := act.payload.get("lookup"):
        lookup = await parts.lookups.get(str(identifier))
        return (lookup.team, lookup.user) if lookup else None
    if (identifier := act.payload.get("request")) and act.kind == "lookup":
        request = await parts.requests.get(str(identifier))
        return (request.team, request.requester) if request else None
    if submission := act.payload.get("submission"):
        return str(submission["team"]), str(submission["user"])
    return None
