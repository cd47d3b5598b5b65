"""What M42Services alone is like: its client against the server that stands in for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from bot.desks.base import (
    ApiTokenExpired,
    MappingRejected,
    Meaning,
    NotAllowed,
    TokenNotExchanged,
)
from bot.desks.configuration import read_desks
from bot.errors import SettingsError
from bot.requests.states import State
from tests.desks.support import PEM, Place, draft, enterprise
from workspace.desks import EnterpriseServer, Fault

_NOWHERE = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
async def server() -> AsyncIterator[EnterpriseServer]:
    async with EnterpriseServer() as server:
        yield server


async def test_a_ticket_is_created_with_its_facts_escaped(place: Place) -> None:
    ticket = await place.desk.create(draft())
    description = place.kept(ticket.id).description
    assert (ticket.number, ticket.kind) == ("TCK00001", "SPSActivityTypeTicket")
    assert ticket.url == f"{place.server.root}tickets/{ticket.id}"
    assert "&lt;script&gt;" in description
    assert "<script>" not in description


async def test_the_requester_is_the_ticket_s_user_where_matrix42_knows_the_address(
    server: EnterpriseServer, place: Place
) -> None:
    known = await place.desk.create(draft(requester_mail="rita@corp.example"))
    other = await place.desk.create(draft("R-2222", requester_mail="o'hara@corp.example"))
    users = [t.fields["User"] for t in server.tickets]
    assert users == [server.mails["rita@corp.example"], server.table()["user"]]
    assert known.id != other.id


async def test_a_service_request_gets_its_attachment_under_its_own_type(place: Place) -> None:
    desk = place.client(activity_type=6)
    ticket = await desk.create(draft())
    assert ticket.kind == "SPSActivityTypeServiceRequest"
    assert (await desk.attach(ticket, "root.pem", PEM)).name == "root.pem"


async def test_a_comment_is_visible_to_the_customer(place: Place) -> None:
    ticket = await place.desk.create(draft())
    written = await place.desk.comment(ticket, "Rita (Slack): it's <b>here</b>")
    entry = place.kept(ticket.id).entries[0]
    assert (entry.id, entry.visible) == (written.key, True)
    assert entry.text == "Rita (Slack): it&#x27;s &lt;b&gt;here&lt;/b&gt;"
    (shown,) = (await place.desk.poll(ticket, {})).entries
    assert shown.text == "Rita (Slack): it's <b>here</b>"


@pytest.mark.parametrize("sort", ["sort", ""])
async def test_news_are_the_visible_entries_once_each_and_the_state(
    place: Place, sort: str
) -> None:
    desk, server = place.client(sort=sort), place.server
    ticket = await desk.create(draft())
    kept = place.kept(ticket.id)
    server.answer(kept, "Which connector?\n<b>AD</b>")
    server.answer(kept, "He is slow", visible=False)
    news = await desk.poll(ticket, {})
    assert [(e.author, e.text) for e in news.entries] == [
        ("Anna Agent", "Which connector?\n<b>AD</b>")
    ]
    assert news.state is not None
    assert news.state.meaning is Meaning.OPEN

    quiet = await desk.poll(ticket, news.cursor)
    assert (quiet.entries, quiet.state) == ([], None)

    for number in range(5):
        server.answer(kept, f"line {number}", author="Otto Other")
    server.move(kept, "204")
    more = await desk.poll(ticket, quiet.cursor)
    assert [e.text for e in more.entries] == [f"line {n}" for n in range(5)]
    assert {e.author for e in more.entries} == {"Otto Other"}
    assert more.state is not None
    assert more.state.meaning is Meaning.CLOSED


async def test_a_state_has_the_label_of_the_column_that_is_set(place: Place) -> None:
    desk = place.client(state_label="State.DisplayString")
    ticket = await desk.create(draft())
    place.server.move(place.kept(ticket.id), "333")
    state = (await desk.poll(ticket, {})).state
    assert state is not None
    assert (state.code, state.label, state.meaning) == ("333", "Parked in the cellar", None)


@pytest.mark.parametrize("wanted", ["close", "close:402"])
async def test_a_ticket_is_closed_by_the_call_for_that(place: Place, wanted: str) -> None:
    desk = place.client(set_states={"verified": wanted})
    ticket = await desk.create(draft())
    for _ in range(2):
        state = await desk.set_state(ticket, State.VERIFIED)
        assert state is not None
        assert state.meaning is Meaning.CLOSED
    assert place.server.calls.count("close") == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"set_states": {"taken": "In Process"}}, "set_states"),
        ({"set_states": {"verified": "close:x"}}, "set_states"),
        ({"set_states": {"done": "204"}}, "set_states.done"),
        ({"set_states": {"verified": "close"}, "states": {}}, "which state is closed"),
        ({"find": "Subject = 'x'"}, "it must hold {word}"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_told(given: dict[str, Any], said: str) -> None:
    table = {**EnterpriseServer().table(api_token="env:T"), **given}
    with pytest.raises(SettingsError) as error:
        read_desks({"production": table})
    assert said in str(error.value)


async def test_a_token_that_is_none_is_told_from_one_that_was_not_exchanged(
    server: EnterpriseServer, place: Place
) -> None:
    server.api_token_expired = True
    with pytest.raises(ApiTokenExpired) as expired:
        await place.desk.create(draft())
    assert isinstance(expired.value, NotAllowed)
    assert server.api_token not in str(expired.value)
    server.api_token_expired = False
    server.faults.order("create", Fault("status", 406))
    with pytest.raises(TokenNotExchanged, match="406") as unexchanged:
        await place.desk.create(draft())
    assert isinstance(unexchanged.value, NotAllowed)
    assert len(server.tickets) == 0


@pytest.mark.parametrize("swallows", [False, True])
async def test_a_rejected_mapping_is_told_whether_as_400_or_as_null(swallows: bool) -> None:
    async with EnterpriseServer(swallows=swallows) as server:
        desk = enterprise(server, category=_NOWHERE)
        with pytest.raises(MappingRejected):
            await desk.create(draft())
        await desk.aclose()
        assert len(server.tickets) == 0


async def test_a_check_names_what_matrix42_does_not_have(place: Place) -> None:
    async def told(**settings: Any) -> str:
        lines = await place.client(**settings).check()
        return "\n".join(line.text for line in lines if not line.ok or line.remark)

    unknown = await told(category="1111", role="2222", user="3333")
    assert "category: 1111 is not in Matrix42" in unknown
    assert "There are: Connectors (" in unknown
    assert "There are: Connector team (" in unknown
    assert "user: 3333 is not in Matrix42" in unknown
    assert "category is not set; Matrix42 may demand it. There are: Connectors" in await told(
        category=""
    )
    guessed = await told(
        object_column="Nope", name_columns=["Nix"], category_class="X", state_label="Label"
    )
    assert "cannot read tickets" in guessed
    assert "Check object_column in the desk file." in guessed
    assert "Check object_column, state_class, state_label and sort in the desk file." in guessed
    assert "Check name_columns in the desk file." in guessed
    assert "Check category_class in the desk file." in guessed
    assert "Check category_class and category_name" in await told(category="", category_name="Nix")
    assert "set_states.taken is 205, which states does not name" in await told(
        set_states={"taken": "205"}
    )


async def test_the_server_is_strict(server: EnterpriseServer) -> None:
    async with httpx.AsyncClient(base_url=server.url) as client:
        api = {"Authorization": f"Bearer {server.api_token}"}
        exchange = "ApiToken/GenerateAccessTokenFromApiToken/"
        wrong = await client.post(exchange, headers={"Authorization": "Bearer no"})
        assert (wrong.status_code, wrong.text) == (200, "null")
        raw = (await client.post(exchange, headers=api)).json()["RawToken"]
        headers = {"Authorization": f"Bearer {raw}"}
        for method, path, content, status in _REFUSED:
            assert (await client.request(method, path, **content)).status_code == 401
            unexchanged = await client.request(method, path, headers=api, **content)
            assert unexchanged.status_code == 406
            answer = await client.request(method, path, headers=headers, **content)
            assert (path, answer.status_code) == (path, status)


_REFUSED: list[tuple[str, str, dict[str, Any], int]] = [
    ("POST", "ticket/create?activityType=3", {"json": {"Subject": "x"}}, 400),
    ("POST", "ticket/create?activityType=5", {"json": {"Subjekt": "x"}}, 400),
    ("POST", "ticket/create?activityType=5", {"content": b"{}"}, 415),
    ("GET", "data/fragments/SPSUserClassBase?where=MailAddress = 'o'hara'", {}, 400),
    ("GET", "data/fragments/SPSUserClassBase?where=Nope = 'x'", {}, 400),
    ("GET", "data/fragments/SPSUserClassBase?where=MailAddress = 'x'&columns=Nope", {}, 400),
    ("GET", "data/fragments/SPSUserClassBase?columns=ID&sort=MailAddress ASC", {}, 400),
    ("GET", "data/fragments/Nothing?where=ID = 'x'", {}, 404),
    ("PUT", "data/fragments/SPSActivityClassBase", {"json": {"ID": _NOWHERE, "State": 200}}, 404),
    ("POST", "ticket/close", {"json": {"ObjectIds": [_NOWHERE], "Reason": 408}}, 404),
    ("POST", "ticket/close", {"json": {"ObjectIds": [], "Reason": 1}}, 400),
]


async def test_the_page_shows_tickets_and_takes_answers(
    server: EnterpriseServer, place: Place
) -> None:
    ticket = await place.desk.create(draft())
    async with httpx.AsyncClient(base_url=server.root, follow_redirects=True) as client:
        assert "TCK00001" in (await client.get("/")).text
        form = {"text": "Done <b>", "state": "204"}
        shown = await client.post(f"/tickets/{ticket.id}", data=form)
        assert "Done &lt;b&gt;" in shown.text
        elsewhere = {"Origin": "https://evil.example"}
        forged = await client.post(f"/tickets/{ticket.id}", data=form, headers=elsewhere)
        assert forged.status_code == 403
    news = await place.desk.poll(ticket, {})
    assert [e.text for e in news.entries] == ["Done <b>"]
