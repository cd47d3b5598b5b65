"""The desks of the environments, as the desk file says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias
from urllib.parse import unquote, urlsplit

from bot.desks.base import Desk
from bot.desks.configuration import (
    DeskFile,
    EmailTable,
    EnterpriseTable,
    NoTable,
    ProfessionalTable,
    proxy_of,
    secret,
)
from bot.desks.email import EmailDesk
from bot.desks.enterprise import EnterpriseDesk
from bot.desks.professional import ProfessionalDesk

Table: TypeAlias = EnterpriseTable | ProfessionalTable | EmailTable | NoTable


def open_desk(table: Table, environment: Mapping[str, str] | None = None) -> Desk | None:
    """The desk; None: there is none. ``environment`` is where ``env:`` secrets are, by default the
    process's. Raises SettingsError."""
    match table:
        case EnterpriseTable():
            token = secret(table.api_token, environment)
            return EnterpriseDesk(table, token, proxy_of(table, environment))
        case ProfessionalTable():
            password = secret(table.password, environment)
            return ProfessionalDesk(table, password, proxy_of(table, environment))
        case EmailTable():
            password = secret(table.password, environment) if table.password else ""
            return EmailDesk(table, password)
        case _:
            return None


class Desks:
    """The desk of each environment. Raises SettingsError."""

    def __init__(self, file: DeskFile, environment: Mapping[str, str] | None = None) -> None:
        self._production = open_desk(file.production, environment)
        self._test = open_desk(file.test, environment) if file.test else self._production
        tables = [table for table in (file.production, file.test) if table is not None]
        #: What may never be shown.
        self.secrets = frozenset(
            found for table in tables for found in _secrets_of(table, environment)
        )

    def of(self, environment: str) -> Desk | None:
        """The desk of ``test`` or ``production``; None: Slack alone."""
        return self._test if environment == "test" else self._production

    @property
    def quickest(self) -> float:
        """The shortest time between two polls of a ticket, in seconds."""
        return min((desk.pace.first for desk in self._all() if desk.has_journal), default=60.0)

    @property
    def environments(self) -> Sequence[Sequence[str]]:
        """Those that share a desk, together."""
        shared = self._test is self._production
        return [("production", "test")] if shared else [("production",), ("test",)]

    async def aclose(self) -> None:
        """Closes their connections."""
        for desk in self._all():
            await desk.aclose()

    def _all(self) -> list[Desk]:
        return list({id(desk): desk for desk in (self._production, self._test) if desk}.values())


def _secrets_of(table: Table, environment: Mapping[str, str] | None) -> Iterator[str]:
    for name in ("api_token", "password", "proxy"):
        reference = getattr(table, name, "")
        # A proxy without a login is none.
        if reference.startswith(("env:", "file:")):
            found = secret(reference, environment)
            yield found
            if name == "proxy" and (password := urlsplit(found).password):
                yield from (password, unquote(password))
