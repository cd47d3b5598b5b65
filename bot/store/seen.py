"""What was seen before, so that a delivery of Slack that comes twice counts once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from sqlalchemy import bindparam, select, update

from bot.store.database import Unit
from bot.store.inserting import insert_into
from bot.store.prepared import Prepared
from bot.store.tables import Moment, seen

#: Slack repeats an event for minutes, a person a click for hours.
KEEP: Final = timedelta(days=1)


def _first(is_postgresql: bool) -> Any:
    insert = insert_into(seen, is_postgresql=is_postgresql).values(
        key=bindparam("new_key"), value=bindparam("new_value"), expires_at=bindparam("expires")
    )
    return insert.on_conflict_do_update(
        index_elements=[seen.c.key],
        set_={"value": insert.excluded.value, "expires_at": insert.excluded.expires_at},
        where=seen.c.expires_at <= bindparam("now", type_=Moment()),
    ).returning(seen.c.key)


_FIRST: Final = Prepared(_first)
_KNOWN: Final = Prepared(lambda _: select(seen.c.value).where(seen.c.key == bindparam("known")))


class Seen:
    """Keys (event id, trigger id, view id, each behind a word for its kind) with what came of them."""

    async def first(
        self, unit: Unit, key: str, value: str = "", *, keep: timedelta = KEEP
    ) -> str | None:
        """None the first time, and ``value`` is kept with ``key`` for as long as ``keep``; afterwards
        the value kept. Of two transactions at once the second waits for the first."""
        expires = unit.now + keep
        values = {"new_key": key, "new_value": value, "expires": expires, "now": unit.now}
        if await unit.fetch(_FIRST, values):
            return None
        (known,) = await unit.fetch(_KNOWN, {"known": key})
        kept: str = known.value
        return kept

    async def note(self, unit: Unit, key: str, value: str) -> None:
        """From now on ``value`` is what came of ``key``."""
        await unit.execute(update(seen).where(seen.c.key == key).values(value=value))

    async def forget(self, unit: Unit, key: str) -> bool:
        """Whether ``key`` was known and had not expired; it is no longer."""
        statement = seen.delete().where(seen.c.key == key).returning(seen.c.expires_at)
        row = (await unit.execute(statement)).first()
        return row is not None and row.expires_at > unit.now
