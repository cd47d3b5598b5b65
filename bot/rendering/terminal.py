"""The report for a person at a terminal: what to do within ten seconds, then the details."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Final

from bot.report import Certificate, CertificateSummary, Finding, Option, Report
from bot.text import visible

_VERDICTS: Final = {
    "validated": ("VALIDATED", "32"),
    "unproven": ("UNPROVEN", "33"),
    "not_found": ("NOT FOUND", "31"),
    "unreachable": ("UNREACHABLE", "31"),
    "refused": ("REFUSED", "31"),
}
_SEVERITIES: Final = {"error": ("✗", "31"), "warning": ("!", "33"), "info": ("·", "2")}
_OPTION_NAMES: Final = {
    "root": "Option 1, the root",
    "intermediate": "Option 2, intermediate",
    "server": "Option 3, the server certificate (fallback, not for production)",
}


def render(report: Report, *, width: int = 100, colour: bool = False) -> str:
    """The report as lines of at most ``width`` columns where words allow it, with ANSI colours if
    wanted. Names in it are visible already (see ``bot.text``)."""
    return "\n".join(_Page(report, max(40, min(width, 120)), colour).lines()) + "\n"


class _Page:
    def __init__(self, report: Report, width: int, colour: bool) -> None:
        self._report = report
        self._width = width
        self._colour = colour

    def lines(self) -> Iterator[str]:
        report = self._report
        word, code = _VERDICTS[report.verdict]
        host = report.target.host or visible(report.target.input)
        where = f"{host}:{report.target.port}" if report.target.port else host
        if report.target.unicode_host not in (None, report.target.host):
            where += f" ({visible(report.target.unicode_host or '')})"
        yield f"{self._paint(word, f'1;{code}')}  {where}"
        yield from self._wrapped(report.summary)
        if report.recommended:
            yield ""
            yield from self._option(report.recommended)
        if report.command:
            yield ""
            yield "Run this on a machine that reaches the server:"
            yield from (f"  {line}" for line in report.command.splitlines())
        yield from self._findings([f for f in report.findings if f.severity != "info"])
        if report.request_text:
            yield from self._section("Message to send")
            for line in report.request_text.splitlines():
                yield from self._wrapped(line, "  | ") if line else ["  |"]
        yield from self._details()

    def _option(self, option: Option) -> Iterator[str]:
        for certificate in option.certificates:
            yield from self._certificate(certificate)
        yield self._field("Java", self._predictions(option))
        for warning in option.warnings:
            yield from self._wrapped(f"{self._paint('!', '33')} {warning}", "  ")

    def _certificate(self, certificate: Certificate) -> Iterator[str]:
        yield self._field("Certificate", self._paint(certificate.subject, "1"))
        fingerprint = certificate.sha256.upper()
        pairs = ":".join(fingerprint[i : i + 2] for i in range(0, 64, 2))
        yield self._field("SHA-256", pairs)
        yield self._field("Expires", _expiry(certificate.not_after, certificate.days_left))
        yield self._field("Known from", certificate.source)

    def _predictions(self, option: Option) -> str:
        return "  ".join(
            f"{jdk} " + (self._paint("✓", "32") if p.accepted else self._paint("✗", "31"))
            for jdk, p in option.predictions.items()
        )

    def _findings(self, findings: list[Finding]) -> Iterator[str]:
        if findings:
            yield ""
        for finding in findings:
            mark, code = _SEVERITIES[finding.severity]
            where = f" [{', '.join(finding.addresses)}]" if finding.addresses else ""
            yield from self._wrapped(
                f"{self._paint(mark, code)} {finding.message} {finding.remedy}{where}".rstrip()
            )
            if finding.java:
                yield from self._wrapped(f"Java says: {finding.java}", "    ")

    def _details(self) -> Iterator[str]:
        report = self._report
        for presented in report.presented:
            if not presented.certificates:
                continue
            tls = f", {presented.tls.version} {presented.tls.cipher}" if presented.tls else ""
            yield from self._section(f"Served by {presented.address}{tls}")
            for index, summary in enumerate(presented.certificates):
                yield from self._summary(index, summary)
        others = [option for option in report.options if option != report.recommended]
        if others:
            yield from self._section("Other options")
        for option in others:
            names = ", ".join(certificate.subject for certificate in option.certificates)
            yield from self._wrapped(f"{_OPTION_NAMES[option.option]}: {names}", "  ")
            yield from self._wrapped(f"{option.reason} Java {self._predictions(option)}", "      ")
        for option in report.other_roots:
            for certificate in option.certificates:
                ends = _expiry(certificate.not_after, certificate.days_left)
                yield from self._wrapped(f"Another root: {certificate.subject}, {ends}", "  ")
        infos = [finding for finding in report.findings if finding.severity == "info"]
        if infos:
            yield from self._section("To know")
            yield from list(self._findings(infos))[1:]

    def _summary(self, index: int, summary: CertificateSummary) -> Iterator[str]:
        if summary.subject is None or summary.not_after is None or summary.days_left is None:
            yield f"  {index} (cannot be read)"
            return
        yield from self._wrapped(f"{index} {summary.subject}", "  ")
        yield f"      until {_expiry(summary.not_after, summary.days_left)}"

    def _section(self, title: str) -> Iterator[str]:
        yield ""
        yield self._paint(title, "1")

    def _field(self, name: str, value: str) -> str:
        return f"  {name + ':':<13}{value}"

    def _wrapped(self, text: str, indent: str = "") -> list[str]:
        return textwrap.wrap(
            text,
            self._width,
            initial_indent=indent,
            subsequent_indent=indent if indent.strip() else f"{indent}  ",
            break_long_words=False,
            break_on_hyphens=False,
        ) or [indent]

    def _paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour else text


def _expiry(moment: str, days: int) -> str:
    left = f"{days} days left" if days >= 0 else f"expired {-days} days ago"
    return f"{moment[:10]} ({left})"
