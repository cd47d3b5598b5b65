"""Private keys where nobody expects them: refused wherever people write, kept and passed on nowhere."""

from __future__ import annotations

from bot.app import Bot
from tests.conversation.story import ERROR, SUPPORT
from tests.conversation.support import Json, Surroundings, shown
from tests.hostile.acting import open_modal, open_request
from workspace import Person


async def test_a_private_key_in_a_form_is_refused(surroundings: Surroundings) -> None:
    rita, sam = (surroundings.workspace.person(name) for name in ("rita", "sam"))
    key = surroundings.leaf.key_pem.decode()
    async with Bot(surroundings.settings()):
        view = await open_modal(rita, surroundings.host)
        for field in ("note", "reason"):
            answer = await rita.submit(view, {"environment": "production", field: f"Urgent {key}"})
            assert "private key" in answer.get("errors", {}).get(field, ""), (field, answer)
        assert "errors" not in await rita.submit(view, {"note": "Urgent", "reason": ""})
        card = await _card(sam)
        assert (await sam.click(card, "request_ask"))["ok"]
        asking = await sam.wait_for_view("request_words")
        assert "errors" not in await sam.submit(asking, {"words": "Which host?"})
        card = await sam.wait_for(
            lambda m: m["ts"] == card["ts"] and "waiting for the requester" in shown(m)
        )
        assert (await rita.click(card, "request_answer"))["ok"]
        answering = await rita.wait_for_view("request_words")
        answer = await rita.submit(answering, {"words": key})
        assert "private key" in answer["errors"]["words"]
        # What lacks its end, or cannot be read, is one all the same.
        answer = await rita.submit(answering, {"words": "-----BEGIN RSA PRIVATE KEY-----\n%%%"})
        assert "private key" in answer["errors"]["words"]
        assert "errors" not in await rita.submit(answering, {"words": "nc01, no PRIVATE KEY there"})
        await _line(sam, card, "answered", "nc01")
    _check_kept(surroundings)


async def test_a_private_key_beside_a_mention_is_refused(surroundings: Surroundings) -> None:
    rita, sam = (surroundings.workspace.person(name) for name in ("rita", "sam"))
    key = surroundings.leaf.key_pem.decode()
    async with Bot(surroundings.settings()):
        await open_request(rita, surroundings.host)
        card = await _card(sam)
        await rita.reply(card, f"@whichroot explain {key}")
        await _line(sam, card, "This message holds a private key")
        await rita.say("#connectors", f"@whichroot look at this: {key}")
        await rita.wait_for(lambda m: "holds a private key" in shown(m), channel="#connectors")
        await rita.say("@app", key)
        await rita.wait_for(lambda m: "holds a private key" in shown(m), channel="@app")
        thread = [shown(m) for m in await sam.messages(SUPPORT) if m.get("bot_id")]
    assert sum("holds a private key" in text for text in thread) == 1
    _check_kept(surroundings)


async def test_files_and_errors_beside_a_mention_are_looked_at(surroundings: Surroundings) -> None:
    rita, sam = (surroundings.workspace.person(name) for name in ("rita", "sam"))
    async with Bot(surroundings.settings()):
        await open_request(rita, surroundings.host)
        card = await _card(sam)
        file = await rita.upload("root.pem", surroundings.root.pem)
        await rita.reply(card, "@whichroot here is the root", files=[file])
        await _line(sam, card, "exactly what is requested")
        await rita.reply(card, f"Could @whichroot look at this? {ERROR}")
        await _line(sam, card, "For this request")
        said = [shown(m) for m in await sam.messages(SUPPORT) if m.get("bot_id")]
    assert not [text for text in said if "❌" in text]


def _check_kept(surroundings: Surroundings) -> None:
    """No file of the bot holds a line of the key."""
    line = surroundings.leaf.key_pem.splitlines()[1]
    holding = [
        path.name
        for path in surroundings.folder.rglob("*")
        if path.is_file() and line in path.read_bytes()
    ]
    assert holding == []


async def _card(person: Person) -> Json:
    await person.wait_for(lambda m: "asked for this" in shown(m), channel=SUPPORT)
    return await person.wait_for(lambda m: "waiting for support" in shown(m), channel=SUPPORT)


async def _line(person: Person, card: Json, *texts: str) -> Json:
    return await person.wait_for(
        lambda m: (
            m.get("thread_ts") == card["ts"]
            and m["ts"] != card["ts"]
            and bool(m.get("bot_id"))
            and all(text in shown(m) for text in texts)
        ),
        channel=SUPPORT,
    )
