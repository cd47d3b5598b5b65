"""Commands, clicks, modals, shortcuts, response URLs and their limits."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook.async_client import AsyncWebhookClient

from tests.workspace.bench import Bench, bench
from workspace import Refused, Rules

FORM: dict[str, Any] = {
    "type": "modal",
    "callback_id": "form",
    "title": {"type": "plain_text", "text": "Form"},
    "submit": {"type": "plain_text", "text": "Send"},
    "blocks": [
        {
            "type": "input",
            "block_id": "size",
            "label": {"type": "plain_text", "text": "Size"},
            "element": {
                "type": "static_select",
                "action_id": "size",
                "options": [
                    {"text": {"type": "plain_text", "text": name}, "value": name}
                    for name in ("small", "large")
                ],
            },
        },
        {
            "type": "input",
            "block_id": "files",
            "optional": True,
            "label": {"type": "plain_text", "text": "Files"},
            "element": {"type": "file_input", "action_id": "files", "max_files": 1},
        },
        {
            "type": "input",
            "block_id": "sure",
            "optional": True,
            "label": {"type": "plain_text", "text": "Sure"},
            "element": {
                "type": "checkboxes",
                "action_id": "sure",
                "options": [{"text": {"type": "mrkdwn", "text": "*yes*"}, "value": "yes"}],
            },
        },
    ],
}


def buttons(*action_ids: str) -> list[dict[str, Any]]:
    return [
        {
            "type": "actions",
            "block_id": "row",
            "elements": [
                {
                    "type": "button",
                    "action_id": action_id,
                    "value": f"value of {action_id}",
                    "text": {"type": "plain_text", "text": action_id},
                }
                for action_id in action_ids
            ],
        }
    ]


class Actions:
    """Records what is pressed; `then` is done after the acknowledgement."""

    def __init__(self, made: Bench, action_id: str) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.arrived = asyncio.Event()

        @made.app.action(action_id)
        async def pressed(ack: Any, body: dict[str, Any]) -> None:
            await ack()
            self.bodies.append(body)
            self.arrived.set()

    async def press(self, made: Bench, who: str, where: str = "connectors") -> dict[str, Any]:
        """Post a button and let someone press it."""
        await made.client.chat_postMessage(
            channel=made.workspace.channels[where], text="Press", blocks=buttons("press")
        )
        person = made.workspace.person(who)
        message = await person.wait_for(lambda m: m["text"] == "Press")
        assert (await person.click(message, "press"))["ok"]
        await self.arrived.wait()
        return self.bodies[-1]


async def test_a_command_that_is_acknowledged_too_late_shows_a_timeout() -> None:
    async with bench(Rules(ack_seconds=0.2)) as made:

        @made.app.command("/greet")
        async def greet(ack: Any) -> None:
            await asyncio.sleep(0.5)
            await ack("too late")

        await made.connect()
        rita = made.workspace.person("rita")
        answer = await rita.command("#connectors", "/greet")
        assert answer == {
            "ok": False,
            "error": "operation_timeout",
            "message": '/greet failed with the error "operation_timeout"',
        }
        await asyncio.sleep(0.4)
        assert [m["text"] for m in await rita.messages("#connectors")] == [answer["message"]]


async def test_escaped_and_plain_command_text(greeter: Bench) -> None:
    texts: list[str] = []
    for name in ("/greet", "/escaped"):

        @greeter.app.command(name)
        async def take(ack: Any, command: dict[str, Any]) -> None:
            texts.append(command["text"])
            await ack()

    await greeter.connect()
    rita = greeter.workspace.person("rita")
    typed = "@sam <b> www.example.com #general"
    await rita.command("#connectors", f"/greet {typed}")
    await rita.command("#connectors", f"/escaped {typed}")
    users, channels = greeter.workspace.users, greeter.workspace.channels
    assert texts == [
        typed,
        f"<@{users['sam']}|sam> &lt;b&gt; <http://www.example.com|www.example.com> "
        f"<#{channels['general']}|general>",
    ]


async def test_an_answer_in_channel_is_seen_by_all(greeter: Bench) -> None:
    @greeter.app.command("/greet")
    async def greet(ack: Any) -> None:
        await ack(response_type="in_channel", text="Hello all")

    await greeter.connect()
    await greeter.workspace.person("rita").command("#connectors", "/greet")
    seen = await greeter.workspace.person("sam").wait_for(lambda m: m["text"] == "Hello all")
    assert not seen["ephemeral"]


async def test_an_external_member_has_no_commands_and_no_shortcuts_but_buttons(
    greeter: Bench,
) -> None:
    actions = Actions(greeter, "press")
    await greeter.connect()
    ext = greeter.workspace.person("ext")
    answer = await ext.command("#matrix42-support", "/greet")
    assert answer["error"] == "not_a_command"
    body = await actions.press(greeter, "ext", "matrix42-support")
    assert body["user"]["team_id"] != body["team"]["id"]
    assert body["team"]["id"] in greeter.workspace.bot_tokens
    message = (await ext.messages("#matrix42-support"))[-1]
    assert (await ext.shortcut("greet_author", message))["error"] == "no_such_shortcut"
    assert (await ext.state())["app"]["commands"] == []


async def test_what_a_click_carries(greeter: Bench) -> None:
    actions = Actions(greeter, "press")
    await greeter.connect()
    body = await actions.press(greeter, "sam")
    action = body["actions"][0]
    assert (action["type"], action["block_id"], action["value"]) == (
        "button",
        "row",
        "value of press",
    )
    assert body["container"]["type"] == "message"
    assert body["container"]["is_ephemeral"] is False
    assert body["message"]["ts"] == body["container"]["message_ts"]
    assert body["channel"] == {
        "id": greeter.workspace.channels["connectors"],
        "name": "connectors",
    }
    assert body["state"] == {"values": {}}


async def test_a_click_nobody_answers_says_so() -> None:
    async with bench(Rules(ack_seconds=0.2)) as made:
        await made.connect()
        await made.client.chat_postMessage(
            channel=made.workspace.channels["connectors"], text="Press", blocks=buttons("nobody")
        )
        sam = made.workspace.person("sam")
        message = await sam.wait_for(lambda m: m["text"] == "Press")
        answer = await sam.click(message, "nobody")
        assert answer["error"] == "operation_timeout"
        assert answer["message"] == "We had some trouble connecting. Try again?"
        with pytest.raises(Refused, match="action_not_found"):
            await sam.click(message, "missing")


async def test_a_trigger_opens_one_view(greeter: Bench) -> None:
    actions = Actions(greeter, "press")
    await greeter.connect()
    body = await actions.press(greeter, "sam")
    await greeter.client.views_open(trigger_id=body["trigger_id"], view=FORM)
    with pytest.raises(SlackApiError, match="exchanged_trigger_id"):
        await greeter.client.views_open(trigger_id=body["trigger_id"], view=FORM)
    with pytest.raises(SlackApiError, match="invalid_trigger_id"):
        await greeter.client.views_open(trigger_id="1.2.3", view=FORM)


async def test_a_trigger_expires() -> None:
    async with bench(Rules(trigger_seconds=0.05)) as made:
        actions = Actions(made, "press")
        await made.connect()
        body = await actions.press(made, "sam")
        await asyncio.sleep(0.1)
        with pytest.raises(SlackApiError, match="expired_trigger_id"):
            await made.client.views_open(trigger_id=body["trigger_id"], view=FORM)


async def test_another_teams_trigger_is_invalid(greeter: Bench) -> None:
    actions = Actions(greeter, "press")
    await greeter.connect()
    body = await actions.press(greeter, "sam")
    other = next(
        token for team, token in greeter.workspace.bot_tokens.items() if team != body["team"]["id"]
    )
    with pytest.raises(SlackApiError, match="invalid_trigger_id"):
        await greeter.client.views_open(token=other, trigger_id=body["trigger_id"], view=FORM)


async def test_a_submission_carries_every_kind_of_value(greeter: Bench) -> None:
    actions = Actions(greeter, "press")
    views: list[dict[str, Any]] = []

    @greeter.app.view("form")
    async def form(ack: Any, view: dict[str, Any]) -> None:
        views.append(view)
        await ack()

    await greeter.connect()
    body = await actions.press(greeter, "sam")
    await greeter.client.views_open(trigger_id=body["trigger_id"], view=FORM)
    sam = greeter.workspace.person("sam")
    opened = await sam.wait_for_view("form")
    file_id = await sam.upload("root.pem", b"pem")
    theirs = await greeter.workspace.person("rita").upload("hers.pem", b"pem")
    with pytest.raises(Refused, match="file_not_found"):
        await sam.submit(opened, {"size": "large", "files": [theirs]})
    with pytest.raises(Refused, match="invalid_option"):
        await sam.submit(opened, {"size": "huge"})
    assert (await sam.submit(opened, {"size": "large", "files": [file_id], "sure": ["yes"]}))["ok"]
    values = views[0]["state"]["values"]
    assert values["size"]["size"]["selected_option"]["value"] == "large"
    assert values["sure"]["sure"]["selected_options"][0]["value"] == "yes"
    file = values["files"]["files"]["files"][0]
    assert file["id"] == file_id
    assert (await greeter.client.files_info(file=file_id))["file"]["size"] == 3


async def test_views_are_pushed_updated_and_cleared(greeter: Bench) -> None:
    actions = Actions(greeter, "press")
    steps = iter(["push", "update", "clear"])

    @greeter.app.view("form")
    async def form(ack: Any) -> None:
        step = next(steps)
        if step == "clear":
            await ack(response_action="clear")
        else:
            await ack(response_action=step, view=FORM | {"private_metadata": step})

    await greeter.connect()
    body = await actions.press(greeter, "sam")
    await greeter.client.views_open(trigger_id=body["trigger_id"], view=FORM)
    sam = greeter.workspace.person("sam")
    root = await sam.wait_for_view("form")
    assert (await sam.submit(root, {"size": "small"}))["response_action"] == "push"
    top = await sam.wait_for_view(lambda v: v["private_metadata"] == "push")
    assert (top["previous_view_id"], top["root_view_id"]) == (root["id"], root["id"])
    assert (await sam.submit(top, {"size": "small"}))["response_action"] == "update"
    updated = await sam.wait_for_view(lambda v: v["private_metadata"] == "update")
    assert updated["id"] == top["id"]
    assert updated["hash"] != top["hash"]
    with pytest.raises(SlackApiError, match="hash_conflict"):
        await greeter.client.views_update(view_id=top["id"], hash=top["hash"], view=FORM)
    await sam.submit(updated, {"size": "small"})
    assert not (await sam.state())["views"]
    with pytest.raises(SlackApiError, match="not_found"):
        await greeter.client.views_update(view_id=top["id"], view=FORM)


async def test_a_bad_answer_to_a_submission_leaves_the_modal_with_the_trouble(
    greeter: Bench,
) -> None:
    actions = Actions(greeter, "press")

    @greeter.app.view("form")
    async def form(ack: Any) -> None:
        await ack(response_action="errors", errors={"no such block": "Hm"})

    await greeter.connect()
    body = await actions.press(greeter, "sam")
    await greeter.client.views_open(trigger_id=body["trigger_id"], view=FORM)
    sam = greeter.workspace.person("sam")
    answer = await sam.submit(await sam.wait_for_view("form"), {"size": "small"})
    assert answer["message"] == "We had some trouble connecting. Try again?"
    assert (await sam.log("bad_acknowledgement"))[0]["error"] == "invalid_errors"
    assert (await sam.state())["views"]


async def test_closing_a_view_tells_the_app_if_it_wants_to_know(greeter: Bench) -> None:
    actions = Actions(greeter, "press")
    closed: list[dict[str, Any]] = []

    @greeter.app.view_closed("form")
    async def form_closed(ack: Any, body: dict[str, Any]) -> None:
        closed.append(body)
        await ack()

    await greeter.connect()
    body = await actions.press(greeter, "sam")
    await greeter.client.views_open(
        trigger_id=body["trigger_id"], view=FORM | {"notify_on_close": True}
    )
    sam = greeter.workspace.person("sam")
    await sam.close_view(await sam.wait_for_view("form"))
    assert closed[0]["is_cleared"] is False
    assert not (await sam.state())["views"]


async def test_a_response_url_works_five_times(greeter: Bench) -> None:
    urls: list[str] = []

    @greeter.app.command("/greet")
    async def greet(ack: Any, command: dict[str, Any]) -> None:
        urls.append(command["response_url"])
        await ack()

    await greeter.connect()
    rita = greeter.workspace.person("rita")
    await rita.command("#connectors", "/greet")
    webhook = AsyncWebhookClient(urls[0])
    answers = [await webhook.send(text=f"number {number}") for number in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [404]
    assert answers[-1].body == "used_url"
    assert [m["text"] for m in await rita.messages("#connectors")] == [
        f"number {number}" for number in range(5)
    ]
    assert not await greeter.workspace.person("sam").messages("#connectors")


async def test_a_response_url_expires() -> None:
    async with bench(Rules(response_url_seconds=0.05)) as made:
        actions = Actions(made, "press")
        await made.connect()
        body = await actions.press(made, "sam")
        await asyncio.sleep(0.1)
        answer = await AsyncWebhookClient(body["response_url"]).send(text="late")
        assert (answer.status_code, answer.body) == (404, "expired_url")


async def test_a_response_url_replaces_and_deletes_the_message_of_the_button(
    greeter: Bench,
) -> None:
    actions = Actions(greeter, "press")
    await greeter.connect()
    body = await actions.press(greeter, "sam")
    webhook = AsyncWebhookClient(body["response_url"])
    bea = greeter.workspace.person("bea")
    assert (await webhook.send(text="Replaced", replace_original=True)).status_code == 200
    assert [m["text"] for m in await bea.messages("#connectors")] == ["Replaced"]
    assert (await webhook.send(text="<@nobody", blocks=[{"type": "nonsense"}])).status_code == 400
    assert (await webhook.send(delete_original=True)).status_code == 200
    assert await bea.messages("#connectors") == []


async def test_an_ephemeral_message_has_buttons_and_can_be_replaced(greeter: Bench) -> None:
    actions = Actions(greeter, "press")
    await greeter.connect()
    rita = greeter.workspace.person("rita")
    await greeter.client.chat_postEphemeral(
        channel=greeter.workspace.channels["connectors"],
        user=rita.id,
        text="Only you",
        blocks=buttons("press"),
    )
    message = await rita.wait_for(lambda m: m["text"] == "Only you")
    await rita.click(message, "press")
    await actions.arrived.wait()
    body = actions.bodies[0]
    assert body["container"]["is_ephemeral"] is True
    assert "message" not in body
    await AsyncWebhookClient(body["response_url"]).send(text="Changed", replace_original=True)
    assert [m["text"] for m in await rita.messages("#connectors")] == ["Changed"]
    with pytest.raises(SlackApiError, match="message_not_found"):
        await greeter.client.chat_update(channel=message["channel"], ts=message["ts"], text="never")


async def test_shortcuts(greeter: Bench) -> None:
    bodies: dict[str, dict[str, Any]] = {}
    for callback_id in ("greet_all", "greet_author"):

        @greeter.app.shortcut(callback_id)
        async def used(ack: Any, body: dict[str, Any]) -> None:
            bodies[body["callback_id"]] = body
            await ack()

    await greeter.connect()
    rita, sam = greeter.workspace.person("rita"), greeter.workspace.person("sam")
    message = await sam.say("#connectors", "hello")
    assert (await rita.shortcut("greet_all"))["ok"]
    assert (await rita.shortcut("greet_author", message))["ok"]
    assert bodies["greet_all"]["type"] == "shortcut"
    assert bodies["greet_author"]["type"] == "message_action"
    assert bodies["greet_author"]["message"]["user"] == sam.id
    assert bodies["greet_author"]["response_url"]


async def test_app_home_is_published_and_its_buttons_work(greeter: Bench) -> None:
    actions = Actions(greeter, "press")
    await greeter.connect()
    rita = greeter.workspace.person("rita")
    view = {"type": "home", "blocks": buttons("press")}
    published = await greeter.client.views_publish(user_id=rita.id, view=view)
    home = await rita.wait_for_home()
    assert home["id"] == published["view"]["id"]
    await rita.click(home, "press")
    await actions.arrived.wait()
    assert actions.bodies[0]["container"] == {"type": "view", "view_id": home["id"]}
    assert actions.bodies[0]["view"]["type"] == "home"
    again = await greeter.client.views_publish(user_id=rita.id, view=view)
    assert again["view"]["id"] == home["id"]


async def test_an_external_members_submission_names_both_teams(greeter: Bench) -> None:
    actions = Actions(greeter, "press")
    bodies: list[dict[str, Any]] = []

    @greeter.app.view("form")
    async def form(ack: Any, body: dict[str, Any]) -> None:
        bodies.append(body)
        await ack()

    await greeter.connect()
    body = await actions.press(greeter, "ext", "matrix42-support")
    await greeter.client.views_open(trigger_id=body["trigger_id"], view=FORM)
    ext = greeter.workspace.person("ext")
    assert (await ext.submit(await ext.wait_for_view("form"), {"size": "small"}))["ok"]
    installed = greeter.workspace.services.app.by_token(greeter.workspace.bot_token)
    assert installed is not None
    assert bodies[0]["view"]["app_installed_team_id"] == installed.team_id
    assert bodies[0]["team"]["id"] == bodies[0]["user"]["team_id"] != installed.team_id


async def test_an_answer_to_a_button_in_a_thread_goes_to_the_channel_unless_it_names_the_thread(
    greeter: Bench,
) -> None:
    actions = Actions(greeter, "press")
    await greeter.connect()
    channel = greeter.workspace.channels["connectors"]
    root = await greeter.client.chat_postMessage(channel=channel, text="Root")
    await greeter.client.chat_postMessage(
        channel=channel, text="Press", blocks=buttons("press"), thread_ts=root["ts"]
    )
    sam = greeter.workspace.person("sam")
    await sam.click(await sam.wait_for(lambda m: m["text"] == "Press"), "press")
    await actions.arrived.wait()
    body = actions.bodies[0]
    assert body["container"]["thread_ts"] == root["ts"]
    webhook = AsyncWebhookClient(body["response_url"])
    await webhook.send(text="to the channel")
    await webhook.send_dict({"text": "to the thread", "thread_ts": root["ts"]})
    seen = {m["text"]: m.get("thread_ts") for m in await sam.messages("#connectors")}
    assert seen["to the channel"] is None
    assert seen["to the thread"] == root["ts"]
