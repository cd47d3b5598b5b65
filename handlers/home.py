"""The App Home."""

from __future__ import annotations

from slack_bolt.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs
from slack_sdk.web.async_client import AsyncWebClient

from handlers.blocks.home import home_view
from handlers.parts import Parts, team_of


def register(app: AsyncApp, parts: Parts) -> None:
    """Listens to who opens it."""

    async def opened(args: AsyncArgs) -> None:
        event = args.event or {}
        if event.get("tab") == "home":
            work = publish(parts, args.client, team_of(args), str(event["user"]))
            await parts.in_background(work, "the App Home")

    app.event("app_home_opened")(parts.listening("event", opened))


async def publish(parts: Parts, client: AsyncWebClient, team: str, user: str) -> None:
    """Shows ``user`` their App Home as it is now."""
    is_supporter = await parts.people.is_supporter(client, team, user)
    view = home_view(
        await parts.requests.of_user(team, user),
        await parts.requests.open(team) if is_supporter else None,
        await parts.lookups.recent(team, user),
    )
    await client.views_publish(user_id=user, view=view)
