"""Several servers: one table, one row each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bot.report import Report
from bot.text import visible
from handlers.blocks.certificates import address, expiry, fingerprint
from handlers.blocks.elements import Block, context, section, top_text
from handlers.blocks.markup import fill, user
from handlers.blocks.message import Message
from handlers.blocks.report import verdict_mark

MAX_ROWS: Final = 100
_COLUMNS: Final = ("Server", "Verdict", "Request", "SHA-256", "Expires")
_VERDICTS: Final = {
    "validated": "validated",
    "unproven": "confirm the fingerprint",
    "not_found": "nothing to request yet",
    "unreachable": "unreachable",
    "refused": "refused",
}


def summary_message(
    inputs: Sequence[str], reports: Sequence[Report | None], asked_by: str
) -> Message:
    """A row for each of ``inputs`` in its order; None: still being checked."""
    done = [report for report in reports if report]
    validated = sum(report.verdict == "validated" for report in done)
    waiting = len(reports) - len(done)
    still = f", {waiting} still being checked" if waiting else ""
    text = fill("{} of {} servers have a validated certificate{}.", validated, len(reports), still)
    rows = [[_cell(column) for column in _COLUMNS]]
    for typed, report in list(zip(inputs, reports, strict=True))[: MAX_ROWS - 1]:
        rows.append([_cell(cell) for cell in _row(typed, report)])
    blocks: list[Block] = [
        section(fill("*{}*", text)),
        {"type": "table", "rows": rows, "column_settings": [{"is_wrapped": True}]},
        context(fill("{} asked. The reports are in the thread.", user(asked_by))),
    ]
    return Message(top_text(text), tuple(blocks))


def _row(typed: str, report: Report | None) -> tuple[str, ...]:
    if report is None:
        return typed, "⏳ checking", "–", "–", "–"
    verdict = f"{verdict_mark(report)} {_VERDICTS[report.verdict]}"
    if report.recommended is None:
        return address(report.target), verdict, "–", "–", "–"
    first = report.recommended.certificates[0]
    more = len(report.recommended.certificates) - 1
    name = first.subject + (f" and {more} more" if more else "")
    return (
        address(report.target),
        verdict,
        name,
        fingerprint(first.sha256),
        expiry(first.not_after, first.days_left),
    )


def _cell(text: str) -> Block:
    return {"type": "raw_text", "text": visible(text, 100) or "–"}
