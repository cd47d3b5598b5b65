"""The people's side: the page API, its guard, the log, the driver; the process of its own."""

from __future__ import annotations

import asyncio
import copy
import json
import signal
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from slack_sdk.web.async_client import AsyncWebClient

from tests.workspace.bench import MANIFEST, Bench
from workspace import ManifestError, Person, Refused, Workspace, WorkspaceError

HOUSE = Path(__file__).parents[2]


async def status(url: str, method: str = "GET", **headers: str) -> int:
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, headers=headers, json={}) as answer,
    ):
        return answer.status


async def test_another_sites_page_gets_nothing(greeter: Bench) -> None:
    url = greeter.workspace.url
    host = url.removeprefix("http://")
    state = f"{url}/page/state?user={greeter.workspace.users['rita']}"
    assert await status(state) == 200
    assert await status(state, Origin=url) == 200
    assert await status(state, Host=f"localhost:{host.rpartition(':')[2]}") == 200
    assert await status(state, Origin="https://evil.example") == 403
    assert await status(state, Origin="null") == 403
    assert await status(state, Host="evil.example") == 403
    assert await status(state, **{"Sec-Fetch-Site": "cross-site"}) == 403
    assert await status(f"{url}/page/faults", "POST", Origin="https://evil.example") == 403


async def test_the_log_has_times_and_no_tokens(greeter: Bench) -> None:
    await greeter.connect()
    rita = greeter.workspace.person("rita")
    await greeter.client.chat_postMessage(
        channel=greeter.workspace.channels["connectors"],
        text=f"leaked {greeter.workspace.bot_token}",
    )
    entries = await rita.log()
    assert {entry["kind"] for entry in entries} >= {"request", "connection"}
    assert all(entry["at"] > 1_600_000_000 for entry in entries)
    posted = next(entry for entry in entries if entry.get("method") == "chat.postMessage")
    assert posted["arguments"]["text"] == "leaked [bot token]"
    assert posted["ok"] is True
    assert posted["ts"]
    text = json.dumps(entries)
    for secret in (
        greeter.workspace.bot_token,
        greeter.workspace.app_token,
        greeter.workspace.signing_secret,
        greeter.workspace.services.app.verification_token,
    ):
        assert secret not in text


async def test_a_person_sees_what_is_theirs(greeter: Bench) -> None:
    rita, ext = greeter.workspace.person("rita"), greeter.workspace.person("ext")
    await rita.say("#connectors", "hello")
    names = {channel["name"] for channel in (await rita.state())["channels"]}
    assert names == {"greeter", "general", "connectors", "matrix42-support"}
    assert [channel["name"] for channel in (await ext.state())["channels"]] == ["matrix42-support"]
    with pytest.raises(Refused, match="not_in_channel"):
        await ext.say(greeter.workspace.channels["connectors"], "let me in")
    with pytest.raises(WorkspaceError, match="no channel"):
        await ext.say("#connectors", "let me in")
    sam = await greeter.workspace.person("sam").state()
    unread = {channel["name"]: channel["unread"] for channel in sam["channels"]}
    assert unread["connectors"] == 1


async def test_the_stream_tells_each_user_what_they_may_know(greeter: Bench) -> None:
    rita = greeter.workspace.person("rita")
    channel = greeter.workspace.channels["connectors"]
    async with aiohttp.ClientSession() as session:
        streams = [
            await session.get(f"{greeter.workspace.url}/page/stream", params={"user": user})
            for user in (rita.id, greeter.workspace.users["sam"])
        ]
        for stream in streams:
            assert (await stream.content.readline()).startswith(b":")
        await greeter.client.chat_postEphemeral(channel=channel, user=rita.id, text="psst")
        await greeter.client.chat_postMessage(channel=channel, text="all")

        async def kinds(stream: aiohttp.ClientResponse) -> list[str]:
            found: list[str] = []
            while not found or found[-1] != "message":
                line = await asyncio.wait_for(stream.content.readline(), 120)
                if line.startswith(b"data: "):
                    kind = json.loads(line[6:])["type"]
                    if kind != "log":
                        found.append(kind)
            return found

        assert await kinds(streams[0]) == ["ephemeral", "message"]
        assert await kinds(streams[1]) == ["message"]
        for stream in streams:
            stream.close()


async def test_bad_requests_are_refused_with_a_reason(greeter: Bench) -> None:
    url = greeter.workspace.url
    rita = {
        "user": greeter.workspace.users["rita"],
        "channel": greeter.workspace.channels["connectors"],
    }
    async with aiohttp.ClientSession() as session:
        async with session.get(
            f"{url}/page/state", params={"user": rita["user"], "since": "x"}
        ) as answer:
            assert answer.status == 400
        for path, body in (
            ("message", "{"),
            ("message", "[]"),
            ("message", json.dumps({"user": "U404", "channel": "C1"})),
            ("command", json.dumps({"user": greeter.workspace.users["rita"]})),
            ("view", json.dumps({"user": greeter.workspace.users["rita"], "view_id": "V1"})),
            ("disconnect", json.dumps({"reason": "earthquake"})),
            ("faults", json.dumps({"faults": [7]})),
            ("faults", json.dumps({"kind": []})),
            ("message", json.dumps(rita | {"files": 7})),
            ("action", json.dumps(rita | {"container": {"view_id": 7}, "action_id": "a"})),
            ("action", json.dumps(rita | {"container": {}, "action_id": "a"})),
            ("view", json.dumps(rita | {"view_id": "V1", "state": [7]})),
            ("edit", json.dumps(rita | {"ts": 1})),
        ):
            async with session.post(f"{url}/page/{path}", data=body) as answer:
                assert answer.status == 400, path
                assert (await answer.json())["message"], path


async def test_waiting_says_what_was_there_instead(greeter: Bench) -> None:
    rita = greeter.workspace.person("rita")
    await rita.say("#connectors", "something else")
    with pytest.raises(TimeoutError, match="something else"):
        await rita.wait_for(lambda m: m["text"] == "never", timeout=0.1)


async def test_the_forms_fields_are_known(greeter: Bench) -> None:
    rita = greeter.workspace.person("rita")
    view = {"id": "V1", "blocks": []}
    with pytest.raises(WorkspaceError, match="no field colour"):
        await rita.submit(view, {"colour": "red"})


def spoiled(change: str) -> dict[str, Any]:
    manifest = copy.deepcopy(MANIFEST)
    exec(change, {"m": manifest})
    return manifest


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ("m['display_information']['name'] = 'x' * 36", "display_information.name"),
        ("m['display_information']['description'] = 'x' * 141", "display_information.description"),
        ("del m['features']['bot_user']", "features.bot_user.display_name"),
        ("m['features']['slash_commands'] *= 26", "at most 50"),
        ("m['features']['slash_commands'] *= 2", "/greet"),
        ("m['features']['slash_commands'][0]['command'] = 'greet'", "must be lower case and start"),
        ("m['features']['shortcuts'][0]['name'] = 'x' * 25", "at most 24"),
        ("m['features']['shortcuts'][0]['type'] = 'both'", "shortcuts[0].type"),
        ("m['oauth_config']['scopes']['bot'].remove('commands')", "need the scope commands"),
        ("m['settings'] = 7", "settings"),
    ],
)
def test_a_manifest_that_breaks_a_rule_is_refused_with_the_place(change: str, place: str) -> None:
    with pytest.raises(ManifestError) as caught:
        Workspace(spoiled(change))
    assert place in str(caught.value)


async def test_a_process_of_its_own_prints_what_one_needs_and_ends_on_sigterm(
    tmp_path: Path,
) -> None:
    path = tmp_path / "manifest.yml"
    path.write_text(yaml.safe_dump(MANIFEST))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "workspace",
        "--manifest",
        str(path),
        "--port",
        "0",
        cwd=HOUSE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    described = json.loads(await asyncio.wait_for(process.stdout.readline(), 120))
    client = AsyncWebClient(token=described["bot_token"], base_url=described["api_url"])
    assert (await client.auth_test())["user"] == "greeter"
    async with await Person.named(described["url"], "rita") as rita:
        assert rita.id == described["users"]["rita"]
        said = await rita.say("#connectors", "hello")
        assert said["user"] == rita.id
    with pytest.raises(WorkspaceError, match="nobody"):
        await Person.named(described["url"], "zaphod")
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 120) == 0


async def test_a_port_that_is_taken_is_said(greeter: Bench) -> None:
    port = int(greeter.workspace.url.rpartition(":")[2])
    with pytest.raises(OSError, match="address already in use"):
        await Workspace(MANIFEST, port=port).start()


async def test_a_process_with_a_bad_manifest_says_why(tmp_path: Path) -> None:
    path = tmp_path / "manifest.yml"
    path.write_text("display_information: {}")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "workspace",
        "--manifest",
        str(path),
        cwd=HOUSE,
        stderr=asyncio.subprocess.PIPE,
    )
    _, complaint = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == 2
    assert b"display_information.name: a text is required" in complaint
    assert b"Traceback" not in complaint
