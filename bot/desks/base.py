"""What a desk does, whichever it is, and how it fails.

No message of an error holds a token, a password or the body of an answer unescaped.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, Protocol, TypeAlias

from bot.errors import WhichrootError
from bot.requests.states import State

#: Where polling a ticket stopped, as JSON; what is in it is the desk's own.
Cursor: TypeAlias = Mapping[str, Any]

_FIRST_YEAR: Final = 1970
_LAST_YEAR: Final = 9000
#: How much of an entry of the other side is kept, in characters.
MAX_TEXT: Final = 20_000


class DeskError(WhichrootError):
    """The desk did not do what was asked."""


class DeskUnreachable(DeskError):
    """The desk does not answer, or is unwell. Trying later helps.

    ``maybe_done``: what was asked may have been done all the same. ``seconds``: how long the desk
    asks to wait; None: it did not say. ``status``: the HTTP status that it answered with, if any.
    """

    def __init__(
        self,
        message: str,
        remedy: str = "",
        *,
        maybe_done: bool,
        seconds: float | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message, remedy)
        self.maybe_done = maybe_done
        self.seconds = seconds
        self.status = status


@contextlib.contextmanager
def already_done() -> Iterator[None]:
    """Around what only reads back what was written: whatever ends it, the writing was done."""
    try:
        yield
    except DeskUnreachable as error:
        raise DeskUnreachable(
            error.message,
            error.remedy,
            maybe_done=True,
            seconds=error.seconds,
            status=error.status,
        ) from None


class NotAllowed(DeskError):
    """The desk refuses the bot itself, whatever it asks for: a matter of configuration, there or
    here. Nothing was done, and trying again helps no more than before somebody has mended it."""


class SignInRefused(NotAllowed):
    """The desk does not accept the login, or not any more."""


class ApiTokenExpired(SignInRefused):
    """The desk answers the API token with nothing: it has expired or was never valid."""


class TokenNotExchanged(SignInRefused):
    """The desk was sent a token that it did not make for this (406)."""


class MissingRole(NotAllowed):
    """The desk knows the login, which lacks a role there (403)."""


class MappingRejected(DeskError):
    """The desk refuses a value: a setting names something that it does not have."""


class FileRefused(DeskError):
    """The desk does not take the file: its name or its size."""


class TicketGone(DeskError):
    """The desk has no such ticket."""


class OddAnswer(DeskError):
    """The desk answered something that is not understood."""


class Meaning(StrEnum):
    """What a state of a ticket means; which state means what is a setting."""

    OPEN = "open"
    WORKING = "working"
    WAITING = "waiting"
    """For the customer."""
    SOLVED = "solved"
    CLOSED = "closed"
    """Which does not say that anything is installed."""


@dataclass(frozen=True, slots=True)
class TicketDraft:
    """A ticket to be created."""

    marker: str
    """What the subject holds so that the ticket is found again, as `[cert-req R-7K3M]`."""
    subject: str
    """With the marker."""
    facts: Sequence[tuple[str, str]]
    """What the ticket says, as name and value. Untrusted: each desk escapes it."""
    requester_mail: str = ""
    file_name: str = ""
    file: bytes = b""
    """The PEM, for a desk that takes no file later."""
    replaces: bool = False
    """An earlier one was sent with another PEM, which must not be installed any more."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket at the desk."""

    id: str
    number: str
    """What people call it."""
    url: str
    """Where people read it; empty: nowhere."""
    kind: str = ""
    """The desk's own type of it, which later calls need."""
    warnings: Sequence[str] = ()
    """What the desk complained of although it created the ticket."""


class Compared(StrEnum):
    """What of a file at the desk can be compared with what was attached."""

    SHA256 = "sha256"
    """Its bytes: the desk gave them back."""
    SIZE = "size"
    """Its size alone: the desk did not give the bytes back."""
    NOTHING = "nothing"
    """The desk says that it has a file of that name, and no more."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file at the ticket. ``sha256``: of the bytes that the desk gave back; empty: it did not give
    them back."""

    id: str
    name: str
    size: int | None
    sha256: str

    @property
    def compared(self) -> Compared:
        """What `matches` compares: to be told wherever it is less than the bytes."""
        if self.sha256:
            return Compared.SHA256
        return Compared.NOTHING if self.size is None else Compared.SIZE

    def matches(self, content: bytes) -> bool:
        """Whether nothing that is known of the file says that it is another one than ``content``."""
        if self.sha256:
            return self.sha256 == hashlib.sha256(content).hexdigest()
        return self.size in (None, len(content))


@dataclass(frozen=True, slots=True)
class DeskEntry:
    """A journal or worklog entry that the customer may see."""

    key: str
    """Its id, or a hash where the desk gives none; unique within the ticket."""
    author: str
    text: str
    """Plain text. Untrusted."""
    written_at: str
    """As the desk writes it."""
    files: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class TicketState:
    """A ticket's state. ``meaning`` None: no setting says what it means, so the label is shown."""

    code: str
    label: str
    meaning: Meaning | None


@dataclass(frozen=True, slots=True)
class DeskFile:
    """A file at a ticket. ``name`` is untrusted."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class News:
    """What happened to a ticket since a cursor."""

    cursor: Cursor
    state: TicketState | None
    """As it is now; None: the desk did not say."""
    entries: Sequence[DeskEntry] = ()
    """New ones, the oldest first."""
    files: Sequence[DeskFile] = ()
    """New files, where the settings say that all of them may be seen by the customer."""


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One sentence of a check. ``ok`` False: something is missing. ``remark``: it works, and less
    well than it could, or is not known yet."""

    ok: bool
    text: str
    remark: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """What a comment became; ``key`` is as in `DeskEntry`, empty where the desk gives none."""

    key: str = ""


@dataclass(frozen=True, slots=True)
class MessageFile:
    """A message as a file, for whoever sends it themselves."""

    name: str
    """As `cert-req-R-7K3M.eml`."""
    content: bytes
    """RFC 5322, the PEM attached (`message/rfc822`)."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a desk is asked, and how long it is waited for; in seconds."""

    first: float = 20.0
    """Between two polls of a ticket at which something happens; …"""
    most: float = 600.0
    """… each poll without news makes it longer, up to this."""
    outage: float = 600.0
    """How long the desk may be out of reach before the thread is told."""
    settle: float = 30.0
    """After a creation in doubt: how long the desk may still be at it."""


class Desk(Protocol):
    """A desk. Each method raises DeskError."""

    @property
    def pace(self) -> Pace:
        """How often it is asked."""
        ...

    @property
    def suffixes(self) -> Sequence[str]:
        """The endings that a PEM's name may have, the preferred one first."""
        ...

    @property
    def has_journal(self) -> bool:
        """Whether it can be polled and commented on."""
        ...

    async def create(self, draft: TicketDraft) -> Ticket:
        """Creates the ticket, once: nothing is repeated here."""
        ...

    async def find(self, marker: str) -> Ticket | None:
        """The ticket whose subject holds ``marker``."""
        ...

    async def attach(self, ticket: Ticket, name: str, content: bytes) -> Attachment:
        """Attaches a file and reads it back. Raises FileRefused."""
        ...

    async def attached(self, ticket: Ticket, name: str) -> Attachment | None:
        """The file of that name, read back; None: it is not there."""
        ...

    async def download(self, ticket: Ticket, identifier: str) -> bytes | None:
        """The bytes of a file; None: the desk file names no call for that."""
        ...

    async def comment(self, ticket: Ticket, text: str) -> Written:
        """Adds an entry that the customer may see."""
        ...

    async def set_state(self, ticket: Ticket, state: State) -> TicketState | None:
        """Puts the ticket into the state that the settings (``set_states``) give for ``state``, the
        one of the request in Slack; gives the ticket's own as it is then, read back. None: the
        settings give none, or the ticket is further already, and nothing was done. May be repeated.
        Raises MappingRejected where the ticket is not in that state afterwards."""
        ...

    async def poll(self, ticket: Ticket, cursor: Cursor) -> News:
        """What is new since ``cursor``; an empty one: since the ticket was created."""
        ...

    async def check(self) -> Sequence[CheckLine]:
        """Signs in, looks around, and says what is missing. Changes nothing there."""
        ...

    async def aclose(self) -> None:
        """Closes its connections."""
        ...


def marker_of(short_id: str) -> str:
    """The marker of the request with that short id."""
    return f"[cert-req {short_id}]"


def digest(text: str) -> str:
    """A hash of what a text says, whatever became of its blanks on the way."""
    return hashlib.sha256(" ".join(text.split()).encode("utf-8", "replace")).hexdigest()


def moment(text: str) -> datetime | None:
    """An ISO 8601 time; without a zone it is UTC. None: it is none, or one that no clock shows, as
    .NET's 0001-01-01 for a time that was never set."""
    try:
        found = datetime.fromisoformat(text.strip())
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return found if _FIRST_YEAR <= found.year <= _LAST_YEAR else None
