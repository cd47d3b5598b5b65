"""The desk that is a mailbox: messages as files, and sent through real mail servers with TLS."""

from __future__ import annotations

import asyncio
import email
import time
from collections.abc import AsyncIterator
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from bot.desks.base import DeskError, DeskUnreachable, MappingRejected, NotAllowed, SignInRefused
from bot.desks.configuration import EmailTable, read_desks
from bot.desks.email import EmailDesk
from bot.errors import SettingsError
from bot.requests.states import State
from tests.desks.mail import MailServer
from tests.desks.support import PEM, draft
from tests.support.authority import make_root
from tests.support.servers import raw_server, saying

ROOT = make_root("Example Corp Root")
LEAF = ROOT.leaf("localhost")
_DRAFT = draft(file_name="root.pem", file=PEM)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mail")
    (folder / "roots.pem").write_bytes(ROOT.pem)
    return folder


@pytest.fixture(params=["starttls", "implicit"])
async def server(request: pytest.FixtureRequest, folder: Path) -> AsyncIterator[MailServer]:
    given = MailServer([LEAF], folder, request.param == "implicit", "bot", "s3cret-of-the-bot")
    async with given.running() as server:
        yield server


def _table(**other: Any) -> EmailTable:
    given = {"to": "desk@example.com", "sender": "bot@corp.example", "host": "localhost", **other}
    return EmailTable.model_validate({"kind": "email", **given})


def _desk(server: MailServer, **other: Any) -> EmailDesk:
    given = {
        "port": server.port,
        "tls": "implicit" if server.implicit else "starttls",
        "login": server.login,
        "password": "env:MAIL_PASSWORD" if server.login else "",
        "ca_bundle": str(server.folder / "roots.pem"),
        "timeout": 60,
    }
    return EmailDesk(_table(**{**given, **other}), server.password)


async def _error(desk: EmailDesk) -> DeskError:
    with pytest.raises(DeskError) as error:
        await desk.create(_DRAFT)
    assert "s3cret" not in str(error.value)
    return error.value


def _read(content: bytes) -> EmailMessage:
    message = email.message_from_bytes(content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


async def test_a_message_is_sent_within_tls_after_a_login_and_is_whole(server: MailServer) -> None:
    desk = _desk(server)
    ticket = await desk.create(_DRAFT)
    message = _read(server.taken[0])
    assert (message["From"], message["To"]) == ("bot@corp.example", "desk@example.com")
    assert message["Subject"] == _DRAFT.subject
    assert message["Message-ID"] == ticket.id
    (attached,) = message.iter_attachments()
    assert (attached.get_filename(), attached.get_content()) == ("root.pem", PEM)
    body = message.get_body()
    assert body is not None
    assert "dc01.corp.example:636 <script>" in body.get_content()
    assert [(line.ok, line.text) for line in await desk.check()] == [
        (True, "The mail server accepts the connection and the login.")
    ]
    assert len(server.taken) == 1


async def test_a_message_that_is_sent_twice_has_the_same_id(server: MailServer) -> None:
    for _ in range(2):
        await _desk(server).create(_DRAFT)
    first, second = map(_read, server.taken)
    assert first["Message-ID"] == second["Message-ID"]


async def test_a_server_with_another_certificate_gets_nothing(server: MailServer) -> None:
    for other in ({"ca_bundle": None}, {"host": "127.0.0.1"}):
        error = await _error(_desk(server, **other))
        assert isinstance(error, DeskUnreachable)
        assert not error.maybe_done
        assert "certificate is not trusted" in error.message
        assert "ca_bundle" in error.remedy
    assert server.taken == []


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA", "AUTH"])
async def test_a_refusal_for_now_is_later(server: MailServer, command: str) -> None:
    server.answers[command] = "451 4.7.1 Greylisted, try later"
    error = await _error(_desk(server))
    assert isinstance(error, DeskUnreachable)
    assert not error.maybe_done
    assert "asks to wait (451)" in error.message


@pytest.mark.parametrize(
    ("command", "kind", "said"),
    [
        ("MAIL", MappingRejected, "the sender bot@corp.example (550)"),
        ("RCPT", MappingRejected, "the recipient desk@example.com (550)"),
        ("DATA", MappingRejected, "refuses the message (550)"),
        ("AUTH", SignInRefused, "does not accept the login (550)"),
    ],
)
async def test_a_refusal_for_good_says_what_is_refused(
    server: MailServer, command: str, kind: type[DeskError], said: str
) -> None:
    server.answers[command] = "550 5.7.1 No"
    error = await _error(_desk(server))
    assert isinstance(error, kind)
    assert said in error.message


async def test_a_wrong_password_is_a_refusal_of_the_bot(server: MailServer) -> None:
    desk = _desk(server)
    server.password = "another"
    error = await _error(desk)
    assert isinstance(error, NotAllowed)
    assert "login and password" in error.remedy
    (line,) = await desk.check()
    assert not line.ok


async def test_a_login_is_not_made_where_none_is_set(folder: Path) -> None:
    async with MailServer([LEAF], folder).running() as server:
        await _desk(server).create(_DRAFT)
        assert len(server.taken) == 1
        error = await _error(_desk(server, login="bot", password="env:X"))
        assert isinstance(error, MappingRejected | SignInRefused)
        (line,) = await _desk(server).check()
        assert line.text == "The mail server accepts the connection."


async def test_a_server_without_tls_hears_no_password_and_no_message() -> None:
    heard: list[bytes] = []

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        while line := await reader.readline():
            heard.append(line)
            writer.write(b"250 ok\r\n")

    async with raw_server(plain) as server:
        desk = EmailDesk(_table(port=server.port, login="bot", password="env:X"), "s3cret")
        error = await _error(desk)
        assert isinstance(error, MappingRejected)
        assert "offers no TLS" in error.message
        assert not any(b"AUTH" in line or b"MAIL" in line for line in heard)
        implicit = EmailDesk(_table(port=server.port, tls="implicit", timeout=60))
        error = await _error(implicit)
        assert isinstance(error, DeskUnreachable)
        assert not error.maybe_done
        assert "does not speak TLS there" in error.message


async def test_a_server_that_is_not_there_or_does_not_want_is_told() -> None:
    error = await _error(EmailDesk(_table(port=9)))
    assert isinstance(error, DeskUnreachable)
    assert "cannot be reached" in error.message
    async with raw_server(saying(b"554 no\r\n")) as server:
        assert isinstance(await _error(EmailDesk(_table(port=server.port))), MappingRejected)
    async with raw_server(saying(b"421 busy\r\n")) as server:
        error = await _error(EmailDesk(_table(port=server.port)))
        assert isinstance(error, DeskUnreachable)


async def test_a_server_that_never_comes_to_an_end_is_left_in_time() -> None:
    async def chatting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not writer.is_closing():
            writer.write(b"220-and another thing\r\n")
            await writer.drain()
            await asyncio.sleep(0.02)

    begun = time.monotonic()
    async with raw_server(chatting) as server:
        error = await _error(EmailDesk(_table(port=server.port, timeout=0.4)))
    assert isinstance(error, DeskUnreachable)
    assert time.monotonic() - begun < 30


async def test_a_server_that_falls_silent_within_tls_is_left_in_time(folder: Path) -> None:
    class Silent(MailServer):
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  aiosmtpd's
            await asyncio.sleep(60)
            return "250 OK"

    begun = time.monotonic()
    async with Silent([LEAF], folder, implicit=True).running() as server:
        error = await _error(_desk(server, timeout=2))
        assert isinstance(error, DeskUnreachable)
        assert error.maybe_done
    assert time.monotonic() - begun < 30


async def test_an_answer_that_is_lost_after_the_message_is_a_doubt_and_a_lost_farewell_is_none(
    folder: Path,
) -> None:
    class Deaf(MailServer):
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  aiosmtpd's
            await super().handle_DATA(server, session, envelope)
            server.transport.abort()
            return "250 OK"

    class Rude(MailServer):
        async def handle_QUIT(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  aiosmtpd's
            server.transport.abort()
            return "221 Bye"

    async with Deaf([LEAF], folder, implicit=True).running() as server:
        error = await _error(_desk(server))
        assert isinstance(error, DeskUnreachable)
        assert error.maybe_done
        assert len(server.taken) == 1
    async with Rude([LEAF], folder, implicit=True).running() as server:
        await _desk(server).create(_DRAFT)
        assert len(server.taken) == 1


async def test_a_message_can_be_offered_as_a_file_and_nothing_is_sent() -> None:
    desk = EmailDesk(_table(host="", mode="download"))
    assert desk.mode == "download"
    ticket = await desk.create(_DRAFT)
    file = desk.message_file(_DRAFT)
    assert file.name == "cert-req-R-7K3M.eml"
    assert b"\n" not in file.content.replace(b"\r\n", b"")
    message = _read(file.content)
    assert (message["X-Unsent"], message["Message-ID"]) == ("1", ticket.id)
    (attached,) = message.iter_attachments()
    assert attached.get_content() == PEM
    (line,) = await desk.check()
    assert line.ok
    assert "offered as a message to desk@example.com" in line.text
    assert await desk.set_state(ticket, State.TAKEN) is None


def test_what_comes_from_a_request_cannot_make_a_header() -> None:
    asked = draft("R-1", file_name='a"\r\nBcc: x@evil.example\r\n.pem', file=PEM)
    file = EmailDesk(_table()).message_file(asked)
    message = _read(file.content)
    assert message["Bcc"] is None
    assert len(list(message.iter_attachments())) == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"host": ""}, "host names the mail server"),
        ({"to": "desk@example.com, other@example.com"}, "one address"),
        ({"login": "bot"}, "login and password belong together"),
        ({"login": "bot", "password": "s3cret"}, "env:NAME or file:PATH"),
        ({"mode": "print"}, "mode"),
    ],
)
def test_a_setting_that_cannot_be_used_is_told(change: dict[str, Any], said: str) -> None:
    table = {"kind": "email", "to": "d@e.example", "sender": "b@e.example", "host": "h", **change}
    with pytest.raises(SettingsError) as error:
        read_desks({"production": table})
    assert said in str(error.value)
    assert "s3cret" not in str(error.value)
