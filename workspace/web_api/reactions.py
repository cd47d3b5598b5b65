"""reactions.*"""

from __future__ import annotations

import re

from workspace.errors import SlackError
from workspace.messages import Message
from workspace.web_api.method import Answer, Call, method

_NAME = re.compile(r"[a-z0-9_+'-]{1,100}(::skin-tone-[2-6])?")


@method(
    "reactions.add", scopes=("reactions:write",), arguments=("channel", "name", "timestamp"), tier=3
)
async def add(call: Call) -> Answer:
    """React (https://docs.slack.dev/reference/methods/reactions.add)."""
    message, name = _target(call)
    call.services.activity.react(message, name, call.installation.bot_user_id)
    return {}


@method(
    "reactions.remove",
    scopes=("reactions:write",),
    arguments=("channel", "name", "timestamp"),
    tier=2,
)
async def remove(call: Call) -> Answer:
    """Take a reaction back (https://docs.slack.dev/reference/methods/reactions.remove)."""
    message, name = _target(call)
    call.services.activity.react(message, name, call.installation.bot_user_id, remove=True)
    return {}


@method(
    "reactions.get",
    scopes=("reactions:read",),
    arguments=("channel", "full", "timestamp"),
    tier=3,
)
async def get(call: Call) -> Answer:
    """A message with its reactions (https://docs.slack.dev/reference/methods/reactions.get)."""
    channel = call.channel()
    message = call.services.state.message(channel.id, call.required("timestamp"))
    return {
        "type": "message",
        "channel": channel.id,
        "message": call.services.rendering.message(message),
    }


def _target(call: Call) -> tuple[Message, str]:
    name = call.required("name").strip(":")
    if not _NAME.fullmatch(name):
        raise SlackError("invalid_name")
    channel = call.channel()
    message = call.services.state.message(channel.id, call.required("timestamp"))
    return message, name
