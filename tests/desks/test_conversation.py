"""A request in Slack and its ticket at the desk are one conversation."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.app import Bot
from bot.desks.writing import desk_file_text
from bot.settings import Settings
from tests.conversation.story import SUPPORT, Story
from tests.conversation.support import Json, Surroundings, shown
from workspace import Cast, Workspace
from workspace.desks import EnterpriseServer, Fault, ProfessionalServer, Ticket

MANIFEST: Any = yaml.safe_load((Path(__file__).parents[2] / "manifest.yml").read_text("utf-8"))
_QUICK = {"poll_first": 0.2, "poll_most": 0.3, "settle": 0.5, "timeout": 1.0}
AnyServer = EnterpriseServer | ProfessionalServer


@pytest.fixture
async def surroundings(tmp_path: Path) -> AsyncIterator[Surroundings]:
    async with (
        Workspace(MANIFEST, cast=Cast(installed=("acme",))) as workspace,
        Surroundings(workspace, tmp_path) as found,
    ):
        yield found


@pytest.fixture(params=[EnterpriseServer, ProfessionalServer])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[AnyServer]:
    async with request.param() as server:
        yield server


def settings(surroundings: Surroundings, server: AnyServer, **other: Any) -> Settings:
    """A bot's settings with that desk."""
    folder = surroundings.folder
    token = server.api_token if isinstance(server, EnterpriseServer) else server.password
    (folder / "secret").write_text(token)
    name = "api_token" if isinstance(server, EnterpriseServer) else "password"
    table = {**server.table(), name: f"file:{folder}/secret", **_QUICK, **other}
    (folder / "desk.toml").write_text(desk_file_text(table))
    return surroundings.settings(desk_file=folder / "desk.toml")


async def until(condition: Callable[[], object], seconds: float = 20) -> None:
    """Waits for ``condition``."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  what is awaited has no event
            await asyncio.sleep(0.05)


def only(server: AnyServer) -> Ticket:
    """The one ticket."""
    (ticket,) = server.tickets
    assert isinstance(ticket, Ticket)
    return ticket


async def line(story: Story, *texts: str) -> Json:
    """The line of the thread that holds them."""
    return await story.sam.wait_for(
        lambda m: m.get("thread_ts") == story.card["ts"] and all(t in shown(m) for t in texts),
        channel=SUPPORT,
    )


async def test_a_request_is_a_ticket_and_both_threads_are_one(
    surroundings: Surroundings, server: AnyServer
) -> None:
    story = Story(surroundings)
    async with Bot(settings(surroundings, server)):
        await story.ask()
        await story.request()
        await until(lambda: len(server.tickets) == 1 and only(server).files)
        ticket = only(server)
        pem = ticket.files[0].content
        assert pem.decode().strip() == surroundings.root.pem.decode().strip()
        assert "dc01.corp.example" in ticket.description
        assert "Corp Root CA" in ticket.description
        await line(story, "linked the ticket")
        await story._card(ticket.number)

        await story.rita.reply(story.card, "Is <b>anybody</b> there?")
        await until(lambda: any("anybody" in e.text for e in ticket.entries))
        said = next(e for e in ticket.entries if "anybody" in e.text)
        plain = unescape(said.text)
        assert plain.endswith("(Slack): Is <b>anybody</b> there?")
        assert said.visible

        server.answer(ticket, "Which *connector* is it?")
        server.answer(ticket, "They are slow", visible=False)
        await line(story, "Anna Agent (Matrix42):", "is it?")
        server.move(ticket, "333" if isinstance(server, EnterpriseServer) else "77")
        await line(story, "Matrix42 shows the ticket as")
        server.move(ticket, "204" if isinstance(server, EnterpriseServer) else "06")
        closed = await line(story, "The ticket in Matrix42 is closed", "is it?")
        assert (await story.sam.click(closed, "request_install"))["ok"]
        await until(lambda: any("is installed" in e.text for e in ticket.entries))
        await asyncio.sleep(1)
    thread = [shown(m) for m in await story.sam.messages(SUPPORT)]
    assert sum("(Matrix42):" in text for text in thread) == 1
    assert not any("They are slow" in text for text in thread)
    assert len(server.tickets) == 1
    assert sum("anybody" in e.text for e in ticket.entries) == 1
    assert not any("Anna Agent" in e.text for e in ticket.entries if e.author != "Anna Agent")


async def test_an_edit_is_a_new_entry(surroundings: Surroundings) -> None:
    story = Story(surroundings)
    async with EnterpriseServer() as server, Bot(settings(surroundings, server)):
        await story.ask()
        await story.request()
        await until(lambda: len(server.tickets) == 1 and only(server).files)
        mine = await story.rita.reply(story.card, "first words")
        await until(lambda: any("first words" in e.text for e in only(server).entries))
        await story.rita.edit(mine, "second words")
        await until(lambda: any("(edited): second words" in e.text for e in only(server).entries))
        assert sum("first words" in e.text for e in only(server).entries) == 1


@pytest.mark.parametrize("server", [ProfessionalServer], indirect=True)
async def test_a_creation_that_times_out_after_succeeding_makes_one_ticket(
    surroundings: Surroundings, server: AnyServer
) -> None:
    server.faults.order("create", Fault("late", seconds=3))
    server.faults.order("attach", Fault("cut"))
    story = Story(surroundings)
    async with Bot(settings(surroundings, server)):
        await story.ask()
        await story.request()
        await line(story, "linked the ticket")
        await until(lambda: only(server).files and server.calls.count("download") >= 1)
        await asyncio.sleep(0.5)
    assert len(server.tickets) == 1
    assert server.calls.count("create") == 1
    assert [len(t.files) for t in server.tickets] == [1]


@pytest.mark.parametrize("server", [EnterpriseServer], indirect=True)
async def test_a_bot_that_ends_while_the_desk_creates_a_ticket_leaves_one_ticket(
    surroundings: Surroundings, server: AnyServer
) -> None:
    # Longer than the bot waits at its end.
    server.faults.order("create", Fault("slow", seconds=12))
    chosen = settings(surroundings, server, settle=7, timeout=20.0)
    story = Story(surroundings)
    async with Bot(chosen):
        await story.ask()
        await story.request()
        await until(lambda: "create" in server.calls)
    assert len(server.tickets) == 0
    async with Bot(chosen):
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
        await story.ask()
        await story.request()
        await until(lambda: len(server.tickets) == 1 and only(server).files)
        file = only(server).files[0]
    assert file.name.endswith(".pem.txt")
    assert hashlib.sha256(file.content).digest()
    assert (len(server.tickets), server.calls.count("create")) == (1, 1)


async def test_a_request_lives_on_in_slack_where_the_desk_rejects_the_ticket(
    surroundings: Surroundings,
) -> None:
    story = Story(surroundings)
    async with (
        EnterpriseServer() as server,
        Bot(settings(surroundings, server, category="")),
    ):
        await story.ask()
        await story.request()
        await story.take()
        await until(lambda: server.calls.count("create") >= 2)
        assert len(server.tickets) == 0


async def test_what_is_said_while_the_desk_is_down_arrives_once_afterwards(
    surroundings: Surroundings,
) -> None:
    story = Story(surroundings)
    async with EnterpriseServer() as server, Bot(settings(surroundings, server, outage=0)):
        await story.ask()
        await story.request()
        await until(lambda: len(server.tickets) == 1 and only(server).files)
        ticket = only(server)
        server.faults.down = True
        await line(story, "Matrix42 not reachable since")
        await story.rita.reply(story.card, "said meanwhile")
        server.answer(ticket, "answered meanwhile")
        await asyncio.sleep(1)
        server.faults.down = False
        await line(story, "reachable again")
        await line(story, "Anna Agent (Matrix42):", "answered meanwhile")
        await until(lambda: any("said meanwhile" in e.text for e in ticket.entries))
        await asyncio.sleep(0.7)
    thread = [shown(m) for m in await story.sam.messages(SUPPORT)]
    assert sum("not reachable since" in text for text in thread) == 1
    assert sum("(Matrix42):" in text for text in thread) == 1
    assert sum("said meanwhile" in e.text for e in ticket.entries) == 1


@pytest.mark.parametrize("server", [ProfessionalServer], indirect=True)
async def test_a_comment_whose_answer_is_lost_is_not_written_twice(
    surroundings: Surroundings, server: AnyServer
) -> None:
    story = Story(surroundings)
    async with Bot(settings(surroundings, server)):
        await story.ask()
        await story.request()
        await until(lambda: len(server.tickets) == 1 and only(server).files)
        server.faults.order("comment", Fault("cut"))
        await story.rita.reply(story.card, "ok")
        await until(lambda: len(only(server).entries) == 1)
        # The same words again are another comment.
        await story.rita.reply(story.card, "ok")
        await until(lambda: len(only(server).entries) == 2)
        await asyncio.sleep(0.7)
    assert len(only(server).entries) == 2


@pytest.mark.parametrize("server", [EnterpriseServer], indirect=True)
async def test_a_file_of_the_thread_is_attached_and_a_private_key_is_not(
    surroundings: Surroundings, server: AnyServer
) -> None:
    story = Story(surroundings)
    async with Bot(settings(surroundings, server)):
        await story.ask()
        await story.request()
        await until(lambda: len(server.tickets) == 1 and only(server).files)
        key = await story.rita.upload("server.pem", surroundings.leaf.key_pem)
        log = await story.rita.upload("connector.log", b"it fails since Monday\n")
        await story.rita.reply(story.card, "Here", files=[key, log])
        await until(lambda: len(only(server).files) == 2)
        await until(lambda: any("Files in Slack: 2" in e.text for e in only(server).entries))
        await asyncio.sleep(0.7)
        files = only(server).files
    # Neither desk takes this ending.
    assert [f.name for f in files[1:]] == ["connector.log.txt"]
    assert files[1].content == b"it fails since Monday\n"
    assert not any(b"PRIVATE KEY" in f.content for f in files)


@pytest.mark.parametrize("server", [ProfessionalServer], indirect=True)
async def test_a_file_of_the_ticket_comes_into_the_thread_where_that_is_set(
    surroundings: Surroundings, server: AnyServer
) -> None:
    story = Story(surroundings)
    async with Bot(settings(surroundings, server, relay_files=True)):
        await story.ask()
        await story.request()
        await until(lambda: len(server.tickets) == 1 and only(server).files)
        server.tickets.attach(only(server), "screenshot.txt", b"what the connector says")
        server.tickets.attach(only(server), "server.pem", surroundings.leaf.key_pem)
        shared = await story.sam.wait_for(
            lambda m: any(f["name"] == "screenshot.txt" for f in m.get("files") or ()),
            channel=SUPPORT,
        )
        assert await story.sam.download(shared["files"][0]) == b"what the connector says"
        await line(story, "server.pem", "not brought here")
        await asyncio.sleep(0.7)
    files = [f["name"] for m in await story.sam.messages(SUPPORT) for f in m.get("files") or ()]
    # The PEM that the bot attached is not news.
    assert (len(files), files.count("screenshot.txt")) == (2, 1)


async def test_a_file_of_the_ticket_stays_there_otherwise(surroundings: Surroundings) -> None:
    story = Story(surroundings)
    async with EnterpriseServer() as server, Bot(settings(surroundings, server)):
        await story.ask()
        await story.request()
        await until(lambda: len(server.tickets) == 1 and only(server).files)
        server.tickets.attach(only(server), "internal.txt", b"internal")
        server.answer(only(server), "See above")
        await line(story, "See above")
    assert not any("internal.txt" in shown(m) for m in await story.sam.messages(SUPPORT))
