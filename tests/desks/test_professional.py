"""The client of the itsm API against the server that stands in for it."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from bot.desks.base import (
    DeskUnreachable,
    FileRefused,
    MappingRejected,
    Meaning,
    MissingRole,
    SignInRefused,
    marker_of,
)
from bot.desks.professional import ProfessionalDesk
from tests.desks.support import PEM, draft, professional
from workspace.desks import Fault, ProfessionalServer


@pytest.fixture
async def server() -> AsyncIterator[ProfessionalServer]:
    async with ProfessionalServer() as server:
        yield server


@pytest.fixture
async def desk(server: ProfessionalServer) -> AsyncIterator[ProfessionalDesk]:
    desk = professional(server)
    yield desk
    await desk.aclose()


@pytest.mark.parametrize("given_in", ["header", "body", "both"])
async def test_a_ticket_is_created_wherever_the_token_comes(given_in: str) -> None:
    async with ProfessionalServer(given_in=given_in) as server:
        desk = professional(server)
        ticket = await desk.create(draft())
        await desk.aclose()
        kept = server.tickets.get(ticket.id)
    assert kept is not None
    assert (ticket.number, ticket.warnings) == ("SR-00001", ())
    assert "Issuer: CN=O'Hara & Sons" in kept.description


async def test_a_ticket_is_found_by_its_marker(desk: ProfessionalDesk) -> None:
    ticket = await desk.create(draft())
    assert await desk.find(marker_of("R-7K3M")) == ticket
    assert await desk.find(marker_of("R-0000")) is None


async def test_errors_beside_a_created_ticket_are_warnings_and_it_is_not_lost(
    server: ProfessionalServer,
) -> None:
    desk = professional(server, codes={"priority": "p9"})
    ticket = await desk.create(draft())
    assert ticket.warnings == ("priority: There is no such static value",)
    assert len(server.tickets) == 1
    await desk.aclose()


async def test_a_folder_that_does_not_exist_is_rejected(server: ProfessionalServer) -> None:
    desk = professional(server, folder="nowhere")
    with pytest.raises(MappingRejected):
        await desk.create(draft())
    await desk.aclose()


async def test_an_attachment_is_read_back_and_a_refused_one_told(desk: ProfessionalDesk) -> None:
    ticket = await desk.create(draft())
    found = await desk.attach(ticket, "root.pem", PEM)
    assert (found.sha256, found.size) == (hashlib.sha256(PEM).hexdigest(), len(PEM))
    with pytest.raises(FileRefused):
        await desk.attach(ticket, "root.exe", PEM)


async def test_news_are_worklog_entries_once_each_the_oldest_first(
    server: ProfessionalServer, desk: ProfessionalDesk
) -> None:
    ticket = await desk.create(draft())
    kept = server.tickets.get(ticket.id)
    assert kept is not None
    for number in range(3):
        server.answer(kept, f"line {number}")
    server.answer(kept, "internal", visible=False)
    await desk.comment(ticket, "Rita (Slack): hello")
    news = await desk.poll(ticket, {})
    texts = [e.text for e in news.entries]
    assert texts == ["line 0", "line 1", "line 2", "Rita (Slack): hello"]
    assert news.state is not None
    assert (news.state.code, news.state.meaning) == ("01", Meaning.OPEN)
    server.move(kept, "77")
    quiet = await desk.poll(ticket, news.cursor)
    assert list(quiet.entries) == []
    assert quiet.state is not None
    assert (quiet.state.label, quiet.state.meaning) == ("77 - Parked", None)


async def test_a_token_is_had_again_when_it_has_run_out(
    server: ProfessionalServer, desk: ProfessionalDesk
) -> None:
    ticket = await desk.create(draft())
    server.expire_tokens()
    await desk.comment(ticket, "Hello")
    assert server.calls.count("sign-in") == 2


async def test_a_token_is_renewed_before_it_ends(server: ProfessionalServer) -> None:
    server.life = timedelta(seconds=30)
    desk = professional(server)
    ticket = await desk.create(draft())
    before = server.calls.count("sign-in")
    await desk.comment(ticket, "Hello")
    assert server.calls.count("sign-in") == before + 1
    await desk.aclose()


async def test_a_wrong_password_and_a_missing_role_are_told_apart(
    server: ProfessionalServer, desk: ProfessionalDesk
) -> None:
    server.lacks_role = True
    with pytest.raises(MissingRole, match="403"):
        await desk.create(draft())
    wrong = professional(server, login="somebody")
    with pytest.raises(SignInRefused) as refused:
        await wrong.create(draft())
    assert server.password not in str(refused.value)
    await wrong.aclose()


async def test_a_creation_whose_answer_is_lost_is_found_again(
    server: ProfessionalServer, desk: ProfessionalDesk
) -> None:
    server.faults.order("create", Fault("cut"))
    with pytest.raises(DeskUnreachable) as doubt:
        await desk.create(draft())
    assert doubt.value.maybe_done
    assert await desk.find(marker_of("R-7K3M")) is not None
    assert len(server.tickets) == 1


async def test_a_check_names_what_the_template_lacks(server: ProfessionalServer) -> None:
    desk = professional(server)
    assert all(line.ok for line in await desk.check())
    await desk.aclose()
    lacking = professional(
        server, folder="nowhere", worklog="journal", codes={"status": "99"}, states={}
    )
    told = "\n".join(line.text for line in await lacking.check() if not line.ok)
    assert "no folder “nowhere”. There are: sr_connectors" in told
    assert "worklog: the template has no attribute “journal”" in told
    assert "codes.status: there is no “99”" in told
    assert "demands “priority”" in told
    assert "No states are mapped" in told
    await lacking.aclose()
    other = professional(server, template="Incident")
    assert "There are: ServiceRequest" in (await other.check())[-1].text
    await other.aclose()


@pytest.mark.parametrize(
    ("method", "path", "content", "status"),
    [
        ("POST", "dc/ServiceRequest/data", {"json": {"folder": "x"}}, 400),
        ("POST", "dc/ServiceRequest/data", {"content": b"{}"}, 415),
        ("GET", "dc/ServiceRequest/data?limit=500", {}, 400),
        ("GET", "dc/ServiceRequest/data?filter=$subject$ = 'o'hara'", {}, 400),
        ("GET", "dc/Incident", {}, 404),
    ],
)
async def test_the_server_is_strict(
    server: ProfessionalServer, method: str, path: str, content: dict[str, Any], status: int
) -> None:
    async with httpx.AsyncClient(base_url=server.url) as client:
        assert (await client.request(method, path, **content)).status_code == 401
        login = {"login": server.login, "password": server.password}
        assert (await client.post("users/login", json=login)).status_code == 415
        token = (await client.post("users/login", data=login)).json()["token"]
        headers = {"Authorization": token}
        answer = await client.request(method, path, headers=headers, **content)
        assert answer.status_code == status
