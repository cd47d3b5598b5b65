"""The life of an install request: which action leads where, and who may take it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bot.errors import WhichrootError


class State(StrEnum):
    """Where an install request stands."""

    SUBMITTED = "submitted"
    """Kept, but its card is not known to be posted. Whoever sees the card all the same may act."""
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
        return self not in CLOSED


CLOSED: Final = frozenset({State.VERIFIED, State.REJECTED, State.CANCELLED})


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
    """What a person is to one request; a bystander is nothing to it."""

    REQUESTER = "requester"
    FOLLOWER = "follower"
    """Asked for the same and joined."""
    SUPPORTER = "supporter"


class Refused(WhichrootError):
    """The action is not possible; the message is a sentence for whoever tried."""


class WrongState(Refused):
    """The action is not possible in this state."""


@dataclass(frozen=True, slots=True)
class Rule:
    """When an action is possible, and where it leads. ``needs`` names the words that must come with
    it; empty: none need to."""

    roles: frozenset[Role]
    states: frozenset[State]
    leads_to: State | None
    """None: as `next_state` says."""
    phrase: str
    """The action as in “Only support staff can …”."""
    needs: str = ""


_R, _F, _S = Role.REQUESTER, Role.FOLLOWER, Role.SUPPORTER
_UNDONE: Final = frozenset({State.SUBMITTED, State.POSTED, State.TAKEN, State.WAITING})

RULES: Final[Mapping[Action, Rule]] = {
    Action.TAKE: Rule(
        frozenset({_S}),
        frozenset({State.SUBMITTED, State.POSTED}),
        State.TAKEN,
        "take a request",
    ),
    Action.ASK: Rule(frozenset({_S}), _UNDONE, State.WAITING, "ask the requester", "your question"),
    Action.ANSWER: Rule(
        frozenset({_R, _F}),
        frozenset({State.WAITING}),
        None,
        "answer the question",
        "your answer",
    ),
    Action.INSTALL: Rule(frozenset({_S}), _UNDONE, State.INSTALLED, "mark a request as installed"),
    Action.VERIFY: Rule(
        frozenset({_R, _F, _S}),
        frozenset({State.INSTALLED}),
        State.VERIFIED,
        "say that it works",
    ),
    Action.FAIL: Rule(
        frozenset({_R, _F, _S}),
        frozenset({State.INSTALLED, State.VERIFIED}),
        None,
        "say that it still fails",
    ),
    Action.REJECT: Rule(frozenset({_S}), _UNDONE, State.REJECTED, "reject a request", "a reason"),
    Action.CANCEL: Rule(frozenset({_R}), _UNDONE, State.CANCELLED, "cancel a request"),
    Action.REOPEN: Rule(frozenset({_R, _S}), CLOSED, None, "reopen a request"),
    Action.REPLACE: Rule(frozenset({_R, _S}), _UNDONE, None, "replace the certificate"),
}

_PEOPLE: Final[Mapping[Role, str]] = {
    Role.REQUESTER: "the requester",
    Role.FOLLOWER: "whoever joined the request",
    Role.SUPPORTER: "support staff",
}


def check_role(action: Action, roles: Collection[Role]) -> None:
    """Raises Refused where ``action`` is not for somebody who is that to the request."""
    rule = RULES[action]
    if not rule.roles.isdisjoint(roles):
        return
    may = [words for role, words in _PEOPLE.items() if role in rule.roles]
    people = may[0] if len(may) == 1 else f"{', '.join(may[:-1])} or {may[-1]}"
    raise Refused(f"Only {people} can {rule.phrase}.")


def next_state(
    action: Action,
    state: State,
    roles: Collection[Role],
    *,
    posted: bool,
    taken: bool,
) -> State:
    """The state after ``action``. ``posted``: the card is known to be; ``taken``: by somebody.

    An answer leads back to whoever has taken the request, and so does the certificate that the
    requester replaces while something is asked. Raises WrongState.
    """
    rule = RULES[action]
    if state not in rule.states:
        raise WrongState(f"It is not possible to {rule.phrase} that is {state}.")
    if rule.leads_to is not None:
        return rule.leads_to
    untaken = State.POSTED if posted else State.SUBMITTED
    if action is Action.REPLACE and not (state is State.WAITING and Role.REQUESTER in roles):
        return state
    if action in (Action.ANSWER, Action.REPLACE) and taken:
        return State.TAKEN
    return untaken
