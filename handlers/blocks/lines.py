"""The lines of a request's thread, what the installer needs, and what the requester hears."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from bot.requests.request import Entry, InstallRequest, RequestedCertificate
from bot.requests.states import State
from handlers.blocks.card import (
    ANSWER,
    FAIL,
    REOPEN,
    STATES,
    WORKS,
    target_of,
)
from handlers.blocks.certificates import fingerprint
from handlers.blocks.elements import Block, actions, button, section, top_text
from handlers.blocks.markup import Markup, block, code, fill, joined, link, user
from handlers.blocks.message import Message

_LINES: Final[Mapping[str, str]] = {
    "submitted": "📨 {} asked for this.",
    "joined": "➕ {} needs the same and follows this request.",
    "posted": "🆕 {} posted this.",
    "attached": "📎 {} attached the PEM.",
    "ticket": "🎫 {} linked the ticket.",
    "take": "🛠️ {} took this.",
    "ask": "❓ {} asks the requester:",
    "answer": "💬 {} answered:",
    "install": "📦 {} installed this. Does the connector work now?",
    "verify": "✅ {} confirmed that it works.",
    "fail": "❌ {} says that it still fails; this is open again:",
    "reject": "⛔ {} rejected this:",
    "cancel": "🚫 {} cancelled this.",
    "reopen": "🔁 {} reopened this.",
    "undelivered": "⚠️ {} could not do something of this request:",
    "replace": "🔄 {} exchanged the certificate; the new PEM follows.",
}
_MAX_QUOTE: Final = 2000
RETRY: Final = "act_retry"


def line_message(request: InstallRequest, entry: Entry, *, answered: bool = False) -> Message:
    """One change, for the thread; once it is ``answered``, without buttons."""
    text = _sentence(entry)
    blocks: list[Block] = [section(text)]
    if entry.text:
        blocks.append(section(_quote(entry.text)))
    if entry.what == "ask":
        if request.state is State.WAITING and not answered:
            blocks.append(actions(button("Answer", ANSWER, request.id, style="primary")))
        text = fill("{} {}", user(request.requester), text)
        blocks[0] = section(text)
    if entry.what == "install" and request.state is State.INSTALLED and not answered:
        blocks.append(_outcome_buttons(request))
    spoken = fill("{}: {} {}", request.short_id, text, entry.text[:_MAX_QUOTE])
    return Message(top_text(spoken), tuple(blocks))


def notice_message(
    request: InstallRequest, entry: Entry, thread: str, *, answered: bool = False
) -> Message:
    """The same change, for whoever requested it; ``thread`` is a permalink or empty."""
    where = fill("[{}] {}: ", request.short_id, code(target_of(request)))
    text = fill("{}{}", where, _sentence(entry))
    blocks: list[Block] = [section(text)]
    if entry.text:
        blocks.append(section(_quote(entry.text)))
    if entry.what == "ask" and request.state is State.WAITING and not answered:
        blocks.append(actions(button("Answer", ANSWER, request.id, style="primary")))
    if entry.what == "install" and request.state is State.INSTALLED and not answered:
        blocks.append(_outcome_buttons(request))
    if entry.what == "undelivered" and entry.data.get("act"):
        blocks.append(actions(button("Retry", RETRY, str(entry.data["act"]), style="primary")))
    if entry.what == "reject" and not request.state.is_open and not answered:
        blocks.append(actions(button("Reopen", REOPEN, request.id)))
    if thread:
        blocks.append(
            section(fill("State: {}  ·  {}", STATES[entry.state], link(thread, "Open the thread")))
        )
    spoken = fill("{}{} {}", where, _sentence(entry), entry.text[:_MAX_QUOTE])
    return Message(top_text(spoken), tuple(blocks))


def installer_summary(request: InstallRequest) -> Markup:
    """What the person who installs needs: a ``keytool`` line for each certificate, and what to
    compare."""
    parts = [fill("📎 PEM of {} for {}", request.short_id, code(target_of(request)))]
    parts += [
        fill("*SHA-256*  {}", code(fingerprint(certificate.sha256)))
        for certificate in request.installation.certificates[:4]
    ]
    commands = "\n".join(
        f"keytool -importcert -noprompt -alias {alias(certificate)} "
        f"-file {file_name(request)} -keystore cacerts"
        for certificate in request.installation.certificates[:1]
    )
    if len(request.installation.certificates) > 1:
        parts.append(
            Markup(
                "The file holds several certificates: split it, and import each by its own alias."
            )
        )
    return joined((*parts, block(commands)))


def alias(certificate: RequestedCertificate) -> str:
    """A keystore alias: the subject's common name in plain letters, and the fingerprint's beginning."""
    found = re.search(r"CN=([^,]+)", certificate.subject)
    words = re.sub(r"[^a-z0-9]+", "-", (found[1] if found else "root").lower()).strip("-")[:40]
    return f"{words or 'root'}-{certificate.sha256[:8]}"


def file_name(request: InstallRequest) -> str:
    """The PEM file's name; it tells which certificates it holds."""
    first = request.installation.certificates[0]
    return f"{request.short_id}-{alias(first)}.pem"


def _sentence(entry: Entry) -> Markup:
    who = user(entry.who) if entry.who else Markup("whichroot")
    if entry.what == "ticket" and (ticket := entry.data.get("ticket")):
        number = link(str(ticket.get("url") or ""), str(ticket.get("number") or ""))
        return fill("🎫 {} linked the ticket {}.", who, number)
    return fill(_LINES.get(entry.what, "{}: " + entry.what.replace("{", "").replace("}", "")), who)


def _quote(text: str) -> Markup:
    return block(text, _MAX_QUOTE)


def _outcome_buttons(request: InstallRequest) -> Block:
    return actions(
        button("It works", WORKS, request.id, style="primary"),
        button("Still failing", FAIL, request.id, style="danger"),
    )
