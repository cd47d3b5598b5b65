"""The report for a person at a terminal: what to do within ten seconds, then the details."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from bot.rendering.layout import BOLD, DIM, GREEN, RED, YELLOW, Layout
from bot.report import (
    Certificate,
    CertificateSummary,
    ClientCertificate,
    Finding,
    Option,
    Prediction,
    Presented,
    Report,
)
from bot.summary import is_from_server
from bot.text import authority, visible

_VERDICTS: Final = {
    "validated": ("VALIDATED", GREEN),
    "unproven": ("UNPROVEN", YELLOW),
    "not_found": ("NOT FOUND", RED),
    "unreachable": ("UNREACHABLE", RED),
    "refused": ("REFUSED", RED),
}
#: An unreachable server that was reached and does not speak TLS, or not far enough.
_NO_CERTIFICATE: Final = ("NO CERTIFICATE", RED)
_MARKS: Final = {"error": ("✗", RED), "warning": ("!", YELLOW), "info": ("·", DIM)}
_OPTION_NAMES: Final = {
    "root": "Option 1, the root",
    "intermediate": "Option 2, the intermediate",
    "server": "Option 3, the server's certificate (a fallback, not for production)",
}
_SOURCES: Final = {
    "public": "root programmes: {}",
    "company": "the company's folder: {}",
    "served": "the server itself: {}",
    "aia": "download: {}",
    "upload": "file: {}",
}
_INSTALLED: Final = "installed_"
#: Said by the warning of the recommended option.
_UNPROVEN: Final = "root_not_proven"
#: CAs of client certificates that are named.
_MAX_AUTHORITIES: Final = 10
#: Of a name that fills the screen, what a person needs to know it by.
_MAX_NAME: Final = 300


def render(report: Report, *, width: int = 100, colour: bool = False) -> str:
    """The report as lines of at most ``width`` columns (at least 40; commands to copy are longer),
    with ANSI colours if wanted. Names in it are visible already (see ``bot.text``)."""
    return "\n".join(_Page(report, Layout(width, colour=colour)).lines()) + "\n"


class _Page:
    def __init__(self, report: Report, layout: Layout) -> None:
        self._report = report
        self._layout = layout
        #: What the summary says already, in full.
        self._said = [f for f in report.findings if _text(f) in report.summary]
        repeated = [f for f in report.findings if f.code == _UNPROVEN and report.recommended]
        other = [f for f in report.findings if f not in (*self._said, *repeated)]
        self._installed = [f for f in other if f.code.startswith(_INSTALLED)]
        self._findings = [f for f in other if f not in self._installed]

    def lines(self) -> Iterator[str]:
        yield from self._verdict()
        yield from self._recommended()
        yield from self._next()
        yield from self._listed("Findings", [f for f in self._findings if f.severity != "info"])
        yield from self._message()
        yield from self._today()
        yield from self._other_options()
        yield from self._chains()
        yield from self._listed("To know", [f for f in self._findings if f.severity == "info"])

    def _verdict(self) -> Iterator[str]:
        report, layout = self._report, self._layout
        errors = [presented.error for presented in report.presented if presented.error]
        reached = any(is_from_server(error.code) for error in errors)
        is_bare = report.verdict == "unreachable" and reached
        word, style = _NO_CERTIFICATE if is_bare else _VERDICTS[report.verdict]
        target = report.target
        where = visible(target.input, _MAX_NAME)
        if target.host:
            where = authority(target.host, target.port) if target.port else target.host
            if target.unicode_host not in (None, target.host):
                where += f" ({visible(target.unicode_host or '')})"
            if target.connect:
                where += f" at {visible(target.connect)}"
        yield from layout.item(f"{word} ", f"{BOLD};{style}", where)
        yield from layout.paragraph(report.summary)
        for finding in self._said:
            if finding.java:
                yield from layout.paragraph(f"Java says: {finding.java}", 0, DIM)

    def _recommended(self) -> Iterator[str]:
        option = self._report.recommended
        if option is None:
            return
        yield ""
        for certificate in option.certificates:
            yield from self._certificate(option, certificate)
        yield from self._layout.rows("Java", [self._predictions(option.predictions)])
        for warning in option.warnings:
            yield from self._layout.item("!", YELLOW, warning, 2)

    def _certificate(self, option: Option, certificate: Certificate) -> Iterator[str]:
        layout = self._layout
        kind = "Server"
        if option.option != "server":
            kind = "Root" if certificate.subject == certificate.issuer else "Intermediate"
        yield from layout.field(kind, _name(certificate.subject), BOLD)
        yield from layout.fingerprint("SHA-256", certificate.sha256)
        yield from layout.field("Expires", _expiry(certificate.not_after, certificate.days_left))
        if certificate.sources:
            source = certificate.sources[0]
            words = _SOURCES[source.kind].format(visible(source.detail, _MAX_NAME))
            yield from layout.field("Known from", words)

    def _predictions(self, predictions: Mapping[str, Prediction]) -> str:
        return "  ".join(
            f"{jdk} " + self._layout.paint(*(("✓", GREEN) if p.accepted else ("✗", RED)))
            for jdk, p in predictions.items()
        )

    def _next(self) -> Iterator[str]:
        report, layout = self._report, self._layout
        if report.command:
            yield ""
            yield from layout.paragraph("Run this on a machine that reaches the server:", 0, BOLD)
            yield from (f"  {line}" for line in report.command.splitlines())
        elif report.verdict == "validated":
            yield ""
            text = "Add --pem root.pem to write it to a file; attach that to the install request."
            yield from layout.field("Next", text)
        elif report.request_text:
            yield ""
            text = "Send the message below to the system's owner or the IT team"
            if report.recommended:
                text += "; request the certificate once its fingerprint is confirmed"
            yield from layout.field("Next", f"{text}.")

    def _listed(self, title: str, findings: Iterable[Finding]) -> Iterator[str]:
        heading = self._layout.heading(title)
        for finding in findings:
            yield from heading
            mark, style = _MARKS[finding.severity]
            where = f" [{', '.join(map(visible, finding.addresses))}]" if finding.addresses else ""
            yield from self._layout.item(mark, style, _text(finding) + where)
            if finding.java:
                yield from self._layout.paragraph(f"Java says: {finding.java}", 2, DIM)

    def _message(self) -> Iterator[str]:
        if not self._report.request_text:
            return
        yield from self._layout.heading("Message to send")
        for line in self._report.request_text.splitlines():
            if line.startswith("- "):
                yield from self._layout.item("-", "", line[2:], 2)
            else:
                yield from self._layout.paragraph(line, 2) if line else [""]

    def _today(self) -> Iterator[str]:
        if self._report.installed is None:
            return
        yield from self._layout.heading("Installed today")
        yield from self._layout.rows("Java", [self._predictions(self._report.installed)])
        yield from self._without_heading(self._installed)

    def _without_heading(self, findings: Iterable[Finding]) -> Iterator[str]:
        yield from list(self._listed("", findings))[2:]

    def _other_options(self) -> Iterator[str]:
        report, layout = self._report, self._layout
        others = [option for option in report.options if option != report.recommended]
        if others or report.other_roots:
            yield from layout.heading("Other options" if report.recommended else "Options")
        for option in others:
            yield from layout.paragraph(_OPTION_NAMES[option.option], 2)
            for certificate in option.certificates:
                ends = f"until {_expiry(certificate.not_after, certificate.days_left)}"
                yield from layout.beside(_name(certificate.subject), ends, 4)
            yield f"    Java  {self._predictions(option.predictions)}"
            if not all(prediction.accepted for prediction in option.predictions.values()):
                yield from layout.paragraph(option.reason, 4)
        if report.other_roots:
            yield from layout.paragraph("Other roots that would do", 2)
        for option in report.other_roots:
            for certificate in option.certificates:
                ends = f"until {_expiry(certificate.not_after, certificate.days_left)}"
                yield from layout.beside(_name(certificate.subject), ends, 4)

    def _chains(self) -> Iterator[str]:
        """The same chain from several addresses is shown once."""
        groups: dict[tuple[object, ...], list[Presented]] = {}
        for presented in self._report.presented:
            if presented.certificates:
                same = (presented.chain, presented.tls, presented.client_certificate)
                groups.setdefault(same, []).append(presented)
        for group in groups.values():
            first = group[0]
            tls = f", {first.tls.version}, {first.tls.cipher}" if first.tls else ""
            where = ", ".join(visible(presented.address, 100) for presented in group)
            yield ""
            yield from self._layout.paragraph(f"Chain from {where}{tls}", 0, BOLD)
            for number, summary in enumerate(first.certificates):
                yield from self._link(number, summary)
            if first.client_certificate:
                yield from self._client_certificate(first.client_certificate)

    def _link(self, number: int, summary: CertificateSummary) -> Iterator[str]:
        if summary.subject is None or summary.not_after is None or summary.days_left is None:
            yield f"  {number} (cannot be read)"
            return
        ends = f"until {_expiry(summary.not_after, summary.days_left)}"
        yield from self._layout.beside(f"{number} {_name(summary.subject)}", ends, 2)

    def _client_certificate(self, wanted: ClientCertificate) -> Iterator[str]:
        text = (
            "Demands a client certificate" if wanted.required else "Asks for a client certificate"
        )
        accepted = [_name(name) for name in wanted.authorities]
        if accepted:
            text += f" from: {'; '.join(accepted[:_MAX_AUTHORITIES])}"
        if len(accepted) > _MAX_AUTHORITIES:
            text += f"; and {len(accepted) - _MAX_AUTHORITIES} more"
        yield from self._layout.paragraph(text, 2)


def _text(finding: Finding) -> str:
    return f"{finding.message} {finding.remedy}".rstrip()


def _name(subject: str) -> str:
    return visible(subject, _MAX_NAME) or "(empty name)"


def _expiry(moment: str, days: int) -> str:
    """``days`` are whole ones, rounded down: an hour after its end a certificate has -1 left."""
    if days >= 0:
        return f"{moment[:10]} ({_days(days)} left)"
    ago = f"{_days(-days - 1)} ago" if days < -1 else "less than a day ago"
    return f"{moment[:10]} (expired {ago})"


def _days(count: int) -> str:
    return f"{count:,} day{'' if count == 1 else 's'}"
