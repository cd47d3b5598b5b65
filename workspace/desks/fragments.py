"""The fragments of M42Services' stand-in: what its data definitions hold, as rows of named columns."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from workspace.desks.server import refuse
from workspace.desks.tickets import Entry, Ticket

CATEGORY = "6f7d8cbb-7a0e-4bd9-8d7c-2f4f4c0a1c01"
ROLE = "0d1b57c2-9f1f-4c2f-a6a5-9a3f1f0f7b02"
BOT_USER = "4c3cf0be-3a56-4c0a-9e0e-5a1d9c2e3f03"
_OBJECT = "[Expression-ObjectID]"

_EXAMPLE = Ticket("", "", "", "", "0", 0, "", fragment="")
_EXAMPLE.entries.append(Entry("", "", "", False, datetime.min.replace(tzinfo=UTC)))


def rows(
    kind: str,
    tickets: Iterable[Ticket],
    states: Mapping[str, str],
    users: Mapping[str, str],
    mails: Mapping[str, str],
) -> list[dict[str, Any]]:
    """The fragments of that data definition, and at their end an example that is none: it has all
    columns. ``states`` are names by code, ``users`` and ``mails`` ids by name and by address. Raises
    HTTPNotFound."""
    match kind:
        case "SPSActivityClassBase":
            return [
                {
                    "ID": ticket.fragment,
                    _OBJECT: ticket.id,
                    "TicketNumber": ticket.number,
                    "Subject": ticket.subject,
                    "State": int(ticket.state),
                    "State.DisplayString": states.get(ticket.state, ""),
                    "TimeStamp": ticket.version,
                }
                for ticket in (*tickets, _EXAMPLE)
            ]
        case "SPSActivityClassUnitOfWork":
            return [
                {
                    "ID": entry.id,
                    _OBJECT: ticket.id,
                    "CreatedDate": rounded(entry.at),
                    "ActivityAction": 0,
                    "Creator.ID": users.get(entry.author, BOT_USER),
                    "OriginalSolutionHtml": entry.text,
                    "VisibleInPortal": entry.visible,
                }
                for ticket in (*tickets, _EXAMPLE)
                for entry in ticket.entries
            ]
        case "SPSUserClassBase":
            named = [
                {"ID": identifier, _OBJECT: identifier, "MailAddress": "", **_names(name)}
                for name, identifier in users.items()
            ]
            mailed = [
                {"ID": identifier, _OBJECT: identifier, "MailAddress": mail, **_names("Rita R")}
                for mail, identifier in mails.items()
            ]
            return [*named, *mailed, {**named[0], "ID": "", _OBJECT: ""}]
        case "SPSScCategoryClassBase":
            return [_named(CATEGORY, "Connectors"), _named("", "")]
        case "SPSScRoleClassBase":
            return [_named(ROLE, "Connector team"), _named("", "")]
    raise refuse(404, "no such fragment")


def picked(row: Mapping[str, Any], columns: Iterable[str]) -> dict[str, Any]:
    """The columns of a row as JSON has them; each may be given another name, `NAME as ALIAS`. Raises
    HTTPBadRequest."""
    found = {}
    for column in columns:
        name, _, alias = column.partition(" as ")
        if name not in row:
            raise refuse(400, f"no such column: {name}")
        value = row[name]
        if isinstance(value, datetime):
            value = value.isoformat().replace("+00:00", "Z")
        elif name == "TimeStamp":
            value = base64.b64encode(value.to_bytes(8, "big")).decode()
        found[alias or name] = value
    return found


def rounded(at: datetime) -> datetime:
    """SQL Server's datetime: to .000, .003 or .007 seconds."""
    ticks = round(at.microsecond * 300 / 1_000_000)
    return at.replace(microsecond=0) + timedelta(milliseconds=round(ticks * 10 / 3))


def _named(identifier: str, name: str) -> dict[str, str]:
    names = {"Name": name, "T(SPSSecurityClassRole).Name": name}
    return {"ID": str(uuid.uuid4()), _OBJECT: identifier, **names}


def _names(name: str) -> dict[str, str]:
    first, _, last = name.partition(" ")
    return {"FirstName": first, "LastName": last}
