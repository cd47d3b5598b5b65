"""What Matrix42 answers, through both desks, without a socket: status, headers, JSON."""

from __future__ import annotations

import functools
import json
from collections.abc import Coroutine, Iterator
from typing import Any, Final

import httpx
from pydantic import TypeAdapter

from bot.desks.base import DeskError, News, Ticket, TicketDraft, marker_of
from bot.desks.configuration import EnterpriseTable, ProfessionalTable
from bot.desks.enterprise import EnterpriseDesk
from bot.desks.http import Answer, DeskHttp
from bot.desks.professional import ProfessionalDesk
from tests.hostile.fuzzing.target import FuzzTarget, check_told, driven

_MARKER: Final = marker_of("R-7K3M")
_DRAFT: Final = TicketDraft(_MARKER, f"Install {_MARKER}", (("Target", "h"),), "me@corp.example")
_TICKET: Final = Ticket("0b8c", "T-1", "", "SPSActivityTypeTicket")
_STATUSES: Final = (200, 200, 200, 201, 204, 400, 401, 403, 404, 406, 413)
_ENTERPRISE: Final = {
    "kind": "enterprise",
    "url": "https://desk.example/m42Services/api/",
    "api_token": "env:X",
    "relay_files": True,
    "download": "file/{id}",
    "states": {"200": "open"},
    "link": "https://desk.example/{id}/{number}",
}
_PROFESSIONAL: Final = {
    "kind": "professional",
    "url": "https://desk.example/api/",
    "login": "bot",
    "password": "env:X",
    "template": "incident",
    "folder": "f",
    "number": "number",
    "relay_files": True,
    "download": "dc/{template}/{ticket}/{attribute}/{id}",
    "states": {"01": "open"},
    "link": "https://desk.example/{id}/{number}",
}


class Answering(DeskHttp):
    """Gives one answer after the other, and then an empty one."""

    def __init__(self) -> None:
        super().__init__("https://desk.example/", seconds=1)
        self.answers: list[Answer] = []

    async def call(self, method: str, path: str, **content: Any) -> Answer:
        # What is asked must be something that can be sent.
        names = ("params", "headers", "json", "data", "content", "files")
        self._client.build_request(
            method, path, **{name: content[name] for name in names if name in content}
        )
        return self.answers.pop() if self.answers else Answer(200, httpx.Headers(), b"null")


@functools.cache
def _answering() -> Answering:
    return Answering()


@functools.cache
def _table(kind: str) -> EnterpriseTable | ProfessionalTable:
    if kind == "enterprise":
        return TypeAdapter(EnterpriseTable).validate_python(_ENTERPRISE)
    return TypeAdapter(ProfessionalTable).validate_python(_PROFESSIONAL)


def _desk(kind: str) -> EnterpriseDesk | ProfessionalDesk:
    """A desk that has just begun."""
    table = _table(kind)
    if isinstance(table, EnterpriseTable):
        return EnterpriseDesk(table, "token", http=_answering())
    return ProfessionalDesk(table, "pw", http=_answering())


def _run(kind: str, data: bytes) -> None:
    """The first byte says what is asked of the desk; the rest are answers, one a line, a byte for
    the status before each."""
    if not data:
        return
    desk, http = _desk(kind), _answering()
    answers = [
        Answer(_STATUSES[line[0] % len(_STATUSES)], httpx.Headers({"Authorization": "t"}), line[1:])
        for line in data[1:].split(b"\n")
        if line
    ]
    signed_in = Answer(200, httpx.Headers({"Authorization": "Bearer t"}), b'{"RawToken":"t"}')
    http.answers = [*reversed(answers), signed_in]
    try:
        found = driven(_asked(desk, data[0]))
    except DeskError as error:
        check_told(error.message, error.remedy)
        return
    if isinstance(found, News):
        kept = json.loads(json.dumps(found.cursor))
        for entry in found.entries:
            entry.text.encode()
            entry.author.encode()
        http.answers = [*reversed(answers)]
        try:
            driven(desk.poll(_TICKET, kept))
        except DeskError as error:
            check_told(error.message)


def _asked(desk: EnterpriseDesk | ProfessionalDesk, number: int) -> Coroutine[Any, Any, object]:
    match number % 7:
        case 0:
            return desk.create(_DRAFT)
        case 1:
            return desk.find(_MARKER)
        case 2:
            return desk.attach(_TICKET, "r.pem", b"x")
        case 3:
            return desk.comment(_TICKET, "text")
        case 4:
            return desk.check()
        case 5:
            return desk.attached(_TICKET, "r.pem")
        case _:
            return desk.poll(_TICKET, {})


def _line(*answers: object) -> bytes:
    return b"\n".join(b"\x00" + json.dumps(answer).encode() for answer in answers)


def _enterprise_answers() -> Iterator[bytes]:
    user = [{"ID": "u1", "FirstName": "A", "LastName": "B"}]
    ticket = {"SPSActivityClassBase": {"TicketNumber": "TCK1"}}
    activity = [{"ID": "1", "State": 200, "TimeStamp": "AAAAAAAAB9E=", "TicketNumber": "T"}]
    journal = [
        {
            "ID": "j1",
            "CreatedDate": date,
            "CreatorId": "u1",
            "OriginalSolutionHtml": "<p>hello &amp; <b>you</b></p>",
            "VisibleInPortal": True,
        }
        for date in ("2026-11-25T10:00:00.123", "0001-01-01T00:00:00", "9999-12-31T23:59:59Z")
    ]
    files = [{"Id": "f1", "Name": "r.pem", "Size": 1, "UploadedOn": "2026-11-25T10:00:00"}]
    yield b"\x00" + _line(user, "0b8c", ticket)
    yield b"\x01" + _line([{"ObjectId": "0b8c", "Subject": f"x {_MARKER}"}], ticket)
    yield b"\x02" + _line(None, files, "content")
    yield b"\x03" + _line({"JournalId": "j1"})
    yield b"\x04" + _line([], [], [])
    yield b"\x05" + _line(files)
    yield b"\x06" + _line(activity, journal, user, files)
    yield b"\x06" + _line(activity, journal[1:2], user, files)


def _professional_answers() -> Iterator[bytes]:
    def card(**values: object) -> dict[str, object]:
        return {
            "dataCardId": "77",
            "data": {name: {"values": [value]} for name, value in values.items()},
        }

    number = card(number={"value": "T-1"})
    log = {"value": "hello", "author": "A", "date": "2026-11-25"}
    polled = card(
        status={"value": "Open", "code": "01"},
        worklog=log,
        attachments={"value": "r.pem", "id": "f1", "size": 1},
    )
    yield b"\x00" + _line({"dataCard": {"dataCardId": "77"}, "errors": ["no"]}, number)
    yield b"\x01" + _line([card(subject={"value": f"x {_MARKER}"})], number)
    yield b"\x02" + _line({}, polled, "content")
    yield b"\x03" + _line({"errors": [{"message": "no"}]})
    yield b"\x04" + _line([{"code": "incident"}], {"attributes": [{"code": "subject"}]})
    yield b"\x05" + _line(polled)
    yield b"\x06" + _line(polled)


_WORDS: Final = (
    b"null",
    b"[]",
    b"{}",
    b"1e999",
    b'"\\ud800"',
    b'"\\u0000"',
    b"\n\x00",
    b"-1",
    b"true",
)

TARGETS: Final = (
    FuzzTarget(
        "enterprise_answer",
        lambda data: _run("enterprise", data),
        _enterprise_answers,
        words=_WORDS,
        max_bytes=4000,
    ),
    FuzzTarget(
        "professional_answer",
        lambda data: _run("professional", data),
        _professional_answers,
        words=_WORDS,
        max_bytes=4000,
    ),
)
