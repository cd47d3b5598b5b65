"""The buttons of a request: on its card, in its thread, in what the requester hears."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from slack_bolt.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.requests.request import InstallRequest
from bot.requests.states import Action, Refused
from bot.store import outbox
from handlers.blocks import card
from handlers.blocks.elements import section
from handlers.blocks.markup import fill
from handlers.blocks.request_views import (
    WORDS_BLOCK,
    WORDS_CALLBACK,
    WORDS_INPUT,
    history_view,
    words_view,
)
from handlers.couriers.inquiries import put_explanation
from handlers.keys import refusal_of, without_passwords
from handlers.parts import Parts, element_of, metadata_of, respond, team_of, user_of, value_of

_AT_ONCE: Final = {
    card.TAKE: Action.TAKE,
    card.INSTALL: Action.INSTALL,
    card.WORKS: Action.VERIFY,
    card.CANCEL: Action.CANCEL,
}
_WITH_WORDS: Final = {
    card.ASK: Action.ASK,
    card.ANSWER: Action.ANSWER,
    card.REJECT: Action.REJECT,
    card.FAIL: Action.FAIL,
    card.REOPEN: Action.REOPEN,
}
#: The actions whose form asks for words.
WORDS: Final = frozenset(_WITH_WORDS.values())


def register(app: AsyncApp, parts: Parts) -> None:
    """Listens to every button of a request and to the words that go with some."""

    async def at_once(args: AsyncArgs) -> None:
        pressed = args.action or {}
        action = _AT_ONCE[pressed["action_id"]]
        request = await _pressed(parts, args)
        try:
            await _act(parts, args, request, action, key=f"press:{args.body.get('trigger_id')}")
        except Refused as refusal:
            await refuse(args, parts.people.sure(team_of(args), refusal))
            return
        await args.ack()

    async def with_words(args: AsyncArgs) -> None:
        pressed = args.action or {}
        action = _WITH_WORDS[pressed["action_id"]]
        actor = await parts.people.actor(args.client, team_of(args), *user_of(args.body))
        try:
            request = await parts.requests.check(value_of(args), action, actor)
        except Refused as refusal:
            await refuse(args, parts.people.sure(team_of(args), refusal))
            return
        view = words_view(request, action)
        await args.client.views_open(trigger_id=args.body["trigger_id"], view=view)
        await args.ack()

    async def words(args: AsyncArgs) -> None:
        await _words(parts, args)

    async def details(args: AsyncArgs) -> None:
        request = await _pressed(parts, args)
        view = history_view(request, await parts.requests.audit(request.id))
        await args.client.views_open(trigger_id=args.body["trigger_id"], view=view)
        await args.ack()

    async def check(args: AsyncArgs) -> None:
        request = await _pressed(parts, args)
        user, _ = user_of(args.body)
        key = f"check:{args.body.get('trigger_id')}"
        payload = {"do": "verify", "request": request.id, "user": user}
        async with parts.database.begin() as unit:
            await outbox.put(unit, f"say:{key}", "lookup", payload, key=key)
        await args.ack()

    for action_id in _AT_ONCE:
        app.action(action_id)(parts.listening("action", at_once))
    for action_id in _WITH_WORDS:
        app.action(action_id)(parts.listening("action", with_words))
    app.action(card.DETAILS)(parts.listening("action", details))
    app.action(card.CHECK)(parts.listening("action", check))
    app.view(WORDS_CALLBACK)(parts.listening("view", words))


async def refuse(args: AsyncArgs, refusal: Refused) -> None:
    """Tells whoever pressed that they may not, or came second; only they see it."""
    text = fill("🙏 {} {}", refusal.message, refusal.remedy)
    await args.ack()
    await respond(
        args, text=text, blocks=[section(text)], response_type="ephemeral", replace_original=False
    )


async def kept_request(parts: Parts, args: AsyncArgs, identifier: str) -> InstallRequest:
    """The request of this workspace. Raises Refused."""
    request = await parts.requests.get(identifier, team=team_of(args))
    if request is None:
        raise Refused("This request is no longer kept.")
    return request


async def _pressed(parts: Parts, args: AsyncArgs) -> InstallRequest:
    return await kept_request(parts, args, value_of(args))


def _action_of(name: str) -> Action:
    """An action that words go with. Raises Refused for any other, which no form of the bot names."""
    action = next((action for action in WORDS if action == name), None)
    if action is None:
        raise Refused("This form is not one of mine.", "Press the button again.")
    return action


async def _act(
    parts: Parts,
    args: AsyncArgs,
    request: InstallRequest,
    action: Action,
    *,
    key: str,
    text: str = "",
) -> InstallRequest:
    user, name = user_of(args.body)
    actor = await parts.people.actor(args.client, team_of(args), user, name)
    async with parts.database.begin() as unit:
        changed = await parts.requests.act(request.id, action, actor, text=text, key=key, unit=unit)
        if action is Action.FAIL and text:
            await put_explanation(unit, changed, text, key=key)
    return changed


async def _words(parts: Parts, args: AsyncArgs) -> None:
    view: dict[str, Any] = args.view or {}
    metadata = metadata_of(view, "request", "action")
    entered = element_of(view, WORDS_BLOCK, WORDS_INPUT).get("value")
    text = entered if isinstance(entered, str) else ""
    if key := await asyncio.to_thread(refusal_of, text):
        await args.ack(response_action="errors", errors={WORDS_BLOCK: key[:2000]})
        return
    text = without_passwords(text)
    try:
        request = await kept_request(parts, args, metadata["request"])
        action = _action_of(metadata["action"])
        await _act(parts, args, request, action, key=f"view:{view['id']}", text=text)
    except Refused as refusal:
        await args.ack(
            response_action="errors",
            errors={WORDS_BLOCK: str(parts.people.sure(team_of(args), refusal))[:2000]},
        )
        return
    await args.ack()
