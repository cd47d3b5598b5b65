"""The life of an install request: which action leads where, and who may take it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bot.errors import WhichrootError


class State(StrEnum):
    """Where an install request stands."""

    SUBMITTED = "submitted"
    """Kept, but its card is not posted yet."""
    POSTED = "posted"
    """Shown to the support staff; nobody has taken it."""
    TAKEN = "taken"
    """Somebody works on it."""
    WAITING = "waiting"
    """The requester was asked something."""
    INSTALLED = "installed"
    """Support says it is installed; the requester has not said whether it works."""
    VERIFIED = "verified"
    """It works. Closed."""
    REJECTED = "rejected"
    """Support will not install it. Closed."""
    CANCELLED = "cancelled"
    """The requester no longer wants it. Closed."""

    @property
    def is_open(self) -> bool:
        """Whether something is still to be done."""
        return self not in _CLOSED


_CLOSED: Final = frozenset({State.VERIFIED, State.REJECTED, State.CANCELLED})


class Action(StrEnum):
    """What a person does to an install request."""

    TAKE = "take"
    ASK = "ask"
    ANSWER = "answer"
    INSTALL = "install"
    VERIFY = "verify"
    FAIL = "fail"
    REJECT = "reject"
    CANCEL = "cancel"
    REOPEN = "reopen"
    REPLACE = "replace"


class Role(StrEnum):
    """What a person is to one request."""

    REQUESTER = "requester"
    FOLLOWER = "follower"
    """Asked for the same and joined."""
    SUPPORTER = "supporter"


class Refused(WhichrootError):
    """The action is not possible; the message is a sentence for whoever tried."""


@dataclass(frozen=True, slots=True)
class Rule:
    """When an action is possible. ``leads_to`` None: the state stays, or (for an answer) follows
    from who has taken the request. ``needs`` says which words must come with it; empty: none."""

    roles: frozenset[Role]
    states: frozenset[State]
    leads_to: State | None
    needs: str = ""


_R, _F, _S = Role.REQUESTER, Role.FOLLOWER, Role.SUPPORTER
_BEFORE: Final = frozenset({State.POSTED, State.TAKEN, State.WAITING})

RULES: Final[Mapping[Action, Rule]] = {
    Action.TAKE: Rule(frozenset({_S}), frozenset({State.POSTED}), State.TAKEN),
    Action.ASK: Rule(frozenset({_S}), _BEFORE, State.WAITING, "your question"),
    Action.ANSWER: Rule(frozenset({_R, _F}), frozenset({State.WAITING}), None, "your answer"),
    Action.INSTALL: Rule(frozenset({_S}), _BEFORE, State.INSTALLED),
    Action.VERIFY: Rule(frozenset({_R, _F, _S}), frozenset({State.INSTALLED}), State.VERIFIED),
    Action.FAIL: Rule(
        frozenset({_R, _F, _S}),
        frozenset({State.INSTALLED, State.VERIFIED}),
        State.POSTED,
    ),
    Action.REJECT: Rule(frozenset({_S}), _BEFORE, State.REJECTED, "a reason"),
    Action.CANCEL: Rule(frozenset({_R}), _BEFORE | {State.SUBMITTED}, State.CANCELLED),
    Action.REOPEN: Rule(frozenset({_R, _S}), _CLOSED, State.POSTED),
    Action.REPLACE: Rule(frozenset({_R, _S}), _BEFORE | {State.SUBMITTED}, None),
}
