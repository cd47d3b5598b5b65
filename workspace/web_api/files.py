"""files.*: the external upload and what can be done with a file."""

from __future__ import annotations

import secrets

from workspace.activity import Draft, now
from workspace.errors import SlackError
from workspace.files import File
from workspace.text import app_text
from workspace.web_api.method import Answer, Call, method

_LARGEST = 1_000_000_000
_LONGEST_ALT_TEXT = 1000


@method(
    "files.getUploadURLExternal",
    scopes=("files:write",),
    arguments=("filename", "length", "alt_txt", "snippet_type"),
    tier=4,
)
async def get_upload_url(call: Call) -> Answer:
    """Step 1 (https://docs.slack.dev/reference/methods/files.getUploadURLExternal)."""
    name = call.required("filename")
    length = call.integer("length", 0, least=0, most=_LARGEST)
    if not length:
        raise SlackError("missing_argument")
    if len(call.text("alt_txt")) > _LONGEST_ALT_TEXT:
        raise SlackError("alt_txt_too_large")
    state = call.services.state
    file = File(
        id=state.identifiers.new("F"),
        team_id=call.installation.team_id,
        user=call.installation.bot_user_id,
        name=name.replace("/", "_"),
        title=name,
        created=now(),
        length=length,
        alt_text=call.text("alt_txt"),
    )
    file.upload_secret = secrets.token_urlsafe(24)
    state.files[file.id] = file
    return {
        "upload_url": f"{call.services.base_url}/upload/v1/{file.id}/{file.upload_secret}",
        "file_id": file.id,
    }


@method(
    "files.completeUploadExternal",
    scopes=("files:write",),
    arguments=("files", "channel_id", "channels", "initial_comment", "thread_ts", "blocks"),
    tier=4,
)
async def complete_upload(call: Call) -> Answer:
    """Step 3 (https://docs.slack.dev/reference/methods/files.completeUploadExternal).

    The files appear in the channel some time later, not with this answer.
    """
    services = call.services
    listed = call.json("files")
    if not isinstance(listed, list) or not listed:
        raise SlackError("invalid_arguments", "[ERROR] missing required field: files")
    files = [_uploaded(call, item) for item in listed]
    channels = call.texts("channels")
    if call.given("channel_id"):
        channels = [call.text("channel_id")]
    destinations = [services.state.channel_for(call.installation, item) for item in channels]
    for channel in destinations:
        if call.installation.bot_user_id not in channel.members:
            raise SlackError("not_in_channel")
    for file, item in zip(files, listed, strict=True):
        file.completed = True
        file.title = str(item.get("title") or file.name)
    for channel in destinations:
        if services.faults.take(("lose_share",)):
            continue
        late = services.faults.take(("delay_share",))
        services.tasks.start(
            services.activity.share_later(
                channel,
                Draft(
                    user=call.installation.bot_user_id,
                    bot_id=call.installation.bot_id,
                    app_id=services.app.id,
                    team_id=call.installation.team_id,
                    text=app_text(call.text("initial_comment")),
                    subtype="file_share",
                    files=[file.id for file in files],
                    thread_ts=call.text("thread_ts"),
                ),
                late.seconds if late else services.rules.share_seconds,
            )
        )
    return {"files": [services.rendering.file(file.id) for file in files]}


@method(
    "files.info",
    scopes=("files:read",),
    arguments=("file", "count", "cursor", "limit", "page"),
    tier=4,
)
async def info(call: Call) -> Answer:
    """One file (https://docs.slack.dev/reference/methods/files.info)."""
    file = _visible(call)
    return {
        "file": call.services.rendering.file(file.id),
        "comments": [],
        "response_metadata": {"next_cursor": ""},
    }


@method("files.delete", scopes=("files:write",), arguments=("file",), tier=3)
async def delete(call: Call) -> Answer:
    """Delete a file of the app (https://docs.slack.dev/reference/methods/files.delete)."""
    file = _visible(call)
    if file.user != call.installation.bot_user_id:
        raise SlackError("cant_delete_file")
    call.services.activity.delete_file(file)
    return {}


def _uploaded(call: Call, item: object) -> File:
    if not isinstance(item, dict) or not isinstance(item.get("id"), str):
        raise SlackError(
            "invalid_arguments", "[ERROR] missing required field: id [json-pointer:/files/0]"
        )
    file = call.services.state.file(item["id"])
    if file.user != call.installation.bot_user_id:
        raise SlackError("file_not_found")
    if file.content is None:
        raise SlackError("file_not_found")
    if file.completed:
        raise SlackError("file_update_failed")
    return file


def _visible(call: Call) -> File:
    """The file if the app's bot uploaded it or is in a channel where it was shared."""
    state = call.services.state
    file = state.file(call.required("file"))
    bot = call.installation.bot_user_id
    seen = file.user == bot or any(
        bot in state.channel(channel).members for channel, _ in file.shares
    )
    if not seen and (bot not in file.readers):
        raise SlackError("file_not_found")
    return file
