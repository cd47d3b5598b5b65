"""The modal behind *Details*: what was served, the paths, all options, every finding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from bot.report import Option, Presented, Report
from handlers.blocks.certificates import (
    address,
    certificate_lines,
    expiry,
    finding_line,
    fingerprint,
    option_title,
    prediction_line,
    summary_line,
)
from handlers.blocks.elements import (
    MAX_BLOCKS,
    Block,
    capped,
    context,
    divider,
    header,
    modal,
    section,
    top_text,
)
from handlers.blocks.markup import Markup, code, fill, joined
from handlers.blocks.message import Message
from handlers.blocks.report import headline

CALLBACK: Final = "details"

_MAX_FINDINGS: Final = 40
_MAX_GROUPS: Final = 8
_MAX_PATHS: Final = 6
_MAX_CERTIFICATES: Final = 8
_PATH_ENDS: Final = {
    "root": "ends at a self-signed root",
    "missing": "the next issuer is missing",
    "circle": "goes in a circle",
    "limit": "is longer than anything real",
}


def details_view(report: Report) -> dict[str, Any]:
    """The modal, within Slack's limits whatever the report holds."""
    blocks = [section(headline(report)), section(fill("{}", report.summary))]
    blocks += _options(report)
    blocks += _findings(report)
    blocks += _presented(report)
    blocks += _paths(report)
    blocks.append(context(fill("Checked {}.", report.at.replace("T", " ").replace("Z", " UTC"))))
    return modal(f"{address(report.target)}", blocks, callback_id=CALLBACK)


def _options(report: Report) -> Iterator[Block]:
    if report.options:
        yield divider()
        yield header("What could be installed")
    for option in report.options:
        yield section(_option(option, option == report.recommended))
    if report.other_roots:
        names = (
            fill("{} until {}", code(c.subject, 150), expiry(c.not_after, c.days_left))
            for option in report.other_roots[:5]
            for c in option.certificates[:2]
        )
        yield section(joined(("Roots that would do as well:", *names)))
    if report.missing:
        missing = report.missing
        yield section(
            joined(
                (
                    fill("*Missing issuer*  {}", code(missing.subject)),
                    fill("*Key identifier*  {}", code(missing.key_identifier))
                    if missing.key_identifier
                    else "",
                    fill("*Said to be at*  {}", ", ".join(missing.urls[:3]))
                    if missing.urls
                    else "",
                )
            )
        )


def _option(option: Option, recommended: bool) -> Markup:
    mark = " — recommended" if recommended else ""
    return joined(
        (
            fill("*{}*{}", option_title(option), mark),
            *(certificate_lines(found) for found in option.certificates[:3]),
            prediction_line(option.predictions),
            option.reason,
            *(fill("⚠️ {}", warning) for warning in option.warnings[:3]),
        )
    )


def _findings(report: Report) -> Iterator[Block]:
    if report.findings:
        yield divider()
        yield header("Findings")
    for finding in report.findings[:_MAX_FINDINGS]:
        yield section(finding_line(finding))
    rest = len(report.findings) - _MAX_FINDINGS
    if rest > 0:
        yield context(fill("{} more are not shown.", rest))


def _presented(report: Report) -> Iterator[Block]:
    """The addresses that presented the same are shown together."""
    groups: dict[tuple[str, ...], list[Presented]] = {}
    for presented in report.presented:
        key = tuple(c.sha256 for c in presented.certificates) or (
            presented.error.message if presented.error else "",
        )
        groups.setdefault(key, []).append(presented)
    if not groups:
        return
    yield divider()
    yield header("As served")
    if len(groups) > 1:
        yield section("⚠️ The addresses do not all present the same.")
    for same in list(groups.values())[:_MAX_GROUPS]:
        yield section(_group(same))
    if len(groups) > _MAX_GROUPS:
        yield context(fill("{} more groups of addresses.", len(groups) - _MAX_GROUPS))


def _group(same: list[Presented]) -> Markup:
    first = same[0]
    names = [presented.address or "(no address)" for presented in same]
    shown = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
    tls = f"{first.tls.version}, {first.tls.cipher}" if first.tls else ""
    demanded = first.client_certificate
    asks = ""
    if demanded:
        asks = f"Asks for a client certificate{' and demands it' if demanded.required else ''}."
    return joined(
        (
            fill("*{}*", shown),
            tls,
            *(
                fill("{}. {}", number, summary_line(summary))
                for number, summary in enumerate(first.certificates[:_MAX_CERTIFICATES], 1)
            ),
            fill("SHA-256 of the first: {}", code(fingerprint(first.certificates[0].sha256)))
            if first.certificates
            else "",
            fill("❌ {}", first.error.message) if first.error else "",
            asks,
        )
    )


def _paths(report: Report) -> Iterator[Block]:
    if report.paths:
        yield divider()
        yield header("Paths")
    for number, path in enumerate(report.paths[:_MAX_PATHS], 1):
        steps = (summary_line(summary) for summary in path.certificates[:_MAX_CERTIFICATES])
        yield section(
            joined(
                (
                    fill("*Path {}* {}", number, _PATH_ENDS[path.end]),
                    *(fill("→ {}", s) for s in steps),
                )
            )
        )


def details_message(report: Report) -> Message:
    """What is served and the paths, for a thread."""
    blocks = [section(headline(report)), *_presented(report), *_paths(report)]
    text = fill("{} {}", headline(report), report.summary)
    return Message(
        top_text(text), tuple(capped(blocks, MAX_BLOCKS, "{} more parts are not shown."))
    )
