"""HTTP mode: signatures, the challenge, forms and JSON, retries with their headers."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient

from tests.workspace.bench import MANIFEST, eventually
from workspace import Rules, Workspace


@asynccontextmanager
async def listening(handler: Any) -> AsyncIterator[str]:
    """A server for request URLs; gives the URL."""
    application = web.Application()
    application.router.add_post("/slack/events", handler)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    finally:
        await runner.cleanup()


async def test_a_bolt_app_that_verifies_signatures_takes_everything() -> None:
    app: AsyncApp | None = None

    async def handle(request: web.Request) -> web.StreamResponse:
        assert app is not None
        return await app.server().handle_post_requests(request)

    async with listening(handle) as url, Workspace(MANIFEST, request_url=url) as workspace:
        client = AsyncWebClient(token=workspace.bot_token, base_url=workspace.api_url)
        app = AsyncApp(client=client, signing_secret=workspace.signing_secret)
        heard = asyncio.Event()

        @app.command("/greet")
        async def greet(ack: Any, command: dict[str, Any]) -> None:
            await ack(f"Hello {command['text']}")

        @app.event("message")
        async def message() -> None:
            heard.set()

        @app.shortcut("greet_all")
        async def shortcut(ack: Any) -> None:
            await ack()

        rita = workspace.person("rita")
        assert (await rita.command("#connectors", "/greet & <you>"))["ok"]
        answer = await rita.wait_for(lambda m: m["ephemeral"])
        assert answer["text"] == "Hello &amp; &lt;you&gt;"
        await rita.say("#connectors", "hello")
        await asyncio.wait_for(heard.wait(), 120)
        assert (await rita.shortcut("greet_all"))["ok"]
        with pytest.raises(SlackApiError, match="socket_mode_not_enabled"):
            await client.apps_connections_open(app_token=workspace.app_token)


async def test_the_challenge_comes_first_then_retries_with_number_and_reason() -> None:
    requests: list[tuple[dict[str, str], dict[str, Any]]] = []
    statuses = iter([500, 200])
    complete, over = asyncio.Event(), asyncio.Event()

    async def handle(request: web.Request) -> web.StreamResponse:
        body = await request.json()
        requests.append((dict(request.headers), body))
        if body["type"] == "url_verification":
            return web.Response(text=body["challenge"])
        if len(requests) == 2:
            await over.wait()
        if len(requests) == 4:
            complete.set()
        return web.Response(status=next(statuses))

    rules = Rules(ack_seconds=2.0, event_retry_seconds=(0.0, 0.05, 0.1))
    async with listening(handle) as url, Workspace(MANIFEST, rules=rules, request_url=url) as made:
        await made.person("rita").say("#connectors", "hello")
        await asyncio.wait_for(complete.wait(), 120)
        await asyncio.sleep(0.2)
        over.set()
        secret = made.signing_secret
    assert [body["type"] for _, body in requests] == ["url_verification"] + ["event_callback"] * 3
    attempts = [
        (headers.get("X-Slack-Retry-Num"), headers.get("X-Slack-Retry-Reason"))
        for headers, _ in requests[1:]
    ]
    assert attempts == [(None, None), ("1", "http_timeout"), ("2", "http_error")]
    assert len({body["event_id"] for _, body in requests[1:]}) == 1
    assert all("X-Slack-Signature" in headers for headers, _ in requests)
    assert secret not in str(requests)


async def test_signatures_are_those_of_slack() -> None:
    bodies: list[tuple[str, dict[str, str]]] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        bodies.append((await request.text(), dict(request.headers)))
        return web.Response()

    async with listening(handle) as url, Workspace(MANIFEST, request_url=url) as workspace:
        await workspace.person("rita").command("#connectors", "/greet ü")
        assert SignatureVerifier(workspace.signing_secret).is_valid_request(*bodies[0])
        assert not SignatureVerifier("other").is_valid_request(*bodies[0])
        assert parse_qs(bodies[0][0])["text"] == ["ü"]


@pytest.mark.parametrize(
    ("status", "error"), [(404, "http_client_error"), (503, "http_service_error")]
)
async def test_what_a_person_sees_when_the_app_answers_badly(status: int, error: str) -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status)

    async with listening(handle) as url, Workspace(MANIFEST, request_url=url) as workspace:
        answer = await workspace.person("rita").command("#connectors", "/greet")
        assert answer["error"] == error
        assert answer["message"] == f'/greet failed with the error "{error}"'


async def test_no_retry_is_honoured() -> None:
    events = 0
    arrived = asyncio.Event()

    async def handle(request: web.Request) -> web.StreamResponse:
        nonlocal events
        body = await request.json()
        if body["type"] == "url_verification":
            return web.json_response({"challenge": body["challenge"]})
        events += 1
        arrived.set()
        return web.Response(status=500, headers={"X-Slack-No-Retry": "1"})

    rules = Rules(event_retry_seconds=(0.0, 0.0, 0.0))
    async with listening(handle) as url, Workspace(MANIFEST, rules=rules, request_url=url) as made:
        rita = made.person("rita")
        await rita.say("#connectors", "hello")
        await asyncio.wait_for(arrived.wait(), 120)
        async with asyncio.timeout(120):
            while not await rita.log("event_failed"):  # noqa: ASYNC110  the workspace says it
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.2)
        assert events == 1
        assert len(await rita.log("event_failed")) == 1


async def test_a_closed_port_and_a_missing_url() -> None:
    async with Workspace(MANIFEST, request_url="http://127.0.0.1:9/slack/events") as workspace:
        answer = await workspace.person("rita").command("#connectors", "/greet")
        assert answer["error"] == "dispatch_failed"
    manifest = copy.deepcopy(MANIFEST)
    manifest["settings"]["socket_mode_enabled"] = False
    async with Workspace(manifest) as workspace:
        answer = await workspace.person("rita").command("#connectors", "/greet")
        assert answer["error"] == "app_missing_action_url"


async def test_a_url_that_fails_the_challenge_gets_no_events() -> None:
    bodies: list[dict[str, Any]] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        bodies.append(await request.json())
        return web.Response(text="fine")

    rules = Rules(event_retry_seconds=(0.0,))
    async with listening(handle) as url, Workspace(MANIFEST, rules=rules, request_url=url) as made:
        rita = made.person("rita")
        await rita.say("#connectors", "hello")

        async def both() -> list[dict[str, Any]]:
            found = await rita.log("event_failed")
            return found if len(found) == 2 else []

        failures = await eventually(both)
        assert [failure["error"] for failure in failures] == ["dispatch_failed"] * 2
        assert {body["type"] for body in bodies} == {"url_verification"}
