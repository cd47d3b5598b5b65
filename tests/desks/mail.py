"""A mail server with TLS for tests."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.support.authority import Issued


@dataclass
class MailServer:
    """Takes messages. ``login`` and ``password``: who may, and nobody else; empty: everybody.
    ``answers``: what it says instead of taking, by command: `MAIL`, `RCPT`, `DATA`, `AUTH`."""

    chain: Sequence[Issued]
    folder: Path
    implicit: bool = False
    login: str = ""
    password: str = ""
    answers: dict[str, str] = field(default_factory=dict)
    taken: list[bytes] = field(default_factory=list)
    """The messages, as they came."""
    port: int = 0

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[MailServer]:
        """Listens until the block ends."""
        server = await asyncio.get_running_loop().create_server(
            self._protocol, "127.0.0.1", 0, ssl=self._context() if self.implicit else None
        )
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            await server.wait_closed()

    # What aiosmtpd calls.

    async def handle_MAIL(  # noqa: N802  aiosmtpd's
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        """The sender."""
        if self.login and not session.authenticated:
            return "530 5.7.0 Authentication required"
        if "MAIL" not in self.answers:
            envelope.mail_from = address
        return self.answers.get("MAIL", "250 OK")

    async def handle_RCPT(  # noqa: N802  aiosmtpd's
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        """A recipient."""
        if "RCPT" not in self.answers:
            envelope.rcpt_tos.append(address)
        return self.answers.get("RCPT", "250 OK")

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd\'s
        """The message."""
        if "DATA" not in self.answers:
            content = envelope.content
            assert isinstance(content, bytes)
            self.taken.append(content)
        return self.answers.get("DATA", "250 OK")

    def _protocol(self) -> SMTP:
        return SMTP(
            self,
            hostname="localhost",
            tls_context=None if self.implicit else self._context(),
            require_starttls=not self.implicit,
            # It does not see TLS that is there from the start, and warns of a login without it.
            auth_require_tls=not self.implicit,
            authenticator=self._authenticated,
        )

    def _authenticated(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        if "AUTH" in self.answers:
            return AuthResult(success=False, handled=False, message=self.answers["AUTH"])
        assert isinstance(data, LoginPassword)
        right = (data.login, data.password) == (self.login.encode(), self.password.encode())
        return AuthResult(success=right, handled=False)

    def _context(self) -> ssl.SSLContext:
        path = self.folder / f"mail-{self.chain[0].certificate.serial_number:x}.pem"
        if not path.exists():
            path.write_bytes(self.chain[0].key_pem + b"".join(issued.pem for issued in self.chain))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context
