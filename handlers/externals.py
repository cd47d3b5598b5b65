"""People of another company in a shared channel (Slack Connect): they may use what is shown there, and
start nothing new from inside the company's network."""

from __future__ import annotations

from typing import Final

from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.errors import WhichrootError
from handlers.parts import Parts, team_of

EXTERNAL: Final = WhichrootError(
    "Only people of the company where I am installed can have servers checked or request an "
    "installation.",
    "Ask one of them in this channel.",
)


async def is_external(parts: Parts, args: AsyncArgs, user: str) -> bool:
    """Whether ``user`` is of another company and does not count as support staff either.

    Slack is asked only where the payload leaves that open. Raises SlackApiError while it is unwell.
    """
    team = team_of(args)
    person, event = args.body.get("user"), args.body.get("event") or {}
    theirs = event.get("user_team") or event.get("team")
    if isinstance(person, dict):
        theirs = person.get("team_id")
    if not args.body.get("is_ext_shared_channel") and theirs in (None, team):
        return False
    if not await parts.people.is_external(args.client, team, args.context.enterprise_id, user):
        return False
    return not await parts.people.is_supporter(args.client, team, user)
