"""Socket Mode: connections, envelopes, acknowledgements, reconnection."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.errors import SlackApiError

from tests.workspace.bench import Bench, bench, eventually
from workspace import Rules

QUICK = Rules(ack_seconds=0.4)


async def test_hello_says_how_many_connections_there_are_and_a_url_works_once(
    greeter: Bench,
) -> None:
    answer = await greeter.client.apps_connections_open(app_token=greeter.workspace.app_token)
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(answer["url"]) as socket:
            hello = await socket.receive_json()
            assert hello["type"] == "hello"
            assert hello["num_connections"] == 1
            assert hello["connection_info"]["app_id"] == greeter.workspace.services.app.id
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(answer["url"])


async def test_a_bot_token_opens_no_connection_and_an_app_token_calls_nothing_else(
    greeter: Bench,
) -> None:
    with pytest.raises(SlackApiError, match="not_allowed_token_type"):
        await greeter.client.apps_connections_open(app_token=greeter.workspace.bot_token)
    with pytest.raises(SlackApiError, match="not_allowed_token_type"):
        await greeter.client.auth_test(token=greeter.workspace.app_token)


async def test_each_envelope_goes_to_exactly_one_of_several_connections(greeter: Bench) -> None:
    heard: list[list[str]] = [[], []]
    apps = [greeter.app, AsyncApp(client=greeter.client)]
    for number, app in enumerate(apps):

        def register(app: AsyncApp, number: int) -> None:
            @app.command("/greet")
            async def greet(ack: Any, command: dict[str, Any]) -> None:
                heard[number].append(command["text"])
                await ack()

        register(app, number)
        await greeter.connect(app)
    rita = greeter.workspace.person("rita")
    for number in range(6):
        assert (await rita.command("#connectors", f"/greet {number}"))["ok"]
    assert sorted(heard[0] + heard[1]) == [str(number) for number in range(6)]
    assert len(heard[0]) == len(heard[1]) == 3


async def test_without_a_connection_a_command_fails_as_slack_shows_it(greeter: Bench) -> None:
    rita = greeter.workspace.person("rita")
    answer = await rita.command("#connectors", "/greet you")
    assert answer["error"] == "dispatch_failed"
    shown = await rita.wait_for(lambda m: m["ephemeral"])
    assert shown["text"] == '/greet failed with the error "dispatch_failed"'


async def test_after_disconnect_the_client_connects_anew_and_nothing_is_lost(
    greeter: Bench,
) -> None:
    @greeter.app.command("/greet")
    async def greet(ack: Any) -> None:
        await ack("Hello")

    await greeter.connect()
    rita = greeter.workspace.person("rita")
    before = [e["connection"] for e in await rita.log("connection") if e["event"] == "opened"]
    assert await rita.disconnect("refresh_requested") == 1
    await greeter.workspace.wait_connected()
    assert (await rita.command("#connectors", "/greet"))["ok"]
    envelopes = await rita.log("envelope")
    assert envelopes[-1]["connection"] not in before


async def test_an_envelope_whose_connection_breaks_is_sent_again_on_another() -> None:
    async with bench(Rules(ack_seconds=60)) as made:
        calls = 0
        first_arrived = asyncio.Event()

        @made.app.command("/greet")
        async def greet(ack: Any) -> None:
            nonlocal calls
            calls += 1
            if calls == 1:
                first_arrived.set()
                await asyncio.sleep(30)
            await ack("Hello at last")

        await made.connect()
        rita = made.workspace.person("rita")
        command = asyncio.create_task(rita.command("#connectors", "/greet"))
        await first_arrived.wait()
        assert await rita.disconnect("cut") == 1
        assert (await command)["ok"]
        envelopes = await rita.log("envelope")
        assert [e["envelope_id"] for e in envelopes] == [envelopes[0]["envelope_id"]] * 2
        assert envelopes[0]["connection"] != envelopes[1]["connection"]


async def test_the_eleventh_connection_is_refused(greeter: Bench) -> None:
    async with aiohttp.ClientSession() as session:
        sockets = []
        for _ in range(11):
            answer = await greeter.client.apps_connections_open(
                app_token=greeter.workspace.app_token
            )
            sockets.append(await session.ws_connect(answer["url"]))
        first = [await socket.receive_json() for socket in sockets]
        assert [message["type"] for message in first] == ["hello"] * 10 + ["disconnect"]
        assert first[-1]["reason"] == "too_many_websockets"
        for socket in sockets:
            await socket.close()


async def test_a_connection_is_refreshed_after_its_time() -> None:
    async with bench(Rules(refresh_seconds=0.2)) as made:
        answer = await made.client.apps_connections_open(app_token=made.workspace.app_token)
        async with aiohttp.ClientSession() as session, session.ws_connect(answer["url"]) as socket:
            assert (await socket.receive_json())["type"] == "hello"
            goodbye = await socket.receive_json(timeout=5)
            assert goodbye["type"] == "disconnect"
            assert goodbye["reason"] == "refresh_requested"


async def test_socket_mode_must_be_enabled_in_the_manifest() -> None:
    from tests.workspace.bench import MANIFEST

    manifest = MANIFEST | {"settings": MANIFEST["settings"] | {"socket_mode_enabled": False}}
    async with bench(manifest=manifest) as made:
        with pytest.raises(SlackApiError, match="socket_mode_not_enabled"):
            await made.client.apps_connections_open(app_token=made.workspace.app_token)


async def test_a_late_or_unreadable_acknowledgement_is_logged_and_harmless() -> None:
    async with bench(QUICK) as made:
        answer = await made.client.apps_connections_open(app_token=made.workspace.app_token)
        rita = made.workspace.person("rita")
        async with aiohttp.ClientSession() as session, session.ws_connect(answer["url"]) as socket:
            await socket.receive_json()
            command = asyncio.create_task(rita.command("#connectors", "/greet"))
            envelope = await socket.receive_json()
            await socket.send_str("{not json")
            assert (await command)["error"] == "operation_timeout"
            await socket.send_json({"envelope_id": envelope["envelope_id"]})
            await rita.until(lambda _: True)

        async def both() -> list[dict[str, Any]]:
            found = await rita.log("acknowledgement")
            return found if len(found) == 2 else []

        acknowledgements = await eventually(both)
        assert acknowledgements[0]["error"] == "unreadable"
        assert acknowledgements[1]["late"] is True
