"""The App Home: my requests, what support has to do, recent lookups, help."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.requests.request import InstallRequest
from bot.store.lookups import KeptLookup
from handlers.blocks.card import DETAILS, ENVIRONMENTS, STATES, target_of
from handlers.blocks.elements import (
    MAX_VIEW_BLOCKS,
    Block,
    button,
    capped,
    context,
    divider,
    header,
    section,
    top_text,
)
from handlers.blocks.help import help_blocks
from handlers.blocks.markup import Markup, code, fill, joined
from handlers.blocks.message import Message
from handlers.blocks.report import DETAILS as REPORT_DETAILS

_VERDICTS = {
    "validated": "✅ validated",
    "unproven": "⚠️ to be confirmed",
    "not_found": "❌ nothing to request yet",
    "unreachable": "❌ unreachable",
    "refused": "⛔ refused",
}


def home_view(
    mine: Sequence[InstallRequest],
    support: Sequence[InstallRequest] | None,
    lookups: Sequence[KeptLookup],
    waiting: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """``support``: the open requests, for support staff; None for everybody else. ``waiting``: why
    something of a request or a lookup is not delivered yet, by its id."""
    why = waiting or {}
    blocks: list[Block] = []
    if support is not None:
        blocks.append(header("Open requests"))
        blocks += [_request(request, why) for request in support[:20]] or [
            _nothing("Nothing is open.")
        ]
        blocks.append(divider())
    blocks.append(header("My requests"))
    blocks += [_request(request, why) for request in mine[:15]] or [
        _nothing("You have requested nothing yet: begin with `/cert host:port`.")
    ]
    blocks += [divider(), header("My recent lookups")]
    blocks += [_lookup(lookup, why) for lookup in lookups[:10]] or [_nothing("None yet.")]
    blocks += [divider(), header("Help"), *help_blocks()]
    return {"type": "home", "blocks": capped(blocks, MAX_VIEW_BLOCKS, "{} more are not shown.")}


def unavailable_view(reason: str) -> dict[str, Any]:
    """The App Home while nothing can be read."""
    text = fill("❌ {} Nothing is lost: open this again in a minute.", reason)
    return {"type": "home", "blocks": [section(text), divider(), *help_blocks()]}


def mine_message(
    requests: Sequence[InstallRequest], waiting: Mapping[str, str] | None = None
) -> Message:
    """``/cert mine``; ``waiting`` is as in `home_view`."""
    why = waiting or {}
    if not requests:
        text = Markup("You have requested nothing yet: begin with `/cert host:port`.")
        return Message(top_text(text), (section(text),))
    text = fill(
        "You have {} install {}.", len(requests), "request" if len(requests) == 1 else "requests"
    )
    return Message(
        top_text(text), (section(text), *(_request(request, why) for request in requests[:20]))
    )


def _request(request: InstallRequest, waiting: Mapping[str, str]) -> Block:
    line = fill(
        "*{}*  {}  {}\n{} · {}",
        request.short_id,
        code(target_of(request)),
        STATES[request.state],
        ENVIRONMENTS[request.environment],
        f"{request.changed_at:%Y-%m-%d %H:%M} UTC",
    )
    line = joined((line, _waiting(waiting.get(request.id))))
    return section(line, accessory=button("Details", DETAILS, request.id))


def _lookup(lookup: KeptLookup, waiting: Mapping[str, str]) -> Block:
    verdict = _VERDICTS.get(lookup.verdict or "", "⏳ checking")
    line = fill(
        "{}  {}\n{}", code(lookup.input), verdict, f"{lookup.created_at:%Y-%m-%d %H:%M} UTC"
    )
    line = joined((line, _waiting(waiting.get(lookup.id))))
    if lookup.state != "done":
        return section(line)
    return section(line, accessory=button("Details", REPORT_DETAILS, lookup.id))


def _waiting(reason: str | None) -> Markup:
    return fill("⏳ Something of it is still to come: {}", reason) if reason else Markup("")


def _nothing(text: str) -> Block:
    return context(Markup(text))
