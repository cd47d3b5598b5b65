"""Matrix42 Core, Pro and IGA (formerly Efecte ESM): the itsm API.

Codes of templates, folders, attributes and static values belong to the installation and come from
the desk file. An answer 201 may carry errors all the same.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from bot.desks.base import (
    MAX_TEXT,
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
    Written,
)
from bot.desks.configuration import ProfessionalTable
from bot.desks.http import Answer, DeskHttp
from bot.desks.markup import as_text
from bot.requests.states import State
from bot.text import visible

_RENEW: Final = timedelta(seconds=60)
#: What a token lives where it does not say so.
_LIFE: Final = timedelta(minutes=10)
_MAX_SEEN: Final = 2000
_FOUND: Final = "50"


class ProfessionalDesk:
    """One installation. ``password`` is the secret that the table names."""

    def __init__(self, table: ProfessionalTable, password: str) -> None:
        self._table = table
        self._password = password
        self._http = DeskHttp(
            table.url, seconds=table.timeout, ca_bundle=table.ca_bundle, proxy=table.proxy
        )
        self._token = ""
        self._token_ends = datetime.min.replace(tzinfo=UTC)
        self._signing_in = asyncio.Lock()

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
        data: dict[str, Any] = {
            table.subject: _one({"value": draft.subject}),
            table.description: _one({"value": as_text(draft.facts)}),
        }
        data |= {name: _one({"value": value}) for name, value in table.values.items()}
        data |= {name: _one({"code": code}) for name, code in table.codes.items()}
        body = {"folderCode": table.folder, "data": data}
        answer = (await self._call("POST", self._path(), json=body)).json()
        card = answer.get("dataCard") if isinstance(answer, Mapping) else None
        identifier = card.get("dataCardId") if isinstance(card, Mapping) else None
        if not identifier:
            _check_errors(answer)
            raise OddAnswer("Matrix42 did not say which ticket it created.")
        # It exists, whatever is complained of: to raise now would lead to another one.
        ticket = Ticket(str(identifier), str(identifier), "", table.template)
        with contextlib.suppress(DeskError):
            ticket = await self._ticket(ticket.id)
        return replace(ticket, warnings=tuple(_told_errors(answer)))

    async def find(self, marker: str) -> Ticket | None:
        word = marker.strip("[]").split(" ")[-1]
        listed = (
            await self._call(
                "GET",
                self._path(),
                params={
                    "filter": f"${self._table.subject}$ LIKE '%{_quoted(word)}%'",
                    "limit": _FOUND,
                    "filterId": "0",
                    "selectedAttributes": self._table.subject,
                },
            )
        ).json()
        for card in _cards(listed):
            if marker in _value(card, self._table.subject) and card.get("dataCardId"):
                return await self._ticket(str(card["dataCardId"]))
        return None

    async def attach(self, ticket: Ticket, name: str, content: bytes) -> Attachment:
        answer = await self._call(
            "POST",
            f"{self._path(ticket)}/{quote(self._table.attachment)}/file",
            files={"fileUpload": (name, content, "application/octet-stream")},
            data={"fileName": name},
            file=True,
        )
        _check_errors(answer.json() if answer.body.strip() else None)
        found = await self.attached(ticket, name)
        if found is None:
            raise FileRefused(f"Matrix42 took the file “{visible(name)}” and does not have it.")
        return found

    async def attached(self, ticket: Ticket, name: str) -> Attachment | None:
        attribute = self._table.attachment
        card = await self._card(ticket, attribute)
        for given in reversed(_values(card, attribute)):
            if given.get("value") == name or given.get("fileName") == name:
                break
        else:
            return None
        identifier = _file_of(given).id
        content = await self.download(ticket, identifier)
        sha256 = "" if content is None else hashlib.sha256(content).hexdigest()
        size = given.get("size")
        size = size if isinstance(size, int) and not isinstance(size, bool) else None
        return Attachment(identifier, name, size, sha256)

    async def download(self, ticket: Ticket, identifier: str) -> bytes | None:
        place = self._table.download
        if not place:
            return None
        for word, value in (
            ("{template}", self._table.template),
            ("{ticket}", ticket.id),
            ("{attribute}", self._table.attachment),
            ("{id}", identifier),
        ):
            place = place.replace(word, quote(value, safe=""))
        return (await self._call("GET", place)).body

    async def comment(self, ticket: Ticket, text: str) -> Written:
        answer = await self._call(
            "POST",
            f"{self._path(ticket)}/{quote(self._table.worklog)}",
            json=_one({"value": text}),
        )
        _check_errors(answer.json() if answer.body.strip() else None)
        return Written()

    async def set_state(self, ticket: Ticket, state: State) -> TicketState | None:
        wanted = self._table.set_states.get(state)
        if wanted is None:
            return None
        status = self._table.status
        now = self._state(await self._card(ticket, status))
        if now is not None and now.code == wanted:
            return now
        path = f"{self._path(ticket)}/{quote(status, safe='')}"
        answer = await self._call("PUT", path, json=_one({"code": wanted}))
        _check_errors(answer.json() if answer.body.strip() else None)
        now = self._state(await self._card(ticket, status))
        if now is None or now.code != wanted:
            raise MappingRejected("Matrix42 leaves the ticket in its state.", "Check set_states.")
        return now

    async def poll(self, ticket: Ticket, cursor: Cursor) -> News:
        table = self._table
        wanted = [table.status, table.worklog, *([table.attachment] if table.relay_files else ())]
        card = await self._card(ticket, ",".join(wanted))
        seen = list(cursor.get("seen") or ())
        known = set(seen)
        entries = []
        # The newest come first, and none has an id.
        for given in reversed(_values(card, table.worklog)):
            text = str(given.get("value") or "").strip()[:MAX_TEXT]
            author, date = str(given.get("author") or ""), str(given.get("date") or "")
            key = _entry_key(author, date, text)
            if key in known:
                continue
            known.add(key)
            seen.append(key)
            if text:
                entries.append(DeskEntry(key, author[:200] or "Support", text, date))
        listed = [_file_of(f) for f in _values(card, table.attachment)] if table.relay_files else []
        before = set(cursor.get("files") or ())
        moved = {"seen": seen[-_MAX_SEEN:], "files": [file.id for file in listed][-_MAX_SEEN:]}
        files = [file for file in listed if file.id not in before]
        return News(moved, self._state(card), entries, files)

    async def check(self) -> Sequence[CheckLine]:
        table = self._table
        try:
            await self._sign_in()
        except DeskError as error:
            return [CheckLine(False, str(error))]
        lines = [CheckLine(True, "Matrix42 accepts the login.")]
        try:
            templates = _codes((await self._call("GET", "dc")).json())
            if table.template not in templates:
                some = ", ".join(visible(name, 40) for name in sorted(templates)[:20])
                text = f"There is no template “{visible(table.template, 60)}”. There are: {some}."
                return [*lines, CheckLine(False, text)]
            lines.append(CheckLine(True, f"The template {visible(table.template, 60)} exists."))
            found = (await self._call("GET", f"dc/{quote(table.template, safe='')}")).json()
        except DeskError as error:
            return [*lines, CheckLine(False, f"The templates cannot be read: {error}")]
        return [*lines, *_check_template(table, found)]

    def _state(self, card: Mapping[str, Any]) -> TicketState | None:
        values = _values(card, self._table.status)
        if not values:
            return None
        label = str(values[0].get("value") or "")
        code = str(values[0].get("code") or label)
        meaning = self._table.states.get(code) or self._table.states.get(label)
        return TicketState(code, label or code, meaning)

    async def _ticket(self, identifier: str) -> Ticket:
        table = self._table
        number = ""
        if table.number:
            card = await self._card(Ticket(identifier, "", ""), table.number)
            number = _value(card, table.number)
        number = number or identifier
        link = table.link.replace("{id}", quote(identifier, safe=""))
        url = link.replace("{number}", quote(number, safe=""))
        return Ticket(identifier, number, url, table.template)

    async def _card(self, ticket: Ticket, attributes: str) -> Mapping[str, Any]:
        params = {"selectedAttributes": attributes}
        card = (await self._call("GET", self._path(ticket), params=params)).json()
        if not isinstance(card, Mapping):
            raise OddAnswer("Matrix42 answered something else than a data card.")
        return card

    def _path(self, ticket: Ticket | None = None) -> str:
        path = f"dc/{quote(self._table.template, safe='')}/data"
        return f"{path}/{quote(ticket.id, safe='')}" if ticket else path

    async def _call(self, method: str, path: str, *, file: bool = False, **content: Any) -> Answer:
        """A call with a token, signed in again once where it has run out."""
        for last in (False, True):
            token = await self._access_token()
            headers = {"Authorization": token, "Accept": "application/json"}
            answer = await self._http.call(method, path, headers=headers, **content)
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
        form = {"login": self._table.login, "password": self._password}
        answer = await self._http.call("POST", "users/login", data=form)
        if answer.status in (400, 401):
            raise SignInRefused(
                "Matrix42 does not accept the login or its password.",
                "Check login and password; the user must be a local one with the REST role.",
            )
        _check(answer)
        token = answer.headers.get("Authorization", "") or _body_token(answer)
        token = token.removeprefix("Bearer ").strip()
        if not token:
            raise OddAnswer("Matrix42 signed the bot in and gave it no token.")
        self._token = f"Bearer {token}"
        self._token_ends = _end_of(token)


def _file_of(given: Mapping[str, Any]) -> DeskFile:
    name = str(given.get("value") or given.get("fileName") or "")
    return DeskFile(str(given.get("id") or given.get("fileId") or name), name)


def _one(value: Mapping[str, str]) -> dict[str, Any]:
    return {"values": [dict(value)]}


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def _check(answer: Answer, *, file: bool = False) -> None:
    """Raises the error that the status stands for."""
    status = answer.status
    if status < 300:
        return
    if status == 401:
        raise SignInRefused("Matrix42 does not accept the bot's sign-in.", "Check its login.")
    if status == 403:
        raise MissingRole(
            "Matrix42 knows the bot's user, which lacks a role (403).",
            "Give it a role that may read and write the template.",
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


def _check_errors(given: Any) -> None:
    """Raises MappingRejected where ``meta.errors`` says what is wrong."""
    told = _told_errors(given)
    if told:
        raise MappingRejected(
            f"Matrix42 rejects this: {'; '.join(told)}.",
            "Check the desk file with “whichroot desk check”.",
        )


def _told_errors(given: Any) -> list[str]:
    meta = given.get("meta") if isinstance(given, Mapping) else None
    errors = meta.get("errors") if isinstance(meta, Mapping) else None
    return [
        f"{visible(str(e.get('attributeCode')), 60)}: {visible(str(e.get('message')), 160)}"
        for e in (errors if isinstance(errors, list) else [])[:5]
        if isinstance(e, Mapping)
    ]


def _body_token(answer: Answer) -> str:
    if not answer.body.strip():
        return ""
    given = answer.json()
    return str(given.get("token") or "") if isinstance(given, Mapping) else ""


def _end_of(token: str) -> datetime:
    """``exp`` of a JWT (RFC 7519 section 4.1.4)."""
    try:
        part = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        return datetime.fromtimestamp(float(claims["exp"]), UTC)
    except (ValueError, IndexError, KeyError, TypeError, OverflowError, OSError):
        return datetime.now(UTC) + _LIFE


def _cards(listed: Any) -> list[Mapping[str, Any]]:
    """The cards of a search, whether they come bare or wrapped."""
    if isinstance(listed, Mapping):
        listed = listed.get("dataCards") or listed.get("data") or []
    if not isinstance(listed, list):
        raise OddAnswer("Matrix42 answered a search with something else than a list.")
    return [card for card in listed if isinstance(card, Mapping)]


def _values(card: Mapping[str, Any], attribute: str) -> list[Mapping[str, Any]]:
    data = card.get("data")
    found = data.get(attribute) if isinstance(data, Mapping) else None
    values = found.get("values") if isinstance(found, Mapping) else None
    return [v for v in values if isinstance(v, Mapping)] if isinstance(values, list) else []


def _value(card: Mapping[str, Any], attribute: str) -> str:
    values = _values(card, attribute)
    return str(values[0].get("value") or "") if values else ""


def _entry_key(author: str, date: str, text: str) -> str:
    return hashlib.sha256(json.dumps([author, date, text]).encode()).hexdigest()[:32]


def _codes(listed: Any) -> dict[str, Mapping[str, Any]]:
    """Things by their ``code``, whether they come bare or wrapped."""
    if isinstance(listed, Mapping):
        listed = next((value for value in listed.values() if isinstance(value, list)), [])
    if not isinstance(listed, list):
        return {}
    return {
        str(item["code"]): item for item in listed if isinstance(item, Mapping) and item.get("code")
    }


def _check_template(table: ProfessionalTable, found: Any) -> list[CheckLine]:
    """What the template lacks of what the desk file names."""
    if not isinstance(found, Mapping):
        return [CheckLine(False, "Matrix42 does not describe the template.")]
    lines = []
    folders = _codes(found.get("folders"))
    attributes = _codes(found.get("attributes"))
    if table.folder not in folders:
        some = ", ".join(visible(name, 40) for name in sorted(folders)[:20])
        text = f"There is no folder “{visible(table.folder, 60)}”. There are: {some}."
        lines.append(CheckLine(False, text))
    used = {
        "subject": table.subject,
        "description": table.description,
        "status": table.status,
        "worklog": table.worklog,
        "attachment": table.attachment,
        **({"number": table.number} if table.number else {}),
        **{f"values.{name}": name for name in table.values},
        **{f"codes.{name}": name for name in table.codes},
    }
    for setting, attribute in used.items():
        if attribute not in attributes:
            text = f"{setting}: the template has no attribute “{visible(attribute, 60)}”."
            lines.append(CheckLine(False, text))
    for attribute, code in table.codes.items():
        values = _codes(attributes.get(attribute, {}).get("staticValues"))
        if attribute in attributes and code not in values:
            some = ", ".join(visible(name, 40) for name in sorted(values)[:20])
            text = f"codes.{attribute}: there is no “{visible(code, 60)}”. There are: {some}."
            lines.append(CheckLine(False, text))
    given = {table.subject, table.description, *table.values, *table.codes}
    lines += [
        CheckLine(False, f"The template demands “{visible(code, 60)}”, which no setting gives.")
        for code, attribute in attributes.items()
        if attribute.get("mandatory") is True and code not in given
    ]
    attachment = attributes.get(table.attachment, {})
    if attachment and attachment.get("multiValue") is False:
        text = "The attachment attribute holds one file: a second one would replace the first."
        lines.append(CheckLine(False, text))
    if not table.states:
        lines.append(
            CheckLine(False, "No states are mapped: they are shown as Matrix42 names them.")
        )
    if not any(not line.ok for line in lines):
        lines.append(CheckLine(True, "Every folder, attribute and value of the desk file exists."))
    return lines
