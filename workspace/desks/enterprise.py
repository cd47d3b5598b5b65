"""A stand-in for Matrix42 Enterprise (M42Services).

Traps that it shows: the answer to a creation is a bare string; an expired API token is exchanged for
``null`` with 200; an unexchanged token is 406, a missing role 403; with ``swallows`` a rejected
creation is 200 and ``null``; activityType 6 makes a ticket of another type; the id of a fragment is
not that of its object; a fragment is changed by its own id; what is sorted by must be selected;
rowversions come in Base64; dates are rounded as SQL's datetime does; the API does not move a ticket
that is closed.
"""

from __future__ import annotations

import html
import re
import secrets
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from aiohttp import web

from workspace.desks.asql import AsqlError, predicate
from workspace.desks.fragments import BOT_USER, CATEGORY, ROLE, picked, rounded, rows
from workspace.desks.server import DeskServer, check_query, json_body, refuse
from workspace.desks.tickets import Entry, Ticket

_ACTIVITY = "SPSActivityClassBase"
_TYPES = {
    "0": "SPSActivityTypeIncident",
    "5": "SPSActivityTypeTicket",
    "6": "SPSActivityTypeServiceRequest",
}
_CREATE = frozenset(
    "Subject DescriptionHTML User Category Impact Urgency Priority EntryBy ResponsibleRole "
    "ExtraProperties".split()
)
_JOURNAL = frozenset(
    "ObjectId Comments VisibleInPortal Publish EntryType FileIds Parameters".split()
)
CLOSED = "204"


class EnterpriseServer(DeskServer):
    """The desk. ``required``: fields that its tenant demands of a new ticket."""

    name: ClassVar[str] = "Matrix42 Enterprise"
    states: ClassVar[Mapping[str, str]] = {
        "200": "New",
        "201": "Assigned",
        "202": "In Process",
        "203": "On Hold",
        "204": "Closed",
        "333": "Parked in the cellar",
    }

    def __init__(
        self,
        *,
        port: int = 0,
        required: tuple[str, ...] = ("Subject", "Category"),
        swallows: bool = False,
        suffixes: tuple[str, ...] = (".pem", ".txt"),
        largest: int = 1 << 20,
        life: timedelta = timedelta(minutes=10),
    ) -> None:
        super().__init__(port=port)
        self.api_token = "api-" + secrets.token_urlsafe(24)
        self.api_token_expired = False
        self.lacks_role = False
        self.required, self.swallows = required, swallows
        self.suffixes, self.largest, self.life = suffixes, largest, life
        self._tokens: dict[str, datetime] = {}
        self.users = {
            "Anna Agent": str(uuid.uuid4()),
            "Otto Other": str(uuid.uuid4()),
            "whichroot bot": BOT_USER,
        }
        self.mails = {"rita@corp.example": str(uuid.uuid4())}

    @property
    def url(self) -> str:
        """The API's address."""
        return f"{self.root}m42Services/api/"

    def table(self, **other: Any) -> dict[str, Any]:
        """What a client's configuration says of it; the token is not in it."""
        return {
            "kind": "enterprise",
            "url": self.url,
            "category": CATEGORY,
            "role": ROLE,
            "user": BOT_USER,
            "link": f"{self.root}tickets/{{id}}",
            "states": {
                "200": "open",
                "201": "working",
                "202": "working",
                "203": "waiting",
                "204": "closed",
            },
            "set_states": {
                "taken": "202",
                "waiting": "203",
                "verified": "close:402",
                "rejected": "close",
                "cancelled": "close",
            },
            **other,
        }

    def expire_tokens(self) -> None:
        """Every access token ends now."""
        self._tokens.clear()

    def add_routes(self, app: web.Application) -> None:
        api = "/m42Services/api"
        router = app.router
        router.add_post(
            f"{api}/ApiToken/GenerateAccessTokenFromApiToken/", self.named("sign-in", self._sign_in)
        )
        router.add_post(f"{api}/ticket/create", self.named("create", self._create))
        router.add_get(f"{api}/data/objects/{{kind}}/{{id}}", self.named("object", self._object))
        router.add_get(f"{api}/data/fragments/{{kind}}", self.named("fragments", self._fragments))
        router.add_put(f"{api}/data/fragments/{{kind}}", self.named("update", self._update))
        router.add_post(f"{api}/ticket/close", self.named("close", self._close))
        router.add_post(f"{api}/filestorage/add", self.named("attach", self._attach))
        router.add_get(f"{api}/filestorage/{{file}}", self.named("download", self._download))
        router.add_get(f"{api}/filestorage/{{kind}}/{{id}}", self.named("files", self._files))
        router.add_post(f"{api}/journal/Add", self.named("comment", self._comment))

    def answer(
        self, ticket: Ticket, text: str, *, author: str = "Anna Agent", visible: bool = True
    ) -> Entry:
        """An agent writes an entry, which the desk keeps as HTML."""
        return super().answer(ticket, _html(text), author=author, visible=visible)

    def plain(self, text: str) -> str:
        """HTML without its tags."""
        facts = text.replace("</b></td><td>", ": ")
        lines = re.sub(r"<br\s*/?>|</div>|</tr>", "\n", facts)
        plain = html.unescape(re.sub(r"<[^>]*>", " ", lines))
        return "\n".join(
            re.sub(r" {2,}", "  ", line).strip() for line in plain.splitlines()
        ).strip()

    async def _sign_in(self, request: web.Request) -> web.Response:
        check_query(request, ())
        if request.headers.get("Authorization") != f"Bearer {self.api_token}":
            return web.json_response(None)
        if await request.read() not in (b"", b"{}"):
            raise refuse(400, "the body must be empty")
        if self.api_token_expired:
            return web.json_response(None)
        token = secrets.token_urlsafe(24)
        ends = datetime.now(UTC) + self.life
        self._tokens[token] = ends
        return web.json_response({"RawToken": token, "LifeTime": ends.isoformat()})

    def _check(self, request: web.Request) -> None:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind != "Bearer" or not token:
            raise refuse(401, "no token")
        if token == self.api_token:
            raise refuse(406, "the token was not exchanged")
        if self._tokens.get(token, datetime.min.replace(tzinfo=UTC)) <= datetime.now(UTC):
            raise refuse(401, "the token has ended")
        if self.lacks_role:
            raise refuse(403, "a role is missing")

    async def _create(self, request: web.Request) -> web.Response:
        self._check(request)
        check_query(request, ("activityType",))
        kind = _TYPES.get(request.query.get("activityType", ""))
        if kind is None:
            raise refuse(400, "activityType is not allowed")
        body = await json_body(request, _CREATE)
        wrong = [name for name in self.required if not body.get(name)]
        if body.get("Category", CATEGORY) != CATEGORY or body.get("ResponsibleRole", ROLE) != ROLE:
            wrong.append("a relation")
        if not isinstance(body.get("Impact", 1), int) or len(str(body.get("Subject", ""))) > 255:
            wrong.append("a value")
        if wrong:
            if self.swallows:
                return web.json_response(None)
            raise refuse(400, f"rejected: {', '.join(wrong)}")
        ticket = self.tickets.add(
            str(body["Subject"]),
            str(body.get("DescriptionHTML", "")),
            prefix="TCK",
            state="200",
            kind=kind,
        )
        ticket.fields = body
        return web.json_response(ticket.id)

    async def _object(self, request: web.Request) -> web.Response:
        self._check(request)
        ticket = self._ticket(request)
        base = {
            "TicketNumber": ticket.number,
            "Subject": ticket.subject,
            "State": int(ticket.state),
        }
        return web.json_response({"ID": ticket.id, "SPSActivityClassBase": base})

    async def _fragments(self, request: web.Request) -> web.Response:
        self._check(request)
        check_query(request, ("where", "columns", "sort", "pagesize"))
        *fragments, example = rows(
            request.match_info["kind"], self.tickets, self.states, self.users, self.mails
        )
        columns = [name.strip() for name in request.query.get("columns", "ID").split(",")]
        try:
            test = predicate(request.query.get("where", "ID LIKE '%'"))
            test(example)
            found = [row for row in fragments if test(row)]
        except AsqlError as error:
            raise refuse(400, f"malformed where: {error}") from None
        picked(example, columns)
        sort = request.query.get("sort", "")
        if sort:
            column, _, way = sort.partition(" ")
            if way not in ("ASC", "DESC") or column not in columns:
                raise refuse(400, "malformed sort")
            found.sort(key=lambda row: row[column], reverse=way == "DESC")
        most = int(request.query.get("pagesize", "1000"))
        return web.json_response([picked(row, columns) for row in found[:most]])

    async def _update(self, request: web.Request) -> web.Response:
        self._check(request)
        check_query(request, ())
        body = await json_body(request, ("ID", "State", "TimeStamp"))
        if request.match_info["kind"] != _ACTIVITY:
            raise refuse(404, "no such fragment")
        ticket = next((t for t in self.tickets if t.fragment == body.get("ID")), None)
        if ticket is None:
            raise refuse(404, "no fragment of that id")
        if self.swallows:
            return web.json_response(None)
        if not isinstance(body.get("State"), int) or str(body["State"]) not in self.states:
            raise refuse(400, "no such state")
        if ticket.state == CLOSED:
            raise refuse(400, "the ticket is closed")
        self.tickets.move(ticket, str(body["State"]))
        return web.json_response(None)

    async def _close(self, request: web.Request) -> web.Response:
        self._check(request)
        check_query(request, ())
        body = await json_body(request, ("ObjectIds", "Comments", "Reason"))
        identifiers = body.get("ObjectIds")
        if not isinstance(identifiers, list) or body.get("Reason") not in (402, 408):
            raise refuse(400, "ObjectIds and a Reason are wanted")
        tickets = [self.tickets.get(str(identifier)) for identifier in identifiers]
        for ticket in tickets:
            if ticket is None:
                raise refuse(404, "no such object")
            self.tickets.move(ticket, CLOSED)
        return web.json_response(None)

    async def _attach(self, request: web.Request) -> web.Response:
        self._check(request)
        check_query(request, ("entity", "objectId", "fileName"))
        if request.content_type != "application/octet-stream":
            raise refuse(415, "raw bytes are wanted")
        ticket = self.tickets.get(request.query.get("objectId", ""))
        if ticket is None or ticket.kind != request.query.get("entity"):
            raise refuse(404, "no such object of that type")
        content, name = await request.read(), request.query.get("fileName", "")
        if not name.lower().endswith(self.suffixes):
            raise refuse(400, "this kind of file is not allowed")
        if len(content) > self.largest:
            raise refuse(413, "too large")
        self.tickets.attach(ticket, name, content)
        return web.json_response("done")

    async def _files(self, request: web.Request) -> web.Response:
        self._check(request)
        ticket = self._ticket(request)
        return web.json_response(
            [
                {
                    "Id": file.id,
                    "Name": file.name,
                    "Size": len(file.content),
                    "UploadedOn": rounded(file.at).isoformat(),
                }
                for file in ticket.files
            ]
        )

    async def _download(self, request: web.Request) -> web.Response:
        self._check(request)
        check_query(request, ())
        file = self.tickets.file(request.match_info["file"])
        if file is None:
            raise refuse(404, "no such file")
        return web.Response(body=file.content, content_type="application/octet-stream")

    async def _comment(self, request: web.Request) -> web.Response:
        self._check(request)
        check_query(request, ())
        body = await json_body(request, _JOURNAL)
        ticket = self.tickets.get(str(body.get("ObjectId")))
        if ticket is None:
            raise refuse(404, "no such object")
        if not isinstance(body.get("Comments"), str) or not isinstance(body.get("FileIds"), list):
            raise refuse(400, "Comments and FileIds are wanted")
        visible = body.get("VisibleInPortal") is True
        entry = self.tickets.write(ticket, "whichroot bot", body["Comments"], visible=visible)
        return web.json_response({"JournalId": entry.id})

    def _ticket(self, request: web.Request) -> Ticket:
        ticket = self.tickets.get(request.match_info["id"])
        if ticket is None or ticket.kind != request.match_info["kind"]:
            raise refuse(404, "no such object of that type")
        return ticket


def _html(text: str) -> str:
    return f"<div>{html.escape(text)}</div>".replace("\n", "<br/>")
