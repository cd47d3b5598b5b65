"""Matrix42 Core, Pro and IGA (formerly Efecte ESM): the itsm API.

Codes of templates, folders, attributes and static values belong to the installation and come from
the desk file. An answer 201 may carry errors all the same. Worklog entries have no id.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from bot.desks.base import (
    MAX_TEXT,
    Cursor,
    DeskEntry,
    DeskError,
    MappingRejected,
    News,
    OddAnswer,
    SignInRefused,
    Ticket,
    TicketDraft,
    TicketState,
    Written,
)
from bot.desks.checking import Check, some
from bot.desks.configuration import ProfessionalTable
from bot.desks.http import Answer, DeskHttp
from bot.desks.markup import as_text
from bot.desks.session import LIFE, Remedies, Session, Token, signed_in
from bot.desks.templates import check_template, codes
from bot.desks.web import ListedFile, WebDesk, filled, http_of, rows, size_of, text_of
from bot.text import visible

_MAX_SEEN: Final = 2000
_FOUND: Final = "50"
_REMEDIES: Final = Remedies(
    sign_in="Check login and password; the user must be a local one with the REST role.",
    role="Give it a role that may read and write the template.",
    address="Check url in the desk file: it is https://HOST/rest-api/itsm/v1/ in the cloud, "
    "https://HOST/itsm/api/v1/ otherwise.",
)


class ProfessionalDesk(WebDesk):
    """One installation. ``password`` is the secret that the table names; ``proxy`` as in
    `DeskHttp`."""

    _table: ProfessionalTable

    def __init__(
        self,
        table: ProfessionalTable,
        password: str,
        proxy: str = "",
        http: DeskHttp | None = None,
    ) -> None:
        session = Session(
            http or http_of(table, password, proxy), partial(_logged_in, table, password), _REMEDIES
        )
        super().__init__(table, session)

    async def create(self, draft: TicketDraft) -> Ticket:
        table = self._table
        data: dict[str, Any] = {
            table.subject: _one({"value": draft.subject}),
            table.description: _one({"value": as_text(draft.facts)}),
        }
        data |= {name: _one({"value": value}) for name, value in table.values.items()}
        data |= {name: _one({"code": code}) for name, code in table.codes.items()}
        body = {"folderCode": table.folder, "data": data}
        answer = (await self._session.call("POST", self._path(), json=body)).json()
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

    async def comment(self, ticket: Ticket, text: str) -> Written:
        await self._write("POST", ticket, self._table.worklog, {"value": text})
        return Written()

    async def poll(self, ticket: Ticket, cursor: Cursor) -> News:
        table = self._table
        card = await self._card(ticket.id, table.status, table.worklog)
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
        moved, files = await self._new_files(ticket, cursor)
        return News({"seen": seen[-_MAX_SEEN:], **moved}, self._state_in(card), entries, files)

    async def _search(self, word: str) -> Sequence[tuple[str, str]]:
        subject = self._table.subject
        where = self._table.find.replace("{subject}", subject).replace("{word}", _quoted(word))
        params = {
            "filter": where,
            "limit": _FOUND,
            "filterId": "0",
            "dataCards": "true",
            "selectedAttributes": subject,
        }
        cards = _cards(await self._get(self._path(), params))
        found = [card for card in cards if card.get("dataCardId")]
        return [(str(card["dataCardId"]), _value(card, subject)) for card in found]

    async def _ticket(self, identifier: str) -> Ticket:
        table = self._table
        number = ""
        if table.number:
            number = _value(await self._card(identifier, table.number), table.number)
        number = number or identifier
        return Ticket(identifier, number, self._link(identifier, number), table.template)

    async def _upload(self, ticket: Ticket, name: str, content: bytes) -> None:
        answer = await self._session.call(
            "POST",
            f"{self._path(ticket.id, self._table.attachment)}/file",
            files={"fileUpload": (name, content, "application/octet-stream")},
            data={"fileName": name},
            file=True,
        )
        _check_answer(answer)

    async def _files(self, ticket: Ticket) -> Sequence[ListedFile]:
        attribute = self._table.attachment
        return [
            _file(given) for given in _values(await self._card(ticket.id, attribute), attribute)
        ]

    def _download_words(self, ticket: Ticket, identifier: str) -> Mapping[str, str]:
        return {
            "template": self._table.template,
            "ticket": ticket.id,
            "attribute": self._table.attachment,
            "id": identifier,
        }

    async def _state_now(self, ticket: Ticket) -> TicketState:
        state = self._state_in(await self._card(ticket.id, self._table.status))
        return state or TicketState("", "no state", None)

    async def _write_state(self, ticket: Ticket, wanted: str) -> None:
        await self._write("PUT", ticket, self._table.status, {"code": wanted})

    async def _look_around(self, check: Check) -> bool:
        template = self._table.template
        listed = await check.tried(self._get("dc"), "The bot cannot see templates")
        if listed is None:
            return False
        templates, shown = codes(listed), visible(template, 60)
        if template not in templates:
            check.missing(f"template: there is no “{shown}”. There are: {some(templates)}.")
            return False
        check.done(f"The template “{shown}” exists.")
        place = filled("dc/{template}", {"template": template})
        failed = "The bot cannot read what the template is like"
        described = await check.tried(self._get(place), failed)
        if described is not None:
            check_template(check, self._table, described)
        return True

    def _state_in(self, card: Mapping[str, Any]) -> TicketState | None:
        values = _values(card, self._table.status)
        if not values:
            return None
        label = text_of(values[0].get("value"))
        return self._state(str(values[0].get("code") or label), label)

    async def _card(self, identifier: str, *attributes: str) -> Mapping[str, Any]:
        params = {"selectedAttributes": ",".join(attributes)}
        card = await self._get(self._path(identifier), params)
        if not isinstance(card, Mapping):
            raise OddAnswer("Matrix42 answered something else than a data card.")
        return card

    async def _write(
        self, method: str, ticket: Ticket, attribute: str, value: Mapping[str, str]
    ) -> None:
        """POST adds a value to an attribute, PUT replaces what it has."""
        path = self._path(ticket.id, attribute)
        _check_answer(await self._session.call(method, path, json=_one(value)))

    def _path(self, identifier: str = "", attribute: str = "") -> str:
        path = filled("dc/{template}/data", {"template": self._table.template})
        for part in (identifier, attribute):
            path += filled("/{part}", {"part": part}) if part else ""
        return path


async def _logged_in(table: ProfessionalTable, password: str, http: DeskHttp) -> Token:
    """The token of a login, which comes in the header, in the body, or in both. Raises DeskError."""
    form = {"login": table.login, "password": password}
    answer = await http.call("POST", "users/login", data=form)
    if answer.status == 400:
        raise SignInRefused(
            "Matrix42 does not accept the login or its password (400).", _REMEDIES.sign_in
        )
    token = signed_in(answer, _REMEDIES).headers.get("Authorization", "") or _body_token(answer)
    token = token.removeprefix("Bearer ").strip()
    if not token or not token.isascii() or not token.isprintable():
        raise OddAnswer("Matrix42 signed the bot in and gave it no token that can be used.")
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    return Token(headers, _end_of(token))


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
    except (ValueError, IndexError, KeyError, TypeError, OverflowError, OSError, RecursionError):
        return datetime.now(UTC) + LIFE


def _one(value: Mapping[str, str]) -> dict[str, Any]:
    return {"values": [dict(value)]}


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def _check_answer(answer: Answer) -> None:
    if answer.body.strip():
        _check_errors(answer.json())


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


def _cards(listed: Any) -> list[Mapping[str, Any]]:
    """The cards of a search, whether they come bare or wrapped."""
    if isinstance(listed, Mapping):
        listed = listed.get("dataCards") or listed.get("data") or []
    return rows(listed)


def _values(card: Mapping[str, Any], attribute: str) -> list[Mapping[str, Any]]:
    data = card.get("data")
    found = data.get(attribute) if isinstance(data, Mapping) else None
    values = found.get("values") if isinstance(found, Mapping) else None
    return [v for v in values if isinstance(v, Mapping)] if isinstance(values, list) else []


def _value(card: Mapping[str, Any], attribute: str) -> str:
    values = _values(card, attribute)
    return text_of(values[0].get("value")) if values else ""


def _file(given: Mapping[str, Any]) -> ListedFile:
    """An external reference: its name, and the location that it is downloaded from."""
    name = str(given.get("name") or given.get("value") or given.get("fileName") or "")
    location = given.get("location") or given.get("id") or given.get("fileId") or name
    return ListedFile(str(location), name, size_of(given.get("size")))


def _entry_key(author: str, date: str, text: str) -> str:
    return hashlib.sha256(json.dumps([author, date, text]).encode()).hexdigest()[:32]
