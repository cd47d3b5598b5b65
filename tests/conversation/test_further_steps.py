"""What follows from the buttons that a smooth story never needs."""

from __future__ import annotations

from bot.app import Bot
from tests.conversation.story import SUPPORT
from tests.conversation.support import Json, Surroundings, shown
from tests.conversation.test_request import _line, _request
from tests.support.servers import tls_server
from workspace import Person


async def test_the_owner_is_asked_with_a_message_that_is_ready(surroundings: Surroundings) -> None:
    rita = surroundings.workspace.person("rita")
    leaf = surroundings.unknown_root.leaf("nowhere.corp.example")
    async with tls_server([leaf]) as rootless, Bot(surroundings.settings()):
        for host in (surroundings.unproven_host, f"nowhere.corp.example:{rootless.port}"):
            assert (await rita.command("#connectors", f"/cert {host}"))["ok"]
            report = await rita.wait_for(
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
