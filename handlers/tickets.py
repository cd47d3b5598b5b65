"""The buttons of what a thread hears of its ticket."""

from __future__ import annotations

from slack_bolt.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.requests.request import Actor, InstallRequest
from bot.requests.states import Refused
from bot.store import outbox
from bot.store.tickets import Tickets
from handlers.blocks.markup import fill, user
from handlers.blocks.tickets import RETRY_TICKET, SENT
from handlers.couriers.tickets import note_sent
from handlers.parts import Parts, team_of, user_of, value_of
from handlers.requests import kept_request, refuse
from handlers.saying import settle


def register(app: AsyncApp, parts: Parts) -> None:
    """Listens to *Retry* where Matrix42 did not let the bot in, and to *I have sent it*."""

    async def retry(args: AsyncArgs) -> None:
        try:
            request, _ = await _pressed(parts, args)
        except Refused as refusal:
            await refuse(args, refusal)
            return
        tickets = Tickets(parts.database)
        async with parts.database.begin() as unit:
            await tickets.ask_again(unit, request.id)
            await tickets.hurry(unit, request.id, unit.now)
            by = user(user_of(args.body)[0])
            await settle(unit, args, fill("🔁 {} had this tried again.", by))
        async with parts.database.begin() as unit:
            await outbox.hurry_lane(unit, f"ticket:{request.id}")
        await args.ack()

    async def sent(args: AsyncArgs) -> None:
        try:
            request, actor = await _pressed(parts, args)
        except Refused as refusal:
            await refuse(args, refusal)
            return
        async with parts.database.begin() as unit:
            await note_sent(parts, unit, request, actor)
            await settle(unit, args, fill("{} sent it.", user(actor.user)))
        await args.ack()

    app.action(RETRY_TICKET)(parts.listening("action", retry))
    app.action(SENT)(parts.listening("action", sent))


async def _pressed(parts: Parts, args: AsyncArgs) -> tuple[InstallRequest, Actor]:
    """The request, and who pressed. Raises Refused unless it is theirs, or they support it."""
    request = await kept_request(parts, args, value_of(args))
    actor = await parts.people.actor(args.client, team_of(args), *user_of(args.body))
    if not await parts.requests.roles(request, actor):
        raise Refused("Only whoever asked for it, and support staff, can do that.")
    return request, actor
