"""The page on which agents read and answer tickets."""

from __future__ import annotations

import re

import httpx
import pytest

from tests.desks.support import AnyServer
from workspace.desks import EnterpriseServer, Ticket

_EVIL = "<script>alert(1)</script>\"'&"


def _ticket(server: AnyServer, subject: str = "Install it") -> Ticket:
    state = "200" if isinstance(server, EnterpriseServer) else "01"
    return server.tickets.add(subject, "", prefix="T", state=state, kind="k")


def _client(server: AnyServer) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=server.root, follow_redirects=True)


async def test_whatever_a_ticket_holds_is_shown_as_it_is_and_runs_nothing(
    server: AnyServer,
) -> None:
    ticket = _ticket(server, _EVIL)
    ticket.description = f"Target: {_EVIL}\nNote: javascript:alert(1) https://x.example/{_EVIL}"
    server.answer(ticket, _EVIL, author="Otto Other")
    server.tickets.attach(ticket, f"{_EVIL}.pem", b"x")
    async with _client(server) as client:
        pages = [
            await client.get("/", params={"q": "<script>"}),
            await client.get(f"/tickets/{ticket.id}"),
            await client.post(f"/tickets/{ticket.id}", data={"text": "", "state": _EVIL}),
        ]
        (place,) = set(re.findall(r"href='(/tickets/[^']*/files/[^']*)'", pages[1].text))
        file = await client.get(place)
    for page in pages:
        assert "<script>alert" not in page.text
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        assert "unsafe" not in page.headers["Content-Security-Policy"]
    assert "href='javascript" not in pages[1].text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in pages[1].text
    assert pages[2].status_code == 400
    assert file.content == b"x"
    assert file.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''%3Cscript")
    assert file.headers["Content-Type"] == "application/octet-stream"


async def test_an_answer_goes_to_the_customer_or_stays_with_its_files_and_its_state(
    server: AnyServer,
) -> None:
    ticket = _ticket(server)
    moved = "202" if isinstance(server, EnterpriseServer) else "02"
    form = {"text": "For us", "state": ticket.state, "author": "Otto Other", "audience": "internal"}
    async with _client(server) as client:
        await client.post(
            f"/tickets/{ticket.id}", data=form, files={"file": ("in/ternal.txt", b"1")}
        )
        await client.post(
            f"/tickets/{ticket.id}",
            data={**form, "text": "", "audience": "customer", "state": moved, "author": "Nobody"},
            files={"file": ("plan.txt", b"2")},
        )
    first, second = ticket.entries
    assert (server.plain(first.text), first.visible, first.author) == (
        "For us",
        False,
        "Otto Other",
    )
    assert (server.plain(second.text), second.visible) == ("Files: plan.txt", True)
    assert second.author == "Anna Agent"
    assert [(f.name, f.content, f.visible) for f in ticket.files] == [
        ("in_ternal.txt", b"1", False),
        ("plan.txt", b"2", True),
    ]
    assert ticket.state == moved


@pytest.mark.parametrize(
    ("count", "size", "said"),
    [
        (0, 0, "Write something"),
        (6, 1, "more than 5 files"),
        (1, (1 << 20) + 1, "larger than 1 MB"),
    ],
)
async def test_what_cannot_be_saved_is_told_and_changes_nothing(
    server: AnyServer, count: int, size: int, said: str
) -> None:
    ticket = _ticket(server)
    files = [("file", (f"{number}.txt", b"x" * size)) for number in range(count)]
    text = "kept text" if count else ""
    async with _client(server) as client:
        form = {"text": text, "state": ticket.state}
        page = await client.post(f"/tickets/{ticket.id}", data=form, files=files or None)
        forged = await client.post(
            f"/tickets/{ticket.id}",
            data={"text": "forged", "state": ticket.state},
            headers={"Origin": "https://evil.example"},
        )
        assert (await client.get("/tickets/nothing")).status_code == 404
        assert (await client.get(f"/tickets/{ticket.id}/files/nothing")).status_code == 404
        assert (await client.get("/static/desk.py")).status_code == 404
    assert page.status_code == 400
    assert said in page.text
    assert text in page.text
    assert forged.status_code == 403
    assert (ticket.entries, ticket.files) == ([], [])
