"""Install requests: submit, act, read. Every change writes an audit entry and its acts with it.

Lanes and payloads of the acts that are put here:

- ``card`` [request:ID] ``{"request"}``: post or update the root card
- ``pem`` [request:ID] ``{"request", "entry", "sha256": [...]}``: attach the PEM; superseded where the
  request's certificates are others by now
- ``line`` [request:ID] ``{"request", "entry"}``: a line in the thread
- ``notice`` [notice:ID:USER] ``{"request", "entry", "user"}``: what the requester or a follower hears
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Select, or_, select

from bot.requests.ledger import show, tell, tell_one, write
from bot.requests.records import MAX_LABEL, MAX_TEXT, add, change, find_locked, last_deed, named
from bot.requests.refusals import (
    check_installation,
    check_words,
    no_such_request,
    wrong_state,
)
from bot.requests.request import Actor, Draft, Entry, Follower, Installation, InstallRequest
from bot.requests.rows import (
    entry_of,
    follower_of,
    installation_data,
    open_key,
    request_of,
)
from bot.requests.states import (
    CLOSED,
    Action,
    Refused,
    Role,
    State,
    WrongState,
    check_role,
    next_state,
)
from bot.store.database import Database, Unit
from bot.store.outbox import Act
from bot.store.seen import Seen
from bot.store.tables import entries, followers, requests

#: How long a click or a form that is sent again is recognised.
_KEEP_KEYS: Final = timedelta(days=7)
_SHORT_ID_LENGTH: Final = 4
_TRIES: Final = 40


@dataclass(frozen=True, slots=True)
class Submitted:
    """What became of a draft. ``joined``: the same was open already, and the requester follows it."""

    request: InstallRequest
    joined: bool


class Requests:
    """The install requests of ``database``.

    Each method that takes ``unit`` works in that transaction, or in one of its own without it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seen = Seen()

    async def submit(
        self, draft: Draft, by: Actor, *, key: str, unit: Unit | None = None
    ) -> Submitted:
        """Keeps ``draft`` as a request, or joins the open one for the same certificates, target and
        environment in this workspace. The same ``key`` again gives the first call's outcome.

        Raises Refused: the server's own certificate without a reason, no certificate.
        """
        check_installation(draft.installation)
        async with self._unit(unit) as unit:
            seen_key = f"submit:{by.team}:{key}"
            known = await self._seen.first(unit, seen_key, keep=_KEEP_KEYS)
            if known:
                joined, _, request_id = known.partition(":")
                return Submitted(await self._locked(unit, request_id, by.team), joined == "joined")
            submitted = await self._add_or_join(unit, draft, by)
            word = "joined" if submitted.joined else "added"
            await self._seen.note(unit, seen_key, f"{word}:{submitted.request.id}")
            return submitted

    async def act(
        self,
        request_id: str,
        action: Action,
        by: Actor,
        *,
        text: str = "",
        installation: Installation | None = None,
        key: str,
        unit: Unit | None = None,
    ) -> InstallRequest:
        """Does ``action``. ``text``: the reason, question, answer or error; ``installation``: what
        replaces the certificates. The same ``key`` again changes nothing and gives the request.

        Raises Refused: not theirs to do, not in this state (who changed it, and how), words missing,
        no such request in their workspace.
        """
        async with self._unit(unit) as unit:
            request = await self._locked(unit, request_id, by.team)
            seen_key = f"act:{request.id}:{key}"
            if await self._seen.first(unit, seen_key, action, keep=_KEEP_KEYS) is not None:
                return request
            state = await self._next(unit, request, action, by)
            check_words(action, text)
            changed = _taken(action, replace(request, state=state), by)
            data: dict[str, Any] = {"taken_by": changed.taken_by}
            kinds = ["card", "line"]
            if action is Action.REPLACE:
                changed = _replaced(changed, installation)
                data["installation"] = installation_data(changed.installation)
                kinds = ["card", "pem", "line"]
            changed = await change(unit, changed)
            entry = await write(unit, changed, by, action, text=text.strip()[:MAX_TEXT], data=data)
            await show(unit, entry, *kinds, sha256=_fingerprints(changed))
            await tell(unit, changed, entry)
            return changed

    async def check(self, request_id: str, action: Action, by: Actor) -> InstallRequest:
        """The request, which `act` would change by ``action`` as things are. Raises Refused as it
        does, but for words that are still to be written."""
        async with self._database.begin() as unit:
            request = await self._locked(unit, request_id, by.team)
            await self._next(unit, request, action, by)
            return request

    async def get(self, request_id: str, *, team: str | None = None) -> InstallRequest | None:
        """The request with that id or short id; None: there is none (in that workspace)."""
        statement = named(request_id)
        if team is not None:
            statement = statement.where(requests.c.team == team)
        return await self._one(statement)

    async def find_by_thread(self, channel: str, ts: str) -> InstallRequest | None:
        """The request whose card is that message."""
        return await self._one(
            select(requests).where(requests.c.channel == channel, requests.c.card_ts == ts)
        )

    async def of_user(self, team: str, user: str, *, limit: int = 20) -> Sequence[InstallRequest]:
        """What somebody requested or follows, the newest first."""
        followed = select(followers.c.request_id).where(followers.c.user == user)
        statement = (
            select(requests)
            .where(
                requests.c.team == team,
                or_(requests.c.requester == user, requests.c.id.in_(followed)),
            )
            .order_by(requests.c.created_at.desc())
        )
        return await self._many(statement.limit(limit))

    async def open(self, team: str, *, limit: int = 50) -> Sequence[InstallRequest]:
        """The open requests of a workspace, the oldest first."""
        statement = (
            select(requests)
            .where(requests.c.team == team, requests.c.state.not_in(CLOSED))
            .order_by(requests.c.created_at)
        )
        return await self._many(statement.limit(limit))

    async def is_posting(self, team: str, *, since: datetime) -> bool:
        """Whether a card requested in that workspace after ``since`` is not known to be posted."""
        statement = select(requests).where(
            requests.c.team == team, requests.c.card_ts.is_(None), requests.c.created_at > since
        )
        return await self._one(statement.limit(1)) is not None

    async def all(
        self, *, states: Sequence[State] = (), limit: int | None = None
    ) -> Sequence[InstallRequest]:
        """The requests of every workspace, those in ``states`` where any are given, the newest
        first."""
        statement = select(requests).order_by(requests.c.created_at.desc())
        if states:
            statement = statement.where(requests.c.state.in_(states))
        return await self._many(statement.limit(limit))

    async def each(
        self, *, states: Sequence[State] = (), batch: int = 200
    ) -> AsyncIterator[InstallRequest]:
        """The same, the oldest first and ``batch`` of them at a time, however many there are."""
        statement = select(requests).order_by(requests.c.created_at, requests.c.id).limit(batch)
        if states:
            statement = statement.where(requests.c.state.in_(states))
        found = await self._many(statement)
        while found:
            for request in found:
                yield request
            last = found[-1]
            after = or_(
                requests.c.created_at > last.created_at,
                (requests.c.created_at == last.created_at) & (requests.c.id > last.id),
            )
            found = await self._many(statement.where(after))

    async def audit(self, request_id: str) -> Sequence[Entry]:
        """The audit trail of the request with that id, the oldest first."""
        statement = select(entries).where(entries.c.request_id == request_id)
        async with self._database.read() as unit:
            rows = await unit.execute(statement.order_by(entries.c.number))
            return [entry_of(row) for row in rows]

    async def entry(self, entry_id: str) -> Entry | None:
        """One entry of it."""
        async with self._database.read() as unit:
            row = (await unit.execute(select(entries).where(entries.c.id == entry_id))).first()
            return None if row is None else entry_of(row)

    async def followers(self, request_id: str) -> Sequence[Follower]:
        """Who joined, in order."""
        statement = select(followers).where(followers.c.request_id == request_id)
        async with self._database.read() as unit:
            rows = await unit.execute(statement.order_by(followers.c.since, followers.c.user))
            return [follower_of(row) for row in rows]

    async def roles(self, request: InstallRequest, by: Actor) -> frozenset[Role]:
        """What somebody is to a request; empty: a bystander."""
        async with self._database.read() as unit:
            return await self._roles(unit, request, by)

    async def note_posted(self, unit: Unit, request_id: str, channel: str, ts: str) -> None:
        """The card is posted there: for `on_delivered` of ``card``. Again: nothing changes."""
        request = await find_locked(unit, request_id)
        if request is None or request.card_ts is not None:
            return
        state = State.POSTED if request.state is State.SUBMITTED else request.state
        changed = await change(unit, replace(request, state=state, channel=channel, card_ts=ts))
        data = {"channel": channel, "ts": ts}
        await tell(unit, changed, await write(unit, changed, None, "posted", data=data))

    async def note_attached(self, unit: Unit, request_id: str, file: str) -> None:
        """The PEM is in the thread as that file: for `on_delivered` of ``pem``."""
        request = await find_locked(unit, request_id)
        if request is None or request.pem_file == file:
            return
        changed = await change(unit, replace(request, pem_file=file))
        await write(unit, changed, None, "attached", data={"file": file})

    async def note_ticket(
        self, unit: Unit, request_id: str, ticket: Mapping[str, Any], by: Actor | None = None
    ) -> None:
        """The request has that Matrix42 ticket, through the bot or through ``by``."""
        request = await find_locked(unit, request_id)
        if request is None or request.ticket == ticket:
            return
        changed = await change(unit, replace(request, ticket=dict(ticket)))
        entry = await write(unit, changed, by, "ticket", data={"ticket": dict(ticket)})
        await show(unit, entry, "card", "line")

    async def note_failed(self, unit: Unit, act: Act, reason: str) -> None:
        """An act of a request was given up: for `on_failed`. Whoever waits for the request hears
        that somebody must retry it; of acts of other lanes nothing is noted."""
        word, _, request_id = act.lane.partition(":")
        request = await find_locked(unit, request_id) if word in ("request", "ticket") else None
        if request is None:
            return
        changed = await change(unit, request)
        data = {"act": act.id, "kind": act.kind}
        entry = await write(unit, changed, None, "undelivered", text=reason, data=data)
        await tell(unit, changed, entry)

    async def _add_or_join(self, unit: Unit, draft: Draft, by: Actor) -> Submitted:
        key = open_key(by.team, draft.target, draft.environment, draft.installation)
        for tried in range(_TRIES):
            added = await add(unit, draft, by, key, _SHORT_ID_LENGTH + tried // 8)
            if added is not None:
                data = {"installation": installation_data(draft.installation)}
                entry = await write(unit, added, by, "submitted", text=added.note, data=data)
                await show(unit, entry, "card", "pem", "line", sha256=_fingerprints(added))
                return Submitted(added, joined=False)
            same = select(requests).where(requests.c.open_key == key).with_for_update()
            row = (await unit.execute(same)).first()
            if row is not None:
                return Submitted(await self._join(unit, request_of(row), draft, by), joined=True)
            # The short id is taken, or the other request was closed this moment.
        raise Refused("The request could not be kept.", "Submit it again.")

    async def _join(
        self, unit: Unit, request: InstallRequest, draft: Draft, by: Actor
    ) -> InstallRequest:
        if by.user == request.requester:
            return request
        statement = (
            unit.insert(followers)
            .values(
                request_id=request.id,
                user=by.user,
                name=by.name[:MAX_LABEL],
                origin_channel=draft.origin and draft.origin.channel,
                origin_ts=draft.origin and draft.origin.ts,
                since=unit.now,
            )
            .on_conflict_do_nothing()
            .returning(followers.c.user)
        )
        if (await unit.execute(statement)).first() is None:
            return request
        changed = await change(unit, request)
        entry = await write(unit, changed, by, "joined", text=draft.note.strip()[:MAX_TEXT])
        await show(unit, entry, "card", "line")
        await tell_one(unit, entry, by.user)
        return changed

    async def _roles(self, unit: Unit, request: InstallRequest, by: Actor) -> frozenset[Role]:
        if by.team != request.team:
            return frozenset()
        roles = {Role.SUPPORTER} if by.is_supporter else set()
        if by.user == request.requester:
            roles.add(Role.REQUESTER)
        statement = select(followers.c.user).where(
            followers.c.request_id == request.id, followers.c.user == by.user
        )
        if (await unit.execute(statement)).first() is not None:
            roles.add(Role.FOLLOWER)
        return frozenset(roles)

    async def _next(self, unit: Unit, request: InstallRequest, action: Action, by: Actor) -> State:
        """The state after ``action``. Raises Refused."""
        roles = await self._roles(unit, request, by)
        check_role(action, roles)
        try:
            return next_state(
                action,
                request.state,
                roles,
                posted=request.card_ts is not None,
                taken=request.taken_by is not None,
            )
        except WrongState:
            last = await last_deed(unit, request)
            raise wrong_state(action, request, last, by) from None

    async def _locked(self, unit: Unit, request_id: str, team: str) -> InstallRequest:
        """The request, which nobody else changes until the transaction ends."""
        request = await find_locked(unit, request_id)
        if request is None or request.team != team:
            raise no_such_request(request_id)
        return request

    async def _one(self, statement: Select[Any]) -> InstallRequest | None:
        async with self._database.read() as unit:
            row = (await unit.execute(statement)).first()
            return None if row is None else request_of(row)

    async def _many(self, statement: Select[Any]) -> Sequence[InstallRequest]:
        async with self._database.read() as unit:
            return [request_of(row) for row in await unit.execute(statement)]

    @contextlib.asynccontextmanager
    async def _unit(self, unit: Unit | None) -> AsyncIterator[Unit]:
        if unit is not None:
            yield unit
            return
        async with self._database.begin() as own:
            yield own


def _fingerprints(request: InstallRequest) -> list[str]:
    return [certificate.sha256 for certificate in request.installation.certificates]


def _taken(action: Action, request: InstallRequest, by: Actor) -> InstallRequest:
    """The request with whoever has it after ``action``: of the support staff, who did something
    first."""
    if action in (Action.FAIL, Action.REOPEN):
        return replace(request, taken_by=None, taken_by_name=None)
    begins = action in (Action.ASK, Action.INSTALL) and request.taken_by is None
    if action is Action.TAKE or begins:
        return replace(request, taken_by=by.user, taken_by_name=by.name[:MAX_LABEL])
    return request


def _replaced(request: InstallRequest, installation: Installation | None) -> InstallRequest:
    if installation is None:
        raise Refused("No certificate was chosen.", "Choose or upload the one to request instead.")
    check_installation(installation)
    changed = replace(request, installation=installation, pem_file=None)
    if _fingerprints(changed) == _fingerprints(request):
        raise Refused(f"{request.short_id} asks for exactly this certificate already.")
    return changed
