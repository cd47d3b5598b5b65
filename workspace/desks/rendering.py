"""The HTML of the agents' page. Everything that a ticket holds is escaped."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workspace.desks.server import DeskServer
    from workspace.desks.tickets import DeskFile, Entry, Ticket

_FACT = re.compile(r"((?!Java \d)[A-Z][^:\n]{0,60}): (.*)")
_LINK = re.compile(r"https?://[^\s<>\"]+")
_escaped = html.escape


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody entered and has not been taken, and why."""

    text: str = ""
    internal: bool = False
    state: str = ""
    problem: str = ""


def overview(desk: DeskServer, search: str) -> str:
    """The list of tickets whose number or subject holds ``search``."""
    word = search.strip().casefold()
    found = [t for t in desk.tickets if word in f"{t.number} {t.subject}".casefold()]
    found.sort(key=lambda ticket: ticket.version, reverse=True)
    rows = "".join(_row(desk, ticket) for ticket in found)
    if rows:
        listed = (
            "<div class='scroll'><table><caption>The newest change first</caption><thead><tr>"
            "<th scope='col'>Number</th><th scope='col'>Subject</th><th scope='col'>State</th>"
            "<th scope='col'>Last entry</th><th scope='col'>Files</th></tr></thead>"
            f"<tbody>{rows}</tbody></table></div>"
        )
    elif word:
        listed = "<p>No ticket has that in its number or subject. <a href='/'>Show all</a></p>"
    else:
        listed = "<p>There is no ticket yet. A request in Slack makes one.</p>"
    body = (
        "<div class='title'><h1>Tickets</h1></div><section class='panel' aria-label='Tickets'>"
        "<form class='search' role='search'><label class='spoken' for='q'>Number or subject</label>"
        f"<input id='q' type='search' name='q' value='{_escaped(search)}' "
        "placeholder='Number or subject'><button>Search</button></form>"
        f"<div id='tickets' data-live>{listed}</div></section>"
    )
    version = max((ticket.version for ticket in found), default=0)
    return _page(desk, "Tickets", body, version, f"{len(found)} tickets, one has changed")


def ticket_page(desk: DeskServer, ticket: Ticket, draft: Draft, done: str) -> str:
    """One ticket: what is asked for, its files, its journal, and the form to answer."""
    state = _escaped(desk.states.get(ticket.state, ticket.state))
    news = f"{ticket.number} has changed: {desk.states.get(ticket.state, '')}, "
    news += f"{len(ticket.entries)} entries, {len(ticket.files)} files"
    hint = f"<p class='hint' role='status'>{_escaped(done)}</p>" if done else ""
    body = (
        "<p><a href='/'>← All tickets</a></p>"
        f"{hint}<div class='title'><h1>{_escaped(ticket.subject)}</h1>"
        f"<p class='meta' id='standing' data-live>{_escaped(ticket.number)} · "
        f"<span class='state'>{state}</span></p></div><div class='two'><div>"
        "<section class='panel' aria-labelledby='journal'><h2 id='journal'>Journal</h2>"
        f"<div id='entries' data-live>{_entries(desk, ticket)}</div></section>"
        f"{_form(desk, draft)}</div><div>"
        "<section class='panel' aria-labelledby='files'><h2 id='files'>Files</h2>"
        f"<div id='attached' data-live>{_files(ticket)}</div></section>"
        "<section class='panel' aria-labelledby='request'><h2 id='request'>Request</h2>"
        f"{_description(desk.plain(ticket.description))}</section></div></div>"
    )
    return _page(desk, f"{ticket.number} {ticket.subject}", body, ticket.version, news)


def _row(desk: DeskServer, ticket: Ticket) -> str:
    last = ticket.entries[-1] if ticket.entries else None
    told = f"{_escaped(last.author)}, {_time(last.at)}" if last else "–"
    return (
        f"<tr><td><a href='/tickets/{_escaped(ticket.id)}'>{_escaped(ticket.number)}</a></td>"
        f"<td>{_escaped(ticket.subject)}</td>"
        f"<td><span class='state'>{_escaped(desk.states.get(ticket.state, ticket.state))}</span></td>"
        f"<td>{told}</td><td>{len(ticket.files)}</td></tr>"
    )


def _entries(desk: DeskServer, ticket: Ticket) -> str:
    if not ticket.entries:
        return "<p class='soft'>Nobody has written anything yet.</p>"
    return f"<ol>{''.join(_entry(desk, entry) for entry in ticket.entries)}</ol>"


def _entry(desk: DeskServer, entry: Entry) -> str:
    audience = "customer sees it" if entry.visible else "internal"
    files = ", ".join(_escaped(name) for name in entry.files)
    attached = f"<p class='meta'>With: {files}</p>" if files else ""
    return (
        f"<li><article class='entry{'' if entry.visible else ' internal'}'><header>"
        f"<strong>{_escaped(entry.author)}</strong><span class='meta'>{_time(entry.at)}</span>"
        f"<span class='audience'>{audience}</span></header>"
        f"<pre>{_escaped(desk.plain(entry.text))}</pre>{attached}</article></li>"
    )


def _files(ticket: Ticket) -> str:
    if not ticket.files:
        return "<p class='soft'>No file is attached.</p>"
    return f"<ul>{''.join(_file(ticket, file) for file in ticket.files)}</ul>"


def _file(ticket: Ticket, file: DeskFile) -> str:
    place = f"/tickets/{_escaped(ticket.id)}/files/{_escaped(file.id)}"
    return (
        f"<li class='file'><a href='{place}' download>{_escaped(file.name)}</a> "
        f"<span class='meta'>{_size(len(file.content))}, {_time(file.at)}</span>"
        f"<code>SHA-256 {hashlib.sha256(file.content).hexdigest()}</code></li>"
    )


def _description(text: str) -> str:
    """As names and values where every line is one, or goes on with the one before."""
    facts: list[tuple[str, str]] = []
    for line in text.splitlines():
        found = _FACT.fullmatch(line)
        if found:
            facts.append((found[1], found[2]))
        elif facts:
            facts[-1] = (facts[-1][0], f"{facts[-1][1]}\n{line}")
        else:
            return f"<pre>{_linked(text)}</pre>"
    told = "".join(f"<dt>{_escaped(name)}</dt><dd>{_linked(value)}</dd>" for name, value in facts)
    return f"<dl>{told}</dl>"


def _form(desk: DeskServer, draft: Draft) -> str:
    problem = (
        f"<p class='problem' role='alert'>{_escaped(draft.problem)}</p>" if draft.problem else ""
    )
    # The state may change while somebody writes: a form that was not touched changes nothing.
    states = {"": "As it is", **desk.states}
    return (
        "<section class='panel' aria-labelledby='answer'><h2 id='answer'>Answer</h2>"
        f"{problem}<form method='post' enctype='multipart/form-data'>"
        "<label class='label' for='text'>Text</label>"
        f"<textarea id='text' name='text'{' autofocus' if draft.problem else ''}>"
        f"{_escaped(draft.text)}</textarea>"
        "<fieldset><legend>Who sees it</legend>"
        f"{_choice('audience', 'customer', 'The customer, also in Slack', not draft.internal)}"
        f"{_choice('audience', 'internal', 'Internal: agents alone', draft.internal)}</fieldset>"
        "<label class='label' for='file'>Attach files</label><input id='file' type='file' name='file' "
        "multiple aria-describedby='bound'><small id='bound'>Up to 5, 1 MB each. They go with the "
        "answer.</small><div class='fields'>"
        f"{_select('state', 'State of the ticket', states, draft.state)}"
        f"{_select('author', 'You are', dict(zip(desk.agents, desk.agents, strict=True)), '')}"
        "</div><button>Save</button></form></section>"
    )


def _choice(name: str, value: str, label: str, is_chosen: bool) -> str:
    return (
        f"<label class='choice'><input type='radio' name='{name}' value='{value}'"
        f"{' checked' if is_chosen else ''}> {label}</label>"
    )


def _select(name: str, label: str, options: Mapping[str, str], chosen: str) -> str:
    listed = "".join(
        f"<option value='{_escaped(value)}'{' selected' if value == chosen else ''}>"
        f"{_escaped(text)}</option>"
        for value, text in options.items()
    )
    return (
        f"<div><label class='label' for='{name}'>{label}</label>"
        f"<select id='{name}' name='{name}'>{listed}</select></div>"
    )


def _linked(text: str) -> str:
    """Escaped, with the web addresses in it as links."""
    parts: Iterable[str] = _split(text)
    return "".join(parts)


def _split(text: str) -> Iterable[str]:
    end = 0
    for found in _LINK.finditer(text):
        yield _escaped(text[end : found.start()])
        place = _escaped(found[0])
        yield f"<a href='{place}' target='_blank' rel='noopener noreferrer'>{place}</a>"
        end = found.end()
    yield _escaped(text[end:])


def _size(octets: int) -> str:
    return f"{octets} bytes" if octets < 1024 else f"{octets / 1024:.1f} KB"


def _time(at: datetime) -> str:
    return f"<time datetime='{at.isoformat()}'>{at:%Y-%m-%d %H:%M:%S} UTC</time>"


def _page(desk: DeskServer, title: str, body: str, version: int, news: str) -> str:
    return (
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{_escaped(title)}</title>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        "<link rel='icon' href='data:,'><link rel='stylesheet' href='/static/desk.css'>"
        "<script defer src='/static/desk.js'></script></head>"
        f"<body data-version='{version}' data-news='{_escaped(news)}'>"
        "<a class='skip' href='#main'>To the content</a>"
        f"<header class='bar'><strong>{_escaped(desk.name)}</strong>"
        "<span>a stand-in on this machine; nothing here reaches Matrix42</span></header>"
        f"<main id='main'>{body}</main><p id='said' class='spoken' role='status'></p></body></html>"
    )
