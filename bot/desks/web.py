"""What the desks with an API have in common."""

from __future__ import annotations

import abc
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from bot.desks.base import (
    Attachment,
    CheckLine,
    Cursor,
    DeskError,
    DeskFile,
    DeskUnreachable,
    FileRefused,
    MappingRejected,
    Meaning,
    NotAllowed,
    OddAnswer,
    Pace,
    Ticket,
    TicketState,
    already_done,
)
from bot.desks.checking import Check
from bot.desks.configuration import WebTable
from bot.desks.http import Answer, DeskHttp
from bot.desks.session import Session
from bot.requests.states import State
from bot.text import visible

#: How many files of a ticket are remembered.
_MAX_SEEN: Final = 2000
#: At how many tickets a check looks for a file.
_LOOKED_AT: Final = 5
#: A ticket that has come so far is left alone when its request gets one of these states: a closed one
#: is not opened again to say that the certificate is installed.
_FURTHER: Final = {
    Meaning.SOLVED: frozenset({State.INSTALLED}),
    Meaning.CLOSED: frozenset({State.INSTALLED, State.VERIFIED, State.REJECTED, State.CANCELLED}),
}
_PAGES: Final = ("text/html", "application/json")


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file as the desk lists it. ``size`` None: it does not say."""

    id: str
    name: str
    size: int | None
    uploaded_at: str = ""
    """As the desk writes it; empty: it does not say."""


#: Whether the customer may see a file; None: it is too early to say.
Audience: TypeAlias = Callable[[ListedFile], bool | None]


class WebDesk(abc.ABC):
    """A desk at the end of ``session``. What the API itself is like is told by its subclasses."""

    def __init__(self, table: WebTable, session: Session) -> None:
        self._table = table
        self._session = session

    @property
    def suffixes(self) -> Sequence[str]:
        return self._table.suffixes

    @property
    def pace(self) -> Pace:
        return self._table.pace

    @property
    def has_journal(self) -> bool:
        return True

    async def aclose(self) -> None:
        await self._session.aclose()

    async def find(self, marker: str) -> Ticket | None:
        # A bracket may be a pattern of LIKE: the desk is asked for the id in it, and the whole
        # marker is looked for here.
        word = marker.strip("[]").split(" ")[-1]
        for identifier, subject in await self._search(word):
            if marker in subject:
                return await self._ticket(identifier)
        return None

    async def attach(self, ticket: Ticket, name: str, content: bytes) -> Attachment:
        await self._upload(ticket, name, content)
        with already_done():
            found = await self.attached(ticket, name)
        if found is None:
            raise FileRefused(f"Matrix42 took the file “{visible(name)}” and does not have it.")
        return found

    async def attached(self, ticket: Ticket, name: str) -> Attachment | None:
        newest = next((f for f in reversed(await self._files(ticket)) if f.name == name), None)
        if newest is None:
            return None
        answer = await self._read_back(ticket, newest.id)
        content = answer.body if answer and _is_file(answer, newest) else None
        sha256 = "" if content is None else hashlib.sha256(content).hexdigest()
        return Attachment(newest.id, name, newest.size, sha256)

    async def download(self, ticket: Ticket, identifier: str) -> bytes | None:
        answer = await self._read_back(ticket, identifier)
        return answer.body if answer else None

    async def set_state(self, ticket: Ticket, state: State) -> TicketState | None:
        wanted = self._table.set_states.get(state)
        if wanted is None:
            return None
        now = await self._state_now(ticket)
        if self._is_in(now, wanted):
            return now
        if now.meaning and state in _FURTHER.get(now.meaning, ()):
            return None
        await self._write_state(ticket, wanted)
        with already_done():
            now = await self._state_now(ticket)
        if not self._is_in(now, wanted):
            raise MappingRejected(
                f"Matrix42 leaves the ticket in “{visible(now.label, 80)}”.",
                f"Check set_states.{state} in the desk file, and whether the bot may change states.",
            )
        return now

    async def check(self) -> Sequence[CheckLine]:
        check = Check()
        try:
            await self._session.sign_in()
        except DeskError as error:
            check.missing(str(error))
            return check.lines
        check.done("Matrix42 accepts the bot's sign-in.")
        if await self._look_around(check):
            failed = "The bot cannot look for its tickets"
            found = await check.tried(self._search("cert-req"), failed, "find")
            if found is not None:
                check.done("The bot can look for its tickets.")
                await self._check_reading_back(check, found)
        return check.lines

    @abc.abstractmethod
    async def _search(self, word: str) -> Sequence[tuple[str, str]]:
        """Id and subject of tickets whose subject holds ``word``."""

    @abc.abstractmethod
    async def _ticket(self, identifier: str) -> Ticket:
        """The ticket with that id."""

    @abc.abstractmethod
    async def _upload(self, ticket: Ticket, name: str, content: bytes) -> None:
        """Attaches a file. Raises FileRefused."""

    @abc.abstractmethod
    async def _files(self, ticket: Ticket) -> Sequence[ListedFile]:
        """The ticket's files, the newest last."""

    @abc.abstractmethod
    def _download_words(self, ticket: Ticket, identifier: str) -> Mapping[str, str]:
        """What the placeholders of the setting ``download`` stand for."""

    @abc.abstractmethod
    async def _state_now(self, ticket: Ticket) -> TicketState:
        """The ticket's state."""

    @abc.abstractmethod
    async def _write_state(self, ticket: Ticket, wanted: str) -> None:
        """Changes the ticket's state."""

    @abc.abstractmethod
    async def _look_around(self, check: Check) -> bool:
        """Tells ``check`` what the settings name and whether it is there. False: so little is there
        that no ticket can be."""

    async def _get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """What the API says there, as JSON."""
        return (await self._session.call("GET", path, params=params)).json()

    def _is_in(self, now: TicketState, wanted: str) -> bool:
        """Whether ``now`` is what ``set_states`` calls ``wanted``."""
        return now.code == wanted

    def _state(self, code: str, label: str) -> TicketState:
        states = self._table.states
        return TicketState(code, label or code, states.get(code) or states.get(label))

    def _link(self, identifier: str, number: str) -> str:
        return filled(self._table.link, {"id": identifier, "number": number})

    async def _new_files(
        self, ticket: Ticket, cursor: Cursor, is_for_customer: Audience = lambda file: True
    ) -> tuple[Mapping[str, Any], Sequence[DeskFile]]:
        """What belongs into the next cursor, and the files for the customer that were not known to
        ``cursor``."""
        if not self._table.relay_files:
            return {}, ()
        known = set(cursor.get("files") or ())
        decided, new = [], []
        for file in await self._files(ticket):
            told = True if file.id in known else is_for_customer(file)
            if told is not None:
                decided.append(file.id)
            if told and file.id not in known:
                new.append(DeskFile(file.id, file.name))
        return {"files": decided[-_MAX_SEEN:]}, new

    async def _read_back(self, ticket: Ticket, identifier: str) -> Answer | None:
        """The answer with a file's bytes; None: this desk does not give them that way."""
        if not self._table.download:
            return None
        place = filled(self._table.download, self._download_words(ticket, identifier))
        try:
            return await self._session.call("GET", place, headers={"Accept": "*/*"})
        except NotAllowed:
            raise
        except DeskUnreachable as error:
            # Matrix42 says 500 to a call that it does not know, and would say it for ever.
            if error.status not in (500, 501):
                raise
            return None
        except DeskError:
            return None

    async def _check_reading_back(self, check: Check, tickets: Sequence[tuple[str, str]]) -> None:
        """Tried with a file that the bot attached earlier, if there is one."""
        if not self._table.download:
            check.remark("download is not set: attached files are compared by size alone.")
            return
        found = await check.tried(
            self._file_of(tickets), "The files of the bot's tickets cannot be read"
        )
        if found is None:
            return
        ticket, answer, file = found
        if file is None or ticket is None:
            check.remark(
                "Whether attached files can be read back is not known: no ticket of the bot has one "
                "yet. Check again after the first request."
            )
        elif answer and _is_file(answer, file):
            shown = visible(ticket.number, 60)
            check.done(f"A file of {shown} was read back: attached files are compared by SHA-256.")
        else:
            shown = visible(ticket.number, 60)
            check.remark(
                f"A file of {shown} cannot be read back: attached files are compared by size alone. "
                "Check download in the desk file."
            )

    async def _file_of(
        self, tickets: Sequence[tuple[str, str]]
    ) -> tuple[Ticket | None, Answer | None, ListedFile | None]:
        """A file of one of ``tickets``, and what comes when it is read back."""
        for identifier, _ in tickets[:_LOOKED_AT]:
            ticket = await self._ticket(identifier)
            for file in await self._files(ticket):
                return ticket, await self._read_back(ticket, file.id), file
        return None, None, None


def http_of(table: WebTable, secret: str, proxy: str) -> DeskHttp:
    """The client that ``table`` describes; ``secret`` is what it signs in with."""
    return DeskHttp(
        table.url,
        seconds=table.timeout,
        ca_bundle=table.ca_bundle,
        proxy=proxy,
        secret=secret,
    )


def filled(pattern: str, words: Mapping[str, str]) -> str:
    """``pattern``, an address, with each ``{name}`` in it filled in."""
    for name, value in words.items():
        pattern = pattern.replace(f"{{{name}}}", quote(value, safe=""))
    return pattern


def rows(given: Any) -> list[Mapping[str, Any]]:
    """The objects in the list ``given``; null is an empty one. Raises OddAnswer."""
    if given is None:
        return []
    if not isinstance(given, list):
        raise OddAnswer("Matrix42 answered something else than a list.")
    return [row for row in given if isinstance(row, Mapping)]


def size_of(given: object) -> int | None:
    """``given`` as a size; None: it is none."""
    return given if isinstance(given, int) and not isinstance(given, bool) else None


def text_of(value: object) -> str:
    """A value, in English where it is there in several languages."""
    if isinstance(value, Mapping):
        value = value.get("en") or next(iter(value.values()), "")
    return "" if value is None else str(value)


def _is_file(answer: Answer, file: ListedFile) -> bool:
    """Whether ``answer`` holds the bytes of ``file`` and not a page or a description of it."""
    if file.size is not None and file.size != len(answer.body):
        return False
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return kind not in _PAGES or file.name.lower().endswith((".html", ".htm", ".json"))
