"""Faults on order, and rate limits."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from tests.workspace.bench import Bench, bench
from workspace import Refused, Rules


async def post(made: Bench, text: str, client: AsyncWebClient | None = None) -> Any:
    return await (client or made.client).chat_postMessage(
        channel=made.workspace.channels["connectors"], text=text
    )


async def texts(made: Bench) -> list[str]:
    messages = await made.workspace.person("rita").messages("#connectors")
    return [message["text"] for message in messages]


async def refused_post(made: Bench, client: AsyncWebClient) -> Any:
    """What refuses a message, or None."""
    try:
        await post(made, "again", client)
    except SlackApiError as error:
        return error.response
    return None


def without_retries(made: Bench) -> AsyncWebClient:
    return AsyncWebClient(
        token=made.workspace.bot_token, base_url=made.workspace.api_url, retry_handlers=[]
    )


async def test_a_rate_limit_is_429_with_the_time_to_wait_and_ends_after_its_count(
    greeter: Bench,
) -> None:
    rita = greeter.workspace.person("rita")
    await rita.fault(kind="ratelimited", method="chat.postMessage", count=1, seconds=1)
    with pytest.raises(SlackApiError) as caught:
        await post(greeter, "one")
    assert caught.value.response.status_code == 429
    assert caught.value.response.headers["Retry-After"] == "1"
    await greeter.client.auth_test()
    await post(greeter, "two")
    assert await texts(greeter) == ["two"]


async def test_a_client_that_honours_the_limit_gets_through(greeter: Bench) -> None:
    await greeter.workspace.person("rita").fault(kind="ratelimited", seconds=1)
    client = AsyncWebClient(token=greeter.workspace.bot_token, base_url=greeter.workspace.api_url)
    client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=1))
    started = time.monotonic()
    await post(greeter, "one", client)
    assert time.monotonic() - started >= 1
    assert await texts(greeter) == ["one"]


@pytest.mark.parametrize(
    ("fault", "error", "posted"),
    [
        ({"kind": "server_error"}, SlackApiError, False),
        ({"kind": "error", "code": "fatal_error"}, SlackApiError, False),
        ({"kind": "truncated"}, SlackApiError, True),
        ({"kind": "reset_before"}, aiohttp.ServerDisconnectedError, False),
        ({"kind": "reset_after"}, aiohttp.ServerDisconnectedError, True),
    ],
)
async def test_what_fails_before_and_after_the_effect(
    greeter: Bench, fault: dict[str, Any], error: type[Exception], posted: bool
) -> None:
    await greeter.workspace.person("rita").fault(method="chat.postMessage", **fault)
    with pytest.raises((error, aiohttp.ClientOSError)):
        await post(greeter, "one", without_retries(greeter))
    assert await texts(greeter) == (["one"] if posted else [])
    entry = (await greeter.workspace.person("rita").log("request"))[0]
    assert entry["fault"] == fault["kind"]


async def test_a_lost_answer_makes_a_retrying_client_post_twice(greeter: Bench) -> None:
    await greeter.workspace.person("rita").fault(kind="reset_after", method="chat.postMessage")
    await post(greeter, "one")
    assert await texts(greeter) == ["one", "one"]


async def test_latency_and_skipping(greeter: Bench) -> None:
    rita = greeter.workspace.person("rita")
    await rita.fault(kind="latency", method="auth.test", seconds=1, skip=1)
    for _ in range(3):
        await greeter.client.auth_test()
    took = [entry["seconds"] for entry in await rita.log("request")]
    assert [seconds >= 1 for seconds in took] == [False, True, False]


async def test_a_dropped_acknowledgement_looks_like_none() -> None:
    async with bench(Rules(ack_seconds=2)) as made:
        handled = asyncio.Event()

        @made.app.command("/greet")
        async def greet(ack: Any) -> None:
            await ack("Hello")
            handled.set()

        await made.connect()
        rita = made.workspace.person("rita")
        await rita.fault(kind="drop_ack", method="interactive")
        await rita.fault(kind="drop_ack", method="slash_commands")
        assert (await rita.command("#connectors", "/greet"))["error"] == "operation_timeout"
        assert handled.is_set()
        assert (await rita.command("#connectors", "/greet"))["ok"]
        assert [f["method"] for f in (await rita.state())["faults"]] == ["interactive"]


async def test_response_urls_fail_too(greeter: Bench) -> None:
    urls: list[str] = []

    @greeter.app.command("/greet")
    async def greet(ack: Any, command: dict[str, Any]) -> None:
        urls.append(command["response_url"])
        await ack()

    await greeter.connect()
    rita = greeter.workspace.person("rita")
    await rita.command("#connectors", "/greet")
    await rita.fault(kind="server_error", method="response_url")
    webhook = AsyncWebhookClient(urls[0])
    assert (await webhook.send(text="one")).status_code == 500
    assert (await webhook.send(text="two")).status_code == 200
    assert await texts(greeter) == ["two"]


async def test_orders_are_listed_cleared_and_checked(greeter: Bench) -> None:
    rita = greeter.workspace.person("rita")
    await rita.fault(kind="server_error", count=None)
    for _ in range(2):
        with pytest.raises(SlackApiError):
            await greeter.client.auth_test()
    assert (await rita.state())["faults"][0]["kind"] == "server_error"
    await rita.fault(clear=True)
    await greeter.client.auth_test()
    for wrong in ({"kind": "earthquake"}, {"kind": "latency", "colour": "red"}):
        with pytest.raises(Refused, match="invalid_fault"):
            await rita.fault(**wrong)


async def test_strict_rates_allow_a_burst_per_channel_then_one_a_second() -> None:
    async with bench(Rules(strict_rates=True)) as made:
        client = without_retries(made)
        started = time.monotonic()
        sent = 0
        while (response := await refused_post(made, client)) is None:
            sent += 1
        # One more for each second that it took.
        assert 3 <= sent <= 3 + time.monotonic() - started
        assert (response.status_code, response["error"]) == (429, "ratelimited")
        assert response.headers["Retry-After"] == "1"
        assert "retry_after" not in response.data
        await client.chat_postMessage(channel=made.workspace.users["rita"], text="elsewhere")
        await asyncio.sleep(1.05)
        await post(made, "after waiting", client)


async def test_strict_rates_have_tiers_per_method() -> None:
    async with bench(Rules(strict_rates=True)) as made:
        for _ in range(20):
            await made.client.users_list()
        with pytest.raises(SlackApiError) as caught:
            await made.client.users_list()
        assert 1 <= int(caught.value.response.headers["Retry-After"]) <= 60
        await made.client.usergroups_list()
