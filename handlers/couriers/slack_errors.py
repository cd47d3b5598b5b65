"""What the errors mean that Slack answers, by the codes that its pages of methods list
(https://docs.slack.dev/reference/methods): they pass, they stay until somebody changes something, or
the bot as a whole is shut out."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Final

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError

from bot.requests.courier import Later, Undeliverable
from bot.serving.authorizing import NOT_ACCEPTED

#: What the network and Slack's client raise where Slack gives no answer that can be read.
UNREACHABLE: Final = (
    aiohttp.ClientError,
    SlackClientError,
    TimeoutError,
    OSError,
    UnicodeError,
    json.JSONDecodeError,
)
#: Errors that pass by themselves.
_TRANSIENT: Final = frozenset(
    {
        "ratelimited",
        "rate_limited",
        "message_limit_exceeded",
        "internal_error",
        "fatal_error",
        "service_unavailable",
        "request_timeout",
        "timeout",
        "team_added_to_org",
        "access_limited",
        "accesslimited",
        "ekm_access_denied",
        "external_channel_migrating",
        "unavailable_error",
    }
)
#: The bot's token is of no use: everything waits until the app is installed again.
_SHUT_OUT: Final = frozenset(
    {
        "token_revoked",
        "token_expired",
        "account_inactive",
        "invalid_auth",
        "not_authed",
        "org_login_required",
        "two_factor_setup_required",
        "team_access_not_granted",
    }
)
_INVITE: Final = "invite me there with /invite @whichroot."
_SENTENCES: Final = {
    "channel_not_found": f"I cannot see this channel: {_INVITE}",
    "not_in_channel": f"I am not a member of this channel: {_INVITE}",
    "is_archived": "The channel is archived.",
    "is_inactive": "The channel is frozen.",
    "restricted_action": "A rule of the workspace keeps me from posting in this channel.",
    "restricted_action_read_only_channel": "The channel is read-only for me.",
    "restricted_action_thread_only_channel": "Only threads are allowed in this channel.",
    "restricted_action_non_threadable_channel": "No threads are allowed in this channel.",
    "restricted_action_thread_locked": "The thread is locked.",
    "posting_to_general_channel_denied": "An administrator keeps me from posting in this channel.",
    "posting_to_channel_denied": "An administrator keeps me from posting in this channel.",
    "user_not_found": "Slack does not know this person.",
    "users_not_found": "Slack does not know this person.",
    "user_not_visible": "I may not see this person.",
    "user_not_in_channel": "The person is not in this channel.",
    "cannot_dm_bot": "A bot cannot be written to.",
    "user_disabled": "The person's account is no longer active.",
    "message_not_found": "The message is gone.",
    "thread_not_found": "The thread is gone.",
    "cannot_reply_to_message": "This message cannot be replied to.",
    "cant_update_message": "The message cannot be changed any more.",
    "edit_window_closed": "The message is too old to be changed.",
    "missing_scope": "The app lacks a permission: install it again with the current manifest.",
    "no_permission": "The app lacks a permission for this place.",
    "not_allowed_token_type": "The token is none of a bot: set SLACK_BOT_TOKEN to the one that begins "
    "with xoxb-.",
    "file_uploads_disabled": "The workspace allows no uploads.",
    "file_uploads_except_images_disabled": "The workspace allows pictures alone to be uploaded.",
    "slack_connect_file_upload_sharing_blocked": "The other company allows no files here.",
    "storage_limit_reached": "The workspace's storage for files is full.",
    "file_not_found": "The file is gone.",
    "file_deleted": "The file is gone.",
    "not_found": "The view was closed.",
}
#: Errors that stay although Slack's client may not say a sentence of its own to a person.
_FINAL: Final = frozenset(_SENTENCES) | {
    "access_denied",
    "as_user_not_supported",
    "block_mismatch",
    "channel_type_not_supported",
    "duplicate_channel_not_found",
    "duplicate_message_not_found",
    "enterprise_is_restricted",
    "invalid_arg_name",
    "invalid_arguments",
    "invalid_array_arg",
    "invalid_blocks",
    "invalid_blocks_format",
    "invalid_channel",
    "invalid_charset",
    "invalid_metadata_format",
    "invalid_metadata_schema",
    "invalid_thread_ts",
    "invalid_users",
    "messages_tab_disabled",
    "metadata_must_be_sent_from_app",
    "metadata_too_large",
    "method_deprecated",
    "method_not_supported_for_channel_type",
    "msg_blocks_too_long",
    "msg_too_long",
    "no_text",
    "team_not_found",
    "too_many_attachments",
    "unknown_method",
}
#: Errors that say that the bot may not be where it was to post.
NO_ACCESS: Final = frozenset({"channel_not_found", "not_in_channel", "is_archived", "is_inactive"})
_GONE: Final = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})
_RATE_LIMITED: Final = "Slack asks to wait: too much was sent at once."


class NoAccess(Undeliverable):
    """The bot may not post there."""


class Gone(Undeliverable):
    """The message that was to be changed is not there any more."""


def code_of(error: SlackApiError) -> str:
    """The code that Slack answered, or `http_…` where there is none."""
    data, status = _answer(error)
    return str(data.get("error") or f"http_{status}")


def is_shut_out(error: SlackApiError) -> bool:
    """Whether the token is of no use."""
    return code_of(error) in _SHUT_OUT


def told_apart(error: SlackApiError) -> Later | Undeliverable:
    """What becomes of the act whose delivery Slack answered so."""
    data, status = _answer(error)
    code = code_of(error)
    if status == 429:
        wait = _retry_after(error)
        return Later(wait, _RATE_LIMITED, maybe_delivered=False)
    if code in ("ratelimited", "rate_limited", "message_limit_exceeded"):
        return Later(_retry_after(error), _RATE_LIMITED, maybe_delivered=False)
    if code in _SHUT_OUT:
        return Later(None, NOT_ACCEPTED, maybe_delivered=False)
    if status >= 500 or code in _TRANSIENT or not data:
        return Later(None, f"Slack is unwell ({code}).")
    sentence = _SENTENCES.get(code, f"Slack refuses this ({code}).")
    if code in NO_ACCESS:
        return NoAccess(sentence, final=True)
    if code in _GONE:
        return Gone(sentence, final=True)
    return Undeliverable(sentence, final=code in _FINAL)


def _answer(error: SlackApiError) -> tuple[Mapping[str, Any], int]:
    """What was answered, and the HTTP status. An answer that is no JSON is aiohttp's own."""
    response: Any = error.response
    data = response if isinstance(response, dict) else getattr(response, "data", None)
    status = getattr(response, "status_code", None) or getattr(response, "status", None) or 200
    return data if isinstance(data, dict) else {}, int(status)


def _retry_after(error: SlackApiError) -> float | None:
    """How long Slack asks to wait, in seconds; None: it does not say, or nothing that can be meant."""
    headers = getattr(error.response, "headers", None) or {}
    try:
        seconds = float(headers.get("Retry-After", ""))
    except ValueError:
        return None
    return max(seconds, 0.5) if math.isfinite(seconds) and seconds >= 0 else None
