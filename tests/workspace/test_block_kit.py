"""Block Kit's limits, each with the place in Slack's words."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.errors import SlackApiError

from tests.workspace.bench import Bench
from workspace.block_kit import check_blocks, check_view, normalized
from workspace.errors import SlackError

Block = dict[str, Any]


def plain(text: str) -> Block:
    return {"type": "plain_text", "text": text}


def section(text: str = "x", **more: Any) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


def button(text: str = "x", **more: Any) -> Block:
    return {"type": "button", "text": plain(text), **more}


def actions(*elements: Block, **more: Any) -> Block:
    return {"type": "actions", "elements": list(elements), **more}


def option(value: str = "x", text: str = "x") -> Block:
    return {"text": plain(text), "value": value}


def select(*options: Block, **more: Any) -> Block:
    return {"type": "static_select", "options": list(options), **more}


def entry(element: Block, **more: Any) -> Block:
    return {"type": "input", "label": plain("L"), "element": element, **more}


def modal(*blocks: Block, **more: Any) -> Block:
    return {
        "type": "modal",
        "title": plain("Title"),
        "submit": plain("Send"),
        "blocks": list(blocks),
        **more,
    }


def cell(text: str = "x") -> Block:
    return {"type": "raw_text", "text": text}


def problems(check: Callable[[], None]) -> list[str]:
    """What is wrong, without Slack's prefix; [] if nothing is."""
    try:
        check()
    except SlackError as error:
        return [text.removeprefix("[ERROR] ") for text in error.messages]
    return []


GOOD: list[list[Block]] = [
    [section("x" * 3000)],
    [section(fields=[{"type": "mrkdwn", "text": "x" * length} for length in (2000, *[1] * 9)])],
    [{"type": "header", "text": plain("x" * 150)}],
    [actions(*[button("x" * 75, value="x" * 2000, url="https://x.example")] * 25)],
    [{"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}] * 10}],
    [section(accessory=select(*[option(str(n)) for n in range(100)]))],
    [section(accessory={"type": "overflow", "options": [option(str(n)) for n in range(5)]})],
    [{"type": "divider"}] * 50,
    [{"type": "markdown", "text": "x" * 12_000}],
    [{"type": "table", "rows": [[cell()] * 20] * 100}],
    [entry({"type": "plain_text_input"}, block_id="b" * 255)],
    [{"type": "image", "image_url": "https://x.example/a.png", "alt_text": "x"}],
    [
        {
            "type": "rich_text",
            "elements": [
                {
                    "type": "rich_text_section",
                    "elements": [{"type": "text", "text": "x", "style": {"bold": True}}],
                }
            ],
        }
    ],
]


@pytest.mark.parametrize("blocks", GOOD, ids=lambda blocks: str(blocks[0]["type"]))
def test_what_is_just_within_the_limits_is_accepted(blocks: list[Block]) -> None:
    assert problems(lambda: check_blocks(blocks)) == []


BAD: list[tuple[list[Block], str]] = [
    ([section("x" * 3001)], "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"),
    ([section("")], "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
    ([{"type": "section"}], "missing required field: text or fields [json-pointer:/blocks/0]"),
    (
        [section(fields=[{"type": "mrkdwn", "text": "x" * 2001}])],
        "must be less than 2001 characters [json-pointer:/blocks/0/fields/0/text]",
    ),
    (
        [section(fields=[{"type": "mrkdwn", "text": "x"}] * 11)],
        "no more than 10 items allowed [json-pointer:/blocks/0/fields]",
    ),
    (
        [{"type": "header", "text": plain("x" * 151)}],
        "must be less than 151 characters [json-pointer:/blocks/0/text/text]",
    ),
    (
        [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}],
        "unsupported type: mrkdwn [json-pointer:/blocks/0/text/type]",
    ),
    (
        [{"type": "divider"}, actions(button("x" * 76))],
        "must be less than 76 characters [json-pointer:/blocks/1/elements/0/text/text]",
    ),
    (
        [actions(button(value="x" * 2001))],
        "must be less than 2001 characters [json-pointer:/blocks/0/elements/0/value]",
    ),
    (
        [actions(button(url="x" * 3001))],
        "must be less than 3001 characters [json-pointer:/blocks/0/elements/0/url]",
    ),
    (
        [actions(button(url="javascript:alert(1)"))],
        "must be a valid URL [json-pointer:/blocks/0/elements/0/url]",
    ),
    (
        [actions(button(action_id="x" * 256))],
        "must be less than 256 characters [json-pointer:/blocks/0/elements/0/action_id]",
    ),
    (
        [actions(button(style="warning"))],
        "must be a valid enum value [json-pointer:/blocks/0/elements/0/style]",
    ),
    (
        [actions(button(colour="red"))],
        "invalid additional property: colour [json-pointer:/blocks/0/elements/0]",
    ),
    (
        [actions({"type": "button"})],
        "missing required field: text [json-pointer:/blocks/0/elements/0]",
    ),
    (
        [actions(*[button()] * 26)],
        "no more than 25 items allowed [json-pointer:/blocks/0/elements]",
    ),
    ([actions()], "no less than 1 items allowed [json-pointer:/blocks/0/elements]"),
    (
        [actions(button(action_id="a"), button(action_id="a"), block_id="b")],
        '`action_id` "a" already exists for block_id "b" [json-pointer:/blocks/0/elements/1/action_id]',
    ),
    (
        [section(block_id="b"), section(block_id="b")],
        'block_id "b" already exists [json-pointer:/blocks/1/block_id]',
    ),
    (
        [section(block_id="b" * 256)],
        "must be less than 256 characters [json-pointer:/blocks/0/block_id]",
    ),
    (
        [{"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}] * 11}],
        "no more than 10 items allowed [json-pointer:/blocks/0/elements]",
    ),
    (
        [section(accessory=select(*[option(str(n)) for n in range(101)]))],
        "no more than 100 items allowed [json-pointer:/blocks/0/accessory/options]",
    ),
    (
        [section(accessory=select(option("x" * 151)))],
        "must be less than 151 characters [json-pointer:/blocks/0/accessory/options/0/value]",
    ),
    (
        [section(accessory=select(option(text="x" * 76)))],
        "must be less than 76 characters [json-pointer:/blocks/0/accessory/options/0/text/text]",
    ),
    (
        [section(accessory=select(option("a"), initial_option=option("b")))],
        "must match one of the options [json-pointer:/blocks/0/accessory/initial_option]",
    ),
    (
        [section(accessory={"type": "static_select"})],
        "missing required field: options [json-pointer:/blocks/0/accessory]",
    ),
    (
        [section(accessory={"type": "overflow", "options": [option(str(n)) for n in range(6)]})],
        "no more than 5 items allowed [json-pointer:/blocks/0/accessory/options]",
    ),
    (
        [section(accessory={"type": "radio_buttons", "options": [option(), option()]})],
        "option values must be unique [json-pointer:/blocks/0/accessory/options]",
    ),
    (
        [section(accessory={"type": "plain_text_input"})],
        "unsupported type: plain_text_input [json-pointer:/blocks/0/accessory/type]",
    ),
    ([{"type": "divider"}] * 51, "no more than 50 items allowed [json-pointer:/blocks]"),
    ([{"type": "nonsense"}], "unsupported type: nonsense [json-pointer:/blocks/0/type]"),
    ([{"text": "x"}], "missing required field: type [json-pointer:/blocks/0]"),
    (
        [{"type": "markdown", "text": "x" * 12_001}],
        "must be less than 12001 characters [json-pointer:/blocks/0/text]",
    ),
    (
        [{"type": "table", "rows": [[cell()]] * 101}],
        "no more than 100 items allowed [json-pointer:/blocks/0/rows]",
    ),
    (
        [{"type": "table", "rows": [[cell()] * 21]}],
        "no more than 20 items allowed [json-pointer:/blocks/0/rows/0]",
    ),
    (
        [{"type": "table", "rows": [[cell(), cell()], [cell()]]}],
        "all rows must have the same number of cells [json-pointer:/blocks/0/rows]",
    ),
    (
        [{"type": "table", "rows": [[plain("x")]]}],
        "unsupported type: plain_text [json-pointer:/blocks/0/rows/0/0/type]",
    ),
    (
        [{"type": "table", "rows": [[cell()]]}, {"type": "table", "rows": [[cell()]]}],
        "only one table allowed [json-pointer:/blocks]",
    ),
    (
        [entry({"type": "file_input"})],
        "unsupported type: file_input [json-pointer:/blocks/0/element/type]",
    ),
    (
        [{"type": "image", "alt_text": "x"}],
        "missing required field: image_url or slack_file [json-pointer:/blocks/0]",
    ),
    (
        [section(accessory=button(confirm={"title": plain("x" * 101)}))],
        "must be less than 101 characters [json-pointer:/blocks/0/accessory/confirm/title/text]",
    ),
]


@pytest.mark.parametrize(("blocks", "problem"), BAD, ids=[problem for _, problem in BAD])
def test_what_breaks_a_limit_is_refused_with_its_place(blocks: list[Block], problem: str) -> None:
    assert problem in problems(lambda: check_blocks(blocks))


def test_a_text_that_fits_no_schema_is_said_to_as_by_slack() -> None:
    assert problems(lambda: check_blocks([section("x" * 3001)])) == [
        "failed to match all allowed schemas [json-pointer:/blocks/0/text]",
        "must be less than 3001 characters [json-pointer:/blocks/0/text/text]",
    ]


def test_all_texts_of_a_message_together_have_a_limit() -> None:
    with pytest.raises(SlackError, match="msg_blocks_too_long"):
        check_blocks([section("x" * 3000)] * 5)


GOOD_VIEWS: list[Block] = [
    modal(title=plain("x" * 24), close=plain("x" * 24), private_metadata="x" * 3000),
    modal(*[{"type": "divider"}] * 100),
    modal(entry({"type": "file_input", "max_files": 10, "filetypes": ["pem"]})),
    modal(entry({"type": "plain_text_input", "max_length": 3000}), callback_id="c" * 255),
    {"type": "home", "blocks": [section(), entry({"type": "plain_text_input"})]},
]
BAD_VIEWS: list[tuple[Block, str]] = [
    (
        modal(title=plain("x" * 25)),
        "must be less than 25 characters [json-pointer:/view/title/text]",
    ),
    (
        modal(submit=plain("x" * 25)),
        "must be less than 25 characters [json-pointer:/view/submit/text]",
    ),
    (
        modal(close=plain("x" * 25)),
        "must be less than 25 characters [json-pointer:/view/close/text]",
    ),
    (
        modal(private_metadata="x" * 3001),
        "must be less than 3001 characters [json-pointer:/view/private_metadata]",
    ),
    (
        modal(callback_id="x" * 256),
        "must be less than 256 characters [json-pointer:/view/callback_id]",
    ),
    (
        modal(*[{"type": "divider"}] * 101),
        "no more than 100 items allowed [json-pointer:/view/blocks]",
    ),
    (modal(colour="red"), "invalid additional property: colour [json-pointer:/view]"),
    ({"type": "modal", "blocks": []}, "missing required field: title [json-pointer:/view]"),
    ({"type": "home"}, "missing required field: blocks [json-pointer:/view]"),
    ({"type": "sheet", "blocks": []}, "unsupported type: sheet [json-pointer:/view/type]"),
    (
        {"type": "home", "blocks": [], "title": plain("x")},
        "invalid additional property: title [json-pointer:/view]",
    ),
    (
        {"type": "modal", "title": plain("x"), "blocks": [entry({"type": "plain_text_input"})]},
        "missing required field: submit [json-pointer:/view]",
    ),
    (
        modal({"type": "table", "rows": [[cell()]]}),
        "unsupported type: table [json-pointer:/view/blocks/0/type]",
    ),
    (
        modal({"type": "markdown", "text": "x"}),
        "unsupported type: markdown [json-pointer:/view/blocks/0/type]",
    ),
    (
        modal(entry({"type": "file_input", "max_files": 11})),
        "must be less than or equal to 10 [json-pointer:/view/blocks/0/element/max_files]",
    ),
    (
        modal(entry({"type": "file_input"}, dispatch_action=True)),
        "unsupported type: file_input [json-pointer:/view/blocks/0/element/type]",
    ),
    (
        modal(entry(button())),
        "unsupported type: button [json-pointer:/view/blocks/0/element/type]",
    ),
    (
        modal(
            entry({"type": "plain_text_input", "focus_on_load": True}),
            entry({"type": "plain_text_input", "focus_on_load": True}),
        ),
        "only one element may have focus_on_load [json-pointer:/view/blocks]",
    ),
]


@pytest.mark.parametrize("view", GOOD_VIEWS)
def test_views_within_the_limits_are_accepted(view: Block) -> None:
    assert problems(lambda: check_view(view, None)) == []


@pytest.mark.parametrize(("view", "problem"), BAD_VIEWS, ids=[problem for _, problem in BAD_VIEWS])
def test_views_that_break_a_limit_are_refused_with_the_place(view: Block, problem: str) -> None:
    assert problem in problems(lambda: check_view(view, None))


def test_a_modal_is_no_home_view() -> None:
    assert problems(lambda: check_view(modal(), "home")) == [
        "unsupported type: modal [json-pointer:/view/type]"
    ]


def test_a_view_has_a_size() -> None:
    blocks = [section("x" * 3000) for _ in range(90)]
    with pytest.raises(SlackError, match="view_too_large"):
        check_view(modal(*blocks), None)


def test_the_kept_form_has_ids_and_the_original_stays_as_it_was() -> None:
    given_ = [actions(button()), section()]
    before = copy.deepcopy(given_)
    kept = normalized(given_)
    assert given_ == before
    assert kept[0]["block_id"] != kept[1]["block_id"]
    assert kept[0]["elements"][0]["action_id"]
    assert kept[0]["elements"][0]["text"]["emoji"] is True
    assert kept[1]["text"]["verbatim"] is False
    assert problems(lambda: check_blocks(kept)) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                "type text elements element accessory options rows action_id option_groups "
                "initial_option block_id fields confirm label".split()
            ),
            inner | st.sampled_from(["section", "actions", "button", "static_select", "table"]),
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_any_json_is_judged_without_an_unexpected_error(value: Any) -> None:
    def judge_blocks() -> None:
        check_blocks([value])

    def judge_view() -> None:
        check_view({"blocks": value}, None)

    problems(judge_blocks)
    assert problems(judge_view)


async def test_the_client_sees_the_error_and_the_place(greeter: Bench) -> None:
    with pytest.raises(SlackApiError) as caught:
        await greeter.client.chat_postMessage(
            channel=greeter.workspace.channels["connectors"],
            text="x",
            blocks=[section("x" * 3001)],
        )
    response = caught.value.response
    assert response["error"] == "invalid_blocks"
    assert response["response_metadata"]["messages"][1] == (
        "[ERROR] must be less than 3001 characters [json-pointer:/blocks/0/text/text]"
    )
    with pytest.raises(SlackApiError) as caught:
        await greeter.client.views_publish(
            user_id=greeter.workspace.users["rita"], view={"type": "home", "blocks": [section("")]}
        )
    assert caught.value.response["error"] == "invalid_arguments"
