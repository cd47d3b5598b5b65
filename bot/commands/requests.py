"""``whichroot requests``: the install requests in the database, for whoever runs the bot."""

from __future__ import annotations

import argparse
import asyncio
import csv
import json
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any, Final

from bot import settings as settings_module
from bot.commands import streams
from bot.requests.messages import Messages
from bot.requests.refusals import no_such_request
from bot.requests.request import Entry, InstallRequest
from bot.requests.service import Requests
from bot.requests.states import State
from bot.store import outbox
from bot.store.database import Database
from bot.store.outbox import FailedAct
from bot.store.retention import purge
from bot.text import visible

#: What a spreadsheet takes for a formula (OWASP, CSV Injection).
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
_COLUMNS: Final = (
    "id",
    "state",
    "created_at",
    "changed_at",
    "closed_at",
    "requester",
    "requester_name",
    "host",
    "port",
    "protocol",
    "environment",
    "connector",
    "contact",
    "note",
    "option",
    "subjects",
    "sha256",
    "not_after",
    "reason",
    "taken_by",
    "taken_by_name",
    "ticket",
    "last_change",
    "last_change_by",
    "last_change_text",
)


def run(arguments: argparse.Namespace) -> int:
    """Exit code 0; 1 where nothing fits. Raises WhichrootError where there is no database."""
    return asyncio.run(_run(arguments))


async def _run(arguments: argparse.Namespace) -> int:
    settings = settings_module.load()
    async with _database(settings.database_url) as database:
        match arguments.requests_command:
            case "list":
                return await _list(database, arguments)
            case "show":
                return await _show(database, arguments)
            case "export":
                return await _export(database, arguments)
            case "purge":
                return await _purge(database, arguments, settings)
            case _:
                return await _retry(database, arguments)


@asynccontextmanager
async def _database(url: str) -> AsyncIterator[Database]:
    database = Database(url, create=False)
    try:
        await database.check_tables()
        yield database
    finally:
        await database.dispose()


async def _list(database: Database, arguments: argparse.Namespace) -> int:
    states = [State(name) for name in arguments.state]
    if arguments.open:
        states += [state for state in State if state.is_open]
    found = await Requests(database).all(states=states, limit=arguments.limit)
    if arguments.json:
        for request in found:
            print(json.dumps(_plain(request)))
    elif found:
        print("\n".join(_columns([_LIST_HEADER, *map(_list_row, found)])))
    else:
        print("There is no such install request.", file=sys.stderr)
    return 0 if found else 1


async def _show(database: Database, arguments: argparse.Namespace) -> int:
    requests = Requests(database)
    request = await requests.get(arguments.id)
    if request is None:
        print(f"whichroot requests: {no_such_request(arguments.id).message}", file=sys.stderr)
        return 1
    audit = await requests.audit(request.id)
    if arguments.json:
        print(json.dumps(await _whole(database, request, audit), indent=2))
        return 0
    async with database.read() as unit:
        failed = await outbox.failed(unit, lanes=_lanes(request))
    print("\n".join([*_described(request), "", "Audit trail", *map(_audit_line, audit)]))
    if failed:
        print("\n".join(["", "Not delivered", *map(_failed_line, failed)]))
    return 0


async def _export(database: Database, arguments: argparse.Namespace) -> int:
    requests = Requests(database)
    found = requests.each(states=[State(name) for name in arguments.state])
    with streams.open_output(arguments.file) as write:
        writer = csv.DictWriter(_Rows(write), _COLUMNS, lineterminator="\r\n")
        if arguments.csv:
            writer.writeheader()
        async for request in found:
            audit = await requests.audit(request.id)
            if arguments.csv:
                writer.writerow({name: _cell(value) for name, value in _record(request, audit)})
            else:
                write(json.dumps(await _whole(database, request, audit)) + "\n")
    return 0


class _Rows:
    """What `csv` writes to."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self.write = write


async def _purge(
    database: Database, arguments: argparse.Namespace, settings: settings_module.Settings
) -> int:
    lookups_days = arguments.lookups_days or settings.retention_lookups
    requests_days = arguments.requests_days or settings.retention_requests
    purged = await purge(
        database,
        database.clock(),
        lookups_days=lookups_days,
        closed_requests_days=requests_days,
        dry_run=arguments.dry_run,
    )
    if arguments.json:
        print(json.dumps(_plain(purged)))
        return 0
    verb = "would be removed" if arguments.dry_run else "removed"
    print(
        f"Lookups older than {lookups_days} days: {purged.lookups} {verb}.\n"
        f"Install requests closed for {requests_days} days: {purged.requests} {verb}.\n"
        f"Delivered acts: {purged.acts} {verb}. Expired keys: {purged.seen} {verb}."
    )
    return 0


async def _retry(database: Database, arguments: argparse.Namespace) -> int:
    wanted = arguments.id
    request = await Requests(database).get(wanted) if wanted else None
    lanes = None if request is None else _lanes(request)
    async with database.read() as unit:
        failed = await outbox.failed(unit, lanes=lanes, limit=None)
    if wanted and request is None:
        failed = [one for one in failed if one.act.id == wanted]
    if not failed:
        about = f" of “{visible(wanted, 40)}”" if wanted else ""
        print(f"Nothing{about} has failed.", file=sys.stderr)
        return 1
    if not wanted and not arguments.all:
        print("\n".join(map(_failed_line, failed)))
        print("Name one of them, a request, or --all to have it tried again.", file=sys.stderr)
        return 0
    async with database.begin() as unit:
        # The one that blocks its lane is among them, and what it kept waiting follows.
        taken = [one for one in failed if await outbox.retry(unit, one.act.id)]
    print(f"{len(taken)} will be tried again by the running bot.")
    return 0


def _lanes(request: InstallRequest) -> tuple[str, ...]:
    """Where the acts of a request are: those of its thread, and those of its ticket."""
    return f"request:{request.id}", f"ticket:{request.id}"


async def _whole(
    database: Database, request: InstallRequest, audit: Sequence[Entry]
) -> dict[str, Any]:
    """The request with all that is kept of it, as JSON."""
    followers = await Requests(database).followers(request.id)
    messages = await Messages(database).of_request(request.id)
    return {
        **_plain(request),
        "followers": _plain(list(followers)),
        "audit": _plain(list(audit)),
        "messages": _plain(list(messages)),
    }


_LIST_HEADER: Final = ("ID", "STATE", "ENVIRONMENT", "SERVER", "CERTIFICATE", "REQUESTER", "SINCE")


def _list_row(request: InstallRequest) -> tuple[str, ...]:
    state = str(request.state)
    if request.taken_by_name and request.state.is_open:
        state += f" ({visible(request.taken_by_name, 20)})"
    certificates = request.installation.certificates
    more = f" and {len(certificates) - 1} more" if len(certificates) > 1 else ""
    return (
        request.short_id,
        state,
        request.environment,
        visible(f"{request.target.host}:{request.target.port}", 60),
        visible(certificates[0].subject, 50) + more,
        visible(request.requester_name, 30),
        _minute(request.created_at),
    )


def _columns(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def _described(request: InstallRequest) -> Iterator[str]:
    installation = request.installation
    known: Mapping[str, str | None] = {
        "Request": f"{request.short_id} ({request.id})",
        "State": request.state,
        "Taken by": request.taken_by_name,
        "Server": f"{request.target.host}:{request.target.port} ({request.target.protocol})",
        "Environment": request.environment,
        "Connector": request.connector,
        "Requester": f"{request.requester_name} ({request.requester})",
        "Contact": request.contact,
        "Note": request.note,
        "Option": installation.option,
        "Reason": installation.reason,
        "Provenance": "confirmed with the system's owner"
        if installation.provenance_confirmed
        else None,
        "Ticket": _ticket(request),
    }
    for name, value in known.items():
        if value:
            yield f"{name + ':':<13}{visible(value, 1000)}"
    for certificate in installation.certificates:
        yield f"{'Certificate:':<13}{visible(certificate.subject, 1000)}"
        yield f"{'':<13}SHA-256 {certificate.sha256}, valid until {visible(certificate.not_after, 40)}"


def _ticket(request: InstallRequest) -> str | None:
    ticket = request.ticket or {}
    number = ticket.get("number") or ticket.get("id")
    return None if number is None else str(number)


def _audit_line(entry: Entry) -> str:
    text = f": {visible(entry.text, 1000)}" if entry.text else ""
    return f"{_minute(entry.at)}  {visible(entry.who_name, 40)}  {entry.what}{text}"


def _failed_line(failed: FailedAct) -> str:
    act = failed.act
    return f"{act.id}  {act.kind}  {_minute(failed.failed_at)}  {visible(failed.reason, 1000)}"


def _record(request: InstallRequest, audit: Sequence[Entry]) -> Iterator[tuple[str, object]]:
    certificates = request.installation.certificates
    last = audit[-1]
    values = (
        request.short_id,
        request.state,
        request.created_at,
        request.changed_at,
        request.closed_at,
        request.requester,
        request.requester_name,
        request.target.host,
        request.target.port,
        request.target.protocol,
        request.environment,
        request.connector,
        request.contact,
        request.note,
        request.installation.option,
        "; ".join(certificate.subject for certificate in certificates),
        "; ".join(certificate.sha256 for certificate in certificates),
        "; ".join(certificate.not_after for certificate in certificates),
        request.installation.reason,
        request.taken_by,
        request.taken_by_name,
        _ticket(request),
        last.what,
        last.who_name,
        last.text,
    )
    yield from zip(_COLUMNS, values, strict=True)


def _cell(value: object) -> str:
    """A cell that no spreadsheet takes for a formula, on one line."""
    if value is None:
        return ""
    text = value.isoformat() if isinstance(value, datetime) else visible(str(value), 20_000)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}Z"


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value.isoformat() if isinstance(value, datetime) else value
