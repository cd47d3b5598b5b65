"""Slack fails in the middle of a delivery: what arrived before is not sent again."""

from __future__ import annotations

from bot.app import Bot
from tests.conversation.story import SUPPORT
from tests.conversation.support import Surroundings, shown
from tests.hostile.acting import open_request


async def test_a_rate_limit_after_the_upload_does_not_attach_the_pem_twice(
    surroundings: Surroundings,
) -> None:
    rita, sam = (surroundings.workspace.person(name) for name in ("rita", "sam"))
    async with Bot(surroundings.settings()):
        await sam.fault(kind="ratelimited", method="files.info", seconds=1)
        await open_request(rita, surroundings.host)
        await sam.wait_for(lambda m: "asked for this" in shown(m), channel=SUPPORT, timeout=20)
        files = [f["name"] for m in await sam.messages(SUPPORT) for f in m.get("files") or ()]
    assert len(files) == 1, files


async def test_a_rate_limit_in_the_original_thread_does_not_repeat_the_direct_message(
    surroundings: Surroundings,
) -> None:
    rita, sam = (surroundings.workspace.person(name) for name in ("rita", "sam"))
    async with Bot(surroundings.settings()):
        await open_request(rita, surroundings.host)
        card = await sam.wait_for(lambda m: "waiting for support" in shown(m), channel=SUPPORT)
        await rita.wait_for(lambda m: "posted this" in shown(m), channel="#connectors")
        await sam.wait_for(lambda m: "asked for this" in shown(m), channel=SUPPORT)
        # The card is slow, so that the line behind it comes last: the direct message is the first
        # that is posted, the original thread's the second.
        await sam.fault(kind="latency", method="chat.update", seconds=2.5)
        await sam.fault(kind="ratelimited", method="chat.postMessage", skip=1, seconds=1)
        assert (await sam.click(card, "request_take"))["ok"]
        await rita.wait_for(lambda m: "took this" in shown(m), channel="#connectors", timeout=15)
        told = [m for m in await rita.messages("@app") if "took this" in shown(m)]
        here = [m for m in await rita.messages("#connectors") if "took this" in shown(m)]
    assert len(told) == 1
    assert len(here) == 1
