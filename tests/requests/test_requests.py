"""Install requests: submitting, joining, acting, races, what is told to whom."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from bot.requests.messages import Messages
from bot.requests.request import Actor, Draft, InstallRequest
from bot.requests.service import Requests
from bot.requests.states import Action, Refused, Role, State
from bot.store import tables
from bot.store.database import Database
from bot.store.outbox import Act
from tests.requests.people import (
    BEA,
    FAY,
    OTHER_TEAM,
    RITA,
    SAM,
    TOM,
    certificate,
    draft,
    installation,
)
from tests.requests.possible import possible_actions

_keys = iter(range(1_000_000))


@pytest.fixture
def requests(database: Database) -> Requests:
    return Requests(database)


async def submit(
    requests: Requests, given: Draft | None = None, by: Actor = RITA
) -> InstallRequest:
    return (await requests.submit(given or draft(), by, key=f"view:{next(_keys)}")).request


async def act(
    requests: Requests,
    request: InstallRequest,
    action: Action,
    by: Actor,
    text: str = "",
    **more: Any,
) -> InstallRequest:
    return await requests.act(request.id, action, by, text=text, key=str(next(_keys)), **more)


async def test_each_request_comes_once_and_in_order_however_many_there_are(
    requests: Requests,
) -> None:
    for number in range(5):
        await submit(requests, draft(number))
    kept = list(reversed(await requests.all()))
    for batch in (1, 2, 5, 6):
        assert [request async for request in requests.each(batch=batch)] == kept
    assert [request async for request in requests.each(states=[State.TAKEN])] == []


async def acts_of(database: Database, *, after: int = 0) -> Sequence[Any]:
    statement = select(tables.acts).where(tables.acts.c.position > after)
    async with database.read() as unit:
        return (await unit.execute(statement.order_by(tables.acts.c.position))).all()


async def forget_acts(database: Database) -> int:
    return max((row.position for row in await acts_of(database)), default=0)


async def test_a_submitted_request_is_kept_with_its_acts(
    requests: Requests, database: Database
) -> None:
    request = await submit(requests)
    assert await requests.get(request.id, team="T1") == request
    assert await requests.get(request.short_id.lower()) == request
    assert (request.state, request.version, request.requester) == (State.SUBMITTED, 1, "URITA")
    assert request.installation == installation()
    assert request.target == draft().target
    assert request.origin == draft().origin
    acts = await acts_of(database)
    assert [(row.kind, row.lane) for row in acts] == [
        (kind, f"request:{request.id}") for kind in ("card", "pem", "line")
    ]
    [entry] = await requests.audit(request.id)
    assert acts[1].payload == {
        "request": request.id,
        "entry": entry.id,
        "sha256": [certificate().sha256],
    }
    assert (entry.what, entry.who_name, entry.text) == ("submitted", "Rita", draft().note)
    assert await requests.entry(entry.id) == entry


async def test_a_form_sent_twice_counts_once(requests: Requests, database: Database) -> None:
    first = await requests.submit(draft(), RITA, key="V1")
    assert await requests.submit(draft(2), RITA, key="V1") == first
    assert len(await requests.all()) == 1
    joined = await requests.submit(draft(), BEA, key="V1:bea")
    assert joined.joined
    again = await requests.submit(draft(), BEA, key="V1:bea")
    assert (again.joined, again.request.id) == (True, first.request.id)
    assert len(await acts_of(database)) == 3 + 3


async def test_the_same_again_joins_the_open_request(
    requests: Requests, database: Database
) -> None:
    request = await submit(requests)
    mark = await forget_acts(database)
    joined = await requests.submit(draft(), BEA, key="V2")
    assert (joined.joined, joined.request.id) == (True, request.id)
    assert [follower.user for follower in await requests.followers(request.id)] == ["UBEA"]
    assert [row.kind for row in await acts_of(database, after=mark)] == ["card", "line", "notice"]
    assert [found.id for found in await requests.of_user("T1", "UBEA")] == [request.id]
    for by, key in ((BEA, "V3"), (RITA, "V4")):
        again = await requests.submit(draft(), by, key=key)
        assert (again.joined, again.request.version) == (True, joined.request.version)


@pytest.mark.parametrize(
    "other",
    [
        draft(2),
        draft(host="dc02.corp.example"),
        draft(environment="test"),
        replace(draft(), target=replace(draft().target, port=3269)),
    ],
)
async def test_anything_else_is_a_request_of_its_own(other: Draft, requests: Requests) -> None:
    await submit(requests)
    assert not (await requests.submit(other, BEA, key="V2")).joined
    assert not (await requests.submit(draft(), OTHER_TEAM, key="V2")).joined


async def test_a_closed_request_is_not_joined(requests: Requests) -> None:
    request = await submit(requests)
    await act(requests, request, Action.CANCEL, RITA)
    assert not (await requests.submit(draft(), BEA, key="V2")).joined
    with pytest.raises(Refused, match="is open"):
        await act(requests, request, Action.REOPEN, RITA)


async def test_of_many_that_submit_the_same_at_once_one_makes_it_and_the_rest_join(
    url: str, database: Database
) -> None:
    other = Database(url)
    replicas = [Requests(database), Requests(other)]
    people = [replace(BEA, user=f"U{number}") for number in range(10)]
    outcomes = await asyncio.gather(
        *(
            replicas[number % 2].submit(draft(), by, key=f"V{number}")
            for number, by in enumerate(people)
        )
    )
    assert [outcome.joined for outcome in outcomes].count(False) == 1
    assert len({outcome.request.id for outcome in outcomes}) == 1
    assert len(await replicas[0].followers(outcomes[0].request.id)) == 9
    assert len(await replicas[0].audit(outcomes[0].request.id)) == 10
    await other.dispose()


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (replace(installation(), certificates=()), "No certificate"),
        (replace(installation(), option="server", reason=" "), "needs a reason"),
    ],
)
async def test_what_nobody_may_ask_for_is_refused(
    wrong: Any, why: str, requests: Requests, database: Database
) -> None:
    with pytest.raises(Refused, match=why):
        await requests.submit(replace(draft(), installation=wrong), RITA, key="V1")
    request = await submit(requests)
    with pytest.raises(Refused, match=why):
        await act(requests, request, Action.REPLACE, SAM, installation=wrong)
    assert len(await requests.all()) == 1


async def test_the_story_from_card_to_verified(requests: Requests, database: Database) -> None:
    request = await submit(requests)
    await requests.submit(draft(), FAY, key="V2")
    mark = await forget_acts(database)
    async with database.begin() as unit:
        await requests.note_posted(unit, request.id, "CSUPPORT", "200.1")
        await requests.note_attached(unit, request.id, "F1")
    async with database.begin() as unit:
        await requests.note_posted(unit, request.id, "CSUPPORT", "200.9")
        await requests.note_attached(unit, request.id, "F1")
    posted = await requests.find_by_thread("CSUPPORT", "200.1")
    assert posted
    assert (posted.id, posted.state, posted.pem_file) == (request.id, State.POSTED, "F1")
    notices = await acts_of(database, after=mark)
    assert [(row.kind, row.payload["user"]) for row in notices] == [
        ("notice", "URITA"),
        ("notice", "UFAY"),
    ]

    steps: list[tuple[Action, Actor, str, State, str | None]] = [
        (Action.TAKE, SAM, "", State.TAKEN, "USAM"),
        (Action.ASK, SAM, "Which DC?", State.WAITING, "USAM"),
        (Action.ANSWER, FAY, "dc01", State.TAKEN, "USAM"),
        (Action.INSTALL, TOM, "", State.INSTALLED, "USAM"),
        (Action.FAIL, RITA, "PKIX path building failed", State.POSTED, None),
        (Action.INSTALL, TOM, "", State.INSTALLED, "UTOM"),
        (Action.VERIFY, RITA, "", State.VERIFIED, "UTOM"),
    ]
    for action, by, text, state, taken_by in steps:
        mark = await forget_acts(database)
        request = await act(requests, request, action, by, text)
        assert (request.state, request.taken_by) == (state, taken_by)
        acts = await acts_of(database, after=mark)
        hear = [user for user in ("URITA", "UFAY") if user != by.user]
        assert [row.kind for row in acts] == ["card", "line"] + ["notice"] * len(hear)
        assert [row.payload["user"] for row in acts[2:]] == hear
    audit = await requests.audit(request.id)
    assert [entry.number for entry in audit] == list(range(1, request.version + 1))
    assert [(entry.what, entry.who, entry.text, entry.state) for entry in audit[4:]] == [
        (action, by.user, text, state) for action, by, text, state, _ in steps
    ]
    assert request.closed_at == request.changed_at
    assert await requests.open("T1") == []


async def test_whoever_sees_a_card_whose_posting_is_not_recorded_may_act(
    requests: Requests, database: Database
) -> None:
    request = await submit(requests)
    assert (await act(requests, request, Action.TAKE, SAM)).state is State.TAKEN
    async with database.begin() as unit:
        await requests.note_posted(unit, request.id, "CSUPPORT", "200.1")
    found = await requests.get(request.id)
    assert found
    assert (found.state, found.card_ts) == (State.TAKEN, "200.1")


async def test_a_click_that_comes_twice_counts_once(requests: Requests) -> None:
    request = await submit(requests)
    first = await requests.act(request.id, Action.TAKE, SAM, key="trigger")
    assert await requests.act(request.id, Action.TAKE, SAM, key="trigger") == first


async def test_of_two_who_press_at_once_one_wins_and_the_other_is_told_who(
    url: str, database: Database
) -> None:
    other = Database(url)
    replicas = [Requests(database), Requests(other)]
    for round_number in range(6):
        request = await submit(replicas[0], draft(round_number))
        outcomes = await asyncio.gather(
            replicas[0].act(request.id, Action.TAKE, SAM, key="sam"),
            replicas[1].act(request.id, Action.TAKE, TOM, key="tom"),
            return_exceptions=True,
        )
        [winner] = [found for found in outcomes if isinstance(found, InstallRequest)]
        [loser] = [found for found in outcomes if isinstance(found, Refused)]
        assert f"{winner.taken_by_name} took it" in str(loser)
        assert winner.short_id in str(loser)
    await other.dispose()


async def test_who_was_first_is_named_as_you_to_oneself(requests: Requests) -> None:
    request = await submit(requests)
    await act(requests, request, Action.TAKE, SAM)
    with pytest.raises(Refused, match="you took it"):
        await act(requests, request, Action.TAKE, SAM)
    await act(requests, request, Action.REJECT, TOM, "A public root will do.")
    with pytest.raises(Refused, match=r"rejected: Tom rejected it"):
        await act(requests, request, Action.INSTALL, SAM)


@pytest.mark.parametrize("action", [Action.REJECT, Action.ASK])
async def test_words_that_must_come_with_an_action(action: Action, requests: Requests) -> None:
    request = await submit(requests)
    with pytest.raises(Refused, match="write "):
        await act(requests, request, action, SAM, "  ")
    assert len(await requests.audit(request.id)) == 1


@pytest.mark.parametrize("action", list(Action))
async def test_every_action_is_refused_to_whom_it_is_not_for(
    action: Action, requests: Requests
) -> None:
    request = await submit(requests)
    await requests.submit(draft(), FAY, key="V2")
    who = {RITA: {Role.REQUESTER}, FAY: {Role.FOLLOWER}, SAM: {Role.SUPPORTER}, BEA: set()}
    for by, roles in who.items():
        assert await requests.roles(request, by) == roles
        if any(action in possible_actions(state, roles) for state in State):
            continue
        with pytest.raises(Refused, match=r"^Only "):
            await act(requests, request, action, by, "text", installation=installation(2))
    with pytest.raises(Refused, match="no install request"):
        await act(requests, request, action, OTHER_TEAM, "text")
    assert await requests.get(request.id, team="T2") is None
    assert len(await requests.audit(request.id)) == 2


async def test_a_certificate_is_replaced_with_its_file_and_its_key(
    requests: Requests, database: Database
) -> None:
    request = await submit(requests)
    await submit(requests, draft(3), BEA)
    mark = await forget_acts(database)
    changed = await act(requests, request, Action.REPLACE, RITA, installation=installation(2))
    assert changed.installation == installation(2)
    acts = await acts_of(database, after=mark)
    assert [row.kind for row in acts] == ["card", "pem", "line"]
    assert acts[1].payload["sha256"] == [certificate(2).sha256]
    assert (await requests.submit(draft(2), FAY, key="V9")).request.id == request.id
    with pytest.raises(Refused, match=r"exactly this certificate"):
        await act(requests, request, Action.REPLACE, RITA, installation=installation(2))
    with pytest.raises(Refused, match=r"R-\w+ asks for the same"):
        await act(requests, request, Action.REPLACE, RITA, installation=installation(3))
    with pytest.raises(Refused, match="No certificate was chosen"):
        await act(requests, request, Action.REPLACE, RITA)
    assert await requests.get(request.id) == replace(
        changed, version=changed.version + 1, changed_at=(await requests.audit(request.id))[-1].at
    )


async def test_a_replacement_by_the_requester_answers_the_question(requests: Requests) -> None:
    request = await submit(requests)
    await act(requests, request, Action.ASK, SAM, "Is this the right root?")
    by_support = await act(requests, request, Action.REPLACE, TOM, installation=installation(2))
    assert by_support.state is State.WAITING
    by_requester = await act(requests, request, Action.REPLACE, RITA, installation=installation(3))
    assert (by_requester.state, by_requester.taken_by) == (State.TAKEN, "USAM")


async def test_an_act_that_was_given_up_is_told_to_whoever_waits(
    requests: Requests, database: Database
) -> None:
    request = await submit(requests)
    row = (await acts_of(database))[0]
    card = Act(row.id, row.lane, row.kind, row.payload, 8, row.created_at, False)
    async with database.begin() as unit:
        await requests.note_failed(unit, card, "The channel is archived.")
        await requests.note_failed(unit, replace(card, lane="notice:1:U1"), "No.")
        await requests.note_failed(unit, replace(card, lane="request:gone"), "No.")
    entry = (await requests.audit(request.id))[-1]
    assert (entry.what, entry.text) == ("undelivered", "The channel is archived.")
    assert entry.data == {"act": row.id, "kind": "card"}
    notice = (await acts_of(database))[-1]
    assert (notice.kind, notice.payload["user"]) == ("notice", "URITA")


async def test_a_ticket_is_noted_once(requests: Requests, database: Database) -> None:
    request = await submit(requests)
    ticket = {"id": "1", "number": "TCK1", "url": "https://matrix42.example/1"}
    for _ in range(2):
        async with database.begin() as unit:
            await requests.note_ticket(unit, request.id, ticket)
    found = await requests.get(request.id)
    assert found
    assert (found.ticket, found.version) == (ticket, 2)


async def test_what_people_write_is_bounded(requests: Requests) -> None:
    request = await submit(requests, replace(draft(), note="x" * 99_999, connector="c" * 999))
    assert (len(request.note), len(request.connector)) == (10_000, 200)
    changed = await act(requests, request, Action.ASK, SAM, "y" * 99_999)
    assert len((await requests.audit(changed.id))[-1].text) == 10_000


async def test_messages_are_followed_by_their_source(
    requests: Requests, database: Database
) -> None:
    request = await submit(requests)
    messages = Messages(database)
    wrote: dict[str, Any] = {"author": "URITA", "author_name": "Rita"}
    async with database.begin() as unit:
        first = await messages.add(
            unit, request.id, source="slack", source_id="T1:C1:1", text="Hello", **wrote
        )
        assert first
        again = await messages.add(
            unit, request.id, source="slack", source_id="T1:C1:1", text="Hello", **wrote
        )
        assert again is None
        assert await messages.edit(unit, "slack", "T1:C1:1", "Hello") is None
        edited = await messages.edit(unit, "slack", "T1:C1:1", "Hello all")
        assert edited
        assert (edited.text, edited.edited_at) == ("Hello all", unit.now)
        deleted = await messages.delete(unit, "slack", "T1:C1:1")
        assert deleted
        assert (deleted.text, deleted.files, deleted.deleted_at) == ("", [], unit.now)
        assert await messages.delete(unit, "slack", "T1:C1:1") is None
        assert await messages.edit(unit, "slack", "T1:C1:1", "no") is None
        assert await messages.edit(unit, "slack", "T1:C1:2", "no") is None
    assert [message.id for message in await messages.of_request(request.id)] == [first.id]
