"""views.*"""

from __future__ import annotations

from typing import Any

from workspace.block_kit import ViewType, check_view, normalized
from workspace.errors import SlackError
from workspace.views import View
from workspace.web_api.method import Answer, Call, method

_DEEPEST = 3


@method("views.open", arguments=("trigger_id", "interactivity_pointer", "view"), tier=4)
async def opening(call: Call) -> Answer:
    """Open a modal (https://docs.slack.dev/reference/methods/views.open)."""
    source = read_view(call.json("view"), "modal")
    _unique(call, source)
    trigger = call.services.grants.exchange(call.required("trigger_id"), call.installation.team_id)
    stack = call.services.state.views.stack(trigger.user)
    if stack and not trigger.view_id:
        stack.clear()
    view = push_view(call, trigger.user, source)
    return {"view": view.to_slack()}


@method("views.push", arguments=("trigger_id", "interactivity_pointer", "view"), tier=4)
async def pushing(call: Call) -> Answer:
    """Put a modal on top of the open one (https://docs.slack.dev/reference/methods/views.push)."""
    source = read_view(call.json("view"), "modal")
    _unique(call, source)
    trigger = call.services.grants.exchange(call.required("trigger_id"), call.installation.team_id)
    stack = call.services.state.views.stack(trigger.user)
    if not stack:
        raise SlackError("not_found")
    if len(stack) >= _DEEPEST:
        raise SlackError("push_limit_reached")
    view = push_view(call, trigger.user, source)
    return {"view": view.to_slack()}


@method("views.update", arguments=("external_id", "hash", "view", "view_id"), tier=4)
async def update(call: Call) -> Answer:
    """Change an open view (https://docs.slack.dev/reference/methods/views.update)."""
    views = call.services.state.views
    source = read_view(call.json("view"), None)
    if call.given("view_id"):
        view = views.find(call.text("view_id"))
    elif call.given("external_id"):
        view = views.find_external(call.text("external_id"))
    else:
        raise SlackError("invalid_arguments", "[ERROR] missing required field: view_id")
    if view is None or view.team_id != call.installation.team_id:
        raise SlackError("not_found")
    if source["type"] != view.source["type"]:
        raise SlackError("invalid_arguments", "[ERROR] the type of a view cannot change")
    if call.given("hash") and call.text("hash") != view.hash:
        raise SlackError("hash_conflict")
    view.replace(source)
    call.services.feed.publish("view_updated", users=[view.user], view_id=view.id)
    return {"view": view.to_slack()}


@method("views.publish", arguments=("hash", "user_id", "view"), tier=4)
async def publish(call: Call) -> Answer:
    """Set a user's App Home (https://docs.slack.dev/reference/methods/views.publish)."""
    services = call.services
    if not services.app.manifest.home_tab:
        raise SlackError("not_enabled")
    source = read_view(call.json("view"), "home")
    user = services.state.user_for(call.installation, call.required("user_id"))
    view = services.state.views.home(user.id)
    if view is None:
        view = _new_view(call, user.id, source)
        services.state.views.publish(view)
    else:
        if call.given("hash") and call.text("hash") != view.hash:
            raise SlackError("hash_conflict")
        view.replace(source)
    services.feed.publish("home", users=[user.id], view_id=view.id)
    return {"view": view.to_slack()}


def read_view(view: Any, kind: ViewType | None) -> dict[str, Any]:
    """Check a view's source. Raises SlackError `invalid_arguments`, with the place."""
    if not isinstance(view, dict):
        raise SlackError("invalid_arguments", "[ERROR] missing required field: view")
    check_view(view, kind)
    return {**view, "blocks": normalized(view["blocks"])}


def push_view(call: Call, user: str, source: dict[str, Any]) -> View:
    """Put a view on top of the user's stack."""
    view = _new_view(call, user, source)
    stack = call.services.state.views.stack(user)
    if stack:
        view.previous_id = stack[-1].id
        view.root_id = stack[0].id
    stack.append(view)
    call.services.feed.publish("view_opened", users=[user], view_id=view.id)
    return view


def _new_view(call: Call, user: str, source: dict[str, Any]) -> View:
    view_id = call.services.state.identifiers.new("V")
    return View(
        id=view_id,
        team_id=call.installation.team_id,
        user=user,
        app_id=call.services.app.id,
        bot_id=call.installation.bot_id,
        source=source,
        root_id=view_id,
    )


def _unique(call: Call, source: dict[str, Any]) -> None:
    external_id = source.get("external_id")
    if external_id and call.services.state.views.find_external(external_id):
        raise SlackError("duplicate_external_id")
