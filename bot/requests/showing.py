"""Where the questions of a request are shown, so that their buttons go when they are answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import select, update

from bot.requests.request import Entry
from bot.requests.rows import entry_of
from bot.requests.states import Action, State
from bot.store.database import Unit
from bot.store.tables import entries, requests

#: What is asked with buttons, and the state in which it waits for one to be pressed.
QUESTIONS: Final[Mapping[str, State]] = {
    Action.ASK: State.WAITING,
    Action.INSTALL: State.INSTALLED,
    Action.REJECT: State.REJECTED,
}
_SHOWN: Final = "shown"


async def note_shown(unit: Unit, entry_id: str, places: Sequence[Mapping[str, Any]]) -> None:
    """The entry is shown in these messages (``channel``, ``ts``, ``kind``: line or notice); of one
    that asks nothing that is not kept."""
    statement = select(entries).where(entries.c.id == entry_id).with_for_update()
    row = (await unit.execute(statement)).first()
    if row is None or row.what not in QUESTIONS:
        return
    known = row.data.get(_SHOWN) or []
    added = [dict(place) for place in places if place not in known]
    data = {**row.data, _SHOWN: [*known, *added]}
    await unit.execute(update(entries).where(entries.c.id == entry_id).values(data=data))


async def answered(unit: Unit, request_id: str) -> Sequence[Entry]:
    """The questions of a request that wait for no button any more."""
    state = select(requests.c.state).where(requests.c.id == request_id).scalar_subquery()
    statement = select(entries, state.label("now")).where(
        entries.c.request_id == request_id, entries.c.what.in_(list(QUESTIONS))
    )
    rows = await unit.execute(statement)
    return [entry_of(row) for row in rows if row.now != QUESTIONS[row.what]]


def shown(entry: Entry) -> Sequence[Mapping[str, Any]]:
    """Where an entry is shown, as far as that is known."""
    places: Sequence[Mapping[str, Any]] = entry.data.get(_SHOWN) or ()
    return places
