"""Acts that were given up: somebody is told, and can have them tried again."""

from __future__ import annotations

from typing import Final

from slack_bolt.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.requests.states import Refused
from bot.store import outbox
from bot.store.database import Unit
from bot.store.outbox import Act
from bot.store.tickets import Tickets
from handlers.blocks.elements import actions, button, section, top_text
from handlers.blocks.lines import RETRY
from handlers.blocks.markup import Markup, fill
from handlers.blocks.message import Message
from handlers.couriers import tickets
from handlers.parts import Parts, team_of, user_of, value_of
from handlers.requests import refuse
from handlers.saying import say, settle

_WHAT: Final = {
    "lookup": "A lookup was not made",
    "report": "A report was not posted",
    "table": "The summary of your lookups was not posted",
    "file": "The PEM was not uploaded",
}
#: The same of a ``lookup`` act that is for something else, by its ``do``.
_DONE: Final = {
    "submission": "Your request was not submitted",
    "read": "A file was not read",
    "file": "A file was not read",
}


def register(app: AsyncApp, parts: Parts) -> None:
    """Listens to *Retry*."""

    async def retry(args: AsyncArgs) -> None:
        identifier = value_of(args)
        try:
            await _check_retry(parts, args, identifier)
        except Refused as refusal:
            await refuse(args, refusal)
            return
        async with parts.database.begin() as unit:
            again = await outbox.retry(unit, identifier)
            note = "🔁 I am trying again." if again else "That was tried again already."
            await settle(unit, args, Markup(note))
        await args.ack()

    app.action(RETRY)(parts.listening("action", retry))


async def on_failed(parts: Parts, unit: Unit, act: Act, reason: str) -> None:
    """Tells whoever it concerns by direct message. A reply or notice that cannot be delivered has
    nobody left to be told."""
    await parts.requests.note_failed(unit, act, reason)
    await tickets.on_failed(unit, act, reason)
    what = _DONE.get(str(act.payload.get("do"))) or _WHAT.get(act.kind)
    person = await _concerned(parts, act)
    if what is None or person is None:
        return
    team, user = person
    text = fill("⚠️ {}: {}", what, reason)
    blocks = (section(text), actions(button("Retry", RETRY, act.id, style="primary")))
    await say(
        unit, team, Message(top_text(text), blocks), channel="", user=user, key=f"failed:{act.id}"
    )


async def on_put_off(parts: Parts, unit: Unit, act: Act, reason: str) -> None:
    """Tells the thread, once, that its ticket waits for a desk that is away for long. What waits for
    Slack cannot be told there; that the desk does not let the bot in was told at once."""
    parts.lookups.note_put_off()
    if act.kind != "ticket" or parts.desks is None:
        return
    request = str(act.payload["request"])
    environment = await Tickets(parts.database).environment(unit, request)
    desk = parts.desks.of(environment) if environment else None
    if desk is None:
        return
    if (unit.now - act.created_at).total_seconds() < desk.pace.outage:
        return
    if await Tickets(parts.database).is_refused(unit, request, "write"):
        return
    payload = {"request": request, "waiting": reason}
    await outbox.put(unit, f"request:{request}", "journal", payload, key=f"waiting:{act.id}")


async def _check_retry(parts: Parts, args: AsyncArgs, identifier: str) -> None:
    """Raises Refused unless the act concerns whoever pressed: it is of what they asked, or of a
    request that they asked for, follow or support."""
    async with parts.database.read() as unit:
        act = await outbox.find(unit, identifier)
    if act is None:
        raise Refused("This is no longer kept.")
    team, (user_id, name) = team_of(args), user_of(args.body)
    if (team, user_id) == await _concerned(parts, act):
        return
    request = await parts.requests.get(_request_id(act), team=team)
    if request is None:
        raise Refused("This is no longer kept.")
    actor = await parts.people.actor(args.client, team, user_id, name)
    if not await parts.requests.roles(request, actor):
        raise Refused("Only whoever asked for it, and support staff, can have it tried again.")


def _request_id(act: Act) -> str:
    word, _, identifier = act.lane.partition(":")
    lane = identifier if word in ("request", "ticket") else ""
    return str(act.payload.get("request") or lane)


async def _concerned(parts: Parts, act: Act) -> tuple[str, str] | None:
    if identifier := act.payload.get("lookup"):
        lookup = await parts.lookups.get(str(identifier))
        return (lookup.team, lookup.user) if lookup else None
    if (identifier := act.payload.get("request")) and act.kind == "lookup":
        request = await parts.requests.get(str(identifier))
        return (request.team, request.requester) if request else None
    if submission := act.payload.get("submission"):
        return str(submission["team"]), str(submission["user"])
    if act.payload.get("do") == "read" and (user := act.payload.get("user")):
        return str(act.payload["team"]), str(user)
    return None
