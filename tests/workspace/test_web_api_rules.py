"""What every Web API method has in common: tokens, scopes, arguments, bodies."""

from __future__ import annotations

import copy
import json
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError

from tests.workspace.bench import MANIFEST, Bench, bench
from workspace.web_api.method import METHODS


async def call(made: Bench, method: str, **request: Any) -> dict[str, Any]:
    """A raw request, as a client other than slack_sdk might send it."""
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{made.workspace.api_url}{method}", **request) as answer,
    ):
        body = await answer.json()
        assert isinstance(body, dict)
        return body


def bearer(made: Bench) -> dict[str, str]:
    return {"Authorization": f"Bearer {made.workspace.bot_token}"}


async def test_tokens(greeter: Bench) -> None:
    assert (await call(greeter, "auth.test"))["error"] == "not_authed"
    wrong = {"Authorization": "Bearer xoxb-wrong"}
    assert (await call(greeter, "auth.test", headers=wrong))["error"] == "invalid_auth"
    in_body = await call(greeter, "auth.test", data={"token": greeter.workspace.bot_token})
    assert in_body["ok"]
    answer = await greeter.client.auth_test()
    assert answer["user_id"] == greeter.workspace.users["greeter"]
    assert "chat:write" in answer.headers["x-oauth-scopes"].split(",")


async def test_an_unknown_method(greeter: Bench) -> None:
    answer = await call(greeter, "chat.shout", headers=bearer(greeter))
    assert (answer["error"], answer["req_method"]) == ("unknown_method", "chat.shout")


async def test_json_form_and_query_say_the_same(greeter: Bench) -> None:
    arguments = {"channel": greeter.workspace.channels["connectors"], "text": "hello"}
    blocks = [{"type": "divider"}]
    headers = bearer(greeter)
    for request in (
        {"json": arguments | {"blocks": blocks}},
        {"data": arguments | {"blocks": json.dumps(blocks)}},
        {"params": arguments | {"blocks": json.dumps(blocks)}},
    ):
        answer = await call(greeter, "chat.postMessage", headers=headers, **request)
        assert answer["message"]["blocks"][0]["type"] == "divider"


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        ({"data": "{", "headers": {"Content-Type": "application/json"}}, "invalid_json"),
        ({"data": "[1]", "headers": {"Content-Type": "application/json"}}, "json_not_object"),
        ({"data": "x", "headers": {"Content-Type": "image/png"}}, "invalid_post_type"),
        ({"data": {"channel": "C1", "blocks": "nonsense"}}, "invalid_blocks_format"),
        ({"json": {"channel": "C1", "text": "x", "blocks": "{"}}, "invalid_blocks_format"),
        ({"json": {"channel": "C1", "text": "x", "blocks": {"a": 1}}}, "invalid_blocks_format"),
        ({"json": {"channel": "C404", "text": "x"}}, "channel_not_found"),
        ({"json": {"channel": "C404", "text": ""}}, "no_text"),
        ({"json": {"channel": "C404", "text": "x", "metadata": "no"}}, "invalid_json"),
        ({"json": {"channel": "C1", "text": "x", "metadata": {}}}, "channel_not_found"),
        (
            {"json": {"channel": "C1", "text": "x", "metadata": {"event_type": "a"}}},
            "invalid_metadata_format",
        ),
        ({"json": {"text": "x"}}, "invalid_arguments"),
        ({"json": {"channel": ["C1"], "text": "x"}}, "invalid_arguments"),
        (
            {"json": {"channel": "C1", "text": "x", "markdown_text": "y"}},
            "markdown_text_conflict",
        ),
        (
            {"json": {"channel": "C1", "text": "x", "attachments": [{}] * 101}},
            "too_many_attachments",
        ),
    ],
)
async def test_bad_bodies_of_chat_post_message(
    greeter: Bench, request_: dict[str, Any], error: str
) -> None:
    request = copy.deepcopy(request_)
    request["headers"] = request.get("headers", {}) | bearer(greeter)
    answer = await call(greeter, "chat.postMessage", **request)
    assert (answer["ok"], answer["error"]) == (False, error)


async def test_a_missing_argument_is_named(greeter: Bench) -> None:
    answer = await call(greeter, "users.info", headers=bearer(greeter))
    assert answer["error"] == "invalid_arguments"
    assert answer["response_metadata"]["messages"] == ["[ERROR] missing required field: user"]


async def test_limits_have_bounds(greeter: Bench) -> None:
    for limit in (0, 1001, "many"):
        answer = await call(
            greeter, "conversations.list", headers=bearer(greeter), json={"limit": limit}
        )
        assert answer["error"] == "invalid_arguments"
        assert "/limit" in answer["response_metadata"]["messages"][0]


async def test_unknown_arguments_are_ignored_but_logged(greeter: Bench) -> None:
    await call(greeter, "auth.test", headers=bearer(greeter), json={"colour": "red"})
    await greeter.client.auth_test()
    entries = await greeter.workspace.person("rita").log("request")
    assert [entry["unknown_arguments"] for entry in entries] == [["colour"], []]


async def test_a_method_without_its_scope_says_what_is_needed_and_what_was_given() -> None:
    manifest = copy.deepcopy(MANIFEST)
    manifest["oauth_config"]["scopes"]["bot"] = ["chat:write", "commands", "groups:read"]
    manifest["settings"]["event_subscriptions"]["bot_events"] = []
    async with bench(manifest=manifest) as made:
        with pytest.raises(SlackApiError) as caught:
            await made.client.users_info(user=made.workspace.users["rita"])
        response = caught.value.response
        assert response["error"] == "missing_scope"
        assert response["needed"] == "users:read"
        assert response["provided"] == "chat:write,commands,groups:read"
        with pytest.raises(SlackApiError) as caught:
            await made.client.conversations_info(channel=made.workspace.channels["connectors"])
        assert caught.value.response["needed"] == "channels:read"
        with pytest.raises(SlackApiError) as caught:
            await made.client.conversations_list(types="im")
        assert caught.value.response["needed"] == "im:read"


async def test_an_address_needs_a_scope_of_its_own() -> None:
    manifest = copy.deepcopy(MANIFEST)
    async with bench(manifest=manifest) as made:
        info = await made.client.users_info(user=made.workspace.users["rita"])
        assert info["user"]["profile"]["email"] == "rita@acme.example"
    manifest["oauth_config"]["scopes"]["bot"].remove("users:read.email")
    async with bench(manifest=manifest) as made:
        info = await made.client.users_info(user=made.workspace.users["rita"])
        assert "email" not in info["user"]["profile"]


async def test_with_chat_write_public_the_bot_posts_where_it_is_not_a_member() -> None:
    manifest = copy.deepcopy(MANIFEST)
    manifest["oauth_config"]["scopes"]["bot"].append("chat:write.public")
    async with bench(manifest=manifest) as made:
        await made.client.chat_postMessage(channel=made.workspace.channels["general"], text="x")


async def test_every_method_answers_garbage_with_an_error_of_slack(greeter: Bench) -> None:
    for name in METHODS:
        for arguments in ({}, {"channel": {"a": []}, "view": [], "files": 7, "users": [[]]}):
            answer = await call(greeter, name, headers=bearer(greeter), json=arguments)
            assert answer["ok"] or answer["error"] not in ("internal_error", ""), name
