"""What follows from the buttons that a smooth story never needs."""

from __future__ import annotations

import asyncio
import os
import sys

import pytest
from sqlalchemy import update

from bot.app import Bot
from bot.requests.patience import Patience
from bot.requests.service import Requests
from bot.store import tables
from bot.store.database import Database
from tests.conversation.story import SUPPORT
from tests.conversation.support import Json, Surroundings, shown
from tests.conversation.test_request import _line, _modal, _request
from tests.support.servers import tls_server
from workspace import Person


async def test_the_owner_is_asked_with_a_message_that_is_ready(surroundings: Surroundings) -> None:
    rita = surroundings.workspace.person("rita")
    leaf = surroundings.unknown_root.leaf("nowhere.corp.example")
    async with tls_server([leaf]) as rootless, Bot(surroundings.settings()):
        for host in (surroundings.unproven_host, f"nowhere.corp.example:{rootless.port}"):
            assert (await rita.command("#connectors", f"/cert {host}"))["ok"]
            report = await rita.wait_for(
                # mypy infers no type for a lambda's default.
                lambda m, host=host: host in shown(m) and _has(m, "report_ask")  # type: ignore[misc]
            )
            assert (await rita.click(report, "report_ask"))["ok"]
            view = await rita.wait_for_view("ask")
            assert host.split(":")[0] in shown(view)
            assert "Somebody's Root CA" in shown(view)
            assert "Nothing is to be asked" not in shown(view)
            await rita.close_view(view)


async def test_an_answer_by_modal_a_rejection_a_reopening_and_a_cancellation(
    surroundings: Surroundings,
) -> None:
    rita, sam = (surroundings.workspace.person(name) for name in ("rita", "sam"))
    async with Bot(surroundings.settings()):
        card = await _request(rita, sam, surroundings)
        await _words(sam, card, "request_ask", "Which connector host?")
        notice = await _notice(rita, "Which connector host?")
        await _words(rita, notice, "request_answer", "It is nc07.")
        await _line(sam, card, "answered", "It is nc07.")
        # Whoever asks has taken it.
        card = await _state(sam, card, "being worked on")
        await _words(sam, card, "request_reject", "Use the other connector.")
        await _line(sam, card, "rejected this", "Use the other connector.")
        notice = await _notice(rita, "Use the other connector.")
        card = await _state(sam, card, "⛔ rejected")
        assert not _has(card, "request_take")
        await _words(rita, notice, "request_reopen", "There is no other one.")
        await _line(sam, card, "reopened this", "There is no other one.")
        card = await _state(sam, card, "waiting for support")
        assert (await rita.click(card, "request_cancel"))["ok"]
        await _line(sam, card, "cancelled this")
        card = await _state(sam, card, "🚫 cancelled")
        assert not _has(card, "request_cancel")


async def test_what_was_given_up_is_tried_again_by_button_and_by_command(
    surroundings: Surroundings,
) -> None:
    rita, sam = (surroundings.workspace.person(name) for name in ("rita", "sam"))
    nowhere = surroundings.settings(support_channel="C0000000404")
    async with Bot(nowhere, patience=Patience(attempts=1)):
        view = await _modal(rita, surroundings.host)
        assert (await rita.submit(view, {"environment": "production"}))["ok"]
        first = await rita.wait_for(lambda m: _has(m, "act_retry"), channel="@app")
        assert "could not do something" in shown(first)
        view = await _modal(rita, surroundings.unproven_host)
        values = {"environment": "production", "confirmed": ["yes"]}
        assert (await rita.submit(view, values))["ok"]
        second = await rita.wait_for(
            lambda m: _has(m, "act_retry") and m["ts"] != first["ts"], channel="@app"
        )
    short_id = shown(second).split("[", 1)[1].split("]", 1)[0]
    async with Bot(surroundings.settings()):
        assert (await rita.click(first, "act_retry"))["ok"]
        await _notice(rita, "I am trying again")
        await sam.wait_for(
            lambda m: surroundings.host in shown(m) and _has(m, "request_take"), channel=SUPPORT
        )
        assert surroundings.unproven_host not in str(await sam.messages(SUPPORT))
        retried = await _command(surroundings, "requests", "retry", short_id)
        assert "will be tried again" in retried
        await sam.wait_for(
            lambda m: surroundings.unproven_host in shown(m) and _has(m, "request_take"),
            channel=SUPPORT,
        )
        # The PEMs, which waited behind the cards, follow.
        await sam.until(
            lambda state: [m for c in state["channels"] for m in c["messages"] if m.get("files")][
                1:
            ],
            what="a second PEM",
        )


async def test_a_pem_that_was_given_up_follows_once_the_bot_is_invited(
    surroundings: Surroundings,
) -> None:
    rita, sam = (surroundings.workspace.person(name) for name in ("rita", "sam"))
    bot = (await sam.state())["app"]["bot_user_id"]
    await sam.remove(SUPPORT, bot)
    async with Bot(surroundings.settings(), patience=Patience(attempts=1)):
        view = await _modal(rita, surroundings.host)
        assert (await rita.submit(view, {"environment": "production"}))["ok"]
        # A card may be posted by anybody; a file by members alone.
        notice = await rita.wait_for(lambda m: _has(m, "act_retry"), channel="@app")
        assert "invite" in shown(notice)
        await sam.invite(SUPPORT, bot)
        assert (await rita.click(notice, "act_retry"))["ok"]
        await sam.wait_for(lambda m: bool(m.get("files")), channel=SUPPORT)
        await surroundings.settled()
        cards = [m for m in await sam.messages(SUPPORT) if _has(m, "request_take")]
    assert len(cards) == 1


@pytest.mark.parametrize("support_by", ["users", "channel"])
async def test_an_external_member_can_be_support_staff(
    surroundings: Surroundings, support_by: str
) -> None:
    rita, sam, ext, bea = (
        surroundings.workspace.person(name) for name in ("rita", "sam", "ext", "bea")
    )
    users = (ext.id,) if support_by == "users" else ()
    async with Bot(surroundings.settings(support_by=support_by, support_users=users)):
        if support_by == "channel":
            # She sees the card all the same: the channel is public.
            await sam.remove(SUPPORT, bea.id)
        card = await _request(rita, sam, surroundings)
        assert (await bea.click(card, "request_take"))["ok"]
        refusal = await bea.wait_for(lambda m: "Only support staff" in shown(m))
        assert refusal["ephemeral"]
        assert (await ext.click(card, "request_take"))["ok"]
        await _line(ext, card, f"<@{ext.id}>", "took this")
        card = await _state(ext, card, "being worked on")
        assert (await ext.click(card, "request_install"))["ok"]
        await _line(ext, card, f"<@{ext.id}>", "installed this")
        await _state(ext, card, "installed, to be confirmed")


async def test_an_event_that_slack_repeats_is_answered_once(surroundings: Surroundings) -> None:
    rita = surroundings.workspace.person("rita")
    async with Bot(surroundings.settings()):
        # The mention comes as two events, `app_mention` and `message`.
        await rita.fault(kind="drop_ack", method="events_api", count=2)
        asked = await rita.say("#connectors", "@whichroot help")
        acknowledged: set[str] = set()
        repeated: dict[str, str] = {}
        async with asyncio.timeout(120):
            while "app_mention" not in repeated.values() or not acknowledged >= set(repeated):
                await asyncio.sleep(0.1)
                log = await rita.log()
                repeated = {
                    entry["envelope_id"]: entry["payload"]["event"]["type"]
                    for entry in log
                    if entry["kind"] == "envelope" and entry["attempt"] > 0
                }
                acknowledged = {
                    entry["envelope_id"]
                    for entry in log
                    if entry["kind"] == "acknowledgement" and not entry.get("dropped")
                }
        events = [
            entry["payload"]["event_id"]
            for entry in log
            if entry["kind"] == "envelope"
            and entry["type"] == "events_api"
            and entry["payload"]["event"]["type"] == "app_mention"
        ]
        assert len(events) == 2
        assert len(set(events)) == 1
        await surroundings.settled()
        replies = [
            m
            for m in await rita.messages("#connectors")
            if m.get("thread_ts") == asked["ts"] and m.get("bot_id")
        ]
    assert len(replies) == 1


async def test_buttons_with_the_ids_of_another_team_are_refused(
    surroundings: Surroundings,
) -> None:
    rita, sam = (surroundings.workspace.person(name) for name in ("rita", "sam"))
    async with Bot(surroundings.settings()):
        card = await _request(rita, sam, surroundings)
        report = await rita.wait_for(lambda m: _has(m, "report_request"))
        await surroundings.settled()
        database = Database(surroundings.settings().database_url)
        try:
            # What the buttons name is from now on what another team keeps.
            async with database.begin() as unit:
                for table in (tables.requests, tables.lookups):
                    await unit.execute(update(table).values(team="T0000000404"))
            for action_id in ("request_take", "request_ask", "request_check", "request_details"):
                before = len(await sam.messages(SUPPORT))
                assert (await sam.click(card, action_id))["ok"]
                await _refused(sam, SUPPORT, before, "no longer kept")
            for action_id in ("report_request", "report_pem", "report_again", "report_details"):
                before = len(await rita.messages("#connectors"))
                assert (await rita.click(report, action_id))["ok"]
                await _refused(rita, "#connectors", before, "no longer kept")
            opened = [v for p in (rita, sam) for v in (await p.state())["views"]]
            assert {view["callback_id"] for view in opened} == {"submitted"}
            (request,) = await Requests(database).all()
            assert str(request.state) == "posted"
        finally:
            await database.dispose()


async def _refused(person: Person, channel: str, before: int, text: str) -> None:
    """There is one message more, which only they see, and it says so."""
    await person.until(
        lambda state: (
            [
                m
                for c in state["channels"]
                if channel == f"#{c['name']}"
                for m in c["messages"]
                if m["ephemeral"] and text in shown(m)
            ]
            and before + 1
            == next(len(c["messages"]) for c in state["channels"] if channel == f"#{c['name']}")
        ),
        what="refusal",
    )


async def _command(surroundings: Surroundings, *arguments: str) -> str:
    """What ``whichroot`` with these arguments prints; it succeeds."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **surroundings.environment()},
    )
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return output.decode()


async def _words(person: Person, message: Json, action_id: str, words: str) -> None:
    assert (await person.click(message, action_id))["ok"]
    view = await person.wait_for_view("request_words")
    answer = await person.submit(view, {"words": words})
    assert answer["ok"], answer


async def _notice(person: Person, text: str) -> Json:
    return await person.wait_for(lambda m: text in shown(m), channel="@app")


async def _state(person: Person, card: Json, state: str) -> Json:
    return await person.wait_for(
        lambda m: m["ts"] == card["ts"] and state in shown(m), channel=SUPPORT
    )


def _has(message: Json, action_id: str) -> bool:
    return any(
        element.get("action_id") == action_id
        for block in message.get("blocks") or []
        for element in block.get("elements") or []
    )
