"""Matrix42 Enterprise: the M42Services API.

Sign-in: an API token is exchanged for an access token, which every other call carries. What is
created is read back: some tenants answer a rejected write with 200 and ``null``.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from bot.desks.base import (
    ApiTokenExpired,
    Attachment,
    CheckLine,
    Cursor,
    DeskEntry,
    DeskError,
    DeskFile,
    FileRefused,
    MappingRejected,
    MissingRole,
    News,
    OddAnswer,
    Pace,
    SignInRefused,
    Ticket,
    TicketDraft,
    TicketGone,
    TicketState,
    TokenNotExchanged,
    Written,
    moment,
)
from bot.desks.configuration import EnterpriseTable
from bot.desks.http import Answer, DeskHttp
from bot.desks.markup import as_html, from_html, html_lines
from bot.requests.states import State
from bot.text import visible

_ACTIVITY: Final = "SPSActivityClassBase"
_JOURNAL: Final = "SPSActivityClassUnitOfWork"
_TYPES: Final = {
    0: "SPSActivityTypeIncident",
    5: "SPSActivityTypeTicket",
    6: "SPSActivityTypeServiceRequest",
}
#: A token is renewed this long before it ends.
_RENEW: Final = timedelta(seconds=60)
#: A file and an entry that are no further apart were made together.
_TOGETHER: Final = timedelta(minutes=2)
_MAX_SEEN: Final = 500
_MAX_NAMES: Final = 1000


class EnterpriseDesk:
    """One tenant. ``api_token`` is the secret that the table names."""

    def __init__(self, table: EnterpriseTable, api_token: str) -> None:
        self._table = table
        self._api_token = api_token
        self._http = DeskHttp(
            table.url, seconds=table.timeout, ca_bundle=table.ca_bundle, proxy=table.proxy
        )
        self._token = ""
        self._token_ends = datetime.min.replace(tzinfo=UTC)
        self._signing_in = asyncio.Lock()
        self._names: dict[str, str] = {}

    @property
    def suffixes(self) -> Sequence[str]:
        return self._table.suffixes

    @property
    def pace(self) -> Pace:
        return self._table.pace

    @property
    def has_journal(self) -> bool:
        return True

    async def aclose(self) -> None:
        await self._http.aclose()

    async def create(self, draft: TicketDraft) -> Ticket:
        table = self._table
        user = await self._user(draft.requester_mail) if draft.requester_mail else ""
        body: dict[str, Any] = {
            "Subject": draft.subject,
            "DescriptionHTML": as_html(draft.facts),
            "Impact": table.impact,
            "Urgency": table.urgency,
            "Priority": table.priority,
            "EntryBy": table.entry_by,
        }
        relations = {
            "User": user or table.user,
            "Category": table.category,
            "ResponsibleRole": table.role,
        }
        body |= {name: value for name, value in relations.items() if value}
        if table.extra:
            body["ExtraProperties"] = [{"Name": n, "Value": v} for n, v in table.extra.items()]
        params = {"activityType": str(table.activity_type)}
        created = (await self._call("POST", "ticket/create", params=params, json=body)).json()
        if created is None:
            raise MappingRejected(
                "Matrix42 took the ticket and created none.",
                "Check category, role, user and extra in the desk file: the tenant rejects one.",
            )
        if not isinstance(created, str) or not created:
            raise OddAnswer("Matrix42 did not say which ticket it created.")
        return await self._ticket(created)

    async def find(self, marker: str) -> Ticket | None:
        # A bracket is a pattern of LIKE: the database is asked for the id in it, and the whole
        # marker is looked for here.
        word = marker.strip("[]").split(" ")[-1]
        rows = await self._fragments(
            _ACTIVITY,
            f"Subject LIKE '%{quoted(word)}%'",
            f"{self._table.object_column} as ObjectId,Subject",
        )
        for row in rows:
            if marker in str(row.get("Subject") or "") and row.get("ObjectId"):
                return await self._ticket(str(row["ObjectId"]))
        return None

    async def attach(self, ticket: Ticket, name: str, content: bytes) -> Attachment:
        params = {"entity": ticket.kind, "objectId": ticket.id, "fileName": name}
        answer = await self._call(
            "POST",
            "filestorage/add",
            params=params,
            content=content,
            headers={"Content-Type": "application/octet-stream"},
            file=True,
        )
        del answer  # Its shape is not documented; what counts is what is there now.
        found = await self.attached(ticket, name)
        if found is None:
            raise FileRefused(f"Matrix42 took the file “{visible(name)}” and does not have it.")
        return found

    async def attached(self, ticket: Ticket, name: str) -> Attachment | None:
        listed = await self._files(ticket)
        found = [file for file in listed if file.get("Name") == name and file.get("Id")]
        if not found:
            return None
        newest = max(found, key=lambda file: str(file.get("UploadedOn") or ""))
        size = newest.get("Size")
        content = await self.download(ticket, str(newest["Id"]))
        sha256 = "" if content is None else hashlib.sha256(content).hexdigest()
        size = size if isinstance(size, int) and not isinstance(size, bool) else None
        return Attachment(str(newest["Id"]), name, size, sha256)

    async def download(self, ticket: Ticket, identifier: str) -> bytes | None:
        if not self._table.download:
            return None
        place = self._table.download.replace("{id}", quote(identifier, safe=""))
        return (await self._call("GET", place)).body

    async def comment(self, ticket: Ticket, text: str) -> Written:
        body = {
            "ObjectId": ticket.id,
            "Comments": html_lines(text) if self._table.comments == "html" else text,
            "VisibleInPortal": True,
            "Publish": True,
            "EntryType": 0,
            "FileIds": [],
            "Parameters": [],
        }
        answer = (await self._call("POST", "journal/Add", json=body)).json()
        if not isinstance(answer, Mapping) or not answer.get("JournalId"):
            raise OddAnswer(
                "Matrix42 took the comment and kept none.",
                "Check that the bot's user may write journal entries.",
            )
        return Written(str(answer["JournalId"]))

    async def set_state(self, ticket: Ticket, state: State) -> TicketState | None:
        wanted = self._table.set_states.get(state)
        if wanted is None:
            return None
        now, fragment = await self._now(ticket)
        if now.code == wanted:
            return now
        body = {"ID": fragment, "State": int(wanted)}
        await self._call("PUT", f"data/fragments/{_ACTIVITY}", json=body)
        now, _ = await self._now(ticket)
        if now.code != wanted:
            raise MappingRejected(
                f"Matrix42 leaves the ticket in {now.label}.", "Check set_states."
            )
        return now

    async def _now(self, ticket: Ticket) -> tuple[TicketState, str]:
        where = f"{self._table.object_column} = '{quoted(ticket.id)}'"
        rows = await self._fragments(_ACTIVITY, where, "ID,State")
        if not rows:
            raise TicketGone("Matrix42 does not have the ticket.")
        code = str(rows[0].get("State"))
        meaning = self._table.states.get(code)
        return TicketState(code, f"state {code}", meaning), str(rows[0].get("ID"))

    async def poll(self, ticket: Ticket, cursor: Cursor) -> News:
        state, stamp = await self._state(ticket, str(cursor.get("stamp") or "0"))
        since, seen = str(cursor.get("since") or ""), set(cursor.get("seen") or ())
        where = f"{self._table.object_column} = '{quoted(ticket.id)}'"
        if since:
            where += f" AND CreatedDate >= '{quoted(since)}'"
        rows = await self._fragments(
            _JOURNAL,
            where,
            "ID,CreatedDate,ActivityAction,Creator.ID as CreatorId,OriginalSolutionHtml,"
            "VisibleInPortal",
            sort="CreatedDate ASC",
        )
        entries = [
            DeskEntry(
                key=str(row["ID"]),
                author=await self._name(str(row.get("CreatorId") or "")),
                text=text,
                written_at=str(row.get("CreatedDate") or ""),
            )
            for row in rows
            if row.get("ID")
            and str(row["ID"]) not in seen
            and row.get("VisibleInPortal") is True
            and (text := from_html(str(row.get("OriginalSolutionHtml") or "")))
        ]
        moved = {"stamp": stamp, **_later(since, seen, rows)}
        files: list[DeskFile] = []
        if self._table.relay_files:
            listed = await self._files(ticket)
            known = set(cursor.get("files") or ())
            told = {str(f["Id"]): _is_for_customer(f, rows) for f in listed}
            files = [
                DeskFile(str(file["Id"]), str(file.get("Name") or ""))
                for file in listed
                if told[str(file["Id"])] and str(file["Id"]) not in known
            ]
            decided = [
                name for name, told_now in told.items() if told_now is not None or name in known
            ]
            moved["files"] = decided[-_MAX_SEEN:]
        return News(moved, state, entries, files)

    async def check(self) -> Sequence[CheckLine]:
        lines = []
        try:
            await self._sign_in()
        except DeskError as error:
            return [CheckLine(False, str(error))]
        lines.append(CheckLine(True, "Matrix42 accepts the API token."))
        lines += [await self._check_reading(_ACTIVITY, "tickets")]
        lines += [await self._check_reading(_JOURNAL, "journal entries")]
        for name, kind, given in (
            ("user", "SPSUserClassBase", self._table.user),
            ("category", "SPSScCategoryClassBase", self._table.category),
            ("role", "SPSScRoleClassBase", self._table.role),
        ):
            lines.append(await self._check_relation(name, kind, given))
        if not self._table.states:
            lines.append(CheckLine(False, "No states are mapped: they are shown as numbers."))
        if not self._table.download:
            note = "download is not set: attached files are compared by size, not by SHA-256."
            lines.append(CheckLine(False, note))
        return lines

    async def _check_reading(self, fragment: str, what: str) -> CheckLine:
        try:
            await self._fragments(fragment, "ID = '00000000-0000-0000-0000-000000000000'", "ID")
        except DeskError as error:
            return CheckLine(False, f"The bot cannot read {what}: {error}")
        return CheckLine(True, f"The bot can read {what}.")

    async def _check_relation(self, name: str, fragment: str, given: str) -> CheckLine:
        if not given:
            return CheckLine(True, f"{name} is not set; a tenant may demand it.")
        where = f"{self._table.object_column} = '{quoted(given)}' OR ID = '{quoted(given)}'"
        try:
            found = await self._fragments(fragment, where, "ID")
        except DeskError as error:
            return CheckLine(False, f"{name} cannot be looked up: {error}")
        if not found:
            return CheckLine(False, f"{name} {visible(given, 60)} does not exist in Matrix42.")
        return CheckLine(True, f"{name} exists.")

    async def _state(self, ticket: Ticket, stamp: str) -> tuple[TicketState | None, str]:
        """The state and the rowversion if the ticket was changed since ``stamp``, else None."""
        stamp = stamp if stamp.isdecimal() else "0"
        rows = await self._fragments(
            _ACTIVITY,
            f"{self._table.object_column} = '{quoted(ticket.id)}' AND TimeStamp > {stamp}",
            "ID,TicketNumber,Subject,State,TimeStamp",
            sort="TimeStamp ASC",
        )
        if not rows:
            return None, stamp
        row = rows[-1]
        code = str(row.get("State"))
        label = str(row.get("StateName") or f"state {code}")
        return TicketState(code, label, self._table.states.get(code)), str(
            _rowversion(row.get("TimeStamp"), int(stamp))
        )

    async def _ticket(self, identifier: str) -> Ticket:
        """The ticket, whichever type it has: the tenant may have made it another one."""
        asked = _TYPES[self._table.activity_type]
        for kind in (asked, *(kind for kind in _TYPES.values() if kind != asked)):
            path = f"data/objects/{kind}/{quote(identifier, safe='')}"
            try:
                found = (await self._call("GET", path)).json()
            except TicketGone:
                continue
            if isinstance(found, Mapping):
                base_part = found.get(_ACTIVITY)
                number = base_part.get("TicketNumber") if isinstance(base_part, Mapping) else None
                return Ticket(
                    identifier, str(number or identifier), self._link(identifier, number), kind
                )
        raise TicketGone("Matrix42 does not have the ticket that it said it created.")

    def _link(self, identifier: str, number: object) -> str:
        return self._table.link.replace("{id}", quote(identifier, safe="")).replace(
            "{number}", quote(str(number or ""), safe="")
        )

    async def _files(self, ticket: Ticket) -> list[Mapping[str, Any]]:
        path = f"filestorage/{quote(ticket.kind)}/{quote(ticket.id)}"
        return [f for f in _rows((await self._call("GET", path)).json()) if f.get("Id")]

    async def _user(self, mail: str) -> str:
        rows = await self._fragments("SPSUserClassBase", f"MailAddress = '{quoted(mail)}'", "ID")
        return str(rows[0].get("ID") or "") if len(rows) == 1 else ""

    async def _name(self, identifier: str) -> str:
        """The name of a user, remembered."""
        if not identifier:
            return "Matrix42"
        if identifier not in self._names:
            columns = self._table.name_columns
            rows = await self._fragments(
                "SPSUserClassBase", f"ID = '{quoted(identifier)}'", ",".join(("ID", *columns))
            )
            words = [str(rows[0].get(column) or "") for column in columns] if rows else []
            if len(self._names) >= _MAX_NAMES:
                self._names.clear()
            self._names[identifier] = " ".join(" ".join(words).split())[:200] or "Support"
        return self._names[identifier]

    async def _fragments(
        self, fragment: str, where: str, columns: str, *, sort: str = ""
    ) -> list[Mapping[str, Any]]:
        params = {"where": where, "columns": columns, **({"sort": sort} if sort else {})}
        return _rows((await self._call("GET", f"data/fragments/{fragment}", params=params)).json())

    async def _call(
        self,
        method: str,
        path: str,
        *,
        file: bool = False,
        headers: Mapping[str, str] | None = None,
        **content: Any,
    ) -> Answer:
        """A call with an access token, exchanged again once where it has run out."""
        for last in (False, True):
            token = await self._access_token()
            answer = await self._http.call(
                method,
                path,
                headers={
                    "Authorization": f"Bearer {token}",
                    "Explicit-Language": "en-US",
                    **(headers or {}),
                },
                **content,
            )
            if answer.status != 401 or last:
                break
            if self._token == token:
                self._token = ""
        _check(answer, file=file)
        return answer

    async def _access_token(self) -> str:
        async with self._signing_in:
            if not self._token or datetime.now(UTC) >= self._token_ends - _RENEW:
                await self._sign_in()
            return self._token

    async def _sign_in(self) -> None:
        answer = await self._http.call(
            "POST",
            "ApiToken/GenerateAccessTokenFromApiToken/",
            headers={"Authorization": f"Bearer {self._api_token}"},
            json={},
        )
        _check(answer)
        given = answer.json()
        if given is None:
            raise ApiTokenExpired(
                "Matrix42's API token has expired or was never valid.",
                "Make a new API token in Matrix42 and give it to the bot.",
            )
        token = given.get("RawToken") if isinstance(given, Mapping) else None
        if not isinstance(token, str) or not token:
            raise OddAnswer("Matrix42 exchanged the API token for nothing.")
        self._token = token
        # Without a readable end it is used until Matrix42 says 401.
        ends = moment(str(given.get("LifeTime") or ""))
        self._token_ends = ends or datetime.now(UTC) + timedelta(minutes=10)


def quoted(text: str) -> str:
    """``text`` between the single quotes of an ASQL expression."""
    return text.replace("'", "''")


def _check(answer: Answer, *, file: bool = False) -> None:
    """Raises the error that the status stands for."""
    status = answer.status
    if status < 300:
        return
    if status == 401:
        raise SignInRefused(
            "Matrix42 does not accept the bot's token.", "Make a new API token in Matrix42."
        )
    if status == 403:
        raise MissingRole(
            "Matrix42 knows the bot's user, which lacks a role (403).",
            "Give it the role, and check the audience of the API token.",
        )
    if status == 406:
        raise TokenNotExchanged(
            "Matrix42 was sent an API token where it wants an access token (406).",
            "Check the address: it must end in /m42Services/api/.",
        )
    if file and status in (400, 413, 415, 422):
        why = "it is too large" if status == 413 else "its name or kind is not allowed"
        raise FileRefused(f"Matrix42 does not take the file: {why} (HTTP {status}).")
    if status == 404:
        raise TicketGone(
            "Matrix42 does not have that (404).", "Check the address in the desk file."
        )
    raise MappingRejected(
        f"Matrix42 rejects this (HTTP {status}): {answer.excerpt()}",
        "Check the desk file with “whichroot desk check”.",
    )


def _rows(given: Any) -> list[Mapping[str, Any]]:
    if given is None:
        return []
    if not isinstance(given, list):
        raise OddAnswer("Matrix42 answered something else than a list.")
    return [row for row in given if isinstance(row, Mapping)]


def _rowversion(given: object, before: int) -> int:
    """The eight octets of a rowversion as a number (big-endian)."""
    try:
        octets = base64.b64decode(str(given), validate=True)
    except ValueError:
        return before
    return max(int.from_bytes(octets, "big"), before) if len(octets) == 8 else before


def _later(since: str, seen: set[str], rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Where the journal is to be read from next: SQL's datetime rounds, so what has the last moments
    is asked for again and known by its id."""
    dated = [(found, str(row["ID"])) for row in rows if row.get("ID") and (found := _date(row))]
    known = seen | {identifier for _, identifier in dated}
    if not dated:
        return {"since": since, "seen": sorted(known)[:_MAX_SEEN]}
    newest = max(found for found, _ in dated)
    start = newest - timedelta(seconds=2)
    kept = {identifier for found, identifier in dated if found >= start}
    first = moment(since)
    if first and first > start:
        start, kept = first, known
    return {"since": start.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3], "seen": sorted(kept)[:_MAX_SEEN]}


def _is_for_customer(file: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> bool | None:
    """Whether the customer may see a file. Matrix42 does not tell: the entry that was written next
    to it decides, and where there is none it is waited for. None: it is too early to say."""
    uploaded = moment(str(file.get("UploadedOn") or ""))
    if uploaded is None:
        return True
    near = [
        (abs(written - uploaded), row.get("VisibleInPortal") is True)
        for row in rows
        if (written := _date(row)) and abs(written - uploaded) <= _TOGETHER
    ]
    if near:
        return min(near)[1]
    return None if datetime.now(UTC) - uploaded < _TOGETHER else True


def _date(row: Mapping[str, Any]) -> datetime | None:
    return moment(str(row.get("CreatedDate") or ""))
