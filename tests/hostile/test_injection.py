"""Untrusted words through every edge: they are shown, and never obeyed.

Each payload stands in a certificate's names, in an error, a file's name, a person's message and
name, in what the desk writes; each place is what the program really renders of it.
"""

from __future__ import annotations

import base64
import csv
import email
import email.policy
import functools
import io
import json
import logging
import re
import sys
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any, Final

import pytest
from cryptography import x509
from pydantic import TypeAdapter

from bot.commands import requests as commands
from bot.desks.base import TicketDraft
from bot.desks.configuration import EmailTable
from bot.desks.email import EmailDesk
from bot.desks.markup import as_html, as_text, from_html, html_lines
from bot.errors import FormatError, TargetError
from bot.lookup import Lookup, Question, refused
from bot.pki.certificate import Certificate
from bot.pki.errors import explain
from bot.pki.formats import read, to_pem
from bot.pki.pem import encoded
from bot.probe.target import parse_target
from bot.rendering.terminal import render
from bot.report import Report
from bot.requests.messages import Message as Written
from bot.requests.request import (
    Entry,
    Installation,
    InstallRequest,
    RequestedCertificate,
    TargetSystem,
)
from bot.requests.states import State
from bot.serving.logs import JsonFormatter
from bot.settings import Settings
from handlers.blocks.card import card_message
from handlers.blocks.details import details_message
from handlers.blocks.files import reading_blocks
from handlers.blocks.help import error_message, explanation_message
from handlers.blocks.install_modal import Filled, install_view
from handlers.blocks.lines import file_name, installer_summary, line_message
from handlers.blocks.message import Message
from handlers.blocks.report import report_message
from handlers.blocks.tickets import entry_text, journal_message, ticket_draft, written_text
from tests.support.authority import Issued, make, make_root
from tests.support.probing import HOST

#: Names longer than X.520 allows are what this is about.
pytestmark = pytest.mark.filterwarnings("ignore:Attribute's length must be:UserWarning")

_MARK: Final = "EVIL"
PAYLOADS: Final = {
    "mention of all": "<!channel> EVIL <!here|x> <!everyone>",
    "mention of a user": "<@U0EVIL0000> <#C0EVIL0000|EVIL> <!subteam^S0EVIL0000>",
    "link": "<https://evil.example/EVIL|bank.example> https://evil.example/EVIL",
    "entities": "&lt;!channel&gt; &#60;!channel&#62; EVIL &amp;lt;",
    "formatting": "*EVIL* _EVIL_ ~EVIL~ `EVIL` ```EVIL``` :EVIL:",
    "quote and list": "> EVIL\n>>> EVIL\n• EVIL\n1. EVIL",
    "half a code span": "EVIL ` <!channel>",
    "bidi": "\u202eLIVE\u2066 EVIL \u200fEVIL\u061c",
    "invisible": "EV\u200bIL EV\u00adIL \ufeffEVIL\u2060 EVIL\u3164\u115f\u2800\U000e0041",
    "no-break spaces": "EVIL\u00a0EVIL\u202fEVIL\u2007EVIL\u3000EVIL",
    "HTML": '<script>EVIL()</script><img src=x onerror="EVIL()"></td></table><b>EVIL',
    "HTML attributes": "\" onmouseover=\"EVIL()' style='x:EVIL",
    "formula": '=HYPERLINK("http://evil.example","EVIL")',
    "formula by plus": "+EVIL|' /C calc'!A0",
    "formula by minus": "-2+3+cmd|'EVIL'!A1",
    "formula by at": "@SUM(EVIL)",
    "formula by tab": "\t=EVIL()",
    "terminal escapes": "\x1b]0;EVIL\x07\x1b[2J\x1b[31mEVIL\x9b31m\x08\x08\r",
    "line breaks": "x\nEVIL: forged\r\nEVIL\u2028EVIL\u2029EVIL\x85EVIL\x0b\x0cEVIL",
    "log line": 'x"}\n{"level":"error","message":"EVIL"}',
    "mail header": "x\r\nBcc: evil@evil.example\r\n\r\nEVIL",
    "mail header folded": "x\n Bcc: evil@evil.example EVIL",
    "disposition": 'EVIL"; filename="evil.exe\r\nX: y',
    "path": "../../EVIL/../etc/passwd\\EVIL\x00.pem",
    "PEM": "EVIL\n-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    "PEM end": "-----END CERTIFICATE----- EVIL",
    "template": "{} {0} {0.__class__} %s %(EVIL)s ${EVIL} {{EVIL}}",
    "surrogates": "EVIL\ud800\udfff",
    "null": "EVIL\x00EVIL",
    "long": "EVIL" + "\u0301" * 3000 + "A" * 30_000,
}
_NOW: Final = datetime(2026, 11, 25, 12, tzinfo=UTC)


def _name(text: str) -> x509.Name:
    """As a certificate can hold it: a UTF8String has no lone surrogates."""
    plain = text.encode("utf-8", "replace").decode()[:2000] or "x"
    attributes = (x509.NameOID.COMMON_NAME, x509.NameOID.ORGANIZATION_NAME)
    return x509.Name([x509.NameAttribute(oid, plain, _validate=False) for oid in attributes])


@functools.cache
def chain_of(text: str) -> tuple[Issued, Issued]:
    """A leaf and its root that bear ``text`` wherever a certificate can."""
    root = make_root(_name(text))
    value = text.encode("ascii", "replace").decode()[:400]
    uri = "http://" + re.sub(r"[^!-~]", "_", value)
    names = x509.SubjectAlternativeName(
        [
            x509.DNSName(HOST),
            x509.DNSName._init_without_validation(re.sub(r"[^ -~]", "_", value)),
            x509.UniformResourceIdentifier._init_without_validation(uri),
        ]
    )
    return make(_name(text), root, extensions=[(names, False)], ca_issuers=[uri]), root


async def report_on(text: str) -> Report:
    """The report on a server that presents that chain, read from a file of that name."""
    chain = tuple(Certificate.from_der(issued.der) for issued in chain_of(text))
    question = Question(
        parse_target(HOST), chain=(text, chain), installed=chain[1:], offline=True, at=_NOW
    )
    return await Lookup(Settings(aia=False)).answer(question)


def request_of(text: str) -> InstallRequest:
    """A request by somebody of that name, with that in every field."""
    root = Certificate.from_der(chain_of(text)[1].der)
    certificate = RequestedCertificate(
        encoded(root.der),
        root.sha256,
        root.subject.text,
        root.issuer.text,
        "2035-01-01T00:00:00Z",
        text,
    )
    predictions = {"25": {"accepted": False, "message": text}}
    return InstallRequest(
        id="0" * 24,
        short_id="R-7K3M",
        team="T1",
        requester=text,
        requester_name=text,
        target=TargetSystem(HOST, 636, "tls"),
        environment="production",
        installation=Installation("root", (certificate,), predictions, False, text),
        connector=text,
        contact=text,
        note=text,
        lookup_id="l",
        origin=None,
        state=State.POSTED,
        taken_by=text,
        taken_by_name=text,
        ticket={"number": text, "url": "https://desk.example/" + text, "desk": text},
        channel="C1",
        card_ts="1.2",
        pem_file=None,
        version=1,
        created_at=_NOW,
        changed_at=_NOW,
        closed_at=None,
    )


def _written(text: str) -> Written:
    return Written(
        id="m",
        request_id="r",
        source="desk",
        source_id="s",
        author=text,
        author_name=text,
        text=text,
        files=[{"id": "F", "name": text}],
        written_at=_NOW,
        edited_at=None,
        deleted_at=None,
    )


def _entry(text: str) -> Entry:
    return Entry("e", "r", 1, _NOW, text, text, "reject", text, State.REJECTED, {})


# --- Slack -----------------------------------------------------------------------------------------

#: What the program itself makes of ``<…>``.
_OURS: Final = re.compile(r"<@[A-Z0-9]{2,30}>|<https?://[^\s<>|]+\|[^<>|]*>|<!date\^\d+\^[^<>]*>")
_ENTITY: Final = re.compile(r"&(?:amp|lt|gt);")


def _mrkdwn(value: object) -> Iterator[str]:
    """Every text of blocks that Slack reads as mrkdwn."""
    if isinstance(value, Mapping):
        if value.get("type") == "mrkdwn":
            assert value.get("verbatim") is True
            yield str(value["text"])
        else:
            for item in value.values():
                yield from _mrkdwn(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _mrkdwn(item)


def _plain_texts(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        if value.get("type") == "plain_text":
            assert value.get("emoji") is False
            yield str(value["text"])
        else:
            for item in value.values():
                yield from _plain_texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _plain_texts(item)


def _assert_slack(message: Message) -> None:
    _assert_mrkdwn(message.text)
    blocks = list(message.blocks)
    json.dumps(blocks).encode()
    for text in _mrkdwn(blocks):
        _assert_mrkdwn(text)
    for text in _plain_texts(blocks):
        _assert_visible(text)


def _assert_mrkdwn(text: str) -> None:
    _assert_visible(text)
    for made in _OURS.findall(text):
        # The address of a ticket is the desk's own.
        assert _MARK not in made.partition("|")[0] or made.startswith("<https://desk.example/")
    rest = _ENTITY.sub("", _OURS.sub("", text))
    assert not re.search("[<>&]", rest), rest
    outside = re.sub(r"```.*?```|`[^`]*`", "", rest, flags=re.DOTALL)
    assert "`" not in outside, outside
    assert not re.search(rf"([*_~]){_MARK}\1|:{_MARK}:", outside), outside


def _assert_visible(text: str) -> None:
    """Every line is printable, and holds nothing that turns or hides text."""
    for line in text.split("\n"):
        for character in line:
            assert character == " " or unicodedata.category(character)[0] not in "CZ", repr(line)
        assert not re.search("[\u3164\u115f\u1160\u2800\uffa0\u034f]", line), repr(line)


async def _slack_report(text: str) -> None:
    report = await report_on(text)
    _assert_slack(report_message(report, "l", "U0123456789"))
    _assert_slack(details_message(report))
    filled = Filled(connector=text, contact=text, note=text, reason=text, asks_environment=text)
    view = install_view(report, "l", filled, {"channel": None, "ts": None})
    for element in _mrkdwn(view["blocks"]):
        _assert_mrkdwn(element)


async def _slack_request(text: str) -> None:
    request = request_of(text)
    _assert_slack(card_message(request))
    _assert_slack(line_message(request, _entry(text)))
    _assert_mrkdwn(installer_summary(request))


async def _slack_words(text: str) -> None:
    """What people and the desk write, error texts, and what is refused of them."""
    request = request_of(text)
    _assert_slack(journal_message(request, {}, _written(text)))
    for news in (
        {"state": {"label": text, "meaning": None}},
        {"file": {"name": text}},
        {"down": {"since": _NOW.isoformat(), "reason": text}},
        {"gone": text},
        {"warnings": [text]},
    ):
        _assert_slack(journal_message(request, news, None))
    _assert_slack(explanation_message(explain(text)))
    _assert_slack(explanation_message(explain(f"PKIX path building failed: {text}")))
    try:
        parse_target(text)
    except TargetError as error:
        _assert_slack(error_message(error))


async def _slack_file(text: str) -> None:
    try:
        reading = read(chain_of(text)[0].pem, name=text)
        blocks = tuple(reading_blocks(reading))
    except FormatError as error:
        blocks = error_message(error).blocks
    _assert_slack(Message("x", blocks))
    with pytest.raises(FormatError) as caught:
        read(b"\x7fELF" + text.encode("utf-8", "replace"), name=text)
    _assert_slack(error_message(caught.value))


# --- terminal --------------------------------------------------------------------------------------


async def _terminal(text: str) -> None:
    for report in (await report_on(text), refused(text, TargetError(f"no {len(text)}"))):
        for line in render(report, width=100).splitlines():
            _assert_visible(line)
    request = request_of(text)
    for line in commands._described(request):
        _assert_visible(line)
    for line in commands._columns([commands._list_row(request)]):
        _assert_visible(line)
    _assert_visible(commands._audit_line(_entry(text)))


# --- the desk --------------------------------------------------------------------------------------


class _Tags(HTMLParser):
    """Collects what is more than text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: list[object] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(decl)


def _draft(text: str) -> TicketDraft:
    return ticket_draft(request_of(text), "[cert-req R-7K3M]", f"https://x.slack.com/{text}")


async def _ticket_html(text: str) -> None:
    draft = _draft(text)
    said = written_text(_written(text)), entry_text(_entry(text))
    for source in (as_html(draft.facts), *map(html_lines, said)):
        tags = _Tags()
        tags.feed(source)
        tags.close()
        assert tags.tags <= {"table", "tr", "td", "b", "br"}
        assert tags.attributes == []
        _assert_visible(source)
    assert as_html(draft.facts).count("<tr>") == len(draft.facts)


async def _ticket_text(text: str) -> None:
    draft = _draft(text)
    lines = as_text(draft.facts).split("\n")
    names = [name for name, _ in draft.facts]
    # A line that is no fact's first is indented, so that none can be forged.
    assert [line.partition(":")[0] for line in lines if not line.startswith("  ")] == names
    for line in (*lines, draft.subject):
        _assert_visible(line)


async def _mail(text: str) -> None:
    table = {"kind": "email", "to": "desk@corp.example", "sender": "bot@corp.example", "host": "m"}
    desk = EmailDesk(TypeAdapter(EmailTable).validate_python(table))
    draft = _draft(text)
    for made in (draft, TicketDraft("[m]", text, draft.facts, file_name=text, file=b"x")):
        sent = desk.message(made).as_bytes()
        heard = email.message_from_bytes(sent, policy=email.policy.default)
        assert {name.lower() for name in heard} == {
            *("from", "to", "subject", "date", "message-id", "references", "mime-version"),
            "content-type",
        }
        assert heard["to"] == "desk@corp.example"
        parts = list(heard.iter_parts())
        assert [part.get_content_type() for part in parts] == [
            "text/plain",
            "application/x-pem-file",
        ]
        assert "\n" not in str(heard["subject"])
        _assert_file_name(str(parts[1].get_filename()))


async def _file_names(text: str) -> None:
    name = file_name(request_of(text))
    assert re.fullmatch(r"R-7K3M-[a-z0-9-]+\.pem", name)
    assert len(name) < 80


def _assert_file_name(name: str) -> None:
    _assert_visible(name)


async def _heard_from_desk(text: str) -> None:
    """HTML that the desk gives is read as text."""
    heard = from_html(f"<p>{text}</p><script>{text}</script>")
    assert "\x00" not in heard
    heard.encode()


# --- files and logs --------------------------------------------------------------------------------


async def _exported(text: str) -> None:
    request, entry = request_of(text), _entry(text)
    rows = io.StringIO()
    writer = csv.DictWriter(rows, commands._COLUMNS, lineterminator="\r\n")
    record = commands._record(request, [entry])
    writer.writerow({name: commands._cell(value) for name, value in record})
    rows.seek(0)
    (row,) = csv.reader(rows)
    assert len(row) == len(commands._COLUMNS)
    for cell in row:
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"))
        _assert_visible(cell)
    assert len(json.dumps(commands._plain(request)).splitlines()) == 1
    assert len((await report_on(text)).to_json().splitlines()) == 1


async def _pem_file(text: str) -> None:
    chain = [Certificate.from_der(issued.der) for issued in chain_of(text)]
    written = to_pem(chain)
    assert written.isascii()
    for line in written.splitlines():
        assert re.fullmatch(r"# (?:Subject|SHA-256): [ -~]*|-----[A-Z ]+-----|[\w+/=]{1,64}", line)
    assert written.count("-----") == 8
    assert [found.certificate for found in read(written.encode()).certificates] == chain
    blocks = re.findall(r"-----BEGIN CERTIFICATE-----([^-]+)-", written)
    assert [base64.b64decode(block) for block in blocks] == [found.der for found in chain]


async def _log(text: str) -> None:
    record = logging.LogRecord("whichroot", logging.WARNING, "f", 1, "It said %s", (text,), None)
    record.error = text
    record.team = text
    try:
        raise ValueError(text)
    except ValueError:
        record.exc_info = sys.exc_info()
    line = JsonFormatter().format(record)
    assert len(line.splitlines()) == 1
    line.encode()
    _assert_visible(line)
    assert json.loads(line)["level"] == "warning"


PLACES: Final[tuple[Callable[[str], Any], ...]] = (
    _slack_report,
    _slack_request,
    _slack_words,
    _slack_file,
    _terminal,
    _ticket_html,
    _ticket_text,
    _mail,
    _file_names,
    _heard_from_desk,
    _exported,
    _pem_file,
    _log,
)


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__.strip("_"))
async def test_what_is_untrusted_is_shown_and_not_obeyed(place: Callable[[str], Any]) -> None:
    failed: list[str] = []
    for name, payload in PAYLOADS.items():
        try:
            await place(payload)
        except (AssertionError, ValueError) as error:
            failed.append(f"{name}: {type(error).__name__} {str(error)[:300]}")
    assert not failed, "\n".join(failed)
