"""Texts, options, confirmations: the objects that elements are made of
(https://docs.slack.dev/reference/block-kit/composition-objects)."""

from __future__ import annotations

from workspace.block_kit.checks import (
    Check,
    Field,
    boolean,
    by_type,
    items,
    one_of,
    properties,
    required,
    string,
    url,
)

TYPE = Field(string(most=255))


def plain_text(*, most: int, least: int = 1) -> Check:
    """A `plain_text` object."""
    return by_type(
        {
            "plain_text": properties(
                {
                    "type": TYPE,
                    "text": required(string(most=most, least=least)),
                    "emoji": Field(boolean),
                }
            )
        },
        schemas=True,
    )


def any_text(*, most: int, least: int = 1) -> Check:
    """A `plain_text` or `mrkdwn` object."""
    text = required(string(most=most, least=least))
    return by_type(
        {
            "plain_text": properties({"type": TYPE, "text": text, "emoji": Field(boolean)}),
            "mrkdwn": properties({"type": TYPE, "text": text, "verbatim": Field(boolean)}),
        },
        schemas=True,
    )


CONFIRM = properties(
    {
        "title": required(plain_text(most=100)),
        "text": required(any_text(most=300)),
        "confirm": required(plain_text(most=30)),
        "deny": required(plain_text(most=30)),
        "style": Field(one_of("primary", "danger")),
    }
)

SLACK_FILE = properties({"id": Field(string(most=255)), "url": Field(url())})

DISPATCH_CONFIG = properties(
    {"trigger_actions_on": Field(items(one_of("on_enter_pressed", "on_character_entered"), most=2))}
)

CONVERSATION_FILTER = properties(
    {
        "include": Field(items(one_of("im", "mpim", "private", "public"), most=4)),
        "exclude_external_shared_channels": Field(boolean),
        "exclude_bot_users": Field(boolean),
    }
)


def option(*, formatted: bool, with_url: bool = False) -> Check:
    """An option; `formatted` ones may be `mrkdwn` (checkboxes and radio buttons)."""
    text = any_text if formatted else plain_text
    fields = {
        "text": required(text(most=75)),
        "value": required(string(most=150)),
        "description": Field(text(most=75)),
    }
    if with_url:
        fields["url"] = Field(url())
    return properties(fields)


OPTION = option(formatted=False)
OPTION_GROUP = properties(
    {
        "label": required(plain_text(most=75)),
        "options": required(items(OPTION, most=100)),
    }
)
