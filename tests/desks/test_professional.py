"""What the itsm API alone is like: its client against the server that stands in for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest

from bot.desks.base import MappingRejected, Meaning, SignInRefused
from bot.desks.checking import Check
from bot.desks.configuration import ProfessionalTable
from bot.desks.templates import check_template
from tests.desks.support import Place, draft, professional
from workspace.desks import Fault, ProfessionalServer


@pytest.fixture
async def server() -> AsyncIterator[ProfessionalServer]:
    async with ProfessionalServer() as server:
        yield server


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


async def test_errors_beside_a_created_ticket_are_warnings_and_it_is_not_lost(
    place: Place,
) -> None:
    ticket = await place.client(codes={"priority": "p9"}).create(draft())
    assert ticket.warnings == ("priority: There is no such static value",)
    assert len(place.server.tickets) == 1


async def test_a_folder_that_does_not_exist_is_rejected(place: Place) -> None:
    with pytest.raises(MappingRejected):
        await place.client(folder="nowhere").create(draft())


async def test_news_are_worklog_entries_once_each_the_oldest_first(place: Place) -> None:
    desk, server = place.desk, place.server
    ticket = await desk.create(draft())
    kept = place.kept(ticket.id)
    for number in range(3):
        server.answer(kept, f"line {number}")
    server.answer(kept, "internal", visible=False)
    await desk.comment(ticket, "Rita (Slack): hello")
    news = await desk.poll(ticket, {})
    texts = [e.text for e in news.entries]
    assert texts == ["line 0", "line 1", "line 2", "Rita (Slack): hello"]
    assert news.state is not None
    assert (news.state.code, news.state.meaning) == ("01", Meaning.OPEN)
    quiet = await desk.poll(ticket, news.cursor)
    assert list(quiet.entries) == []


async def test_a_state_may_be_named_by_its_label(place: Place) -> None:
    desk = place.client(states={"77 - Parked": "waiting"})
    ticket = await desk.create(draft())
    place.server.move(place.kept(ticket.id), "77")
    state = (await desk.poll(ticket, {})).state
    assert state is not None
    assert (state.label, state.meaning) == ("77 - Parked", Meaning.WAITING)


@pytest.mark.parametrize("status", [400, 401])
async def test_a_wrong_password_is_told(place: Place, status: int) -> None:
    place.server.faults.order("sign-in", Fault("status", status))
    with pytest.raises(SignInRefused, match="Check login and password") as refused:
        await place.desk.create(draft())
    assert place.secret not in str(refused.value)


async def test_a_check_names_what_the_template_lacks(place: Place) -> None:
    async def told(**settings: Any) -> str:
        lines = await place.client(**settings).check()
        return "\n".join(line.text for line in lines if not line.ok)

    lacking = await told(
        folder="nowhere",
        worklog="journal",
        attachment="description",
        codes={"status": "99"},
        set_states={"taken": "zz"},
    )
    assert "no folder “nowhere”. There are: sr_connectors" in lacking
    assert "worklog: the template has no attribute “journal”" in lacking
    assert "The attributes of the template are: attachments, description" in lacking
    assert "codes.status: “status” has no value “99”. There are: 01, 02" in lacking
    assert "set_states.taken: “status” has no value “zz”" in lacking
    assert "demands “priority”" in lacking
    assert "attachment: “description” is no attribute for files" in lacking
    assert "worklog: “subject” is no worklog" in await told(worklog="subject")
    assert await told(template="X") == "template: there is no “X”. There are: ServiceRequest."


def _check(described: Any, **other: Any) -> Mapping[str, list[str]]:
    """What a check says of a template that is described so."""
    given = ProfessionalServer().table(password="env:P", number="", **other)
    check = Check()
    check_template(check, ProfessionalTable.model_validate(given), described)
    return {
        "missing": [line.text for line in check.lines if not line.ok],
        "remarks": [line.text for line in check.lines if line.remark],
    }


_NAMES = ("subject", "description", "status", "priority", "worklog", "attachments")


def test_a_template_may_be_described_as_lists() -> None:
    described = {
        "folders": [{"code": "sr_connectors"}],
        "attributes": [
            {"code": name, "staticValues": [{"code": "p2"}] if name == "priority" else []}
            for name in _NAMES
        ],
    }
    assert _check(described) == {"missing": [], "remarks": []}
    assert "has no value" in _check(described, codes={"priority": "p7"})["missing"][0]


def test_an_attribute_for_one_file_is_told() -> None:
    attributes = {name: {"multiValue": name != "attachments"} for name in _NAMES}
    (text,) = _check({"attributes": attributes})["missing"]
    assert "holds one file" in text


@pytest.mark.parametrize("described", [None, [], "x", {}, {"attributes": "x"}, {"fields": []}])
def test_a_template_that_is_described_otherwise_is_not_called_wrong(described: Any) -> None:
    told = _check(described)
    assert told["missing"] == []
    assert "in a way that is not known" in told["remarks"][0]


async def test_the_server_is_strict(server: ProfessionalServer) -> None:
    async with httpx.AsyncClient(base_url=server.url) as client:
        login = {"login": server.login, "password": server.password}
        assert (await client.post("users/login", json=login)).status_code == 415
        token = (await client.post("users/login", data=login)).json()["token"]
        headers = {"Authorization": token}
        for method, path, content, status in _REFUSED:
            assert (await client.request(method, path, **content)).status_code == 401
            answer = await client.request(method, path, headers=headers, **content)
            assert (path, answer.status_code) == (path, status)


_REFUSED: list[tuple[str, str, dict[str, Any], int]] = [
    ("POST", "dc/ServiceRequest/data", {"json": {"folder": "x"}}, 400),
    ("POST", "dc/ServiceRequest/data", {"content": b"{}"}, 415),
    ("GET", "dc/ServiceRequest/data?limit=500", {}, 400),
    ("GET", "dc/ServiceRequest/data?filter=$subject$ = 'o'hara'", {}, 400),
    ("GET", "dc/Incident", {}, 404),
    ("PUT", "dc/ServiceRequest/data/1/status", {"json": {"values": [{"code": "02"}]}}, 404),
]
