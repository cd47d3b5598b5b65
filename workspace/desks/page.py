"""A small page on which a person reads and answers tickets."""

from __future__ import annotations

import hashlib
import html
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from workspace.desks.server import DeskServer
    from workspace.desks.tickets import Ticket

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}
_STYLE = (
    "body{font:15px/1.45 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;"
    "color:#1d2733;background:#fff}a{color:#0b5cad}article{border-left:4px solid #9db4c8;"
    "padding:.3rem .8rem;margin:.8rem 0}article.internal{border-color:#c99700;background:#fff8e0}"
    "pre{white-space:pre-wrap}textarea{width:100%;min-height:6rem;font:inherit}"
    "button,select{font:inherit;padding:.3rem .8rem}label{display:block;margin:.5rem 0}"
)


def add_page(app: web.Application, desk: DeskServer) -> None:
    """Adds the page to a desk."""

    async def overview(request: web.Request) -> web.Response:
        rows = "".join(
            f"<li><a href='/tickets/{html.escape(t.id)}'>{html.escape(t.number)}</a> "
            f"{html.escape(t.subject)} – {html.escape(desk.states.get(t.state, t.state))}</li>"
            for t in desk.tickets
        )
        return _page("Tickets", f"<ul>{rows}</ul>" if rows else "<p>There is no ticket yet.</p>")

    async def show(request: web.Request) -> web.Response:
        return _page(_ticket(request).subject, _body(desk, _ticket(request)))

    async def answer(request: web.Request) -> web.Response:
        _same_origin(request)
        ticket, form = _ticket(request), await request.post()
        text, state = str(form.get("text", "")).strip(), str(form.get("state", ""))
        if text:
            desk.answer(ticket, text, visible="internal" not in form)
        if state in desk.states and state != ticket.state:
            desk.move(ticket, state)
        raise web.HTTPSeeOther(f"/tickets/{ticket.id}")

    def _ticket(request: web.Request) -> Ticket:
        ticket = desk.tickets.get(request.match_info["id"])
        if ticket is None:
            raise web.HTTPNotFound
        return ticket

    app.router.add_get("/", overview)
    app.router.add_get("/tickets/{id}", show)
    app.router.add_post("/tickets/{id}", answer)


def _body(desk: DeskServer, ticket: Ticket) -> str:
    files = "".join(
        f"<li>{html.escape(f.name)}, {len(f.content)} octets, SHA-256 "
        f"<code>{hashlib.sha256(f.content).hexdigest()}</code></li>"
        for f in ticket.files
    )
    entries = "".join(
        f"<article class='{'' if e.visible else 'internal'}'><b>{html.escape(e.author)}</b> "
        f"{e.at:%Y-%m-%d %H:%M:%S} {'' if e.visible else '(internal)'}"
        f"<pre>{html.escape(desk.plain(e.text))}</pre></article>"
        for e in ticket.entries
    )
    options = "".join(
        f"<option value='{html.escape(code)}'{' selected' if code == ticket.state else ''}>"
        f"{html.escape(label)}</option>"
        for code, label in desk.states.items()
    )
    return (
        f"<p><a href='/'>All tickets</a> · {html.escape(ticket.number)}</p>"
        f"<pre>{html.escape(desk.plain(ticket.description))}</pre><ul>{files}</ul>{entries}"
        f"<form method='post'><label>Answer<textarea name='text'></textarea></label>"
        f"<label><input type='checkbox' name='internal'> internal: the customer does not see it"
        f"</label><label>State <select name='state'>{options}</select></label>"
        f"<button>Save</button></form>"
    )


def _same_origin(request: web.Request) -> None:
    origin = request.headers.get("Origin")
    if origin and origin != f"{request.scheme}://{request.host}":
        raise web.HTTPForbidden


def _page(title: str, body: str) -> web.Response:
    text = (
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{html.escape(title)}</title>"
        f"<meta name='viewport' content='width=device-width'><style>{_STYLE}</style>"
        f"<h1>{html.escape(title)}</h1>{body}</html>"
    )
    return web.Response(text=text, content_type="text/html", headers=_HEADERS)
