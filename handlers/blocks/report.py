"""The report on one server: the verdict first, what to request, at most three findings, buttons."""

from __future__ import annotations

from typing import Final

from bot.report import Finding, Option, Report
from handlers.blocks.certificates import (
    OPTION_NAMES,
    address,
    certificate_lines,
    expiry,
    finding_line,
    fingerprint,
    prediction_line,
)
from handlers.blocks.elements import Block, actions, button, context, section, top_text
from handlers.blocks.markup import Markup, block, code, fill, joined, user
from handlers.blocks.message import Message

REQUEST: Final = "report_request"
PEM: Final = "report_pem"
ASK: Final = "report_ask"
AGAIN: Final = "report_again"
DETAILS: Final = "report_details"
UPLOAD: Final = "report_upload"

_MAX_FINDINGS: Final = 3
_MAX_CERTIFICATES: Final = 4
#: Nobody vouches for the root: the warnings of an option that is not proven say so.
_SAID_BY_OPTION: Final = "root_not_proven"


def report_message(report: Report, lookup: str, asked_by: str) -> Message:
    """``lookup`` is the lookup's id, which the buttons carry; ``asked_by`` a user's id."""
    if report.verdict in ("unreachable", "refused"):
        return _failed(report, lookup, asked_by)
    blocks = [section(headline(report))]
    if report.recommended:
        blocks += _option(report.recommended)
        for text in report.recommended.warnings[:2]:
            blocks.append(section(fill("⚠️ {}", text)))
    blocks.append(section(fill("{}", report.summary)))
    blocks += _findings(report)
    blocks.append(_buttons(report, lookup))
    blocks.append(context(fill("{} asked for {}", user(asked_by), code(report.target.input))))
    return Message(top_text(_spoken(report)), tuple(blocks))


def headline(report: Report) -> Markup:
    """The verdict in one line."""
    where = code(address(report.target))
    if report.recommended is None:
        words = {
            "not_found": "❌ *Nothing to request yet* for {}",
            "unreachable": "❌ *Cannot reach* {}",
            "refused": "⛔ *Cannot check* {}",
        }
        return fill(words.get(report.verdict, "❌ *Nothing to request yet* for {}"), where)
    kind = OPTION_NAMES[report.recommended.option]
    if len(report.recommended.certificates) > 1:
        kind = f"{len(report.recommended.certificates)} certificates"
    if report.verdict == "validated":
        return fill("✅ *Request the {}* for {}", kind, where)
    return fill("⚠️ *Have the fingerprint confirmed, then request the {}* for {}", kind, where)


def verdict_mark(report: Report) -> str:
    """The verdict as one sign."""
    return {"validated": "✅", "unproven": "⚠️", "refused": "⛔"}.get(report.verdict, "❌")


def _spoken(report: Report) -> Markup:
    where = address(report.target)
    if not report.recommended:
        return fill("{} {}: {}", verdict_mark(report), where, report.summary)
    first = report.recommended.certificates[0]
    # Whoever only hears of it must not miss that it may be the wrong system.
    doubt = next((f for f in report.findings if f.code == "environment_mismatch"), None)
    return fill(
        "{} {}: {} SHA-256 {}, expires {}.{}",
        verdict_mark(report),
        where,
        report.summary,
        fingerprint(first.sha256),
        expiry(first.not_after, first.days_left),
        f" But: {doubt.message}" if doubt else "",
    )


def _option(option: Option) -> list[Block]:
    blocks = [
        section(certificate_lines(found)) for found in option.certificates[:_MAX_CERTIFICATES]
    ]
    blocks.append(context(fill("{}", prediction_line(option.predictions))))
    return blocks


def _findings(report: Report) -> list[Block]:
    told = [finding for finding in report.findings if finding.severity != "info"]
    if report.recommended and not report.recommended.proven:
        # The option's own warnings say it already.
        told = [finding for finding in told if finding.code != _SAID_BY_OPTION]
    blocks = [section(finding_line(finding)) for finding in told[:_MAX_FINDINGS]]
    rest = len(report.findings) - len(blocks)
    if rest:
        word = "finding" if rest == 1 else "findings"
        blocks.append(context(fill("{} more {} under _Details_.", rest, word)))
    return blocks


def _buttons(report: Report, lookup: str) -> Block:
    buttons = []
    if any(option.predictions and _accepted(option) for option in report.options):
        style = "primary" if report.verdict in ("validated", "unproven") else ""
        buttons.append(button("Request installation", REQUEST, lookup, style=style))
    if report.recommended:
        buttons.append(button("PEM", PEM, lookup))
    if report.request_text:
        style = "" if report.recommended else "primary"
        buttons.append(button("Ask the owner", ASK, lookup, style=style))
    buttons.append(button("Check again", AGAIN, lookup))
    buttons.append(button("Details", DETAILS, lookup))
    return actions(*buttons)


def _accepted(option: Option) -> bool:
    return all(prediction.accepted for prediction in option.predictions.values())


def _failed(report: Report, lookup: str, asked_by: str) -> Message:
    blocks = [section(headline(report)), section(fill("{}", report.summary))]
    if report.command:
        blocks.append(
            section(
                joined(
                    (
                        "Run this on a machine that reaches the server, then upload the file "
                        "chain.txt here:",
                        block(report.command),
                    )
                )
            )
        )
    blocks += [section(finding_line(finding)) for finding in _further(report)]
    buttons = [button("Check again", AGAIN, lookup)]
    if report.command:
        buttons.insert(0, button("Upload the chain", UPLOAD, lookup, style="primary"))
    if report.presented:
        buttons.append(button("Details", DETAILS, lookup))
    blocks.append(actions(*buttons))
    blocks.append(context(fill("{} asked for {}", user(asked_by), code(report.target.input))))
    return Message(top_text(_spoken(report)), tuple(blocks))


def _further(report: Report) -> list[Finding]:
    said = report.summary
    told = [found for found in report.findings if found.message not in said]
    return told[:_MAX_FINDINGS]
