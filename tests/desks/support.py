"""Desks that speak to the servers that stand in for Matrix42."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from bot.desks.base import TicketDraft, marker_of
from bot.desks.configuration import EnterpriseTable, ProfessionalTable
from bot.desks.enterprise import EnterpriseDesk
from bot.desks.professional import ProfessionalDesk
from workspace.desks import EnterpriseServer, ProfessionalServer

PEM = b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


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


def draft(short_id: str = "R-7K3M", **other: Any) -> TicketDraft:
    """A ticket to be created."""
    marker = marker_of(short_id)
    facts = (("Target", "dc01.corp.example:636 <script>"), ("Issuer", "CN=O'Hara & Sons"))
    return TicketDraft(marker, f"Install a root {marker}", facts, **other)
