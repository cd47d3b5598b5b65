"""The App Home: my requests, what support has to do, recent lookups, help."""

from __future__ import annotations

from collections.abc import Sequence
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
from handlers.blocks.markup import Markup, code, fill
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
) -> dict[str, Any]:
    """``support``: the open requests, for support staff; None for everybody else."""
    blocks: list[Block] = []
    if support is not None:
        blocks.append(header("Open requests"))
        blocks += [_request(request) for request in support[:20]] or [_nothing("Nothing is open.")]
        blocks.append(divider())
    blocks.append(header("My requests"))
    blocks += [_request(request) for request in mine[:15]] or [
        _nothing("You have requested nothing yet: begin with `/cert host:port`.")
    ]
    blocks += [divider(), header("My recent lookups")]
    blocks += [_lookup(lookup) for lookup in lookups[:10]] or [_nothing("None yet.")]
    blocks += [divider(), header("Help"), *help_blocks()]
    return {"type": "home", "blocks": capped(blocks, MAX_VIEW_BLOCKS, "{} more are not shown.")}


def mine_message(requests: Sequence[InstallRequest]) -> Message:
    """``/cert mine``."""
    if not requests:
        text = Markup("You have requested nothing yet: begin with `/cert host:port`.")
        return Message(top_text(text), (section(text),))
    text = fill(
        "You have {} install {}.", len(requests), "request" if len(requests) == 1 else "requests"
    )
    return Message(top_text(text), (section(text), *map(_request, requests[:20])))


def _request(request: InstallRequest) -> Block:
    line = fill(
        "*{}*  {}  {}\n{} · {}",
        request.short_id,
        code(target_of(request)),
        STATES[request.state],
        ENVIRONMENTS[request.environment],
        f"{request.changed_at:%Y-%m-%d %H:%M} UTC",
    )
    return section(line, accessory=button("Details", DETAILS, request.id))


def _lookup(lookup: KeptLookup) -> Block:
    verdict = _VERDICTS.get(lookup.verdict or "", "⏳ checking")
    line = fill(
        "{}  {}\n{}", code(lookup.input), verdict, f"{lookup.created_at:%Y-%m-%d %H:%M} UTC"
    )
    if lookup.state != "done":
        return section(line)
    return section(line, accessory=button("Details", REPORT_DETAILS, lookup.id))


def _nothing(text: str) -> Block:
    return context(Markup(text))
