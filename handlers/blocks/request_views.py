"""The small modals of a request: words that go with an action, and its history."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from bot.requests.request import Entry, InstallRequest
from bot.requests.states import Action
from handlers.blocks.card import STATES, certificate_facts, target_of
from handlers.blocks.elements import Block, context, divider, header, input_block, modal, section
from handlers.blocks.markup import Markup, code, fill, joined, user

WORDS_CALLBACK: Final = "request_words"
HISTORY_CALLBACK: Final = "request_history"
WORDS_BLOCK: Final = "words"
WORDS_INPUT: Final = "text"

_FORMS: Final = {
    Action.ASK: ("Ask the requester", "Your question", "Ask"),
    Action.ANSWER: ("Answer support", "Your answer", "Answer"),
    Action.REJECT: ("Reject the request", "The reason, which the requester reads", "Reject"),
    Action.FAIL: ("Still failing", "The error text that the connector shows", "Send"),
    Action.REOPEN: ("Reopen", "Why it is needed again", "Reopen"),
}
#: Words of these may be left out.
OPTIONAL: Final = frozenset({Action.REOPEN})


def words_view(request: InstallRequest, action: Action) -> dict[str, Any]:
    """Asks for the words that go with ``action``."""
    title, label, submit = _FORMS[action]
    hint = ""
    if action is Action.FAIL:
        hint = "Paste all of it: the first line and every line that begins with “Caused by”."
    element = {
        "type": "plain_text_input",
        "action_id": WORDS_INPUT,
        "multiline": True,
        "max_length": 3000,
    }
    return modal(
        title,
        [
            section(fill("*{}*  {}", request.short_id, code(target_of(request)))),
            input_block(WORDS_BLOCK, label, element, hint=hint, optional=action in OPTIONAL),
        ],
        callback_id=WORDS_CALLBACK,
        submit=submit,
        close="Cancel",
        metadata=json.dumps({"request": request.id, "action": str(action)}),
    )


def history_view(request: InstallRequest, entries: Sequence[Entry]) -> dict[str, Any]:
    """The request and its audit trail, the newest last; of a long one the latest part."""
    shown = entries[-60:]
    blocks: list[Block] = [
        section(
            joined(
                (
                    fill("*{}*  {}", request.short_id, code(target_of(request))),
                    fill("*State*  {}", STATES[request.state]),
                    fill("*Requester*  {}", user(request.requester)),
                )
            )
        ),
        *(section(certificate_facts(c)) for c in request.installation.certificates[:6]),
        divider(),
        header("History"),
    ]
    if len(shown) < len(entries):
        blocks.append(context(fill("{} earlier entries are not shown.", len(entries) - len(shown))))
    blocks += [section(_entry(entry)) for entry in shown]
    return modal(request.short_id, blocks, callback_id=HISTORY_CALLBACK)


def notice_view(title: str, *texts: Markup) -> dict[str, Any]:
    """A modal that only says something."""
    return modal(title, [section(text) for text in texts], callback_id="notice")


def _entry(entry: Entry) -> Markup:
    who = user(entry.who) if entry.who else Markup("whichroot")
    line = fill("{} UTC  {}  *{}*", f"{entry.at:%Y-%m-%d %H:%M}", who, entry.what)
    return joined((line, entry.text[:500]))
