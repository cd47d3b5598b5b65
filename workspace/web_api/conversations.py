"""conversations.*"""

from __future__ import annotations

from workspace.conversations import Channel
from workspace.errors import SlackError
from workspace.messages import Message
from workspace.web_api.method import Answer, Call, method
from workspace.web_api.paging import page

_PREFIXES = {"channel": "channels", "group": "groups", "im": "im"}
_HISTORY = ("channels:history", "groups:history", "im:history", "mpim:history")
_READ = ("channels:read", "groups:read", "im:read", "mpim:read")
_TYPES = {"public_channel": "channel", "private_channel": "group", "im": "im", "mpim": "mpim"}


@method(
    "conversations.list",
    scopes=_READ,
    arguments=("cursor", "exclude_archived", "limit", "team_id", "types"),
    tier=2,
)
async def listing(call: Call) -> Answer:
    """Channels of the team (https://docs.slack.dev/reference/methods/conversations.list)."""
    channels = _channels(call)
    items, metadata = page(
        channels, call.text("cursor"), call.integer("limit", 100, least=1, most=1000)
    )
    seen_by = call.installation.bot_user_id
    return {
        "channels": [channel.to_slack(seen_by=seen_by) for channel in items],
        "response_metadata": metadata,
    }


@method(
    "users.conversations",
    scopes=_READ,
    arguments=("cursor", "exclude_archived", "limit", "team_id", "types", "user"),
    tier=3,
)
async def of_user(call: Call) -> Answer:
    """Channels that a user (by default: the bot) is in
    (https://docs.slack.dev/reference/methods/users.conversations)."""
    user = call.text("user") or call.installation.bot_user_id
    call.services.state.user_for(call.installation, user)
    channels = [channel for channel in _channels(call) if user in channel.members]
    items, metadata = page(
        channels, call.text("cursor"), call.integer("limit", 100, least=1, most=999)
    )
    described = [channel.to_slack(seen_by=call.installation.bot_user_id) for channel in items]
    for item in described:
        item.pop("is_member", None)
    return {"channels": described, "response_metadata": metadata}


@method(
    "conversations.info",
    scopes=_READ,
    arguments=("channel", "include_locale", "include_num_members"),
    tier=3,
)
async def info(call: Call) -> Answer:
    """One channel (https://docs.slack.dev/reference/methods/conversations.info)."""
    channel = _readable(call)
    described = channel.to_slack(seen_by=call.installation.bot_user_id)
    if call.boolean("include_num_members"):
        described["num_members"] = len(channel.members)
    return {"channel": described}


@method("conversations.members", scopes=_READ, arguments=("channel", "cursor", "limit"), tier=4)
async def members(call: Call) -> Answer:
    """Who is in a channel (https://docs.slack.dev/reference/methods/conversations.members)."""
    channel = _readable(call)
    items, metadata = page(
        channel.members, call.text("cursor"), call.integer("limit", 100, least=1, most=1000)
    )
    return {"members": list(items), "response_metadata": metadata}


@method("conversations.join", scopes=("channels:join",), arguments=("channel",), tier=3)
async def join(call: Call) -> Answer:
    """Join a public channel (https://docs.slack.dev/reference/methods/conversations.join)."""
    channel = call.channel()
    if channel.kind != "channel":
        raise SlackError("method_not_supported_for_channel_type")
    if channel.is_archived:
        raise SlackError("is_archived")
    bot = call.installation.bot_user_id
    already = bot in channel.members
    call.services.activity.join(channel, bot)
    answer: Answer = {"channel": channel.to_slack(seen_by=bot)}
    if already:
        answer |= {
            "warning": "already_in_channel",
            "response_metadata": {"warnings": ["already_in_channel"]},
        }
    return answer


@method(
    "conversations.open",
    scopes=("channels:manage", "groups:write", "im:write", "mpim:write"),
    arguments=("channel", "prevent_creation", "return_im", "users"),
    tier=3,
)
async def opening(call: Call) -> Answer:
    """Open the direct message with one user
    (https://docs.slack.dev/reference/methods/conversations.open)."""
    state = call.services.state
    bot = call.installation.bot_user_id
    if call.given("channel"):
        channel = call.channel()
        if channel.kind != "im":
            raise SlackError("method_not_supported_for_channel_type")
    else:
        users = call.texts("users")
        if not users:
            raise SlackError("users_list_not_supplied")
        if len(users) > 1:
            raise SlackError("method_not_supported_for_channel_type")
        call.need("im:write")
        user = state.user_for(call.installation, users[0])
        if user.id == bot:
            raise SlackError("user_not_found")
        channel = state.direct_message(call.installation.team_id, user.id, bot)
    if call.boolean("return_im"):
        return {"channel": channel.to_slack(seen_by=bot)}
    return {"channel": {"id": channel.id}}


@method(
    "conversations.history",
    scopes=_HISTORY,
    arguments=(
        "channel",
        "cursor",
        "include_all_metadata",
        "inclusive",
        "latest",
        "limit",
        "oldest",
    ),
    tier=3,
)
async def history(call: Call) -> Answer:
    """Messages of a channel, newest first, without replies
    (https://docs.slack.dev/reference/methods/conversations.history)."""
    channel = _joined(call)
    messages = [
        message
        for message in reversed(call.services.state.messages.of_channel(channel.id))
        if (not message.is_reply or message.is_broadcast) and _within(call, message)
    ]
    items, metadata = page(
        messages, call.text("cursor"), call.integer("limit", 100, least=1, most=999)
    )
    return _messages(call, list(items), metadata) | {"pin_count": 0}


@method(
    "conversations.replies",
    scopes=_HISTORY,
    arguments=(
        "channel",
        "cursor",
        "include_all_metadata",
        "inclusive",
        "latest",
        "limit",
        "oldest",
        "ts",
    ),
    tier=3,
)
async def replies(call: Call) -> Answer:
    """A thread, root first (https://docs.slack.dev/reference/methods/conversations.replies)."""
    channel = _joined(call)
    root = call.required("ts")
    store = call.services.state.messages
    found = store.find(channel.id, root)
    if found is None:
        raise SlackError("thread_not_found")
    if found.is_reply:
        thread = [found]
    else:
        thread = [
            message
            for message in store.thread(channel.id, root)
            if message.ts == root or _within(call, message)
        ]
    items, metadata = page(
        thread, call.text("cursor"), call.integer("limit", 1000, least=1, most=1000)
    )
    return _messages(call, list(items), metadata)


def _channels(call: Call) -> list[Channel]:
    state = call.services.state
    types = call.texts("types") or ["public_channel"]
    kinds = []
    for name in types:
        if name not in _TYPES:
            raise SlackError("invalid_types")
        prefix = {"channel": "channels", "group": "groups"}.get(_TYPES[name], _TYPES[name])
        call.need(f"{prefix}:read")
        kinds.append(_TYPES[name])
    bot = call.installation.bot_user_id
    return [
        channel
        for channel in state.channels.values()
        if channel.kind in kinds
        and call.installation.team_id in channel.teams
        and (channel.kind == "channel" or bot in channel.members)
        and not (call.boolean("exclude_archived") and channel.is_archived)
    ]


def _readable(call: Call) -> Channel:
    channel = call.channel()
    call.need(f"{_PREFIXES[channel.kind]}:read")
    return channel


def _joined(call: Call) -> Channel:
    channel = call.channel()
    call.need(f"{_PREFIXES[channel.kind]}:history")
    if call.installation.bot_user_id not in channel.members:
        raise SlackError("not_in_channel")
    return channel


def _within(call: Call, message: Message) -> bool:
    inclusive = call.boolean("inclusive")
    for name, after in (("oldest", True), ("latest", False)):
        bound = call.text(name)
        if not bound or (name == "latest" and bound == "now"):
            continue
        try:
            difference = float(message.ts) - float(bound)
        except ValueError:
            raise SlackError(f"invalid_ts_{name}") from None
        if message.ts == bound or difference == 0:
            if not inclusive:
                return False
        elif (difference > 0) != after:
            return False
    return True


def _messages(call: Call, items: list[Message], metadata: Answer) -> Answer:
    with_metadata = call.boolean("include_all_metadata")
    answer: Answer = {
        "messages": [
            call.services.rendering.message(message, metadata=with_metadata) for message in items
        ],
        "has_more": bool(metadata["next_cursor"]),
    }
    if metadata["next_cursor"]:
        answer["response_metadata"] = metadata
    return answer
