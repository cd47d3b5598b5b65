"""What was seen before, so that a delivery of Slack that comes twice counts once."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sqlalchemy import select, update

from bot.store.database import Unit
from bot.store.tables import seen

#: Slack repeats an event for minutes, a person a click for hours.
KEEP: Final = timedelta(days=1)


class Seen:
    """Keys (event id, trigger id, view id, each behind a word for its kind) with what came of them."""

    async def first(
        self, unit: Unit, key: str, value: str = "", *, keep: timedelta = KEEP
    ) -> str | None:
        """None the first time, and ``value`` is kept with ``key`` for as long as ``keep``; afterwards
        the value kept. Of two transactions at once the second waits for the first."""
        expires = unit.now + keep
        insert = unit.insert(seen).values(key=key, value=value, expires_at=expires)
        statement = insert.on_conflict_do_update(
            index_elements=[seen.c.key],
            set_={"value": insert.excluded.value, "expires_at": insert.excluded.expires_at},
            where=seen.c.expires_at <= unit.now,
        ).returning(seen.c.key)
        if (await unit.execute(statement)).first() is not None:
            return None
        known = await unit.execute(select(seen.c.value).where(seen.c.key == key))
        kept: str = known.scalar_one()
        return kept

    async def note(self, unit: Unit, key: str, value: str) -> None:
        """From now on ``value`` is what came of ``key``."""
        await unit.execute(update(seen).where(seen.c.key == key).values(value=value))

    async def forget(self, unit: Unit, key: str) -> bool:
        """Whether ``key`` was known and had not expired; it is no longer."""
        statement = seen.delete().where(seen.c.key == key).returning(seen.c.expires_at)
        row = (await unit.execute(statement)).first()
        return row is not None and row.expires_at > unit.now
