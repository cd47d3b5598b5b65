"""Tickets as a desk keeps them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


@dataclass
class DeskFile:
    """A file at a ticket."""

    id: str
    name: str
    content: bytes
    at: datetime
    visible: bool = True
    """Whether it came with something that the customer sees."""


@dataclass
class Entry:
    """A journal or worklog entry."""

    id: str
    author: str
    text: str
    visible: bool
    at: datetime
    files: list[str] = field(default_factory=list)


@dataclass
class Ticket:
    """A ticket; ``version`` is its rowversion."""

    id: str
    number: str
    subject: str
    description: str
    state: str
    version: int
    kind: str
    fields: dict[str, Any] = field(default_factory=dict)
    files: list[DeskFile] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    fragment: str = field(default_factory=lambda: str(uuid.uuid4()))
    """The id of its fragment, which is another one."""


class Tickets:
    """All tickets of a desk."""

    def __init__(self, new_id: Callable[[int], str] | None = None) -> None:
        self._by_id: dict[str, Ticket] = {}
        self._version = 2000
        self._new_id = new_id or (lambda number: str(uuid.uuid4()))

    def __iter__(self) -> Any:
        return iter(list(self._by_id.values()))

    def __len__(self) -> int:
        return len(self._by_id)

    def get(self, identifier: str) -> Ticket | None:
        """The ticket with that id."""
        return self._by_id.get(identifier)

    def add(self, subject: str, description: str, *, prefix: str, state: str, kind: str) -> Ticket:
        """A new ticket."""
        number = len(self._by_id) + 1
        ticket = Ticket(
            self._new_id(number),
            f"{prefix}{number:05d}",
            subject,
            description,
            state,
            self._next_version(),
            kind,
        )
        self._by_id[ticket.id] = ticket
        return ticket

    def attach(
        self, ticket: Ticket, name: str, content: bytes, *, visible: bool = True
    ) -> DeskFile:
        """A file is added to ``ticket``."""
        file = DeskFile(str(uuid.uuid4()), name, content, datetime.now(UTC), visible)
        ticket.files.append(file)
        ticket.version = self._next_version()
        return file

    def write(self, ticket: Ticket, author: str, text: str, *, visible: bool) -> Entry:
        """An entry is added to ``ticket``."""
        entry = Entry(str(uuid.uuid4()), author, text, visible, datetime.now(UTC))
        ticket.entries.append(entry)
        ticket.version = self._next_version()
        return entry

    def move(self, ticket: Ticket, state: str) -> None:
        """``ticket`` gets another state."""
        ticket.state = state
        ticket.version = self._next_version()

    def file(self, identifier: str) -> DeskFile | None:
        """The file with that id, of any ticket."""
        for ticket in self._by_id.values():
            for file in ticket.files:
                if file.id == identifier:
                    return file
        return None

    def _next_version(self) -> int:
        self._version += 1
        return self._version
