"""Matrix42 Enterprise: the M42Services API.

Sign-in: an API token is exchanged for an access token, which every other call carries. What is
created is read back: some tenants answer a rejected write with 200 and ``null``. The id of a
fragment is not that of the object which it belongs to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final
from urllib.parse import quote

from bot.desks.base import (
    ApiTokenExpired,
    Cursor,
    DeskEntry,
    DeskError,
    DeskUnreachable,
    MappingRejected,
    Meaning,
    News,
    OddAnswer,
    Ticket,
    TicketDraft,
    TicketGone,
    TicketState,
    Written,
    already_done,
    moment,
)
from bot.desks.checking import Check, some
from bot.desks.configuration import CLOSE, EnterpriseTable
from bot.desks.fragments import date_of, is_for_customer, later, rowversion
from bot.desks.http import DeskHttp
from bot.desks.markup import as_html, from_html, html_lines
from bot.desks.session import LIFE, Remedies, Session, Token, signed_in
from bot.desks.web import ListedFile, WebDesk, filled, http_of, rows, size_of
from bot.text import visible

_ACTIVITY: Final = "SPSActivityClassBase"
_JOURNAL: Final = "SPSActivityClassUnitOfWork"
_JOURNAL_COLUMNS: Final = (
    "ID,CreatedDate,ActivityAction,Creator.ID as CreatorId,OriginalSolutionHtml,VisibleInPortal"
)
_USER: Final = "SPSUserClassBase"
_TYPES: Final = {
    0: "SPSActivityTypeIncident",
    5: "SPSActivityTypeTicket",
    6: "SPSActivityTypeServiceRequest",
}
_NOBODY: Final = "00000000-0000-0000-0000-000000000000"
_MAX_NAMES: Final = 1000
_REMEDIES: Final = Remedies(
    sign_in="Make a new API token in Matrix42 and give it to the bot.",
    role="Give it the role, and check the audience of the API token.",
    address="Check url in the desk file: it is https://HOST/m42Services/api/.",
)


class EnterpriseDesk(WebDesk):
    """One tenant. ``api_token`` is the secret that the table names; ``proxy`` as in `DeskHttp`;
    ``http`` in place of the client that the table describes."""

    _table: EnterpriseTable

    def __init__(
        self,
        table: EnterpriseTable,
        api_token: str,
        proxy: str = "",
        http: DeskHttp | None = None,
    ) -> None:
        session = Session(
            http or http_of(table, api_token, proxy), partial(_exchanged, api_token), _REMEDIES
        )
        super().__init__(table, session)
        self._names: dict[str, str] = {}

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
        answer = await self._session.call("POST", "ticket/create", params=params, json=body)
        created = answer.json()
        if created is None:
            raise MappingRejected(
                "Matrix42 took the ticket and created none.",
                "Check category, role, user and extra in the desk file: the tenant rejects one.",
            )
        if not isinstance(created, str) or not created:
            raise OddAnswer("Matrix42 did not say which ticket it created.")
        try:
            with already_done():
                return await self._ticket(created)
        except (DeskUnreachable, TicketGone):
            raise
        except DeskError as error:
            # It exists, and to raise now would lead to another one.
            told = f"The ticket cannot be read back: {error.message}"
            kind = _TYPES[table.activity_type]
            return Ticket(created, created, self._link(created, created), kind, (told,))

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
        answer = (await self._session.call("POST", "journal/Add", json=body)).json()
        if not isinstance(answer, Mapping) or not answer.get("JournalId"):
            raise OddAnswer(
                "Matrix42 took the comment and kept none.",
                "Check that the bot's user may write journal entries.",
            )
        return Written(str(answer["JournalId"]))

    async def poll(self, ticket: Ticket, cursor: Cursor) -> News:
        state, stamp = await self._changed_state(ticket, str(cursor.get("stamp") or "0"))
        since, seen = str(cursor.get("since") or ""), set(cursor.get("seen") or ())
        where = self._is_of(ticket)
        if since:
            where += f" AND CreatedDate >= '{quoted(since)}'"
        found = await self._fragments(_JOURNAL, where, _JOURNAL_COLUMNS, sort="CreatedDate ASC")
        found.sort(key=lambda row: date_of(row) or datetime.max.replace(tzinfo=UTC))
        entries = [
            DeskEntry(
                key=str(row["ID"]),
                author=await self._name(str(row.get("CreatorId") or "")),
                text=text,
                written_at=str(row.get("CreatedDate") or ""),
            )
            for row in found
            if row.get("ID")
            and str(row["ID"]) not in seen
            and row.get("VisibleInPortal") is True
            and (text := from_html(str(row.get("OriginalSolutionHtml") or "")))
        ]
        now = datetime.now(UTC)
        moved, files = await self._new_files(
            ticket, cursor, lambda file: is_for_customer(file.uploaded_at, found, now)
        )
        return News({"stamp": stamp, **later(since, seen, found), **moved}, state, entries, files)

    async def _search(self, word: str) -> Sequence[tuple[str, str]]:
        where = self._table.find.replace("{word}", quoted(word))
        columns = f"ID,{self._table.object_column} as ObjectId,Subject"
        found = await self._fragments(_ACTIVITY, where, columns)
        return [(str(f["ObjectId"]), str(f.get("Subject"))) for f in found if f.get("ObjectId")]

    async def _ticket(self, identifier: str) -> Ticket:
        """The ticket, whichever type it has: the tenant may have made it another one."""
        asked = _TYPES[self._table.activity_type]
        for kind in (asked, *(kind for kind in _TYPES.values() if kind != asked)):
            path = f"data/objects/{kind}/{quote(identifier, safe='')}"
            try:
                found = await self._get(path)
            except TicketGone:
                continue
            if isinstance(found, Mapping):
                base = found.get(_ACTIVITY)
                number = base.get("TicketNumber") if isinstance(base, Mapping) else None
                number = str(number or identifier)
                return Ticket(identifier, number, self._link(identifier, number), kind)
        raise TicketGone("Matrix42 does not have the ticket that it said it created.")

    async def _upload(self, ticket: Ticket, name: str, content: bytes) -> None:
        # The shape of the answer is not documented; what counts is what is there afterwards.
        await self._session.call(
            "POST",
            "filestorage/add",
            params={"entity": ticket.kind, "objectId": ticket.id, "fileName": name},
            content=content,
            headers={"Content-Type": "application/octet-stream"},
            file=True,
        )

    async def _files(self, ticket: Ticket) -> Sequence[ListedFile]:
        path = filled("filestorage/{kind}/{id}", {"kind": ticket.kind, "id": ticket.id})
        found = [f for f in rows(await self._get(path)) if f.get("Id")]
        found.sort(key=lambda file: str(file.get("UploadedOn") or ""))
        return [
            ListedFile(
                str(f["Id"]),
                str(f.get("Name") or ""),
                size_of(f.get("Size")),
                str(f.get("UploadedOn") or ""),
            )
            for f in found
        ]

    def _download_words(self, ticket: Ticket, identifier: str) -> Mapping[str, str]:
        return {"id": identifier}

    async def _state_now(self, ticket: Ticket) -> TicketState:
        return self._state_of(await self._state_row(ticket)) or TicketState("", "no state", None)

    async def _write_state(self, ticket: Ticket, wanted: str) -> None:
        word, _, reason = wanted.partition(":")
        if word == CLOSE:
            body = {"ObjectIds": [ticket.id], "Comments": "", "Reason": int(reason or 408)}
            await self._session.call("POST", "ticket/close", json=body)
            return
        fragment = str((await self._state_row(ticket)).get("ID"))
        path = f"data/fragments/{quote(self._table.state_class, safe='')}"
        await self._session.call("PUT", path, json={"ID": fragment, "State": int(wanted)})

    def _is_in(self, now: TicketState, wanted: str) -> bool:
        if wanted.partition(":")[0] == CLOSE:
            return now.meaning is Meaning.CLOSED
        return now.code == wanted

    async def _look_around(self, check: Check) -> bool:
        table = self._table
        nothing = f"{table.object_column} = '{_NOBODY}'"
        user = "MailAddress = 'nobody@example.invalid'"
        for what, setting, fragment, where, columns, sort in (
            (
                "tickets",
                "object_column",
                _ACTIVITY,
                nothing,
                f"ID,{table.object_column} as ObjectId",
                "",
            ),
            (
                "the states of tickets",
                "object_column, state_class, state_label and sort",
                table.state_class,
                f"{nothing} AND TimeStamp > 0",
                self._state_columns,
                "TimeStamp ASC",
            ),
            (
                "journal entries",
                "object_column and sort",
                _JOURNAL,
                nothing,
                _JOURNAL_COLUMNS,
                "CreatedDate ASC",
            ),
            ("the names of users", "name_columns", _USER, user, self._name_columns, ""),
        ):
            reading = self._fragments(fragment, where, columns, sort=sort)
            if await check.tried(reading, f"The bot cannot read {what}", setting) is not None:
                check.done(f"The bot can read {what}.")
        category, role = table.category_class, table.role_class
        await self._check_relation(check, "user", _USER, table.user)
        await self._check_relation(check, "category", category, table.category, table.category_name)
        await self._check_relation(check, "role", role, table.role, table.role_name)
        if not table.states:
            check.remark("states is empty: states are shown as Matrix42 numbers them.")
        for state, wanted in table.set_states.items():
            if wanted.isdecimal() and wanted not in table.states:
                check.remark(f"set_states.{state} is {wanted}, which states does not name.")
        return True

    async def _check_relation(
        self, check: Check, name: str, fragment: str, given: str, label: str = ""
    ) -> None:
        """``label``: the column with which those that there are can be named."""
        setting = f"{name}_class" if label else "object_column"
        shown = visible(given, 60)
        if given:
            where = f"{self._table.object_column} = '{quoted(given)}' OR ID = '{quoted(given)}'"
            failed = f"{name} {shown} cannot be looked up"
            found = await check.tried(self._fragments(fragment, where, "ID"), failed, setting)
            if found is None:
                return
            if found:
                check.done(f"{name} {shown} exists.")
                return
        known = ""
        if label:
            listing = self._fragments(fragment, "", f"ID,{label} as Label", most=50)
            failed = f"Those that there are for {name} cannot be listed"
            found = await check.tried(listing, failed, f"{name}_class and {name}_name")
            there = [
                f"{row.get('Label')} ({row.get('ID')})" for row in found or () if row.get("ID")
            ]
            known = f" There are: {some(there)}." if there else ""
        if given:
            check.missing(f"{name}: {shown} is not in Matrix42, or the bot may not see it.{known}")
        else:
            check.remark(f"{name} is not set; Matrix42 may demand it.{known}")

    @property
    def _state_columns(self) -> str:
        label = self._table.state_label
        return f"ID,State,TimeStamp{f',{label} as StateLabel' if label else ''}"

    @property
    def _name_columns(self) -> str:
        return ",".join(("ID", *self._table.name_columns))

    def _state_of(self, row: Mapping[str, Any]) -> TicketState | None:
        if row.get("State") is None:
            return None
        code = str(row["State"])[:80]
        return self._state(code, str(row.get("StateLabel") or f"state {code}")[:200])

    async def _state_row(self, ticket: Ticket) -> Mapping[str, Any]:
        where, columns = self._is_of(ticket), self._state_columns
        found = await self._fragments(self._table.state_class, where, columns)
        if not found:
            raise TicketGone("Matrix42 does not have the ticket any more.")
        return found[-1]

    async def _changed_state(self, ticket: Ticket, stamp: str) -> tuple[TicketState | None, str]:
        """The state and the rowversion if the ticket was changed since ``stamp``, else None."""
        stamp = stamp if stamp.isdecimal() else "0"
        found = await self._fragments(
            self._table.state_class,
            f"{self._is_of(ticket)} AND TimeStamp > {stamp}",
            self._state_columns,
            sort="TimeStamp ASC",
        )
        if not found:
            return None, stamp
        newest = max(rowversion(row.get("TimeStamp"), int(stamp)) for row in found)
        return self._state_of(found[-1]), str(newest)

    def _is_of(self, ticket: Ticket) -> str:
        return f"{self._table.object_column} = '{quoted(ticket.id)}'"

    async def _user(self, mail: str) -> str:
        found = await self._fragments(_USER, f"MailAddress = '{quoted(mail)}'", "ID")
        return str(found[0].get("ID") or "") if len(found) == 1 else ""

    async def _name(self, identifier: str) -> str:
        """The name of a user, remembered."""
        if not identifier:
            return "Matrix42"
        if identifier not in self._names:
            columns = self._table.name_columns
            found = await self._fragments(_USER, f"ID = '{quoted(identifier)}'", self._name_columns)
            words = [str(found[0].get(column) or "") for column in columns] if found else []
            if len(self._names) >= _MAX_NAMES:
                self._names.clear()
            self._names[identifier] = " ".join(" ".join(words).split())[:200] or "Support"
        return self._names[identifier]

    async def _fragments(
        self, fragment: str, where: str, columns: str, *, sort: str = "", most: int = 0
    ) -> list[Mapping[str, Any]]:
        """``where`` empty: all of them; ``most`` 0: as many as Matrix42 gives at once."""
        params = {"columns": columns}
        if where:
            params["where"] = where
        if most:
            params["pagesize"] = str(most)
        if sort and self._table.sort:
            params[self._table.sort] = sort
        return rows(await self._get(f"data/fragments/{quote(fragment, safe='')}", params))


def quoted(text: str) -> str:
    """``text`` between the single quotes of an ASQL expression."""
    return text.replace("'", "''")


async def _exchanged(api_token: str, http: DeskHttp) -> Token:
    """An access token for ``api_token``. Raises DeskError."""
    answer = await http.call(
        "POST",
        "ApiToken/GenerateAccessTokenFromApiToken/",
        headers={"Authorization": f"Bearer {api_token}"},
        json={},
    )
    given = signed_in(answer, _REMEDIES).json()
    if given is None:
        raise ApiTokenExpired(
            "Matrix42's API token has expired or was never valid.", _REMEDIES.sign_in
        )
    token = given.get("RawToken") if isinstance(given, Mapping) else None
    if not isinstance(token, str) or not token.isascii() or not token.isprintable() or not token:
        raise OddAnswer("Matrix42 exchanged the API token for nothing that can be used.")
    headers = {"Authorization": f"Bearer {token}", "Explicit-Language": "en-US"}
    # Without a readable end it is used for a while, or until Matrix42 says 401.
    return Token(headers, moment(str(given.get("LifeTime") or "")) or datetime.now(UTC) + LIFE)
