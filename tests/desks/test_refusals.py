"""Where the desk refuses the bot or what it is given, the thread hears it, and *Retry* helps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest

from bot.app import Bot
from bot.requests.patience import Patience
from tests.conversation.story import Story
from tests.conversation.support import Surroundings
from tests.desks.following import (
    line,
    lines,
    only,
    polled,
    settings,
    thread,
    until,
    with_ticket,
)
from tests.desks.support import AnyServer
from workspace.desks import EnterpriseServer, Fault

_PATIENCE: Final = Patience(first=0.1, poll=0.2)
Switch = Callable[[AnyServer, bool], None]


def _secret(server: AnyServer, refuses: bool) -> None:
    """The API token has expired, or the password was changed, and the tokens have ended."""
    if isinstance(server, EnterpriseServer):
        server.api_token_expired = refuses
    else:
        server.password_expired = refuses
    if refuses:
        server.expire_tokens()


def _role(server: AnyServer, refuses: bool) -> None:
    server.lacks_role = refuses


@pytest.mark.parametrize(
    ("switch", "said"),
    [
        (_secret, ("has expired or was never valid", "does not accept")),
        (_role, ("403", "403")),
    ],
)
async def test_a_desk_that_does_not_let_the_bot_in_is_told_once_with_the_remedy_and_nothing_is_lost(
    surroundings: Surroundings, server: AnyServer, switch: Switch, said: tuple[str, str]
) -> None:
    words = said[0] if isinstance(server, EnterpriseServer) else said[1]
    story = Story(surroundings)
    async with Bot(settings(surroundings, server, outage=0), patience=_PATIENCE):
        # Before there is a ticket.
        switch(server, True)
        await story.ask()
        await story.request()
        told = await line(story, "🔑", words)
        await story.rita.reply(story.card, "said before")
        # Retry, while nothing was mended, says so again.
        assert (await story.sam.click(told, "ticket_retry"))["ok"]
        await line(story, "had this tried again")
        again = (await lines(story, 2, "🔑"))[1]
        assert len(server.tickets) == 0
        switch(server, False)
        assert (await story.sam.click(again, "ticket_retry"))["ok"]
        await until(lambda: len(server.tickets) == 1 and only(server).files)
        ticket = only(server)
        await until(lambda: any("said before" in e.text for e in ticket.entries))

        # Afterwards: what is said waits, and polls that get through bring it on its way.
        await surroundings.settled()
        switch(server, True)
        for number in range(3):
            await story.rita.reply(story.card, f"said meanwhile {number}")
        await lines(story, 3, "🔑")
        server.answer(ticket, "answered meanwhile")
        switch(server, False)
        await line(story, "reachable again")
        await line(story, "answered meanwhile")
        await until(lambda: sum("said meanwhile" in e.text for e in ticket.entries) == 3)
        await surroundings.settled()
        await polled(server)
    texts = await thread(story)
    assert sum("🔑" in text for text in texts) == 3
    assert not any("⚠️" in text or "⏳" in text for text in texts)
    assert (len(server.tickets), server.calls.count("attach")) == (1, 1)
    assert all(
        sum(f"said meanwhile {number}" in e.text for e in ticket.entries) == 1
        for number in range(3)
    )
    secret = server.api_token if isinstance(server, EnterpriseServer) else server.password
    assert not any(secret in text for text in texts)


@pytest.mark.parametrize("status", [401, 403, 406])
async def test_a_desk_that_lets_the_bot_read_and_not_write_is_told_once(
    surroundings: Surroundings, status: int
) -> None:
    story = Story(surroundings)
    async with (
        EnterpriseServer() as server,
        Bot(settings(surroundings, server), patience=_PATIENCE),
    ):
        ticket = await with_ticket(story, server)
        server.faults.order("comment", *[Fault("status", status)] * 500)
        await story.rita.reply(story.card, "said once")
        told = await line(story, "🔑")
        # Polls that get through say nothing of it.
        await polled(server)
        assert not any("reachable" in text for text in await thread(story))
        server.faults.forget("comment")
        assert (await story.sam.click(told, "ticket_retry"))["ok"]
        await until(lambda: any("said once" in e.text for e in ticket.entries))
        await line(story, "reachable again")
        await surroundings.settled()
    assert sum("said once" in e.text for e in ticket.entries) == 1
    assert sum("🔑" in text for text in await thread(story)) == 1


async def test_a_file_that_the_bot_may_not_fetch_holds_nothing_up_in_silence(
    surroundings: Surroundings,
) -> None:
    story = Story(surroundings)
    async with (
        EnterpriseServer() as server,
        Bot(settings(surroundings, server), patience=_PATIENCE),
    ):
        ticket = await with_ticket(story, server)
        await surroundings.settled()
        server.faults.order("download", *[Fault("status", 403)] * 500)
        server.answer(ticket, "See the log")
        server.tickets.attach(ticket, "connector.txt", b"what the connector says")
        told = await line(story, "🔑", "403")
        await story.rita.reply(story.card, "said meanwhile")
        await polled(server)
        server.faults.forget("download")
        assert (await story.sam.click(told, "ticket_retry"))["ok"]
        await line(story, "Added to the ticket in Matrix42", "connector.txt")
        await until(lambda: any("said meanwhile" in e.text for e in ticket.entries))
        await surroundings.settled()
    assert sum("🔑" in text for text in await thread(story)) == 1


async def test_retry_after_a_failure_does_what_is_left_and_nothing_twice(
    surroundings: Surroundings, server: AnyServer
) -> None:
    story = Story(surroundings)
    rejected = Fault("status", 400)
    server.faults.order("create", rejected)
    async with Bot(settings(surroundings, server), patience=_PATIENCE):
        await story.ask()
        await story.request()
        await story.rita.reply(story.card, "said before")
        failed = await line(story, "⚠️ No ticket was created.", "desk check")
        # The request lives on in Slack.
        await story.take()
        # One file name is refused, and the next one as well.
        server.faults.order("attach", rejected, rejected)
        assert (await story.sam.click(failed, "act_retry"))["ok"]
        await until(lambda: len(server.tickets) == 1)
        ticket = only(server)
        failed = await line(story, "⚠️ The PEM is not attached")
        await until(lambda: any("said before" in e.text for e in ticket.entries))
        server.faults.order("comment", rejected)
        assert (await story.sam.click(failed, "act_retry"))["ok"]
        await until(lambda: len(ticket.files) == 1)
        assert ticket.files[0].content.strip() == surroundings.root.pem.strip()
        await surroundings.settled()

        await story.rita.reply(story.card, "not now")
        failed = await line(story, "⚠️ An entry was not written")
        assert not any("not now" in e.text for e in ticket.entries)
        assert (await story.rita.click(failed, "act_retry"))["ok"]
        await until(lambda: any("not now" in e.text for e in ticket.entries))
        await surroundings.settled()
    assert (len(server.tickets), server.calls.count("create")) == (1, 2)
    assert server.calls.count("attach") == 3
    for words in ("said before", "not now", "took the request"):
        assert sum(words in e.text for e in ticket.entries) == 1
