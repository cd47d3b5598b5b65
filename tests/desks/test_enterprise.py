"""The client of M42Services against the server that stands in for it."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from bot.desks.base import (
    ApiTokenExpired,
    DeskUnreachable,
    FileRefused,
    MappingRejected,
    Meaning,
    MissingRole,
    SignInRefused,
    TokenNotExchanged,
    marker_of,
)
from bot.desks.enterprise import EnterpriseDesk
from tests.desks.support import PEM, draft, enterprise
from workspace.desks import EnterpriseServer, Fault


@pytest.fixture
async def server() -> AsyncIterator[EnterpriseServer]:
    async with EnterpriseServer() as server:
        yield server


@pytest.fixture
async def desk(server: EnterpriseServer) -> AsyncIterator[EnterpriseDesk]:
    desk = enterprise(server)
    yield desk
    await desk.aclose()


async def test_a_ticket_is_created_with_its_facts_escaped_and_found_by_its_marker(
    server: EnterpriseServer, desk: EnterpriseDesk
) -> None:
    ticket = await desk.create(draft())
    kept = server.tickets.get(ticket.id)
    assert kept is not None
    assert (ticket.number, ticket.kind) == ("TCK00001", "SPSActivityTypeTicket")
    assert ticket.url == f"{server.root}tickets/{ticket.id}"
    assert "&lt;script&gt;" in kept.description
    assert "<script>" not in kept.description
    assert await desk.find(marker_of("R-7K3M")) == ticket
    assert await desk.find(marker_of("R-7K3")) is None
    assert await desk.find(marker_of("R-0000")) is None


async def test_the_requester_is_the_ticket_s_user_where_matrix42_knows_the_address(
    server: EnterpriseServer, desk: EnterpriseDesk
) -> None:
    known = await desk.create(draft(requester_mail="rita@corp.example"))
    other = await desk.create(draft("R-2222", requester_mail="o'hara@corp.example"))
    users = [t.fields["User"] for t in server.tickets]
    assert users == [server.mails["rita@corp.example"], server.table()["user"]]
    assert known.id != other.id


async def test_a_service_request_gets_its_attachment_under_its_own_type(
    server: EnterpriseServer,
) -> None:
    desk = enterprise(server, activity_type=6)
    ticket = await desk.create(draft())
    assert ticket.kind == "SPSActivityTypeServiceRequest"
    assert (await desk.attach(ticket, "root.pem", PEM)).name == "root.pem"
    await desk.aclose()


async def test_an_attachment_is_read_back_and_a_refused_one_told(
    server: EnterpriseServer, desk: EnterpriseDesk
) -> None:
    ticket = await desk.create(draft())
    found = await desk.attach(ticket, "root.pem", PEM)
    assert found.sha256 == hashlib.sha256(PEM).hexdigest()
    assert found.size == len(PEM)
    with pytest.raises(FileRefused, match="not allowed"):
        await desk.attach(ticket, "root.exe", PEM)
    with pytest.raises(FileRefused, match="too large"):
        await desk.attach(ticket, "large.pem", b"x" * (server.largest + 1))


async def test_without_a_download_only_the_size_is_known(server: EnterpriseServer) -> None:
    desk = enterprise(server, download="")
    found = await desk.attach(await desk.create(draft()), "root.pem", PEM)
    assert (found.sha256, found.size) == ("", len(PEM))
    await desk.aclose()


async def test_a_comment_is_visible_to_the_customer(
    server: EnterpriseServer, desk: EnterpriseDesk
) -> None:
    ticket = await desk.create(draft())
    written = await desk.comment(ticket, "Rita (Slack): it's <b>here</b>")
    entry = next(iter(server.tickets)).entries[0]
    assert (entry.id, entry.visible) == (written.key, True)
    assert entry.text == "Rita (Slack): it&#x27;s &lt;b&gt;here&lt;/b&gt;"
    (shown,) = (await desk.poll(ticket, {})).entries
    assert shown.text == "Rita (Slack): it's <b>here</b>"


async def test_news_are_the_visible_entries_once_each_and_the_state(
    server: EnterpriseServer, desk: EnterpriseDesk
) -> None:
    ticket = await desk.create(draft())
    kept = server.tickets.get(ticket.id)
    assert kept is not None
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
    server.move(kept, "333")
    unknown = (await desk.poll(ticket, more.cursor)).state
    assert unknown is not None
    assert (unknown.meaning, unknown.label) == (None, "state 333")


async def test_a_token_is_exchanged_once_and_again_when_it_has_run_out(
    server: EnterpriseServer, desk: EnterpriseDesk
) -> None:
    ticket = await desk.create(draft())
    assert server.calls.count("sign-in") == 1
    server.expire_tokens()
    await desk.comment(ticket, "Hello")
    assert server.calls.count("sign-in") == 2


async def test_a_token_is_renewed_before_it_ends(server: EnterpriseServer) -> None:
    server.life = timedelta(seconds=30)
    desk = enterprise(server)
    ticket = await desk.create(draft())
    before = server.calls.count("sign-in")
    await desk.comment(ticket, "Hello")
    assert server.calls.count("sign-in") == before + 1
    await desk.aclose()


async def test_failures_of_the_sign_in_are_told_apart(
    server: EnterpriseServer, desk: EnterpriseDesk
) -> None:
    server.api_token_expired = True
    with pytest.raises(ApiTokenExpired) as expired:
        await desk.create(draft())
    assert server.api_token not in str(expired.value)
    server.api_token_expired = False
    server.lacks_role = True
    with pytest.raises(MissingRole, match="403"):
        await desk.create(draft())
    server.lacks_role = False
    server.faults.order("create", Fault("status", 406))
    with pytest.raises(TokenNotExchanged, match="406"):
        await desk.create(draft())
    server.faults.order("create", Fault("status", 401), Fault("status", 401))
    with pytest.raises(SignInRefused):
        await desk.create(draft())
    assert len(server.tickets) == 0


@pytest.mark.parametrize("swallows", [False, True])
async def test_a_rejected_mapping_is_told_whether_as_400_or_as_null(swallows: bool) -> None:
    async with EnterpriseServer(swallows=swallows) as server:
        desk = enterprise(server, category="00000000-0000-0000-0000-000000000000")
        with pytest.raises(MappingRejected):
            await desk.create(draft())
        await desk.aclose()
        assert len(server.tickets) == 0


async def test_a_creation_that_times_out_after_succeeding_may_have_been_done(
    server: EnterpriseServer,
) -> None:
    desk = enterprise(server, timeout=0.5)
    server.faults.order("create", Fault("late", seconds=2))
    with pytest.raises(DeskUnreachable) as doubt:
        await desk.create(draft())
    assert doubt.value.maybe_done
    found = await desk.find(marker_of("R-7K3M"))
    assert found is not None
    assert len(server.tickets) == 1
    await desk.aclose()


async def test_an_outage_is_told_from_a_doubt(server: EnterpriseServer) -> None:
    desk = enterprise(server, url="http://127.0.0.1:9/m42Services/api/")
    with pytest.raises(DeskUnreachable) as outage:
        await desk.create(draft())
    assert not outage.value.maybe_done
    await desk.aclose()
    busy = enterprise(server)
    server.faults.order("create", Fault("status", 429, retry_after="17"))
    with pytest.raises(DeskUnreachable) as wait:
        await busy.create(draft())
    assert (wait.value.seconds, wait.value.maybe_done) == (17, False)
    await busy.aclose()


async def test_a_check_says_what_is_missing(server: EnterpriseServer) -> None:
    desk = enterprise(server)
    assert all(line.ok for line in await desk.check())
    await desk.aclose()
    lacking = enterprise(server, category="11111111-2222", states={}, download="")
    told = "\n".join(line.text for line in await lacking.check() if not line.ok)
    assert "category 11111111-2222 does not exist" in told
    assert "No states are mapped" in told
    assert "compared by size" in told
    await lacking.aclose()


@pytest.mark.parametrize(
    ("method", "path", "content", "status"),
    [
        ("POST", "ticket/create?activityType=3", {"json": {"Subject": "x"}}, 400),
        ("POST", "ticket/create?activityType=5", {"json": {"Subjekt": "x"}}, 400),
        ("POST", "ticket/create?activityType=5", {"content": b"{}"}, 415),
        ("GET", "data/fragments/SPSUserClassBase?where=MailAddress = 'o'hara'", {}, 400),
        ("GET", "data/fragments/SPSUserClassBase?where=MailAddress = 'x'&columns=Nope", {}, 200),
        ("GET", "data/fragments/Nothing?where=ID = 'x'", {}, 404),
    ],
)
async def test_the_server_is_strict(
    server: EnterpriseServer, method: str, path: str, content: dict[str, Any], status: int
) -> None:
    async with httpx.AsyncClient(base_url=server.url) as client:
        api = {"Authorization": f"Bearer {server.api_token}"}
        assert (await client.request(method, path, **content)).status_code == 401
        assert (await client.request(method, path, headers=api, **content)).status_code == 406
        exchange = "ApiToken/GenerateAccessTokenFromApiToken/"
        wrong = await client.post(exchange, headers={"Authorization": "Bearer no"})
        assert (wrong.status_code, wrong.text) == (200, "null")
        raw = (await client.post(exchange, headers=api)).json()["RawToken"]
        headers = {"Authorization": f"Bearer {raw}"}
        answer = await client.request(method, path, headers=headers, **content)
        assert answer.status_code == status


async def test_the_page_shows_tickets_and_takes_answers(
    server: EnterpriseServer, desk: EnterpriseDesk
) -> None:
    ticket = await desk.create(draft())
    async with httpx.AsyncClient(base_url=server.root, follow_redirects=True) as client:
        assert "TCK00001" in (await client.get("/")).text
        form = {"text": "Done <b>", "state": "204"}
        shown = await client.post(f"/tickets/{ticket.id}", data=form)
        assert "Done &lt;b&gt;" in shown.text
        elsewhere = {"Origin": "https://evil.example"}
        forged = await client.post(f"/tickets/{ticket.id}", data=form, headers=elsewhere)
        assert forged.status_code == 403
    news = await desk.poll(ticket, {})
    assert [e.text for e in news.entries] == ["Done <b>"]
