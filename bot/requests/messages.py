"""What people wrote in the threads of requests, kept so that it can be relayed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.store.database import Database, Unit


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
    """When it was deleted; its text is gone then."""


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
        raise NotImplementedError

    async def edit(self, unit: Unit, source: str, source_id: str, text: str) -> Message | None:
        """Its text was changed; None: no such message, it is deleted, or nothing is new."""
        raise NotImplementedError

    async def delete(self, unit: Unit, source: str, source_id: str) -> Message | None:
        """It was deleted; None: no such message, or it was deleted before."""
        raise NotImplementedError

    async def of_request(self, request_id: str) -> Sequence[Message]:
        """The messages of a request, the oldest first, deleted ones included."""
        raise NotImplementedError
