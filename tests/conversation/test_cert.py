"""``/cert`` from the command to the report, and what its buttons do."""

from __future__ import annotations

import asyncio

from bot.app import Bot
from tests.conversation.support import HOST, Json, Surroundings, shown
from workspace import Person


async def test_a_command_gives_a_report_with_the_root_to_request(
    surroundings: Surroundings,
) -> None:
    rita = surroundings.workspace.person("rita")
    async with Bot(surroundings.settings()):
        await rita.command("#connectors", f"/cert {surroundings.host}")
        report = await rita.wait_for(lambda m: "Corp Root CA" in shown(m))
        assert "Request the root certificate" in shown(report)
        assert HOST in report["text"]
        assert not report["ephemeral"]
        assert ["Checking" in m["text"] for m in await _ephemeral(rita, "#connectors")] == [True]

        await rita.click(report, "report_details")
        details = await rita.wait_for_view("details")
        assert "As served" in shown(details)
        assert "Option 3" in shown(details)
        await rita.close_view(details)

        await rita.click(report, "report_pem")
        file = await rita.wait_for(lambda m: bool(m.get("files")), channel="#connectors")
        assert file["thread_ts"] == report["ts"]
        assert await rita.download(file["files"][0]) == surroundings.root.pem

        before = surroundings.directory.connections
        await rita.click(report, "report_again")
        await rita.until(lambda _: surroundings.directory.connections > before, what="a new look")
        reports = [m for m in await rita.messages("#connectors") if "Corp Root" in shown(m)]
        assert [m["ts"] for m in reports if not m.get("files")] == [report["ts"]]


async def test_errors_are_ephemeral_quote_the_input_and_say_what_to_type(
    surroundings: Surroundings,
) -> None:
    rita, bea = (surroundings.workspace.person(name) for name in ("rita", "bea"))
    async with Bot(surroundings.settings()):
        for typed, said in (
            ("not a host", "not a host"),
            ("", "/cert dc01.corp.example:636"),
            ("help", "/cert dc01.corp.example:636"),
            ("explain PKIX path building failed: unable to find valid", "Cause"),
            ("mine", "nothing yet"),
            ("<!channel>:99999", "&lt;!channel&gt;"),
        ):
            answer = await rita.command("#connectors", f"/cert {typed}".strip())
            assert answer["ok"], (typed, answer)
            assert said in shown((await _ephemeral(rita, "#connectors"))[-1]), typed
        assert await _ephemeral(bea, "#connectors") == []


async def test_several_hosts_give_a_table_and_a_reply_each(surroundings: Surroundings) -> None:
    rita = surroundings.workspace.person("rita")
    async with Bot(surroundings.settings()):
        typed = f"{surroundings.host} {surroundings.unproven_host} nowhere.corp.example:1"
        assert (await rita.command("#connectors", f"/cert {typed}"))["ok"]
        table = await rita.wait_for(
            lambda m: "1 of 3 servers" in m["text"] and "checked" not in m["text"]
        )
        await rita.until(
            lambda state: [
                m
                for channel in state["channels"]
                for m in channel["messages"]
                if m.get("thread_ts") == table["ts"] != m["ts"]
            ][2:],
            what="three replies",
        )
        texts = [
            m["text"]
            for m in await rita.messages("#connectors")
            if m.get("thread_ts") == table["ts"] != m["ts"]
        ]
    rows = next(block for block in table["blocks"] if block["type"] == "table")["rows"]
    assert len(rows) == 4
    for host in (HOST, "saas.example.net", "nowhere.corp.example"):
        assert sum(host in text.split(": ")[0] for text in texts) == 1, texts


async def test_a_private_report_goes_to_whoever_asked_alone(surroundings: Surroundings) -> None:
    rita, sam = (surroundings.workspace.person(name) for name in ("rita", "sam"))
    async with Bot(surroundings.settings()):
        await rita.command("#connectors", f"/cert --private {surroundings.host}")
        await rita.wait_for(lambda m: "Corp Root CA" in shown(m), channel="@app")
        assert not [m for m in await sam.messages() if "Corp Root CA" in shown(m)]


async def test_a_host_that_cannot_be_reached_gets_a_way_out(surroundings: Surroundings) -> None:
    rita, bea = (surroundings.workspace.person(name) for name in ("rita", "bea"))
    async with Bot(surroundings.settings()):
        await rita.command("#connectors", "/cert nowhere.corp.example:1")
        answer = await rita.wait_for(lambda m: "openssl s_client" in shown(m))
        assert answer["ephemeral"]
        assert not [m for m in await bea.messages("#connectors") if "nowhere" in shown(m)]

        await rita.click(answer, "report_upload")
        view = await rita.wait_for_view("upload_chain")
        leaf = surroundings.issuing.leaf("nowhere.corp.example")
        file = await rita.upload("chain.txt", leaf.pem + surroundings.issuing.pem)
        assert (await rita.submit(view, {"file": [file]}))["ok"]
        report = await rita.wait_for(lambda m: "Request the root certificate" in shown(m))
        assert "Corp Root CA" in shown(report)

        await rita.click(answer, "report_upload")
        view = await rita.wait_for_view("upload_chain")
        file = await rita.upload("key.pem", leaf.pem + leaf.key_pem)
        assert (await rita.submit(view, {"file": [file]}))["ok"]
        await rita.wait_for(lambda m: "private key" in shown(m))


async def test_the_same_command_at_the_same_time_looks_once(surroundings: Surroundings) -> None:
    rita, bea = (surroundings.workspace.person(name) for name in ("rita", "bea"))
    async with Bot(surroundings.settings()):
        await asyncio.gather(
            *(person.command("#connectors", f"/cert {surroundings.host}") for person in (rita, bea))
        )
        await rita.until(
            lambda state: [
                m
                for channel in state["channels"]
                for m in channel["messages"]
                if "Request the root" in shown(m)
            ][1:],
            what="two reports",
        )
    assert surroundings.directory.connections == 1


async def test_where_the_bot_may_not_post_the_report_comes_by_direct_message(
    surroundings: Surroundings,
) -> None:
    rita = surroundings.workspace.person("rita")
    async with Bot(surroundings.settings()):
        await rita.fault(kind="error", method="chat.postMessage", code="not_in_channel")
        await rita.command("#connectors", f"/cert {surroundings.host}")
        await rita.wait_for(lambda m: "Request the root" in shown(m), channel="@app")
        await rita.wait_for(lambda m: "/invite @whichroot" in shown(m), channel="#connectors")


async def test_a_rate_limit_an_outage_and_a_lost_share_delay_and_double_nothing(
    surroundings: Surroundings,
) -> None:
    rita = surroundings.workspace.person("rita")
    async with Bot(surroundings.settings()):
        await rita.fault(kind="ratelimited", method="chat.postMessage", seconds=1)
        await rita.fault(kind="reset_after", method="chat.postMessage")
        await rita.command("#connectors", f"/cert {surroundings.host}")
        report = await rita.wait_for(lambda m: "Request the root" in shown(m))
        await rita.fault(kind="lose_share")
        await rita.click(report, "report_pem")
        await rita.wait_for(lambda m: bool(m.get("files")))
        posted = await rita.messages("#connectors")
    assert sum("Request the root" in shown(m) for m in posted) == 1
    assert sum(bool(m.get("files")) for m in posted) == 1


async def _ephemeral(person: Person, channel: str) -> list[Json]:
    return [m for m in await person.messages(channel) if m["ephemeral"]]
