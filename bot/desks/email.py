"""A desk that is a mailbox: the request as a message with the PEM attached.

It is sent by SMTP with TLS, or offered as a file that a person sends. There is nothing to poll;
answers come to whoever the message names. The same request with the same PEM always has the same
Message-ID, so that a message sent twice after a doubt is one to the mail server (RFC 5322 section
3.6.4); one with another PEM belongs to the same conversation.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from email import policy
from email.message import EmailMessage
from email.utils import formatdate
from typing import Final, Literal

from bot.desks.base import (
    Attachment,
    CheckLine,
    Cursor,
    DeskError,
    DeskUnreachable,
    FileRefused,
    MappingRejected,
    MessageFile,
    News,
    Pace,
    SignInRefused,
    Ticket,
    TicketDraft,
    TicketState,
    Written,
)
from bot.desks.configuration import EmailTable
from bot.desks.markup import as_text
from bot.desks.trust import is_untrusted, trust
from bot.requests.states import State
from bot.text import visible

_MAX_SUBJECT: Final = 200
_REPLACES: Final = (
    "The certificate was exchanged: install the one that is attached here, and not the one that was "
    "sent before.\n\n"
)


class EmailDesk:
    """The mailbox that ``table`` names; ``password`` is empty where the server wants none."""

    def __init__(self, table: EmailTable, password: str = "") -> None:
        self._table = table
        self._password = password
        self._trust = trust(table.ca_bundle)

    @property
    def mode(self) -> Literal["send", "download"]:
        """Whether `create` sends the message, or `message_file` is to be offered instead."""
        return self._table.mode

    @property
    def suffixes(self) -> Sequence[str]:
        return self._table.suffixes

    @property
    def pace(self) -> Pace:
        return Pace()

    @property
    def has_journal(self) -> bool:
        return False

    async def aclose(self) -> None:
        """Nothing is open between two messages."""

    def message(self, draft: TicketDraft) -> EmailMessage:
        """The message (.eml) for ``draft``."""
        message = EmailMessage()
        message["From"] = self._table.sender
        message["To"] = self._table.to
        reply, warning = ("Re: ", _REPLACES) if draft.replaces else ("", "")
        message["Subject"] = visible(f"{reply}{draft.subject}", _MAX_SUBJECT)
        message["Date"] = formatdate()
        message["Message-ID"] = self._message_id(draft.marker, draft.file)
        message["References"] = self._message_id(draft.marker)
        message.set_content(warning + as_text(draft.facts))
        if draft.file:
            message.add_attachment(
                draft.file,
                maintype="application",
                subtype="x-pem-file",
                filename=visible(draft.file_name),
            )
        return message

    def _message_id(self, marker: str, file: bytes = b"") -> str:
        token = hashlib.sha256(marker.encode() + file).hexdigest()[:24]
        return f"<{token}@{self._table.sender.partition('@')[2]}>"

    def message_file(self, draft: TicketDraft) -> MessageFile:
        """The same as a file, which mail programs open as a draft to be sent (``X-Unsent``)."""
        message = self.message(draft)
        message["X-Unsent"] = "1"
        name = "".join(c if c.isascii() and c.isalnum() else "-" for c in draft.marker).strip("-")
        return MessageFile(f"{name}.eml", message.as_bytes(policy=policy.SMTP))

    async def create(self, draft: TicketDraft) -> Ticket:
        """Sends the message; with ``mode`` `download` nothing is sent."""
        message = self.message(draft)
        if self.mode == "send":
            await asyncio.to_thread(self._deliver, message)
        return Ticket(str(message["Message-ID"]), draft.marker, "", "email")

    async def find(self, marker: str) -> Ticket | None:
        """None: a mailbox of somebody else cannot be searched."""
        return None

    async def attach(self, ticket: Ticket, name: str, content: bytes) -> Attachment:
        raise FileRefused("A message that is sent takes no further file.")

    async def attached(self, ticket: Ticket, name: str) -> Attachment | None:
        return None

    async def download(self, ticket: Ticket, identifier: str) -> bytes | None:
        return None

    async def comment(self, ticket: Ticket, text: str) -> Written:
        raise MappingRejected("A desk that is a mailbox takes no comments.")

    async def set_state(self, ticket: Ticket, state: State) -> TicketState | None:
        return None

    async def poll(self, ticket: Ticket, cursor: Cursor) -> News:
        return News(cursor, None)

    async def check(self) -> Sequence[CheckLine]:
        if self.mode == "download":
            text = f"Each request is offered as a message to {self._table.to}; nothing is sent."
            return [CheckLine(True, text)]
        try:
            await asyncio.to_thread(self._deliver, None)
        except DeskError as error:
            return [CheckLine(False, str(error))]
        signed_in = " and the login" if self._table.login else ""
        return [CheckLine(True, f"The mail server accepts the connection{signed_in}.")]

    def _deliver(self, message: EmailMessage | None) -> None:
        """Sends ``message``; None: connects and signs in alone."""
        sending = False
        try:
            with self._connected() as server:
                if self._table.login:
                    server.login(self._table.login, self._password)
                if message is not None:
                    sending = True
                    server.send_message(message)
        except smtplib.SMTPException as error:
            raise self._explained(error, maybe_done=sending) from None
        except OSError as error:
            if is_untrusted(error):
                raise DeskUnreachable(
                    "The mail server cannot be reached: its certificate is not trusted.",
                    "Set ca_bundle to the company's own roots, and host to a name of the certificate.",
                    maybe_done=False,
                ) from None
            raise self._lost(error, maybe_done=sending) from None

    @contextlib.contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        """A connection with TLS, for `timeout` seconds at most: whoever is on the other side may
        otherwise answer without end."""
        table = self._table
        server = (
            smtplib.SMTP_SSL(timeout=table.timeout, context=self._trust)
            if table.tls == "implicit"
            else smtplib.SMTP(timeout=table.timeout)
        )
        # The constructor takes the name too, but connects then, before the time is bounded.
        server._host = table.host  # type: ignore[attr-defined]  # typeshed leaves it out; STARTTLS checks the name by it
        end = threading.Timer(table.timeout, _cut, (server,))
        end.daemon = True
        end.start()
        try:
            code, _ = server.connect(table.host, table.port)
            if code != 220:
                raise smtplib.SMTPConnectError(code, "")
            if table.tls == "starttls":
                server.starttls(context=self._trust)
            server.ehlo_or_helo_if_needed()
            yield server
            # What was accepted stays so, whatever becomes of the farewell.
            with contextlib.suppress(OSError, smtplib.SMTPException):
                server.quit()
        finally:
            end.cancel()
            server.close()

    def _explained(self, error: smtplib.SMTPException, *, maybe_done: bool) -> DeskError:
        """What a person is told of ``error``: 4xx passes, 5xx does not (RFC 5321 section 4.2.1)."""
        code = _code(error)
        if code is not None and code < 500:
            return DeskUnreachable(f"The mail server asks to wait ({code}).", maybe_done=False)
        if isinstance(error, smtplib.SMTPAuthenticationError):
            return SignInRefused(
                f"The mail server does not accept the login ({code}).",
                "Check login and password in the desk file.",
            )
        if isinstance(error, smtplib.SMTPSenderRefused):
            return MappingRejected(
                f"The mail server refuses the sender {visible(self._table.sender)} ({code}).",
                "Check sender in the desk file, and whether the server wants a login.",
            )
        if isinstance(error, smtplib.SMTPRecipientsRefused):
            return MappingRejected(
                f"The mail server refuses the recipient {visible(self._table.to)} ({code}).",
                "Check to in the desk file, and whether the server wants a login.",
            )
        if code is not None:
            return MappingRejected(f"The mail server refuses the message ({code}).")
        if isinstance(error, smtplib.SMTPNotSupportedError):
            return MappingRejected(
                "The mail server offers no TLS, no login, or no such address.",
                "Check host, port, tls and login in the desk file.",
            )
        if isinstance(error, smtplib.SMTPServerDisconnected):
            return self._lost(error, maybe_done=maybe_done)
        return MappingRejected(
            "The mail server offers no way to sign in that can be used.",
            "Check host, port, tls and login in the desk file.",
        )

    def _lost(self, error: Exception, *, maybe_done: bool) -> DeskUnreachable:
        why = "it does not answer in time" if isinstance(error, TimeoutError) else "no connection"
        if isinstance(error, ssl.SSLError):
            why = "it does not speak TLS there"
        return DeskUnreachable(
            f"The mail server cannot be reached: {why} ({type(error).__name__}).",
            "Check host, port and tls in the desk file." if not maybe_done else "",
            maybe_done=maybe_done,
        )


def _cut(server: smtplib.SMTP) -> None:
    """Ends whatever waits for ``server``. TLS is left as it is: without it, what another thread is
    about to send would go in the clear."""
    if server.sock is not None:
        with contextlib.suppress(OSError):
            socket.socket.shutdown(server.sock, socket.SHUT_RDWR)


def _code(error: smtplib.SMTPException) -> int | None:
    """The reply code; None: there was no reply."""
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code if error.smtp_code > 0 else None
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return max(code for code, _ in error.recipients.values())
    return None
