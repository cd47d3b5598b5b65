"""Desks that speak to the servers that stand in for Matrix42."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

from pydantic import TypeAdapter

from bot.desks.base import TicketDraft, marker_of
from bot.desks.configuration import EnterpriseTable, ProfessionalTable
from bot.desks.enterprise import EnterpriseDesk
from bot.desks.professional import ProfessionalDesk
from workspace.desks import EnterpriseServer, ProfessionalServer
from workspace.desks.tickets import Ticket as KeptTicket

PEM = b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
AnyServer: TypeAlias = EnterpriseServer | ProfessionalServer
AnyDesk: TypeAlias = EnterpriseDesk | ProfessionalDesk


def enterprise(server: EnterpriseServer, **other: Any) -> EnterpriseDesk:
    """A client of ``server``."""
    given = server.table(api_token="env:UNUSED", **other)
    table = TypeAdapter(EnterpriseTable).validate_python(given)
    return EnterpriseDesk(table, server.api_token)


def professional(server: ProfessionalServer, **other: Any) -> ProfessionalDesk:
    """A client of ``server``."""
    given = server.table(password="env:UNUSED", **other)
    table = TypeAdapter(ProfessionalTable).validate_python(given)
    return ProfessionalDesk(table, server.password)


@dataclass
class Place:
    """A server, and clients of it; `client` makes one with other settings."""

    server: AnyServer
    opened: list[AnyDesk] = field(default_factory=list)

    @cached_property
    def desk(self) -> AnyDesk:
        """A client with the server's own settings."""
        return self.client()

    @property
    def secret(self) -> str:
        """What the client signs in with."""
        return secret_of(self.server)

    def client(self, **other: Any) -> AnyDesk:
        """A client with its own settings."""
        if isinstance(self.server, EnterpriseServer):
            self.opened.append(enterprise(self.server, **other))
        else:
            self.opened.append(professional(self.server, **other))
        return self.opened[-1]

    def kept(self, identifier: str) -> KeptTicket:
        """What the server has of a ticket."""
        found = self.server.tickets.get(identifier)
        assert found is not None
        return found

    async def aclose(self) -> None:
        """Closes the clients."""
        for desk in self.opened:
            await desk.aclose()


def secret_of(server: AnyServer) -> str:
    """What a client signs in with."""
    return server.api_token if isinstance(server, EnterpriseServer) else server.password


def draft(short_id: str = "R-7K3M", **other: Any) -> TicketDraft:
    """A ticket to be created."""
    marker = marker_of(short_id)
    facts = (("Target", "dc01.corp.example:636 <script>"), ("Issuer", "CN=O'Hara & Sons"))
    return TicketDraft(marker, f"Install a root {marker}", facts, **other)
