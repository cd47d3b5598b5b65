"""The shape of what Slack sends, checked once before a listener reads it.

Only what the bot reads is described; Slack may send more. Sources:
https://docs.slack.dev/reference/interaction-payloads, https://docs.slack.dev/apis/events-api,
https://docs.slack.dev/interactivity/implementing-slash-commands.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

#: Slack's ids and stamps are ASCII; no database keeps whatever text as it is.
_Id: TypeAlias = Annotated[str, Field(max_length=255, pattern=r"^[\x20-\x7e]+$")]
_Maybe: TypeAlias = Annotated[str, Field(max_length=255, pattern=r"^[\x20-\x7e]*$")] | None
_Url: TypeAlias = Annotated[str, Field(max_length=2000, pattern="^(https?://|$)")] | None


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow", frozen=True)


class _Named(_Part):
    id: _Id


class _Container(_Part):
    channel_id: _Maybe = None
    message_ts: _Maybe = None
    is_ephemeral: bool | None = None


class _Message(_Part):
    ts: _Maybe = None
    thread_ts: _Maybe = None
    user: _Maybe = None
    parent_user_id: _Maybe = None
    text: str | None = None
    blocks: list[dict[str, Any]] | None = None
    files: list[_Named] | None = None


class _Event(_Message):
    type: _Id
    channel: _Maybe = None
    channel_type: _Maybe = None
    message: _Message | None = None
    previous_message: _Message | None = None
    tokens: dict[str, Any] | None = None


class _Written(_Event):
    channel: _Id
    ts: _Id


class _State(_Part):
    values: dict[str, dict[str, dict[str, Any]]] | None = None


class _View(_Named):
    callback_id: _Maybe = None
    private_metadata: Annotated[str, Field(max_length=3000)] | None = None
    state: _State | None = None
    team_id: _Maybe = None
    app_installed_team_id: _Maybe = None


class _Action(_Part):
    action_id: _Id
    value: Annotated[str, Field(max_length=3000)] | None = None


class _Command(_Part):
    user_id: _Id
    channel_id: _Id
    trigger_id: _Id
    text: str | None = None
    response_url: _Url = None


class _Interaction(_Part):
    """A press, a form or a shortcut."""

    trigger_id: _Id
    user: _Named
    team: _Named | None = None
    channel: _Named | None = None
    container: _Container | None = None
    message: _Message | None = None
    view: _View | None = None
    actions: list[_Action] | None = None
    response_url: _Url = None


class _Callback(_Part):
    event_id: _Id
    event: _Written | _Event
    authorizations: list[dict[str, Any]] | None = None


_COMMAND: Final = TypeAdapter(_Command)
_INTERACTION: Final = TypeAdapter(_Interaction)
_CALLBACK: Final = TypeAdapter(_Callback)
#: Events that come from something written, and say where.
_OF_MESSAGES: Final = frozenset({"message", "app_mention"})


def is_readable(kind: str, body: Any) -> bool:
    """Whether ``body`` has the shape of a ``command``, an ``event``, or an interaction of Slack's."""
    try:
        if kind == "command":
            _COMMAND.validate_python(body)
        elif kind == "event":
            event = _CALLBACK.validate_python(body).event
            return event.type not in _OF_MESSAGES or isinstance(event, _Written)
        else:
            _INTERACTION.validate_python(body)
    except ValidationError:
        return False
    return True
