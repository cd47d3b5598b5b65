"""What every change of a request leaves behind: its audit entry, and the acts that tell of it."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from typing import Any, Final

from sqlalchemy import select

from bot.requests.request import Actor, Entry, InstallRequest
from bot.requests.rows import entry_of
from bot.store.database import Unit
from bot.store.outbox import put
from bot.store.tables import entries, followers

#: Who did what the bot did by itself.
BOT_NAME: Final = "whichroot"

_ID_OCTETS: Final = 12


async def write(
    unit: Unit,
    request: InstallRequest,
    by: Actor | None,
    what: str,
    *,
    text: str = "",
    data: Mapping[str, Any] | None = None,
) -> Entry:
    """Adds the entry for the change after which ``request`` is as given. ``by`` None: the bot."""
    statement = (
        entries.insert()
        .values(
            id=secrets.token_hex(_ID_OCTETS),
            request_id=request.id,
            number=request.version,
            at=unit.now,
            who=by.user if by else "",
            who_name=by.name if by else BOT_NAME,
            what=what,
            text=text,
            state=request.state,
            data=dict(data or {}),
        )
        .returning(entries)
    )
    return entry_of((await unit.execute(statement)).one())


async def show(unit: Unit, entry: Entry, *kinds: str, sha256: Collection[str] = ()) -> None:
    """Puts the acts of ``kinds`` that show ``entry`` in the thread, in this order."""
    payloads: Mapping[str, Mapping[str, Any]] = {
        "card": {"request": entry.request_id},
        "pem": {"request": entry.request_id, "entry": entry.id, "sha256": list(sha256)},
        "line": {"request": entry.request_id, "entry": entry.id},
    }
    for kind in kinds:
        await put(unit, f"request:{entry.request_id}", kind, payloads[kind])


async def tell(unit: Unit, request: InstallRequest, entry: Entry) -> None:
    """Puts the notices by which the requester and the followers hear of ``entry``, all but whoever
    did it."""
    statement = select(followers.c.user).where(followers.c.request_id == request.id)
    others = (await unit.execute(statement)).scalars()
    for user in dict.fromkeys((request.requester, *others)):
        if user != entry.who:
            await tell_one(unit, entry, user)


async def tell_one(unit: Unit, entry: Entry, user: str) -> None:
    """Puts the notice by which ``user`` hears of ``entry``."""
    payload = {"request": entry.request_id, "entry": entry.id, "user": user}
    await put(unit, f"notice:{entry.request_id}:{user}", "notice", payload)
