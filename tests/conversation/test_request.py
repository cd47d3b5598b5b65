"""The request: what its modal demands, who may do what, and what its thread makes of files, errors
and keys."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from bot.app import Bot
from bot.requests.messages import Message, Messages
from bot.requests.service import Requests
from bot.store.database import Database
from tests.conversation.story import ERROR, SUPPORT
from tests.conversation.support import Json, Surroundings, shown
from tests.support.authority import make_root
from tests.support.servers import tls_server
from workspace import Person


async def test_an_unproven_root_demands_that_its_fingerprint_was_confirmed(
    surroundings: Surroundings,
) -> None:
    rita, sam = (surroundings.workspace.person(name) for name in ("rita", "sam"))
    async with Bot(surroundings.settings()):
        view = await _modal(rita, surroundings.unproven_host)
        answer = await rita.submit(view, {"environment": "production"})
        assert "Nobody vouches" in answer["errors"]["confirmed"]
        answer = await rita.submit(view, {"environment": "production", "confirmed": ["yes"]})
        assert answer["ok"]
        assert "errors" not in answer
        await sam.wait_for(lambda m: "waiting for support" in shown(m), channel=SUPPORT)


async def test_an_upload_must_anchor_what_the_server_presents(surroundings: Surroundings) -> None:
    rita, sam = (surroundings.workspace.person(name) for name in ("rita", "sam"))
    async with Bot(surroundings.settings()):
        view = await _modal(rita, surroundings.host)
        chosen = {"environment": "production", "choice": "upload"}
        assert "Upload the certificate" in (await rita.submit(view, chosen))["errors"]["file"]
        for content, said in (
            (make_root("Corp Root CA").pem, "does not anchor"),
            (surroundings.leaf.pem + surroundings.leaf.key_pem, "private key"),
            (b"nothing", "no certificate"),
        ):
            file = await rita.upload("other.pem", content)
            answer = await rita.submit(view, {**chosen, "file": [file]})
            assert said in answer["errors"]["file"], (said, answer)
        file = await rita.upload("root.pem", surroundings.root.pem)
        assert "errors" not in await rita.submit(view, {**chosen, "file": [file]})
        card = await sam.wait_for(lambda m: "waiting for support" in shown(m), channel=SUPPORT)
        assert "Corp Root CA" in shown(card)


async def test_the_server_certificate_needs_a_reason(surroundings: Surroundings) -> None:
    rita = surroundings.workspace.person("rita")
    async with Bot(surroundings.settings()):
        view = await _modal(rita, surroundings.host)
        answer = await rita.submit(view, {"environment": "production", "choice": "server"})
        assert "expires" in answer["errors"]["reason"]


async def test_names_that_speak_of_another_environment_are_asked_about(
    surroundings: Surroundings,
) -> None:
    rita, sam = (surroundings.workspace.person(name) for name in ("rita", "sam"))
    async with AsyncExitStack() as stack:
        chain = [surroundings.issuing.leaf("erp-test.corp.example"), surroundings.issuing]
        server = await stack.enter_async_context(tls_server(chain))
        settings = surroundings.settings(hosts=("erp-test.corp.example=127.0.0.1",))
        await stack.enter_async_context(Bot(settings))
        view = await _modal(rita, f"erp-test.corp.example:{server.port}")
        assert (await rita.submit(view, {"environment": "production"}))["ok"]
        again = await rita.wait_for_view(lambda v: "speaks of a test system" in shown(v))
        assert (await rita.submit(again, {"environment_sure": ["yes"]}))["ok"]
        card = await sam.wait_for(lambda m: "waiting for support" in shown(m), channel=SUPPORT)
        assert "Production" in shown(card)


async def test_a_slow_look_goes_on_after_the_acknowledgement(surroundings: Surroundings) -> None:
    rita, sam = (surroundings.workspace.person(name) for name in ("rita", "sam"))
    async with Bot(surroundings.settings()):
        view = await _modal(rita, surroundings.host)
        surroundings.slow_seconds = 3.0
        answer = await rita.submit(view, {"environment": "production"})
        assert answer["ok"], answer
        await rita.wait_for_view("checking")
        await sam.wait_for(lambda m: "waiting for support" in shown(m), channel=SUPPORT)
        await rita.wait_for_view("submitted")


async def test_others_are_refused_politely_and_the_second_hears_of_the_first(
    surroundings: Surroundings,
) -> None:
    rita, sam, bea = (surroundings.workspace.person(name) for name in ("rita", "sam", "bea"))
    async with Bot(surroundings.settings()):
        card = await _request(rita, sam, surroundings)
        assert (await bea.click(card, "request_take"))["ok"]
        refusal = await bea.wait_for(lambda m: "Only support staff" in shown(m))
        assert refusal["ephemeral"]
        pressed = await asyncio.gather(*(sam.click(card, "request_take") for _ in range(2)))
        assert [answer["ok"] for answer in pressed] == [True, True]
        await sam.wait_for(lambda m: "being worked on" in shown(m), channel=SUPPORT)
        await sam.wait_for(lambda m: m["ephemeral"] and "🙏" in shown(m))
        # The same is wanted by somebody else, who joins.
        view = await _modal(bea, surroundings.host)
        assert (await bea.submit(view, {"environment": "production"}))["ok"]
        await bea.wait_for_view(lambda v: "you follow" in shown(v))
        await sam.wait_for(lambda m: "follows this request" in shown(m), channel=SUPPORT)
        # Cancelling is the requester's alone.
        assert (await sam.click(card, "request_cancel"))["ok"]
        await sam.wait_for(lambda m: m["ephemeral"] and "Only the requester" in shown(m))
        assert (await rita.click(card, "request_cancel"))["ok"]
        await sam.wait_for(lambda m: "🚫 cancelled" in shown(m), channel=SUPPORT)
        await sam.click(card, "request_details")
        history = await sam.wait_for_view("request_history")
        assert "cancel" in shown(history)
        assert "joined" in shown(history)


async def test_the_thread_reads_files_errors_and_edits_and_refuses_keys(
    surroundings: Surroundings,
) -> None:
    rita, sam = (surroundings.workspace.person(name) for name in ("rita", "sam"))
    async with Bot(surroundings.settings()):
        card = await _request(rita, sam, surroundings)
        for name, content, said in (
            ("same.pem", surroundings.root.pem, "exactly what is requested"),
            ("other.pem", make_root("Corp Root CA").pem, "another key"),
            ("far.pem", make_root("Far Root CA").pem, "unrelated"),
            ("leaf.pem", surroundings.leaf.pem, "the server's own certificate"),
            ("key.pem", surroundings.leaf.pem + surroundings.leaf.key_pem, "holds a private key"),
        ):
            await rita.reply(card, "", files=[await rita.upload(name, content)])
            await _line(sam, card, said)
        await rita.reply(card, f"It says: {ERROR}")
        await _line(sam, card, "For this request")
        written = await rita.reply(card, surroundings.leaf.key_pem.decode())
        await _line(sam, card, "This message holds a private key")
        await rita.delete(written)
        note = await rita.reply(card, "Hello")
        await rita.edit(note, ERROR.replace("PKIX", "Now: PKIX"))
        await sam.until(
            lambda state: [
                m
                for channel in state["channels"]
                for m in channel["messages"]
                if "For this request" in shown(m)
            ][1:],
            what="a second explanation",
        )
        await rita.reply(card, "@whichroot status")
        await sam.wait_for(
            lambda m: m["ts"] != card["ts"] and "waiting for support" in m["text"], channel=SUPPORT
        )
        assert (await sam.click(card, "request_check"))["ok"]
        await _line(sam, card, "anchors what", "asked for this at")
        kept = [m.text for m in await _kept_messages(surroundings)]
    assert "Hello" not in kept
    assert not [text for text in kept if "PRIVATE KEY" in text]


async def _kept_messages(surroundings: Surroundings) -> list[Message]:
    database = Database(surroundings.settings().database_url)
    try:
        (request,) = await Requests(database).all()
        return list(await Messages(database).of_request(request.id))
    finally:
        await database.dispose()


async def _modal(person: Person, host: str) -> Json:
    """*Request installation* of a report on ``host``."""
    await person.command("#connectors", f"/cert {host}")
    report = await person.wait_for(
        lambda m: "equest the root" in shown(m) and host in shown(m) and not m["ephemeral"]
    )
    assert (await person.click(report, "report_request"))["ok"]
    return await person.wait_for_view("install")


async def _request(rita: Person, sam: Person, surroundings: Surroundings) -> Json:
    """The card of a request that Rita has made."""
    view = await _modal(rita, surroundings.host)
    assert (await rita.submit(view, {"environment": "production"}))["ok"]
    await sam.wait_for(lambda m: bool(m.get("files")), channel=SUPPORT)
    return await sam.wait_for(lambda m: "waiting for support" in shown(m), channel=SUPPORT)


async def _line(person: Person, card: Json, *texts: str) -> Json:
    return await person.wait_for(
        lambda m: (
            m.get("thread_ts") == card["ts"]
            and m.get("bot_id")
            and all(text in shown(m) for text in texts)
        ),
        channel=SUPPORT,
    )
