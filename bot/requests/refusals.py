"""Why an action is not possible, in words for whoever tried."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bot.requests.request import Actor, Entry, Installation, InstallRequest
from bot.requests.states import RULES, Action, Refused, State, WrongState
from bot.text import visible

#: What somebody did to a request, as in “Sam … it”.
_DEEDS: Final[Mapping[str, str]] = {
    Action.TAKE: "took it",
    Action.ASK: "asked a question about it",
    Action.ANSWER: "answered the question",
    Action.INSTALL: "marked it as installed",
    Action.VERIFY: "confirmed that it works",
    Action.FAIL: "reported that it still fails",
    Action.REJECT: "rejected it",
    Action.CANCEL: "cancelled it",
    Action.REOPEN: "reopened it",
    Action.REPLACE: "replaced its certificate",
}
_STATES: Final[Mapping[State, str]] = {
    State.SUBMITTED: "not taken yet",
    State.POSTED: "not taken yet",
    State.TAKEN: "taken",
    State.WAITING: "waiting for the requester's answer",
    State.INSTALLED: "installed",
    State.VERIFIED: "verified and closed",
    State.REJECTED: "rejected",
    State.CANCELLED: "cancelled",
}


def no_such_request(request_id: str) -> Refused:
    """There is none in this workspace."""
    return Refused(
        f"There is no install request “{visible(request_id, 40)}” here.",
        "It may have been removed after it was closed; submit it again if you need it.",
    )


def wrong_state(
    action: Action, request: InstallRequest, last: Entry | None, by: Actor
) -> WrongState:
    """``action`` does not fit the request's state, which came of ``last``."""
    who = ""
    if last is not None and last.what in _DEEDS:
        name = "you" if last.who == by.user else visible(last.who_name, 80)
        who = f": {name} {_DEEDS[last.what]}"
    return WrongState(
        f"You cannot {RULES[action].phrase} now, because {request.short_id} is "
        f"{_STATES[request.state]}{who}."
    )


def same_is_open(short_id: str) -> Refused:
    """Another open request asks for the same."""
    return Refused(
        f"{short_id} asks for the same certificate, server and environment already, and is open.",
        f"Carry on in {short_id}.",
    )


def check_installation(installation: Installation) -> None:
    """Raises Refused for an installation that nobody may ask for."""
    if not installation.certificates:
        raise Refused("No certificate was chosen.", "Choose one of the options, or upload one.")
    if installation.option == "server" and not installation.reason.strip():
        raise Refused(
            "The server's own certificate needs a reason: it is a fallback that is not for "
            "production, because it expires very often.",
            "Say why no root or intermediate certificate can be had.",
        )


def check_words(action: Action, text: str) -> None:
    """Raises Refused where words are missing that must come with ``action``."""
    needs = RULES[action].needs
    if needs and not text.strip():
        raise Refused(f"To {RULES[action].phrase}, write {needs}.")
