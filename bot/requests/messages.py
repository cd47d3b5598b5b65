"""What people wrote in the threads of requests, kept so that it can be relayed."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update

from bot.store.database import Database, Unit
from bot.store.tables import messages
from bot.text import storable


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a person. Never holds a private key: whoever adds it has looked."""

    id: str
    request_id: str
    source: str
    """Where it was written: `slack`, or the desk."""
    source_id: str
    """Its id there; for Slack `TEAM:CHANNEL:TS`."""
    author: str
    author_name: str
    text: str
    files: Sequence[Mapping[str, Any]]
    """Name and id of each file."""
    written_at: datetime
    edited_at: datetime | None
    deleted_at: datetime | None
    """When it was deleted; its text and files are gone then."""


class Messages:
    """The messages of ``database``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self,
        unit: Unit,
        request_id: str,
        *,
        source: str,
        source_id: str,
        author: str,
        author_name: str,
        text: str,
        files: Sequence[Mapping[str, Any]] = (),
    ) -> Message | None:
        """Keeps a message; None: it was kept before."""
        statement = (
            unit.insert(messages)
            .values(
                id=secrets.token_hex(12),
                request_id=request_id,
                source=source,
                source_id=source_id,
                author=author,
                author_name=storable(author_name),
                text=storable(text),
                files=[{name: storable(str(v)) for name, v in file.items()} for file in files],
                written_at=unit.now,
            )
            .on_conflict_do_nothing(index_elements=[messages.c.source, messages.c.source_id])
            .returning(messages)
        )
        return _message((await unit.execute(statement)).first())

    async def edit(self, unit: Unit, source: str, source_id: str, text: str) -> Message | None:
        """Its text was changed; None: no such message, it is deleted, or nothing is new."""
        text = storable(text)
        statement = (
            update(messages)
            .where(
                messages.c.source == source,
                messages.c.source_id == source_id,
                messages.c.deleted_at.is_(None),
                messages.c.text != text,
            )
            .values(text=text, edited_at=unit.now)
            .returning(messages)
        )
        return _message((await unit.execute(statement)).first())

    async def delete(self, unit: Unit, source: str, source_id: str) -> Message | None:
        """It was deleted, and so are its text and files here; None: no such message, or it was
        deleted before."""
        statement = (
            update(messages)
            .where(
                messages.c.source == source,
                messages.c.source_id == source_id,
                messages.c.deleted_at.is_(None),
            )
            .values(text="", files=[], deleted_at=unit.now)
            .returning(messages)
        )
        return _message((await unit.execute(statement)).first())

    async def of_request(self, request_id: str) -> Sequence[Message]:
        """The messages of a request, the oldest first, deleted ones included."""
        statement = (
            select(messages)
            .where(messages.c.request_id == request_id)
            .order_by(messages.c.written_at, messages.c.source_id)
        )
        async with self._database.read() as unit:
            found = [_message(row) for row in await unit.execute(statement)]
        return [message for message in found if message]


def _message(row: Row[Any] | None) -> Message | None:
    if row is None:
        return None
    return Message(
        id=row.id,
        request_id=row.request_id,
        source=row.source,
        source_id=row.source_id,
        author=row.author,
        author_name=row.author_name,
        text=row.text,
        files=row.files,
        written_at=row.written_at,
        edited_at=row.edited_at,
        deleted_at=row.deleted_at,
    )
