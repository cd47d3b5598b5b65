"""What the table of states and roles allows."""

from __future__ import annotations

from collections.abc import Collection

from bot.requests.states import RULES, Action, Role, State


def possible_actions(state: State, roles: Collection[Role]) -> frozenset[Action]:
    """What somebody who is that to a request can do in that state."""
    return frozenset(
        action
        for action, rule in RULES.items()
        if state in rule.states and not rule.roles.isdisjoint(roles)
    )
