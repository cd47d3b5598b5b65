"""Slack is limiting, unwell, out of reach, or shuts the bot out: nothing is lost, nothing comes twice,
and people are told."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.app import Bot
from bot.desks.base import DeskUnreachable
from bot.desks.http import DeskHttp
from bot.requests.courier import Later, Undeliverable
from bot.serving.authorizing import NOT_INSTALLED
from bot.serving.metrics import Metrics
from bot.store.outbox import Act
from handlers.blocks.message import Message
from handlers.couriers import slack
from handlers.couriers.slack_errors import code_of, told_apart
from tests.conversation.installing import by_oauth, install, manifest
from tests.conversation.story import SUPPORT
from tests.conversation.support import Surroundings, shown
from tests.hostile.acting import open_modal, open_request
from tests.support.ports import free_port
from tests.support.servers import raw_server, relaying
from workspace import Rules, Workspace


def answered(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> SlackApiError:
    """The error that Slack's client raises for an answer."""
    response = AsyncSlackResponse(
        client=None,
        http_verb="POST",
        api_url="chat.postMessage",
        req_args={},
        data=data,
        headers=headers or {},
        status_code=status,
    )
    # The class has no types.
    return SlackApiError("refused", response)  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("7", 7.0),
        ("1.5", 1.5),
        ("0", 0.5),
        ("-3", None),
        ("", None),
        ("nan", None),
        ("inf", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("9" * 400, None),
        ("٣", 3.0),
    ],
)
def test_retry_after_is_heeded_where_it_can_be_meant(given: str, seconds: float | None) -> None:
    told = told_apart(answered({"error": "ratelimited"}, 429, {"Retry-After": given}))
    assert isinstance(told, Later)
    assert told.seconds == seconds
    assert not told.maybe_delivered


@pytest.mark.parametrize(
    ("data", "status", "maybe_delivered"),
    [
        ({"ok": False, "error": "internal_error"}, 200, True),
        ({"ok": False, "error": "fatal_error"}, 200, True),
        ("Internal Server Error", 500, True),
        ({}, 503, True),
        ({"ok": False, "error": "rate_limited"}, 200, False),
        ({"ok": False, "error": "token_revoked"}, 200, False),
        ({"ok": False, "error": "account_inactive"}, 401, False),
    ],
)
def test_what_passes_is_waited_for(data: Any, status: int, maybe_delivered: bool) -> None:
    told = told_apart(answered(data, status))
    assert isinstance(told, Later)
    assert told.maybe_delivered == maybe_delivered


@pytest.mark.parametrize(
    ("code", "final"),
    [
        ("channel_not_found", True),
        ("is_archived", True),
        ("not_in_channel", True),
        ("msg_too_long", True),
        ("missing_scope", True),
        ("something_that_slack_invents_tomorrow", False),
    ],
)
def test_what_stays_is_final_and_what_is_not_known_is_tried_again(code: str, final: bool) -> None:
    told = told_apart(answered({"ok": False, "error": code}))
    assert isinstance(told, Undeliverable)
    assert told.final == final


async def test_a_support_channel_that_is_archived_is_told_at_once_and_retried_on_demand(
    surroundings: Surroundings,
) -> None:
    workspace = surroundings.workspace
    rita = workspace.person("rita")
    channel = workspace.services.state.channels[workspace.channels["matrix42-support"]]
    channel.is_archived = True
    async with Bot(surroundings.settings()):
        # What is only put off is tried again for minutes before it is given up.
        started = time.monotonic()
        await open_request(rita, surroundings.host)
        told = await rita.wait_for(lambda m: "archived" in shown(m), channel="@app")
        assert time.monotonic() - started < 60
        channel.is_archived = False
        retry = next(
            element["action_id"]
            for block in told["blocks"]
            if block["type"] == "actions"
            for element in block["elements"]
            if element["text"]["text"] == "Retry"
        )
        assert (await rita.click(told, retry))["ok"]
        await rita.wait_for(lambda m: "posted this" in shown(m), channel="#connectors")


async def test_what_waits_is_told_to_who_asks_and_in_the_app_home_and_by_readyz(
    surroundings: Surroundings,
) -> None:
    rita = surroundings.workspace.person("rita")
    async with Bot(surroundings.settings()) as bot:
        await rita.fault(kind="ratelimited", method="chat.postMessage", count=None, retry_after="2")
        assert (await rita.command("#connectors", f"/cert {surroundings.host}"))["ok"]
        await until_waiting(bot.port)
        answer = await rita.command("#connectors", f"/cert {surroundings.unproven_host}")
        assert answer["ok"], answer
        await rita.wait_for(
            lambda m: "Slack asks to wait" in shown(m) and "as soon as that is over" in shown(m)
        )
        await rita.open_home()
        home = await rita.wait_for_home(lambda view: "still to come" in json.dumps(view))
        assert "Slack asks to wait" in json.dumps(home)
        found = await ready(bot.port)
        assert found["ready"], found
        assert list(found["waiting"]) == ["Slack asks to wait: too much was sent at once."]
        await rita.fault(clear=True)
        await rita.wait_for(lambda m: "Request the root" in shown(m) and not m["ephemeral"])
        await surroundings.settled()
        assert (await ready(bot.port))["waiting"] == {}
        reports = [m for m in await rita.messages("#connectors") if not m["ephemeral"]]
    assert len(reports) == 2


@pytest.mark.parametrize(
    "order",
    [
        {"kind": "ratelimited", "retry_after": ""},
        {"kind": "ratelimited", "retry_after": "0"},
        {"kind": "server_error"},
        {"kind": "truncated"},
        {"kind": "slow_body", "seconds": 1},
        {"kind": "reset_before"},
        {"kind": "reset_after"},
        {"kind": "error", "code": "internal_error"},
    ],
    ids=lambda order: order["kind"] + order.get("retry_after", ""),
)
async def test_a_message_is_posted_once_whatever_slack_answers_first(
    surroundings: Surroundings, order: dict[str, Any]
) -> None:
    workspace = surroundings.workspace
    rita = workspace.person("rita")
    client = AsyncWebClient(
        workspace.bot_token, base_url=workspace.api_url, timeout=60, retry_handlers=[]
    )
    channel = workspace.channels["connectors"]
    # The clock of this machine is ahead of Slack's.
    act = Act("a1", "lookup:1", "report", {}, 0, datetime.now(UTC) + timedelta(minutes=30), False)
    await rita.fault(method="chat.postMessage", **order)
    try:
        await slack.post(client, Metrics(), act, Message("once", ()), channel)
    except Later as later:
        maybe = later.maybe_delivered
        act = Act(act.id, act.lane, act.kind, {}, 0, act.created_at, maybe)
        await slack.post(client, Metrics(), act, Message("once", ()), channel)
    assert sum(m["text"] == "once" for m in await rita.messages("#connectors")) == 1


@pytest.mark.parametrize("surroundings", [Rules()], indirect=True)
async def test_a_slow_view_is_acknowledged_in_time_and_a_late_one_is_told(
    surroundings: Surroundings,
) -> None:
    rita = surroundings.workspace.person("rita")
    async with Bot(surroundings.settings()):
        assert (await rita.command("#connectors", f"/cert {surroundings.host}"))["ok"]
        report = await rita.wait_for(lambda m: "equest the root" in shown(m) and not m["ephemeral"])
        await rita.fault(kind="latency", method="views.open", seconds=3.5)
        answer = await rita.click(report, "report_request")
        assert answer["ok"], answer
        await rita.wait_for(lambda m: "takes longer than usual" in shown(m))
        await rita.wait_for(lambda m: "Slack waited too long" in shown(m))


async def test_support_is_not_refused_because_slack_does_not_say_who_that_is(
    surroundings: Surroundings,
) -> None:
    rita, sam = (surroundings.workspace.person(name) for name in ("rita", "sam"))
    await sam.fault(kind="truncated", method="usergroups.users.list", count=None)
    async with Bot(surroundings.settings()):
        await open_request(rita, surroundings.host)
        card = await sam.wait_for(lambda m: "waiting for support" in shown(m), channel=SUPPORT)
        await sam.click(card, "request_take")
        told = await sam.wait_for(lambda m: "does not say at the moment" in shown(m))
        assert "Try again" in shown(told)
        await sam.fault(clear=True)
        assert (await sam.click(card, "request_take"))["ok"]
        await sam.wait_for(lambda m: "took this" in shown(m), channel=SUPPORT)


async def test_an_event_is_not_acknowledged_and_dropped_while_slack_does_not_say_who_the_bot_is(
    surroundings: Surroundings,
) -> None:
    rita = surroundings.workspace.person("rita")
    await rita.fault(kind="server_error", method="auth.test", count=3)
    async with Bot(surroundings.settings()):
        await surroundings.workspace.wait_connected()
        await rita.say("#connectors", f"@whichroot check {surroundings.host}")
        await rita.wait_for(lambda m: "Request the root" in shown(m))


async def test_without_slack_the_bot_starts_says_so_and_goes_on_when_it_is_back(
    surroundings: Surroundings,
) -> None:
    workspace = surroundings.workspace
    port = free_port()
    settings = surroundings.settings(slack_api_url=f"http://127.0.0.1:{port}/api/")
    async with Bot(settings) as bot, contextlib.AsyncExitStack() as stack:
        found = await ready(bot.port)
        assert found["problems"] == {"slack": "There is no connection to Slack."}
        there = urlsplit(workspace.url).port
        assert there
        await stack.enter_async_context(raw_server(relaying(there), port=port))
        await workspace.wait_connected()
        rita = workspace.person("rita")
        assert (await rita.command("#connectors", f"/cert {surroundings.host}"))["ok"]
        await rita.wait_for(lambda m: "Request the root" in shown(m))
        assert (await ready(bot.port))["ready"]


async def test_connections_that_are_cut_in_mid_envelope_lose_nothing(
    surroundings: Surroundings,
) -> None:
    rita = surroundings.workspace.person("rita")
    # Longer than the cut takes, and the look at the server goes on through it.
    surroundings.slow_seconds = 0.5
    async with Bot(surroundings.settings(socket_connections=2)):
        await surroundings.workspace.wait_connected(2)
        await rita.fault(kind="ratelimited", method="apps.connections.open", retry_after="99999999")
        asking = asyncio.create_task(rita.command("#connectors", f"/cert {surroundings.host}"))
        await asyncio.sleep(0.02)
        await rita.disconnect("cut")
        await asking
        await surroundings.workspace.wait_connected(2)
        assert (await rita.command("#connectors", f"/cert --private {surroundings.host}"))["ok"]
        await rita.wait_for(lambda m: "Request the root" in shown(m), channel="@app")


# slack_sdk signs in to oauth.v2.access in a way that aiohttp has deprecated.
@pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")
async def test_after_an_uninstallation_nothing_is_tried_and_a_new_installation_resumes(
    tmp_path: Path,
) -> None:
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    async with (
        Workspace(manifest(base)) as workspace,
        Surroundings(workspace, tmp_path) as surroundings,
    ):
        settings = surroundings.settings(**by_oauth(workspace, port))
        rita = workspace.person("rita")
        async with Bot(settings):
            assert await install(base, rita.id) == 200
            surroundings.slow_seconds = 1.5
            assert (await rita.command("#connectors", f"/cert {surroundings.host}"))["ok"]
            workspace.uninstall("acme")
            await until_waiting(port)
            assert list((await ready(port))["waiting"]) == [NOT_INSTALLED]
            tried = len(await rita.log("request"))
            await asyncio.sleep(1)
            assert len(await rita.log("request")) == tried
            assert await install(base, rita.id) == 200
            await rita.wait_for(lambda m: "Request the root" in shown(m))
            assert (await ready(port))["waiting"] == {}
            # Slack's message of the old removal comes late: the new installation stays.
            workspace.services.events.emit(
                "app_uninstalled", {"type": "app_uninstalled"}, None, rita_team(workspace)
            )
            await asyncio.sleep(0.5)
            await open_modal(rita, surroundings.host)


async def test_names_that_cannot_be_resolved_are_waited_for_or_told(
    surroundings: Surroundings,
) -> None:
    client = AsyncWebClient("xoxb-x", base_url="http://slack.invalid/", timeout=10)
    with pytest.raises(Later, match="Slack cannot be reached"):
        await slack.direct(client, Metrics(), "U1")
    desk = DeskHttp("http://desk.invalid/", seconds=10)
    with pytest.raises(DeskUnreachable, match="its name is not known") as raised:
        await desk.call("GET", "tickets")
    assert not raised.value.maybe_done
    await desk.aclose()
    rita = surroundings.workspace.person("rita")
    async with Bot(surroundings.settings(resolve_timeout=5.0)):
        assert (await rita.command("#connectors", "/cert server.invalid"))["ok"]
        await rita.wait_for(lambda m: "server.invalid" in shown(m) and "❌" in shown(m))


def rita_team(workspace: Workspace) -> str:
    """The id of the first team."""
    return next(iter(workspace.services.state.teams))


async def ready(port: int) -> dict[str, Any]:
    """What /readyz says."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/readyz") as answer,
    ):
        found: dict[str, Any] = await answer.json()
        assert (answer.status == 200) == found["ready"]
        return found


async def until_waiting(port: int) -> None:
    """Until something is put off."""
    async with asyncio.timeout(120):
        while not (await ready(port))["waiting"]:  # noqa: ASYNC110  the database says it
            await asyncio.sleep(0.1)


def test_an_answer_that_is_no_json_has_a_code() -> None:
    assert code_of(answered("<html>", 502)) == "http_502"
