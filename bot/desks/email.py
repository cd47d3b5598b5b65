"""A desk that is a mailbox: the request as a message with the PEM attached.

There is nothing to poll; answers come to whoever the message names. The same request always has the
same Message-ID, so that a message sent twice after a doubt is one to the mail server (RFC 5322
section 3.6.4).
"""

from __future__ import annotations

import asyncio
import hashlib
import smtplib
import ssl
from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import formatdate
from typing import Final

import httpx

from bot.desks.base import (
    Attachment,
    CheckLine,
    Cursor,
    DeskError,
    DeskUnreachable,
    FileRefused,
    MappingRejected,
    News,
    Pace,
    SignInRefused,
    Ticket,
    TicketDraft,
    Written,
)
from bot.desks.configuration import EmailTable
from bot.desks.markup import as_text
from bot.errors import SettingsError
from bot.text import visible

_MAX_SUBJECT: Final = 200


class EmailDesk:
    """The mailbox that ``table`` names; ``password`` is empty where the server wants none."""

    def __init__(self, table: EmailTable, password: str = "") -> None:
        self._table = table
        self._password = password
        try:
            self._trust = httpx.create_ssl_context(trust_env=False)
            if table.ca_bundle:
                self._trust.load_verify_locations(cafile=table.ca_bundle)
        except (OSError, ssl.SSLError):
            raise SettingsError(
                "The desk's ca_bundle cannot be read.",
                "Name a file with the certificates in PEM.",
            ) from None

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
        message["Subject"] = visible(draft.subject, _MAX_SUBJECT)
        message["Date"] = formatdate()
        token = hashlib.sha256(draft.marker.encode()).hexdigest()[:24]
        message["Message-ID"] = f"<{token}@{self._table.sender.partition('@')[2]}>"
        message.set_content(as_text(draft.facts))
        if draft.file:
            message.add_attachment(
                draft.file,
                maintype="application",
                subtype="x-pem-file",
                filename=visible(draft.file_name),
            )
        return message

    async def create(self, draft: TicketDraft) -> Ticket:
        message = self.message(draft)
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

    async def poll(self, ticket: Ticket, cursor: Cursor) -> News:
        return News(cursor, None)

    async def check(self) -> Sequence[CheckLine]:
        try:
            await asyncio.to_thread(self._deliver, None)
        except DeskError as error:
            return [CheckLine(False, str(error))]
        return [CheckLine(True, "The mail server accepts the connection and the login.")]

    def _deliver(self, message: EmailMessage | None) -> None:
        """Sends ``message``; None: connects and signs in alone."""
        table, sending = self._table, False
        try:
            with self._connected() as server:
                if table.tls == "starttls":
                    server.starttls(context=self._trust)
                if table.login:
                    server.login(table.login, self._password)
                if message is not None:
                    sending = True
                    server.send_message(message)
                    sending = False
        except smtplib.SMTPAuthenticationError:
            raise SignInRefused(
                "The mail server does not accept the login.", "Check login and password."
            ) from None
        except smtplib.SMTPNotSupportedError:
            raise MappingRejected(
                "The mail server offers no TLS, or no login.", "Check host, port and tls."
            ) from None
        except (smtplib.SMTPSenderRefused, smtplib.SMTPRecipientsRefused) as error:
            raise MappingRejected(
                f"The mail server refuses the addresses ({type(error).__name__}).",
                "Check to and sender in the desk file.",
            ) from None
        except smtplib.SMTPDataError as error:
            if error.smtp_code < 500:
                raise DeskUnreachable(
                    f"The mail server asks to wait ({error.smtp_code}).", maybe_done=False
                ) from None
            raise MappingRejected(
                f"The mail server refuses the message ({error.smtp_code})."
            ) from None
        except (OSError, smtplib.SMTPException) as error:
            raise DeskUnreachable(
                f"The mail server cannot be reached ({type(error).__name__}).", maybe_done=sending
            ) from None

    def _connected(self) -> smtplib.SMTP:
        table = self._table
        if table.tls == "implicit":
            return smtplib.SMTP_SSL(
                table.host, table.port, timeout=table.timeout, context=self._trust
            )
        return smtplib.SMTP(table.host, table.port, timeout=table.timeout)
