"""Mentions, direct messages, shortcuts, the App Home, and what happens where something is given up."""

from __future__ import annotations

from bot.app import Bot
from tests.conversation.story import ERROR
from tests.conversation.support import Json, Surroundings, shown
from tests.conversation.test_request import _modal
from workspace import Person


async def test_mentions_ask_in_channels_and_about_the_server_of_a_thread(
    surroundings: Surroundings,
) -> None:
    rita = surroundings.workspace.person("rita")
    async with Bot(surroundings.settings()):
        bot = "@whichroot"
        asked = await rita.say("#connectors", f"{bot} check {surroundings.host}")
        report = await _reply(rita, asked, "Request the root")
        # Its thread is the one where it was asked.
        command = await rita.command("#connectors", f"/cert {surroundings.host}")
        assert command["ok"]
        own = await rita.wait_for(
            lambda m: "Request the root" in shown(m) and m["ts"] > report["ts"]
        )
        await surroundings.settled()
        for word, said in (
            ("chain", "As served"),
            ("explain " + ERROR, "Cause"),
            ("help", "/cert"),
            ("status", "As served"),
        ):
            await rita.reply(own, f"{bot} {word}")
            await _reply(rita, own, said)
        await rita.reply(own, f"{bot} pem")
        file = await rita.wait_for(
            lambda m: bool(m.get("files")) and m.get("thread_ts") == own["ts"]
        )
        assert await rita.download(file["files"][0]) == surroundings.root.pem
        before = surroundings.directory.connections
        await rita.reply(own, f"{bot} recheck")
        await rita.until(lambda _: surroundings.directory.connections > before, what="a new look")
        lost = await rita.say("#connectors", "Something else")
        await rita.reply(lost, f"{bot} recheck")
        await _reply(rita, lost, "not about a server")


async def test_a_direct_message_is_a_question(surroundings: Surroundings) -> None:
    rita = surroundings.workspace.person("rita")
    async with Bot(surroundings.settings()):
        await rita.say("@app", surroundings.host)
        await rita.wait_for(lambda m: "Request the root" in shown(m), channel="@app")


async def test_shortcuts_explain_an_error_and_read_a_file(surroundings: Surroundings) -> None:
    rita = surroundings.workspace.person("rita")
    async with Bot(surroundings.settings()):
        message = await rita.say("#connectors", f"Help! {ERROR}")
        assert (await rita.shortcut("explain_error", message))["ok"]
        view = await rita.wait_for_view("explained")
        assert "Remedy" in shown(view)
        await rita.close_view(view)
        file = await rita.upload("root.pem", surroundings.root.pem)
        message = await rita.say("#connectors", "This one?", files=[file])
        assert (await rita.shortcut("analyse_certificate", message))["ok"]
        view = await rita.wait_for_view(lambda v: "CN=Corp Root CA" in shown(v))
        await rita.close_view(view)
        message = await rita.say("#connectors", "No file")
        assert (await rita.shortcut("analyse_certificate", message))["ok"]
        await rita.wait_for_view(lambda v: "has no file" in shown(v))


async def test_the_home_shows_requests_lookups_and_to_support_what_is_open(
    surroundings: Surroundings,
) -> None:
    rita, sam = (surroundings.workspace.person(name) for name in ("rita", "sam"))
    async with Bot(surroundings.settings()):
        view = await _modal(rita, surroundings.host)
        assert (await rita.submit(view, {"environment": "production"}))["ok"]
        await sam.wait_for(lambda m: "waiting for support" in shown(m))
        await surroundings.settled()
        await rita.open_home()
        mine = await rita.wait_for_home(lambda v: "waiting for support" in shown(v))
        assert "Open requests" not in shown(mine)
        assert "✅ validated" in shown(mine)
        await sam.open_home()
        await sam.wait_for_home(
            lambda v: "Open requests" in shown(v) and "waiting for support" in shown(v)
        )
        await rita.command("#connectors", "/cert mine")
        await rita.wait_for(lambda m: "You have 1 install request" in shown(m))


async def test_events_that_come_twice_count_once(surroundings: Surroundings) -> None:
    rita = surroundings.workspace.person("rita")
    async with Bot(surroundings.settings()):
        bot = "@whichroot"
        await rita.fault(kind="drop_ack", method="events_api", count=2)
        asked = await rita.say("#connectors", f"{bot} check {surroundings.host}")
        await _reply(rita, asked, "Request the root")
        second = await rita.say("#connectors", f"{bot} help")
        await _reply(rita, second, "/cert")
        replies = [m for m in await rita.messages("#connectors") if "Request the root" in shown(m)]
    assert len(replies) == 1


async def _reply(person: Person, message: Json, text: str) -> Json:
    return await person.wait_for(
        lambda m: m.get("thread_ts") == message["ts"] and m.get("bot_id") and text in shown(m)
    )
