"""The app is removed from a workspace: its token is forgotten, and nothing is tried there until it is
installed again."""

from __future__ import annotations

from slack_bolt.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs

from handlers.parts import Parts


def register(app: AsyncApp, parts: Parts) -> None:
    """Listens to ``app_uninstalled`` and ``tokens_revoked``."""

    async def uninstalled(args: AsyncArgs) -> None:
        await parts.clients.removed(args.context.enterprise_id, args.context.team_id)

    async def revoked(args: AsyncArgs) -> None:
        tokens = (args.event or {}).get("tokens") or {}
        # A person's own token is none of the bot's.
        if tokens.get("bot"):
            await parts.clients.removed(args.context.enterprise_id, args.context.team_id)

    app.event("app_uninstalled")(parts.listening("event", uninstalled))
    app.event("tokens_revoked")(parts.listening("event", revoked))
