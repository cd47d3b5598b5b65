"""A request in Slack and its ticket at the desk are one conversation."""

from __future__ import annotations

import asyncio
import hashlib
from html import unescape
from typing import Final

import pytest

from bot.app import Bot
from bot.requests.patience import Patience
from tests.conversation.story import SUPPORT, Story
from tests.conversation.support import Surroundings, shown
from tests.desks.following import (
    line,
    only,
    polled,
    settings,
    thread,
    until,
    with_ticket,
)
from tests.desks.support import AnyServer
from workspace.desks import EnterpriseServer, Fault, ProfessionalServer

_PATIENCE: Final = Patience(first=0.1, poll=0.2)
ONE: Final = pytest.mark.parametrize("server", [EnterpriseServer], indirect=True)
OTHER: Final = pytest.mark.parametrize("server", [ProfessionalServer], indirect=True)


async def test_a_request_is_a_ticket_and_both_threads_are_one(
    surroundings: Surroundings, server: AnyServer
) -> None:
    story = Story(surroundings)
    enterprise = isinstance(server, EnterpriseServer)
    async with Bot(settings(surroundings, server), patience=_PATIENCE):
        ticket = await with_ticket(story, server)
        pem = ticket.files[0].content
        assert pem.decode().strip() == surroundings.root.pem.decode().strip()
        told = unescape(ticket.description)
        for fact in ("dc01.corp.example", "Protocol", "AD connector", "production", "Urgent."):
            assert fact in told
        for fact in ("Corp Root CA", "subject", "issuer", "serial number", "SHA-256", "valid"):
            assert fact in told
        for fact in ("Prediction", "Java ", "Requester", "Slack thread", "/archives/"):
            assert fact in told
        await line(story, "linked the ticket")
        await story._card(ticket.number)

        mine = await story.rita.reply(story.card, "Is <b>anybody</b> there?")
        await until(lambda: any("anybody" in e.text for e in ticket.entries))
        said = next(e for e in ticket.entries if "anybody" in e.text)
        assert server.plain(said.text).endswith("(Slack): Is <b>anybody</b> there?")
        assert ("<b>" in said.text) is not enterprise
        assert said.visible
        await story.rita.edit(mine, "Is somebody there?")
        await until(lambda: any("(edited): Is somebody" in e.text for e in ticket.entries))

        server.answer(ticket, "Which *connector* is it? <script>alert(1)</script>")
        server.answer(ticket, "They are slow", visible=False)
        shown_answer = await line(story, "Anna Agent (Matrix42):", "is it?")
        assert "&lt;script&gt;" in shown(shown_answer)
        server.move(ticket, "333" if enterprise else "77")
        unknown = await line(story, "Matrix42 shows the ticket as")
        assert ("state 333" if enterprise else "77 - Parked") in shown(unknown)
        server.move(ticket, "204" if enterprise else "06")
        closed = await line(story, "The ticket in Matrix42 is closed", "is it?")
        assert (await story.sam.click(closed, "request_install"))["ok"]
        await until(lambda: any("is installed" in e.text for e in ticket.entries))
        await surroundings.settled()
        await polled(server)
    texts = await thread(story)
    assert sum("(Matrix42):" in text for text in texts) == 1
    assert not any("They are slow" in text for text in texts)
    assert not any("⚠️" in text or "🔑" in text for text in texts)
    assert len(server.tickets) == 1
    assert sum("anybody" in e.text for e in ticket.entries) == 1
    assert not any("Anna Agent" in e.text for e in ticket.entries if e.author != "Anna Agent")
    # What is closed there stays closed.
    assert ticket.state == ("204" if enterprise else "06")


async def test_what_becomes_of_a_request_becomes_of_its_ticket_and_never_comes_back(
    surroundings: Surroundings, server: AnyServer
) -> None:
    story = Story(surroundings)
    enterprise = isinstance(server, EnterpriseServer)
    working, waiting = ("202", "203") if enterprise else ("02", "03")
    async with Bot(settings(surroundings, server), patience=_PATIENCE):
        ticket = await with_ticket(story, server)
        await story.take()
        await until(lambda: ticket.state == working)
        await story.ask_the_requester()
        await until(lambda: ticket.state == waiting)
        await story.answer()
        await until(lambda: ticket.state == working)
        await polled(server)
        # Somebody at the desk puts it into a state that the bot had given it: that is news.
        server.move(ticket, waiting)
        await line(story, "The ticket in Matrix42 waits for an answer")
        await story.install()
        await until(lambda: any("is installed" in e.text for e in ticket.entries))
        await surroundings.settled()
        assert ticket.state == (waiting if enterprise else "05")
        await story._press(story.rita, "request_verify", "verified")
        await until(lambda: ticket.state == ("204" if enterprise else "06"))
        await surroundings.settled()
        await polled(server)
    told = [text for text in await thread(story) if "ticket in Matrix42" in text]
    assert len(told) == 1
    # Sam's question is an entry, Rita's answer is one and not two.
    assert sum("Which connector host?" in e.text for e in ticket.entries) == 1
    assert sum("nc01.corp.example" in e.text for e in ticket.entries) == 1


async def test_what_is_lost_or_refused_on_the_way_leads_to_one_ticket_and_one_file(
    surroundings: Surroundings, server: AnyServer
) -> None:
    """The creation times out after succeeding, the attachment fails first, a comment's answer is
    lost."""
    server.faults.order("create", Fault("late", seconds=60))
    server.faults.order("attach", Fault("drop"), Fault("status", 503, retry_after="0"))
    server.faults.order("comment", Fault("cut"))
    story = Story(surroundings)
    async with Bot(settings(surroundings, server, timeout=2.0), patience=_PATIENCE):
        await story.ask()
        await story.request()
        await line(story, "linked the ticket")
        await until(lambda: only(server).files)
        await story.rita.reply(story.card, "ok")
        await until(lambda: any("ok" in e.text for e in only(server).entries))
        # The same words again are another comment.
        await story.rita.reply(story.card, "ok")
        await until(lambda: sum("ok" in e.text for e in only(server).entries) == 2)
        await surroundings.settled()
        await polled(server)
    assert len(server.tickets) == 1
    assert server.calls.count("create") == 1
    assert [len(t.files) for t in server.tickets] == [1]
    assert len(only(server).entries) == 2


@pytest.mark.parametrize("server", [EnterpriseServer], indirect=True)
async def test_a_bot_that_ends_while_the_desk_creates_a_ticket_leaves_one_ticket(
    surroundings: Surroundings, server: AnyServer
) -> None:
    # Longer than the bot waits at its end.
    goes_on = asyncio.Event()
    server.faults.order("create", Fault("slow", held=goes_on))
    chosen = settings(surroundings, server, settle=6)
    story = Story(surroundings)
    async with Bot(chosen):
        await story.ask()
        await story.request()
        await until(lambda: "create" in server.calls)
    assert len(server.tickets) == 0
    async with Bot(chosen):
        goes_on.set()
        await line(story, "linked the ticket")
    assert (len(server.tickets), server.calls.count("create")) == (1, 1)


async def test_a_refused_file_name_falls_back_to_the_next_suffix(
    surroundings: Surroundings,
) -> None:
    story = Story(surroundings)
    async with (
        ProfessionalServer(suffixes=(".txt",)) as server,
        Bot(settings(surroundings, server)),
    ):
        ticket = await with_ticket(story, server)
    (file,) = ticket.files
    assert file.name.endswith(".pem.txt")
    assert hashlib.sha256(file.content).digest() == hashlib.sha256(surroundings.root.pem).digest()
    assert (len(server.tickets), server.calls.count("create")) == (1, 1)


@OTHER
async def test_a_file_that_the_desk_refused_is_news_when_somebody_else_brings_it(
    surroundings: Surroundings, server: AnyServer
) -> None:
    story = Story(surroundings)
    async with Bot(settings(surroundings, server), patience=_PATIENCE):
        ticket = await with_ticket(story, server)
        await surroundings.settled()
        server.faults.order("attach", *[Fault("status", 400)] * 2)
        log = await story.rita.upload("connector.log", b"it fails since Monday\n")
        await story.rita.reply(story.card, "Here", files=[log])
        await until(lambda: server.calls.count("attach") >= 3)
        await surroundings.settled()
        server.tickets.attach(ticket, "connector.log", b"ours, with marks\n")
        await line(story, "Added to the ticket in Matrix42", "connector.log")
        await surroundings.settled()
    assert len(ticket.files) == 2


async def test_a_desk_that_does_not_give_the_pem_back_is_told_once(
    surroundings: Surroundings, server: AnyServer
) -> None:
    story = Story(surroundings)
    async with Bot(settings(surroundings, server, download="")):
        ticket = await with_ticket(story, server)
        # The one lists files with their sizes, the other does not.
        says = "its size alone was" if isinstance(server, EnterpriseServer) else "was not compared"
        await line(story, ticket.files[0].name, says, "compares its fingerprint")
        # A file of the thread is no certificate to be installed.
        log = await story.rita.upload("connector.log", b"it fails since Monday\n")
        await story.rita.reply(story.card, "Here", files=[log])
        await until(lambda: len(ticket.files) == 2)
        await surroundings.settled()
    assert sum("compares its fingerprint" in text for text in await thread(story)) == 1


async def test_what_is_said_while_the_desk_is_down_arrives_once_afterwards(
    surroundings: Surroundings, server: AnyServer
) -> None:
    story = Story(surroundings)
    async with Bot(settings(surroundings, server, outage=0), patience=_PATIENCE):
        ticket = await with_ticket(story, server)
        server.faults.down = True
        await line(story, "Matrix42 not reachable since")
        for number in range(3):
            await story.rita.reply(story.card, f"said meanwhile {number}")
        server.answer(ticket, "answered meanwhile")
        # The thread in Slack goes on.
        await story.take()
        server.faults.down = False
        await line(story, "reachable again")
        await line(story, "Anna Agent (Matrix42):", "answered meanwhile")
        await until(lambda: any("took the request" in e.text for e in ticket.entries))
        await surroundings.settled()
        await polled(server)
    texts = await thread(story)
    assert sum("not reachable since" in text for text in texts) == 1
    assert sum("reachable again" in text for text in texts) == 1
    assert sum("(Matrix42):" in text for text in texts) == 1
    # Three events at the same time have no order.
    said = [e.text for e in ticket.entries if "said meanwhile" in e.text]
    assert all(sum(f"meanwhile {number}" in text for text in said) == 1 for number in range(3))


async def test_files_go_both_ways_and_private_keys_neither(
    surroundings: Surroundings, server: AnyServer
) -> None:
    story = Story(surroundings)
    key_pem = surroundings.leaf.key_pem
    async with Bot(settings(surroundings, server), patience=_PATIENCE):
        ticket = await with_ticket(story, server)
        key = await story.rita.upload("server.pem", key_pem)
        log = await story.rita.upload("connector.log", b"it fails since Monday\n")
        await story.rita.reply(story.card, "Here", files=[key, log])
        await until(lambda: len(ticket.files) == 2)
        await until(lambda: any("Files in Slack: " in e.text for e in ticket.entries))
        # Neither desk takes the first ending.
        assert ticket.files[1].name == "connector.log.txt"
        assert ticket.files[1].content == b"it fails since Monday\n"
        await surroundings.settled()

        # The desk asks to wait before it gives the file: the thread goes on meanwhile.
        server.faults.order("download", *[Fault("status", 503, retry_after="0")] * 3)
        server.answer(ticket, "See the screenshot")
        server.tickets.attach(ticket, "screenshot.txt", b"what the connector says")
        server.tickets.attach(ticket, "server.pem", key_pem)
        server.tickets.attach(ticket, "connector.log.txt", b"ours, with marks\n")
        await line(story, "See the screenshot")
        for name, content in (
            ("screenshot.txt", b"what the connector says"),
            ("connector.log.txt", b"ours, with marks\n"),
        ):
            shared = await story.sam.wait_for(
                lambda m, name=name: any(f["name"] == name for f in m.get("files") or ()),  # type: ignore[misc]
                channel=SUPPORT,
            )
            assert await story.sam.download(shared["files"][0]) == content
            assert "Added to the ticket in Matrix42" in shown(shared)
        await line(story, "server.pem", "not brought here")
        await surroundings.settled()
        await polled(server)
    assert not any(b"PRIVATE KEY" in f.content for f in ticket.files if f.name != "server.pem")
    names = [
        f["name"]
        for m in await story.sam.messages(SUPPORT)
        if m.get("bot_id")
        for f in m.get("files") or ()
    ]
    # The PEM that the bot attached is not news, and neither is what came from here.
    assert sorted(names[1:]) == ["connector.log.txt", "screenshot.txt"]


@ONE
async def test_a_file_of_the_ticket_stays_there_where_that_is_set(
    surroundings: Surroundings, server: AnyServer
) -> None:
    story = Story(surroundings)
    async with Bot(settings(surroundings, server, relay_files=False)):
        ticket = await with_ticket(story, server)
        server.tickets.attach(ticket, "internal.txt", b"internal")
        server.answer(ticket, "See above")
        await line(story, "See above")
        await surroundings.settled()
    assert not any("internal.txt" in text for text in await thread(story))
