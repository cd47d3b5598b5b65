"""Requests with tickets, and pollers of them. As a program: a replica that polls until it is ended."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from bot.desks.base import marker_of
from bot.desks.choosing import Desks
from bot.desks.configuration import read_desks
from bot.desks.polling import Poller, Turns
from bot.requests.request import (
    Actor,
    Draft,
    Environment,
    Installation,
    InstallRequest,
    RequestedCertificate,
    TargetSystem,
)
from bot.requests.service import Requests
from bot.store.database import Database, Unit
from bot.store.tables import acts, messages
from bot.store.tickets import Tickets
from tests.desks.support import AnyServer, secret_of
from workspace.desks import EnterpriseServer

RITA = Actor("T1", "URITA", "Rita")


def desks(table: dict[str, Any], secret: str) -> Desks:
    """The desk that ``table`` describes, for both environments."""
    return Desks(read_desks({"production": _with_secret(table, "SECRET")}), {"SECRET": secret})


def two_desks(production: AnyServer, test: AnyServer, **other: Any) -> Desks:
    """A desk for each environment."""
    file = read_desks(
        {
            "production": _with_secret(production.table(**other), "PRODUCTION"),
            "test": _with_secret(test.table(**other), "TEST"),
        }
    )
    return Desks(file, {"PRODUCTION": secret_of(production), "TEST": secret_of(test)})


def _with_secret(table: dict[str, Any], variable: str) -> dict[str, Any]:
    name = "api_token" if table["kind"] == "enterprise" else "password"
    return {**table, name: f"env:{variable}"}


async def with_tickets(
    database: Database, server: AnyServer, count: int, environment: Environment = "production"
) -> Sequence[InstallRequest]:
    """So many requests whose tickets are at ``server``, to be polled at once."""
    async with database.begin() as unit:
        return [
            await _with_ticket(unit, database, server, number, environment)
            for number in range(count)
        ]


async def _with_ticket(
    unit: Unit, database: Database, server: AnyServer, number: int, environment: Environment
) -> InstallRequest:
    certificate = RequestedCertificate("", f"{number:064x}", "CN=R", "CN=R", "2030", "aia")
    asked = Draft(
        TargetSystem("dc01.corp.example", 636, "ldaps"),
        environment,
        Installation("root", (certificate,)),
    )
    key = f"{environment} {number}"
    submitted = await Requests(database).submit(asked, RITA, key=key, unit=unit)
    marker = marker_of(submitted.request.short_id)
    kind, state = (
        ("SPSActivityTypeTicket", "200")
        if isinstance(server, EnterpriseServer)
        else ("ServiceRequest", "01")
    )
    ticket = server.tickets.add(marker, "", prefix="T", state=state, kind=kind)
    shown = {"id": ticket.id, "number": ticket.number, "url": "", "kind": ticket.kind}
    await Tickets(database).add(unit, submitted.request.id, shown, due_at=unit.now)
    return submitted.request


async def journal(database: Database) -> list[dict[str, Any]]:
    """The payloads of the acts that polling put, in order."""
    async with database.read() as unit:
        found = await unit.execute(
            select(acts.c.payload).where(acts.c.kind == "journal").order_by(acts.c.position)
        )
        return list(found.scalars())


async def texts(database: Database) -> list[str]:
    """The texts of the messages that polling kept, as often and in the order in which they are told."""
    async with database.read() as unit:
        found = await unit.execute(
            select(messages.c.id, messages.c.text).where(messages.c.source == "matrix42")
        )
        kept = {row.id: row.text for row in found}
    told = [str(payload["message"]) for payload in await journal(database) if "message" in payload]
    # More may have been kept meanwhile.
    assert set(kept) <= set(told)
    return [kept[identifier] for identifier in told if identifier in kept]


async def _replica(url: str, table: dict[str, Any], secret: str, lease: float) -> None:
    database = Database(url)
    poller = Poller(database, desks(table, secret), Turns(lease=lease, look=0.05))
    await poller.run()


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    asyncio.run(_replica(given["url"], given["table"], given["secret"], given["lease"]))
