"""The story that the faults disturb: asked, requested, taken, talked about, cancelled; and what is there
in the end."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import Callable
from typing import Final

from bot.store import outbox
from bot.store.database import Database
from tests.conversation.story import SUPPORT
from tests.conversation.support import Json, Surroundings, shown
from tests.desks.support import AnyServer
from workspace import Person
from workspace.desks import EnterpriseServer, ProfessionalServer
from workspace.person import Refused

_SETTLE_SECONDS: Final = 60.0
#: A desk that refused the bot is asked again after a while.
_DESK_SECONDS: Final = 90.0
_SAID: Final = "It runs on nc01"
_ANSWERED: Final = "It is one of ours"
_RETRY: Final = "ticket_retry"
_HINT: Final = "hint.txt"
_CLOSED: Final = {EnterpriseServer: "204", ProfessionalServer: "06"}


async def story(rita: Person, sam: Person, host: str, disconnect: str = "") -> Json:
    """Asked, requested, taken, written into the thread; gives the card."""
    answer = await rita.command("#connectors", f"/cert {host}")
    if not answer["ok"]:
        # It was refused visibly, so the person tries again; what came of the first is counted too.
        await asyncio.sleep(1)
    report = await _until(rita, lambda m: "Request the root" in shown(m) and not m["ephemeral"])
    view = await _opened(rita, report)
    if disconnect:
        await rita.disconnect(disconnect)
        await asyncio.sleep(0.1)
    values = {"environment": "production", "connector": "AD connector"}
    for _ in range(5):
        answer = await rita.submit(view, values)
        if answer["ok"]:
            break
        await asyncio.sleep(1)
    card = await _until(sam, lambda m: "waiting for support" in shown(m), SUPPORT)
    await _until(sam, lambda m: "asked for this" in shown(m), SUPPORT)
    for _ in range(8):
        # The button is gone once the card shows that it is taken.
        with contextlib.suppress(Refused):
            await sam.click(card, "request_take")
        with contextlib.suppress(TimeoutError):
            await sam.wait_for(lambda m: "took this" in shown(m), channel=SUPPORT, timeout=5)
            break
    await rita.reply(card, _SAID)
    await asyncio.sleep(0.3)
    return card


async def further(
    rita: Person, sam: Person, card: Json, surroundings: Surroundings, server: AnyServer
) -> None:
    """What needs the other calls: the App Home, an answer that one person sees and has made anew, keys
    as a file and as text, words and a file from the desk, and the end of it."""
    await _home(rita)
    line = "/cert nowhere.corp.example:1"
    if not (await rita.command("#connectors", line))["ok"]:
        await asyncio.sleep(1)
    whisper = await _until(rita, lambda m: "nowhere.corp" in shown(m) and "❌" in shown(m))
    await _press(rita, whisper, "report_again")
    key = surroundings.leaf.key_pem
    await rita.reply(card, "", files=[await rita.upload("key.pem", key)])
    await rita.reply(card, key.decode())
    await sam.until(lambda state: _keys(state) >= 2, timeout=30, what="two refused keys")
    file = await rita.upload("root.pem", surroundings.root.pem)
    attached = await rita.say("#connectors", "What is this?", files=[file])
    await _analysed(rita, attached)
    async with asyncio.timeout(_DESK_SECONDS):
        while not len(server.tickets):
            await _retry(sam)
            await asyncio.sleep(0.5)
    (ticket,) = server.tickets
    server.answer(ticket, _ANSWERED)
    server.tickets.attach(ticket, _HINT, b"Restart it.")
    await _until(sam, lambda m: _ANSWERED in shown(m), SUPPORT)
    await _until(sam, lambda m: _HINT in _names(m), SUPPORT)
    for _ in range(8):
        await _press(rita, card, "request_cancel")
        with contextlib.suppress(TimeoutError):
            await sam.wait_for(lambda m: "cancelled this" in shown(m), channel=SUPPORT, timeout=5)
            break
    async with asyncio.timeout(_DESK_SECONDS):
        while ticket.state != _CLOSED[type(server)]:  # noqa: ASYNC110  the server has no event
            await asyncio.sleep(0.05)


async def _retry(sam: Person) -> None:
    """Support has what a desk refused tried again, which else waits for ten minutes."""
    for message in await sam.messages(SUPPORT):
        if _RETRY in json.dumps(message.get("blocks")):
            await _press(sam, message, _RETRY)


async def _home(rita: Person) -> None:
    """Who sees no App Home opens it once more."""
    for _ in range(4):
        await rita.open_home()
        with contextlib.suppress(TimeoutError):
            await rita.wait_for_home(timeout=4)
            return
    raise TimeoutError("the App Home does not open")


async def _analysed(rita: Person, message: Json) -> None:
    """The shortcut: who sees no view, or that it cannot be read now, uses it once more."""
    for _ in range(4):
        await rita.shortcut("analyse_certificate", message)
        with contextlib.suppress(TimeoutError):
            view = await rita.wait_for_view(_is_read, timeout=12)
            await rita.close_view(view)
            return
    raise TimeoutError("the file is not analysed")


def _is_read(view: Json) -> bool:
    return view["callback_id"] == "analysed" and "Corp Root CA" in shown(view)


async def _press(person: Person, message: Json, action: str) -> None:
    # The button is gone where an earlier press went through after all.
    with contextlib.suppress(Refused):
        if not (await person.click(message, action))["ok"]:
            await asyncio.sleep(1)


def _keys(state: Json) -> int:
    return sum(
        "rivate key" in shown(m) and bool(m.get("bot_id"))
        for channel in state["channels"]
        for m in channel["messages"]
    )


def _names(message: Json) -> list[str]:
    return [file["name"] for file in message.get("files") or ()]


async def _opened(rita: Person, report: Json) -> Json:
    """The modal; where Slack did not open it, the person is told and presses again."""
    for _ in range(6):
        await rita.click(report, "report_request")
        with contextlib.suppress(TimeoutError):
            return await rita.wait_for_view("install", timeout=4)
        told = [m for m in await rita.messages("#connectors") if m["ephemeral"]]
        if not any("❌" in shown(m) or "longer" in shown(m) for m in told):
            raise TimeoutError("the modal did not open, and nobody was told")
    raise TimeoutError("the modal does not open")


async def _until(
    person: Person, wanted: Callable[[Json], bool], channel: str = "#connectors"
) -> Json:
    return await person.wait_for(wanted, channel=channel, timeout=60)


async def settled(url: str) -> None:
    """Returns once everything is delivered. Raises TimeoutError."""
    database = Database(url)
    try:
        async with asyncio.timeout(_SETTLE_SECONDS):
            quiet = 0
            # Events may still come, and put something.
            while quiet < 8:
                async with database.read() as unit:
                    waiting = (await outbox.backlog(unit)).waiting
                quiet = 0 if waiting else quiet + 1
                await asyncio.sleep(0.1)
    except TimeoutError:
        async with database.read() as unit:
            raise TimeoutError(f"still waiting: {dict(await outbox.held_up(unit))}") from None
    finally:
        await database.dispose()


async def given_up(url: str) -> list[str]:
    """What was given up, in a sentence each."""
    database = Database(url)
    async with database.read() as unit:
        found = [f"given up: {f.act.kind}: {f.reason}" for f in await outbox.failed(unit)]
    await database.dispose()
    return found


async def counted(rita: Person, sam: Person, server: AnyServer) -> list[str]:
    """What is not there once, in a sentence each."""
    support = [m for m in await sam.messages(SUPPORT) if m.get("bot_id") and not m["ephemeral"]]
    public = [m for m in await rita.messages("#connectors") if not m["ephemeral"]]
    direct = [m for m in await rita.messages("@app") if m.get("bot_id")]
    tickets = list(server.tickets)
    counts = Counter(
        {
            "report": sum("Request the root" in shown(m) for m in public),
            "card": sum(m["thread_ts"] in (None, "", m["ts"]) for m in support if _is_root(m)),
            "PEM": sum(any(n.endswith(".pem") for n in _names(m)) for m in support),
            "line “cancelled this”": sum("cancelled this" in shown(m) for m in support),
            "words of the desk": sum(_ANSWERED in shown(m) for m in support),
            "file of the desk": sum(_HINT in _names(m) for m in support),
            "line “asked for this”": sum("asked for this" in shown(m) for m in support),
            "line “took this”": sum("took this" in shown(m) for m in support),
            "notice “took this”": sum("took this" in shown(m) for m in direct),
            "thread “took this”": sum("took this" in shown(m) for m in public),
            "ticket": len(tickets),
            "file of the ticket": sum(
                file.name != _HINT for ticket in tickets for file in ticket.files
            ),
            "comment of the ticket": sum(
                _SAID in entry.text for ticket in tickets for entry in ticket.entries
            ),
        }
    )
    found = [f"{count} × {what}" for what, count in counts.items() if count != 1]
    refused = _keys(await sam.state())
    return [*found, *([f"{refused} × a key refused"] if refused != 2 else [])]


def _is_root(message: Json) -> bool:
    return "*Taken by*" in shown(message)
