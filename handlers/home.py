"""The App Home."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs
from slack_sdk.web.async_client import AsyncWebClient

from bot.requests.request import InstallRequest
from bot.store import outbox
from bot.store.database import StoreError
from bot.store.lookups import KeptLookup
from handlers.blocks.home import home_view, unavailable_view
from handlers.parts import Parts, team_of


def register(app: AsyncApp, parts: Parts) -> None:
    """Listens to who opens it."""

    async def opened(args: AsyncArgs) -> None:
        event = args.event or {}
        if event.get("tab") == "home" and (user := event.get("user")):
            work = publish(parts, args.client, team_of(args), str(user))
            await parts.in_background(work, "the App Home")

    app.event("app_home_opened")(parts.listening("event", opened))


async def publish(parts: Parts, client: AsyncWebClient, team: str, user: str) -> None:
    """Shows ``user`` their App Home as it is now."""
    try:
        view = await _view(parts, client, team, user)
    except StoreError as error:
        view = unavailable_view(error.message)
    await client.views_publish(user_id=user, view=view)


async def _view(parts: Parts, client: AsyncWebClient, team: str, user: str) -> dict[str, Any]:
    mine = await parts.requests.of_user(team, user)
    lookups = await parts.lookups.recent(team, user)
    is_supporter = await parts.people.is_supporter(client, team, user)
    support = await parts.requests.open(team) if is_supporter else None
    waiting = await held_up(parts, (*mine, *(support or ())), lookups)
    return home_view(mine, support, lookups, waiting)


async def held_up(
    parts: Parts, requests: Sequence[InstallRequest], lookups: Sequence[KeptLookup] = ()
) -> Mapping[str, str]:
    """Why something of these is not delivered yet, by their ids."""
    lanes = {f"lookup:{lookup.id}": lookup.id for lookup in lookups}
    for request in requests:
        lanes |= {f"{word}:{request.id}": request.id for word in ("request", "ticket")}
    if not lanes:
        return {}
    async with parts.database.read() as unit:
        reasons = await outbox.held_up_in(unit, lanes)
    return {lanes[lane]: reason for lane, reason in reasons.items()}
