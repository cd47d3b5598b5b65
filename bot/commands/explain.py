"""``whichroot explain``: what a Java error means, for one server if it is named."""

from __future__ import annotations

import argparse
import asyncio
import json
from typing import Final

from bot import settings as settings_module
from bot.commands import streams
from bot.pki.errors import Explanation, explain
from bot.probe.target import Target, parse_target
from bot.report import Report

#: Findings that speak about the same as an explanation.
_TOPICS: Final = {
    "expired": ("expired",),
    "not_yet_valid": ("not_yet_valid",),
    "name_mismatch": ("name",),
    "ip_mismatch": ("name", "ip"),
    "client_certificate_missing": ("client",),
}


def run(arguments: argparse.Namespace) -> int:
    """Exit code 0: the error is known; 1: it is not. Raises WhichrootError for a host that is none."""
    text = " ".join(arguments.text)
    if text == "-":
        text = streams.read_input("-", 1 << 20).decode("utf-8", "replace")
    target = parse_target(arguments.host) if arguments.host else None
    explanation = explain(text)
    report = asyncio.run(_look(target)) if target else None
    if arguments.json:
        print(json.dumps(_as_json(explanation, report)))
    else:
        print(_as_text(explanation, report))
    return 0 if explanation.code != "unknown" else 1


async def _look(target: Target) -> Report:
    # Imported late: an explanation without a host needs no network.
    from bot.lookup import Lookup, Question

    async with Lookup(settings_module.load()) as lookup:
        return await lookup.answer(Question(target))


def _as_json(explanation: Explanation, report: Report | None) -> dict[str, object]:
    return {
        "code": explanation.code,
        "matched": explanation.matched,
        "cause": explanation.cause,
        "remedy": explanation.remedy,
        "truststore_helps": explanation.truststore_helps,
        "source": explanation.source,
        "details": dict(explanation.details),
        "also": list(explanation.also),
        "now": _now(explanation, report) if report else None,
        "report": json.loads(report.to_json()) if report else None,
    }


def _as_text(explanation: Explanation, report: Report | None) -> str:
    lines = [f"“{explanation.matched}”", f"Cause:  {explanation.cause}"]
    lines += [f"Remedy: {explanation.remedy}"]
    lines += [f"  {name.replace('_', ' ')}: {value}" for name, value in explanation.details.items()]
    lines += [f"Also:   {cause}" for cause in explanation.also]
    if report:
        lines += ["", *_now(explanation, report)]
    return "\n".join(lines)


def _now(explanation: Explanation, report: Report) -> list[str]:
    """What the server presents now, as far as it bears on the error."""
    lines = [f"What {report.target.host}:{report.target.port} presents now: {report.summary}"]
    if explanation.truststore_helps and report.recommended:
        lines += [
            f"  {certificate.subject}, SHA-256 {certificate.sha256.upper()}, "
            f"until {certificate.not_after[:10]}"
            for certificate in report.recommended.certificates
        ]
    topics = _TOPICS.get(explanation.code, ())
    for finding in report.findings:
        if finding.severity == "error" or any(topic in finding.code for topic in topics):
            lines.append(f"  {finding.message} {finding.remedy}".rstrip())
    for presented in report.presented:
        if presented.client_certificate and presented.client_certificate.authorities:
            accepted = "; ".join(presented.client_certificate.authorities[:10])
            lines.append(f"  {presented.address} accepts client certificates of: {accepted}")
    return lines
