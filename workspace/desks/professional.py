"""A stand-in for the itsm API of Matrix42 Core, Pro and IGA (formerly Efecte ESM).

Traps that it shows: the token comes in the header, in the body, or in both (``given_in``); 201 with
``meta.errors`` where a value is wrong; worklog entries without ids, the newest first; a second
worklog that is internal; files refused by suffix or size, and listed without their size; a search
that gives no attributes unless whole cards are asked for; the API does not move a closed ticket.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from aiohttp import web

from workspace.desks.asql import AsqlError, predicate
from workspace.desks.server import DeskServer, check_query, json_body, refuse
from workspace.desks.tickets import Ticket, Tickets

_TEMPLATE = "ServiceRequest"
_CLOSED = "06"
_FOLDER = "sr_connectors"
_PRIORITIES = {"p2": "2 - Normal", "p3": "3 - Low"}
_ATTRIBUTES = (
    "subject",
    "description",
    "status",
    "priority",
    "worklog",
    "internal_worklog",
    "attachments",
    "ticket_number",
)

_TYPES = {
    "status": "STATIC_VALUE",
    "priority": "STATIC_VALUE",
    "worklog": "WORKLOG",
    "internal_worklog": "WORKLOG",
    "attachments": "EXTERNAL_REFERENCE",
}


class ProfessionalServer(DeskServer):
    """The desk. ``given_in``: `header`, `body` or `both`."""

    name: ClassVar[str] = "Matrix42 Core, Pro and IGA"
    states: ClassVar[Mapping[str, str]] = {
        "01": "01 - New",
        "02": "02 - Solving",
        "03": "03 - Waiting for customer",
        "05": "05 - Solved",
        "06": "06 - Closed",
        "77": "77 - Parked",
    }

    def __init__(
        self,
        *,
        port: int = 0,
        given_in: str = "both",
        suffixes: tuple[str, ...] = (".txt", ".msg", ".pem"),
        largest: int = 1 << 20,
        life: timedelta = timedelta(minutes=15),
    ) -> None:
        super().__init__(port=port)
        self.tickets = Tickets(lambda number: str(378000 + number))
        self.login, self.password = "whichroot", "pw-" + secrets.token_urlsafe(12)
        self.given_in, self.life = given_in, life
        self.suffixes, self.largest = suffixes, largest
        self.lacks_role = False
        self.password_expired = False
        self._tokens: dict[str, datetime] = {}

    @property
    def url(self) -> str:
        """The API's address."""
        return f"{self.root}rest-api/itsm/v1/"

    def table(self, **other: Any) -> dict[str, Any]:
        """What a client's configuration says of it; the password is not in it."""
        return {
            "kind": "professional",
            "url": self.url,
            "login": self.login,
            "template": _TEMPLATE,
            "folder": _FOLDER,
            "codes": {"priority": "p2"},
            "number": "ticket_number",
            "link": f"{self.root}tickets/{{id}}",
            "states": {
                "01": "open",
                "02": "working",
                "03": "waiting",
                "05": "solved",
                "06": "closed",
            },
            "set_states": {
                "taken": "02",
                "waiting": "03",
                "installed": "05",
                "verified": "06",
                "rejected": "06",
                "cancelled": "06",
            },
            **other,
        }

    def expire_tokens(self) -> None:
        """Every token ends now."""
        self._tokens.clear()

    def add_routes(self, app: web.Application) -> None:
        api = "/rest-api/itsm/v1"
        router = app.router
        router.add_post(f"{api}/users/login", self.named("sign-in", self._sign_in))
        router.add_get(f"{api}/dc", self.named("templates", self._templates))
        router.add_get(f"{api}/dc/{{template}}", self.named("template", self._describe))
        data = f"{api}/dc/{{template}}/data"
        router.add_post(data, self.named("create", self._create))
        router.add_get(data, self.named("search", self._search))
        router.add_get(f"{data}/{{id}}", self.named("read", self._read))
        router.add_post(f"{data}/{{id}}/{{attribute}}/file", self.named("attach", self._attach))
        router.add_get(
            f"{data}/{{id}}/{{attribute}}/file/{{file}}", self.named("download", self._download)
        )
        router.add_post(f"{data}/{{id}}/{{attribute}}", self.named("comment", self._comment))
        router.add_put(f"{data}/{{id}}/{{attribute}}", self.named("update", self._update))

    async def _sign_in(self, request: web.Request) -> web.Response:
        if request.content_type != "application/x-www-form-urlencoded":
            raise refuse(415, "a form is wanted")
        form = await request.post()
        if set(form) != {"login", "password"}:
            raise refuse(400, "login and password are wanted")
        if (form["login"], form["password"]) != (self.login, self.password):
            raise refuse(401, "wrong login or password")
        if self.password_expired:
            raise refuse(401, "the password has expired")
        ends = datetime.now(UTC) + self.life
        claims = {"sub": self.login, "exp": int(ends.timestamp()), "jti": secrets.token_hex(4)}
        token = ".".join((_segment({"alg": "none"}), _segment(claims), "c2ln"))
        self._tokens[token] = ends
        both = self.given_in == "both"
        headers = {"Authorization": token} if both or self.given_in == "header" else {}
        if both or self.given_in == "body":
            return web.json_response({"token": f"Bearer {token}"}, headers=headers)
        return web.Response(headers=headers)

    def _check(self, request: web.Request) -> None:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self._tokens.get(token, datetime.min.replace(tzinfo=UTC)) <= datetime.now(UTC):
            raise refuse(401, "no valid token")
        if self.lacks_role:
            raise refuse(403, "a role is missing")
        if request.match_info.get("template", _TEMPLATE) != _TEMPLATE:
            raise refuse(404, "no such template")

    async def _templates(self, request: web.Request) -> web.Response:
        self._check(request)
        return web.json_response([{"templateCode": _TEMPLATE, "name": "Service request"}])

    async def _describe(self, request: web.Request) -> web.Response:
        self._check(request)
        attributes = {
            code: {
                "name": code.replace("_", " ").capitalize(),
                "type": _TYPES.get(code, "STRING"),
                "file": code == "attachments",
                "multiValue": code in ("worklog", "internal_worklog", "attachments"),
                "mandatory": code in ("subject", "priority"),
                "values": [
                    {"code": static, "value": {"en": value}}
                    for static, value in self._statics(code).items()
                ],
            }
            for code in _ATTRIBUTES
        }
        return web.json_response(
            {
                "name": "Service request",
                "code": _TEMPLATE,
                "allowedFolders": [{"folderCode": _FOLDER, "folderName": "Connectors"}],
                "attributes": attributes,
            }
        )

    def _statics(self, code: str) -> Mapping[str, str]:
        return {"priority": _PRIORITIES, "status": self.states}.get(code, {})

    async def _create(self, request: web.Request) -> web.Response:
        self._check(request)
        body = await json_body(request, ("folderCode", "data"))
        if body.get("folderCode") != _FOLDER or not isinstance(body.get("data"), dict):
            raise refuse(400, "no such folder")
        errors, kept = [], {}
        for code, given in body["data"].items():
            value = _first(given)
            if code not in _ATTRIBUTES:
                errors.append(_error(code, "There is no such attribute"))
            elif code == "priority" and value.get("code") not in _PRIORITIES:
                errors.append(_error(code, "There is no such static value"))
            else:
                kept[code] = value.get("value") or value.get("code")
        if not kept.get("subject"):
            errors.append(_error("subject", "is mandatory"))
            return web.json_response({"meta": {"errors": errors}}, status=400)
        ticket = self.tickets.add(
            str(kept["subject"]),
            str(kept.get("description", "")),
            prefix="SR-",
            state="01",
            kind=_TEMPLATE,
        )
        ticket.fields = kept
        card = {"dataCardId": ticket.id}
        return web.json_response({"meta": {"errors": errors}, "dataCard": card}, status=201)

    async def _search(self, request: web.Request) -> web.Response:
        self._check(request)
        check_query(request, ("filter", "limit", "filterId", "selectedAttributes", "dataCards"))
        limit = request.query.get("limit", "50")
        if not limit.isdecimal() or not 1 <= int(limit) <= 200:
            raise refuse(400, "limit must be from 1 to 200")
        expression = request.query.get("filter", "")
        if expression.count("$") != 2:
            raise refuse(400, "an attribute stands between dollar signs")
        try:
            test = predicate(expression.replace("$", ""))
            found = [
                ticket
                for ticket in self.tickets
                if test({"subject": ticket.subject, "status": self.states[ticket.state]})
            ]
        except AsqlError as error:
            raise refuse(400, f"malformed filter: {error}") from None
        wanted = request.query.get("selectedAttributes", "subject").split(",")
        cards = [
            self._card(ticket, wanted)
            if request.query.get("dataCards") == "true"
            else {"dataCardId": ticket.id, "name": ticket.number, "url": f"{self.root}tickets"}
            for ticket in found[: int(limit)]
        ]
        return web.json_response({"meta": {"count": len(cards)}, "data": cards})

    async def _read(self, request: web.Request) -> web.Response:
        self._check(request)
        check_query(request, ("selectedAttributes",))
        wanted = request.query.get("selectedAttributes", ",".join(_ATTRIBUTES)).split(",")
        return web.json_response(self._card(self._ticket(request), wanted))

    async def _attach(self, request: web.Request) -> web.Response:
        self._check(request)
        ticket = self._ticket(request)
        if request.match_info["attribute"] != "attachments":
            raise refuse(404, "no such attribute for files")
        if request.content_type != "multipart/form-data":
            raise refuse(415, "a multipart form is wanted")
        form = await request.post()
        file = form.get("fileUpload")
        if set(form) != {"fileUpload", "fileName"} or not isinstance(file, web.FileField):
            raise refuse(400, "fileUpload and fileName are wanted")
        name, content = str(form["fileName"]), file.file.read()
        if not name.lower().endswith(self.suffixes):
            raise refuse(400, "this kind of file is not allowed")
        if len(content) > self.largest:
            raise refuse(413, "too large")
        self.tickets.attach(ticket, name, content)
        return web.json_response({"meta": {"errors": []}}, status=201)

    async def _download(self, request: web.Request) -> web.Response:
        self._check(request)
        file = self.tickets.file(request.match_info["file"])
        if file is None:
            raise refuse(404, "no such file")
        return web.Response(body=file.content, content_type="application/octet-stream")

    async def _comment(self, request: web.Request) -> web.Response:
        self._check(request)
        ticket = self._ticket(request)
        attribute = request.match_info["attribute"]
        if attribute not in ("worklog", "internal_worklog"):
            raise refuse(404, "no such worklog")
        body = await json_body(request, ("values",))
        text = _first(body).get("value")
        if not isinstance(text, str) or not text:
            raise refuse(400, "a value is wanted")
        self.tickets.write(ticket, "whichroot (API)", text, visible=attribute == "worklog")
        return web.json_response({"meta": {"errors": []}}, status=201)

    async def _update(self, request: web.Request) -> web.Response:
        self._check(request)
        ticket = self._ticket(request)
        if request.match_info["attribute"] != "status":
            raise refuse(400, "this attribute is not for changing")
        code = _first(await json_body(request, ("values",))).get("code")
        if code not in self.states:
            errors = [_error("status", "There is no such static value")]
            return web.json_response({"meta": {"errors": errors}}, status=201)
        if ticket.state == _CLOSED:
            raise refuse(400, "the data card is closed")
        self.tickets.move(ticket, str(code))
        return web.json_response({"meta": {"errors": []}}, status=201)

    def _ticket(self, request: web.Request) -> Ticket:
        ticket = self.tickets.get(request.match_info["id"])
        if ticket is None:
            raise refuse(404, "no such data card")
        return ticket

    def _card(self, ticket: Ticket, wanted: list[str]) -> dict[str, Any]:
        unknown = [code for code in wanted if code not in _ATTRIBUTES]
        if unknown:
            raise refuse(400, f"no such attribute: {unknown[0]}")
        data: dict[str, Any] = {
            "subject": _values("string", [{"value": ticket.subject}]),
            "description": _values("text", [{"value": ticket.description}]),
            "ticket_number": _values("string", [{"value": ticket.number}]),
            "status": _values(
                "static_value", [{"value": self.states[ticket.state], "code": ticket.state}]
            ),
            "priority": _values("static_value", [{"code": ticket.fields.get("priority")}]),
            "attachments": _values(
                "file",
                # What agents keep to themselves is in another attribute.
                [{"name": file.name, "location": file.id} for file in ticket.files if file.visible],
            ),
            "worklog": _worklog(ticket, visible=True),
            "internal_worklog": _worklog(ticket, visible=False),
        }
        return {
            "dataCardId": ticket.id,
            "templateCode": _TEMPLATE,
            "folderCode": _FOLDER,
            "data": {code: data[code] for code in wanted},
        }


def _worklog(ticket: Ticket, *, visible: bool) -> dict[str, Any]:
    return _values(
        "worklog",
        [
            {"author": entry.author, "value": entry.text, "date": f"{entry.at:%d.%m.%Y %H:%M:%S}"}
            for entry in reversed(ticket.entries)
            if entry.visible is visible
        ],
    )


def _values(kind: str, values: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": kind, "values": values}


def _first(given: Any) -> dict[str, Any]:
    values = given.get("values") if isinstance(given, dict) else None
    if not isinstance(values, list) or not values or not isinstance(values[0], dict):
        raise refuse(400, "values is malformed")
    if not set(values[0]) <= {"value", "code", "dataCardId"}:
        raise refuse(400, "unknown field")
    return values[0]


def _error(code: str, message: str) -> dict[str, str]:
    return {"attributeCode": code, "message": message, "error": "INVALID_VALUE"}


def _segment(given: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(given).encode()).decode().rstrip("=")
