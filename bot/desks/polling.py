"""Polling: what happens to tickets at the desks becomes acts of their requests.

Any number of replicas poll; a lease keeps each ticket to one of them. News are kept in the
transaction that moves the ticket's cursor, and an entry is kept once whoever polls: its id is unique
among the messages. Acts that are put: ``journal`` [request:ID] ``{"request", …}`` with one of
``message`` (the id of a kept message), ``state`` (code, label, meaning), ``down`` (since, reason),
``refused`` (reason), ``back`` (true), ``gone`` (reason), ``files_left`` (how many more files there
are), and [ticket:ID], where it holds up nothing of the thread, ``file`` (id, name).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import secrets
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from bot import incidents
from bot.desks.base import (
    Desk,
    DeskEntry,
    DeskError,
    DeskUnreachable,
    Meaning,
    News,
    NotAllowed,
    Ticket,
    TicketGone,
    digest,
)
from bot.desks.choosing import Desks
from bot.requests.messages import Messages
from bot.store import outbox
from bot.store.database import Database, StoreError, Unit
from bot.store.tickets import ASKED, PASSED, REFUSED, KeptTicket, Polled, Tickets

#: The source of messages that were written at the desk.
SOURCE: Final = "matrix42"
#: A closed request's ticket is polled no more after so many polls without news.
_LAST_POLLS: Final = 20
_GROWTH: Final = 1.5
#: So many new files are brought into the thread at a time; that there are more is told.
_MAX_FILES: Final = 10
_KEY: Final = "(An entry with a private key is not shown here.)"

_logger = logging.getLogger("whichroot.desks")


@dataclass(frozen=True, slots=True)
class Turns:
    """How tickets are taken, in seconds and counts."""

    lease: float = 30.0
    """After the last sign of life of a replica its tickets are anybody's."""
    poll: float = 100.0
    """A poll that takes longer is stopped."""
    look: float = 1.0
    """How often it is looked for tickets whose turn it is; more often where a desk is polled so."""
    batch: int = 10
    """How many are polled at once, of each desk."""


class Poller:
    """Polls the tickets of ``database`` at their desks."""

    def __init__(self, database: Database, desks: Desks, turns: Turns | None = None) -> None:
        self._database = database
        self._desks = desks
        self._turns = turns or Turns()
        self._tickets = Tickets(database)
        self._messages = Messages(database)
        self._name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._claims = 0
        self._stopping = asyncio.Event()
        self._look = min(self._turns.look, desks.quickest)

    async def run(self) -> None:
        """Polls until `stop`. Survives an unreachable database and unreachable desks: one desk does not
        wait for another, nor a ticket for one whose poll takes long."""
        async with asyncio.TaskGroup() as group:
            for environments in self._desks.environments:
                group.create_task(self._run(group, environments))

    async def _run(self, group: asyncio.TaskGroup, environments: Sequence[str]) -> None:
        places = asyncio.Event()
        free = wanted = self._turns.batch

        def ended() -> None:
            nonlocal free
            free += 1
            # Few at a time would be many transactions.
            if 2 * free >= wanted:
                places.set()

        while not self._stopping.is_set():
            places.clear()
            owner = ""
            taken: Sequence[KeptTicket] = ()
            wanted = free
            try:
                if wanted:
                    owner, taken = await self._claim(wanted, environments)
            except StoreError as error:
                _logger.warning("no ticket can be polled: %s", error.message)
            except Exception as error:
                incidents.record(error, "polling tickets")
            if taken:
                free -= len(taken)
                group.create_task(self._poll_all(taken, owner, ended))
            # Where as many came as were wanted, more may be due.
            reason = places if len(taken) == wanted else self._stopping
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(reason.wait(), self._look)

    def stop(self) -> None:
        """Takes nothing more; `run` ends with what is under way."""
        self._stopping.set()

    async def once(self) -> int:
        """Takes what is due, polls it; gives how many tickets that were. Raises StoreError."""
        owner, taken = await self._claim(self._turns.batch)
        for outcome in await self._poll_all(taken, owner):
            if isinstance(outcome, StoreError):
                raise outcome
        return len(taken)

    async def _claim(
        self, limit: int, environments: Sequence[str] | None = None
    ) -> tuple[str, Sequence[KeptTicket]]:
        self._claims += 1
        owner = f"{self._name}:{self._claims}"
        length = timedelta(seconds=self._turns.lease)
        async with self._database.begin() as unit:
            return owner, await self._tickets.claim(unit, owner, limit, length, environments)

    async def _poll_all(
        self, taken: Sequence[KeptTicket], owner: str, ended: Callable[[], None] | None = None
    ) -> Sequence[BaseException | None]:
        """Polls what ``owner`` leases, and keeps the leases meanwhile; gives what went wrong. ``ended``
        is called after each."""
        if not taken:
            return ()
        over = asyncio.Event()

        async def poll(ticket: KeptTicket) -> None:
            try:
                await self._poll(ticket, owner)
            finally:
                if ended:
                    ended()

        keeping = asyncio.create_task(self._keep_leases(owner, over))
        try:
            outcomes = await asyncio.gather(
                *(poll(ticket) for ticket in taken), return_exceptions=True
            )
        finally:
            over.set()
            await keeping
        for outcome in outcomes:
            if isinstance(outcome, StoreError):
                _logger.warning("what a poll found cannot be kept: %s", outcome.message)
            elif isinstance(outcome, Exception) and not isinstance(outcome, _LeaseLost):
                incidents.record(outcome, "polling a ticket")
        return outcomes

    async def _keep_leases(self, owner: str, over: asyncio.Event) -> None:
        length = timedelta(seconds=self._turns.lease)
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), self._turns.lease / 3)
            if over.is_set():
                return
            try:
                async with self._database.begin() as unit:
                    await self._tickets.renew(unit, owner, length)
            except StoreError as error:
                _logger.warning("leases of tickets cannot be renewed: %s", error.message)
            except Exception as error:
                incidents.record(error, "renewing leases of tickets")

    async def _poll(self, kept: KeptTicket, owner: str) -> None:
        desk = self._desks.of(kept.environment)
        if desk is None or not desk.has_journal:
            async with self._database.begin() as unit:
                await self._tickets.settle(unit, kept.request_id, owner, _unchanged(kept, None))
            return
        ticket = Ticket(kept.ticket_id, kept.number, kept.url, kept.kind)
        try:
            async with asyncio.timeout(self._turns.poll):
                news = await desk.poll(ticket, kept.cursor)
        except TicketGone as error:
            await self._note_gone(kept, owner, error)
        except NotAllowed as error:
            await self._note_refused(kept, owner, desk, error)
        except DeskError as error:
            await self._note_down(kept, owner, desk, error)
        except TimeoutError:
            slow = DeskUnreachable("Matrix42 takes too long.", maybe_done=False)
            await self._note_down(kept, owner, desk, slow)
        else:
            await self._note(kept, owner, desk, news)

    async def _note(self, kept: KeptTicket, owner: str, desk: Desk, news: News) -> None:
        """Keeps what is new, with the acts that tell it."""
        texts = _safe_texts(news.entries)
        async with self._database.begin() as unit:
            happened = False
            state = news.state
            moved = state is not None and state.code != kept.state_code
            polled_state = state.code if state is not None else kept.state_code
            echoes = await self._tickets.echoes(unit, kept.request_id)
            is_back = kept.down_told
            if was_refused := not echoes.isdisjoint((REFUSED, ASKED, PASSED)):
                is_back |= await self._tickets.note_passed(unit, kept.request_id, "read")
            if is_back:
                await _put(unit, kept, back=True)
            for entry, text in zip(news.entries, texts, strict=True):
                if echoes.isdisjoint((digest(entry.text), f"key:{entry.key}")):
                    happened |= await self._keep(unit, kept, entry, text)
            happened |= await _put_files(unit, kept, news, echoes)
            # That a new ticket is open is no news.
            if state is not None and moved:
                first = kept.state_code is None
                if not (first and state.meaning is Meaning.OPEN):
                    told = {"code": state.code, "label": state.label, "meaning": state.meaning}
                    await _put(unit, kept, state=told)
                    happened = True
            quiet = 0 if happened else kept.quiet + 1
            last = not kept.request_open and quiet >= _LAST_POLLS
            due_at = None if last else unit.now + _interval(desk, quiet)
            polled = Polled(news.cursor, polled_state, quiet, due_at)
            if not await self._tickets.settle(unit, kept.request_id, owner, polled):
                raise _LeaseLost
        if is_back or was_refused:
            # Who lets the bot read may let it write again, too.
            async with self._database.begin() as unit:
                await outbox.hurry_lane(unit, f"ticket:{kept.request_id}")

    async def _keep(self, unit: Unit, kept: KeptTicket, entry: DeskEntry, text: str) -> bool:
        message = await self._messages.add(
            unit,
            kept.request_id,
            source=SOURCE,
            source_id=f"{kept.request_id}:{entry.key}",
            author="",
            author_name=entry.author,
            text=text,
            files=[{"name": name} for name in entry.files],
        )
        if message is None:
            return False
        await _put(unit, kept, message=message.id)
        return True

    async def _note_down(self, kept: KeptTicket, owner: str, desk: Desk, error: DeskError) -> None:
        """The desk could not be asked: later again, and once it has lasted the thread is told."""
        async with self._database.begin() as unit:
            since = kept.down_since or unit.now
            long = (unit.now - since).total_seconds() >= desk.pace.outage
            if long and not kept.down_told:
                await _put(unit, kept, down={"since": since.isoformat(), "reason": error.message})
            wait = _interval(desk, kept.quiet + 1)
            if isinstance(error, DeskUnreachable) and error.seconds:
                wait = max(wait, timedelta(seconds=error.seconds))
            polled = Polled(
                kept.cursor,
                kept.state_code,
                kept.quiet + 1,
                unit.now + wait,
                since,
                kept.down_told or long,
            )
            if not await self._tickets.settle(unit, kept.request_id, owner, polled):
                raise _LeaseLost

    async def _note_refused(
        self, kept: KeptTicket, owner: str, desk: Desk, error: NotAllowed
    ) -> None:
        """The desk does not let the bot in: the thread is told at once, since somebody must mend
        that, and the ticket is polled later again."""
        async with self._database.begin() as unit:
            if await self._tickets.note_refused(unit, kept.request_id, "read"):
                await _put(unit, kept, refused=str(error))
            quiet = kept.quiet + 1
            polled = Polled(
                kept.cursor,
                kept.state_code,
                quiet,
                unit.now + _interval(desk, quiet),
                kept.down_since,
                kept.down_told,
            )
            if not await self._tickets.settle(unit, kept.request_id, owner, polled):
                raise _LeaseLost

    async def _note_gone(self, kept: KeptTicket, owner: str, error: DeskError) -> None:
        async with self._database.begin() as unit:
            await _put(unit, kept, gone=error.message)
            polled = _unchanged(kept, None)
            if not await self._tickets.settle(unit, kept.request_id, owner, polled):
                raise _LeaseLost


class _LeaseLost(DeskError):
    """Another replica polls the ticket by now; what was found is not kept here."""

    def __init__(self) -> None:
        super().__init__("Another replica polls this ticket.")


async def _put(unit: Unit, kept: KeptTicket, **news: Any) -> None:
    payload: Mapping[str, Any] = {"request": kept.request_id, **news}
    await outbox.put(unit, f"request:{kept.request_id}", "journal", payload)


async def _put_files(unit: Unit, kept: KeptTicket, news: News, echoes: frozenset[str]) -> bool:
    """Puts the new files that the bot did not attach itself; gives whether there are any."""
    files = [
        file
        for file in news.files
        if echoes.isdisjoint((f"file:{file.name}", f"file-id:{file.id}"))
    ]
    for file in files[:_MAX_FILES]:
        found = {"request": kept.request_id, "file": {"id": file.id, "name": file.name[:200]}}
        await outbox.put(unit, f"ticket:{kept.request_id}", "journal", found)
    if len(files) > _MAX_FILES:
        await _put(unit, kept, files_left=len(files) - _MAX_FILES)
    return bool(files)


def _unchanged(kept: KeptTicket, due_at: datetime | None) -> Polled:
    return Polled(kept.cursor, kept.state_code, kept.quiet, due_at)


def _interval(desk: Desk, quiet: int) -> timedelta:
    """The wait before the next poll; a tenth of it is left to chance."""
    pace = desk.pace
    longest = min(pace.most, pace.first * _GROWTH ** min(quiet, 40))
    return timedelta(seconds=longest * random.uniform(0.9, 1.0))  # noqa: S311  not a secret


def _safe_texts(entries: Sequence[DeskEntry]) -> list[str]:
    """The texts as they may be kept: a private key never is."""
    return [_KEY if "PRIVATE KEY" in entry.text.upper() else entry.text for entry in entries]
