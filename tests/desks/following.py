"""What tests of the whole conversation share: a bot's settings with a desk, and what is waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from bot.desks.writing import desk_file_text
from bot.settings import Settings
from tests.conversation.story import SUPPORT, Story
from tests.conversation.support import Json, Surroundings, shown
from tests.desks.support import AnyServer, secret_of
from workspace.desks import EnterpriseServer, Ticket

_QUICK = {"poll_first": 0.1, "poll_most": 0.15, "settle": 0.3, "timeout": 30.0}


def settings(surroundings: Surroundings, server: AnyServer, **other: Any) -> Settings:
    """A bot's settings with that desk."""
    folder = surroundings.folder
    (folder / "secret").write_text(secret_of(server))
    name = "api_token" if isinstance(server, EnterpriseServer) else "password"
    table = {**server.table(), name: f"file:{folder}/secret", **_QUICK, **other}
    (folder / "desk.toml").write_text(desk_file_text(table))
    return surroundings.settings(desk_file=folder / "desk.toml")


async def until(condition: Callable[[], object], seconds: float = 120) -> None:
    """Waits for ``condition``."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  what is awaited has no event
            await asyncio.sleep(0.02)


async def polled(server: AnyServer, times: int = 3) -> None:
    """Waits until the tickets were asked for so many times more: what would be told is put then."""
    call = "fragments" if isinstance(server, EnterpriseServer) else "read"
    before = server.calls.count(call)
    # A poll of the one is two calls or more.
    await until(lambda: server.calls.count(call) >= before + 3 * times)


def only(server: AnyServer) -> Ticket:
    """The one ticket."""
    (ticket,) = server.tickets
    assert isinstance(ticket, Ticket)
    return ticket


async def with_ticket(story: Story, server: AnyServer) -> Ticket:
    """Rita requests it, and the ticket is there with the PEM."""
    await story.ask()
    await story.request()
    await until(lambda: len(server.tickets) == 1 and only(server).files)
    return only(server)


async def line(story: Story, *texts: str) -> Json:
    """The line of the thread that holds them."""
    return await story.sam.wait_for(
        lambda m: m.get("thread_ts") == story.card["ts"] and all(t in shown(m) for t in texts),
        channel=SUPPORT,
    )


async def lines(story: Story, count: int, text: str) -> list[Json]:
    """The lines of the thread that hold it, the oldest first, as soon as there are so many."""

    def found(state: Json) -> list[Json]:
        messages = [m for channel in state["channels"] for m in channel["messages"]]
        return [m for m in messages if m.get("thread_ts") == story.card["ts"] and text in shown(m)]

    await story.sam.until(lambda state: len(found(state)) >= count, what=f"{count} × {text}")
    return found(await story.sam.state())


async def thread(story: Story) -> list[str]:
    """What stands in the support channel."""
    return [shown(message) for message in await story.sam.messages(SUPPORT)]
