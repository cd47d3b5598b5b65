"""A page on which a person reads and answers tickets, as an agent does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from aiohttp import web

from workspace.desks.rendering import Draft, overview, ticket_page

if TYPE_CHECKING:
    from workspace.desks.server import DeskServer
    from workspace.desks.tickets import DeskFile, Ticket

_STATIC: Final = Path(__file__).parent / "static"
_KINDS: Final = {".css": "text/css", ".js": "text/javascript"}
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; "
    "connect-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
_MAX_FILES: Final = 5
_MAX_FILE: Final = 1 << 20
_MAX_TEXT: Final = 20_000
_SAVED: Final = "The ticket is saved."


def add_page(app: web.Application, desk: DeskServer) -> None:
    """Adds the page to a desk."""

    async def show_all(request: web.Request) -> web.Response:
        return _html(overview(desk, request.query.get("q", "")[:200]))

    async def show(request: web.Request) -> web.Response:
        done = _SAVED if "saved" in request.query else ""
        return _html(ticket_page(desk, _ticket(request), Draft(), done))

    async def answer(request: web.Request) -> web.Response:
        _same_origin(request)
        ticket, form = _ticket(request), await request.post()
        text = str(form.get("text", "")).strip()[:_MAX_TEXT]
        state, author = str(form.get("state", "")), str(form.get("author", ""))
        internal = form.get("audience") == "internal"
        given = [f for f in form.getall("file", []) if isinstance(f, web.FileField) and f.filename]
        files = [(_plain_name(file.filename), file.file.read(_MAX_FILE + 1)) for file in given]
        draft = Draft(text, internal, state, _problem(desk, ticket, text, state, files))
        if draft.problem:
            return _html(ticket_page(desk, ticket, draft, ""), status=400)
        if text or files:
            words = text or "Files: " + ", ".join(name for name, _ in files)
            writer = author if author in desk.agents else desk.agents[0]
            entry = desk.answer(ticket, words, author=writer, visible=not internal)
            for name, content in files:
                desk.tickets.attach(ticket, name, content, visible=not internal)
            entry.files = [name for name, _ in files]
        if state and state != ticket.state:
            desk.move(ticket, state)
        raise web.HTTPSeeOther(f"/tickets/{quote(ticket.id)}?saved")

    async def file(request: web.Request) -> web.Response:
        found = _file(_ticket(request), request.match_info["file"])
        headers = {
            **_HEADERS,
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(found.name, safe='')}",
        }
        return web.Response(
            body=found.content, content_type="application/octet-stream", headers=headers
        )

    async def static(request: web.Request) -> web.Response:
        place = _STATIC / request.match_info["name"]
        if not place.is_file():
            raise web.HTTPNotFound
        kind = _KINDS[place.suffix]
        return web.Response(text=place.read_text("utf-8"), content_type=kind, headers=_HEADERS)

    def _ticket(request: web.Request) -> Ticket:
        ticket = desk.tickets.get(request.match_info["id"])
        if ticket is None:
            raise web.HTTPNotFound
        return ticket

    app.router.add_get("/", show_all)
    app.router.add_get("/static/{name:desk[.](?:css|js)}", static)
    app.router.add_get("/tickets/{id}", show)
    app.router.add_post("/tickets/{id}", answer)
    app.router.add_get("/tickets/{id}/files/{file}", file)


def _problem(
    desk: DeskServer, ticket: Ticket, text: str, state: str, files: list[tuple[str, bytes]]
) -> str:
    """Why this cannot be saved; empty: it can."""
    if state and state not in desk.states:
        return "There is no such state: choose one of the list."
    if not text and not files and state in ("", ticket.state):
        return "Write something, add a file, or choose another state."
    if len(files) > _MAX_FILES:
        return f"These are more than {_MAX_FILES} files: add some with another answer."
    large = [name for name, content in files if len(content) > _MAX_FILE]
    return f"“{large[0]}” is larger than 1 MB: make it smaller." if large else ""


def _file(ticket: Ticket, identifier: str) -> DeskFile:
    for file in ticket.files:
        if file.id == identifier:
            return file
    raise web.HTTPNotFound


def _plain_name(name: str) -> str:
    return re.sub(r"[\x00-\x1f/\\]", "_", name)[:200]


def _same_origin(request: web.Request) -> None:
    origin = request.headers.get("Origin")
    if origin and origin != f"{request.scheme}://{request.host}":
        raise web.HTTPForbidden


def _html(text: str, *, status: int = 200) -> web.Response:
    return web.Response(text=text, content_type="text/html", headers=_HEADERS, status=status)
