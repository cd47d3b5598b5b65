"""The root card of a request's thread: always what the request is now."""

from __future__ import annotations

from typing import Final

from bot.requests.request import InstallRequest, RequestedCertificate
from bot.requests.states import State
from handlers.blocks.certificates import OPTION_NAMES, fingerprint
from handlers.blocks.elements import Block, actions, button, context, section, top_text
from handlers.blocks.markup import Markup, code, fill, joined, link, user
from handlers.blocks.message import Message

TAKE: Final = "request_take"
ASK: Final = "request_ask"
ANSWER: Final = "request_answer"
INSTALL: Final = "request_install"
WORKS: Final = "request_verify"
FAIL: Final = "request_fail"
REJECT: Final = "request_reject"
CANCEL: Final = "request_cancel"
REOPEN: Final = "request_reopen"
CHECK: Final = "request_check"
DETAILS: Final = "request_details"

STATES: Final = {
    State.SUBMITTED: "📨 submitted",
    State.POSTED: "🆕 waiting for support",
    State.TAKEN: "🛠️ being worked on",
    State.WAITING: "❓ waiting for the requester",
    State.INSTALLED: "📦 installed, to be confirmed",
    State.VERIFIED: "✅ verified",
    State.REJECTED: "⛔ rejected",
    State.CANCELLED: "🚫 cancelled",
}
ENVIRONMENTS: Final = {"production": "Production", "test": "Test"}
_MAX_CERTIFICATES: Final = 4


def card_message(request: InstallRequest) -> Message:
    """The card with the buttons that its state allows."""
    where = target_of(request)
    title = fill("*{}*  Install a {} for {}", request.short_id, _what(request), code(where))
    blocks: list[Block] = [section(title), section(_facts(request))]
    blocks += [section(certificate_facts(c)) for c in _shown(request)]
    if request.note:
        blocks.append(section(fill("*Note*  {}", request.note[:1500])))
    if request.installation.reason:
        reason = request.installation.reason[:1500]
        blocks.append(section(fill("*Why the server certificate*  {}", reason)))
    blocks.append(_buttons(request))
    blocks.append(context(*_small_print(request)))
    spoken = fill(
        "{}, {}: install the {} for {} ({}). SHA-256 {}.",
        request.short_id,
        STATES[request.state],
        _what(request),
        where,
        ENVIRONMENTS[request.environment],
        ", ".join(fingerprint(c.sha256) for c in _shown(request)),
    )
    return Message(top_text(spoken), tuple(blocks))


def target_of(request: InstallRequest) -> str:
    """``host:port`` of the target."""
    host = f"[{request.target.host}]" if ":" in request.target.host else request.target.host
    return f"{host}:{request.target.port}"


def certificate_facts(certificate: RequestedCertificate) -> Markup:
    """What identifies one certificate."""
    return joined(
        (
            fill("*Certificate*  {}", code(certificate.subject)),
            fill("*SHA-256*  {}", code(fingerprint(certificate.sha256))),
            fill("*Expires*  {}", certificate.not_after[:10]),
        )
    )


def _shown(request: InstallRequest) -> tuple[RequestedCertificate, ...]:
    return request.installation.certificates[:_MAX_CERTIFICATES]


def _what(request: InstallRequest) -> str:
    count = len(request.installation.certificates)
    name = OPTION_NAMES[request.installation.option]
    return name if count == 1 else f"set of {count} certificates"


def _facts(request: InstallRequest) -> Markup:
    taken = user(request.taken_by) if request.taken_by else Markup("nobody yet")
    return joined(
        (
            fill("*State*  {}", STATES[request.state]),
            fill("*Taken by*  {}", taken),
            fill("*Environment*  {}", ENVIRONMENTS[request.environment]),
            fill("*Connector*  {}", request.connector[:300]) if request.connector else "",
            fill("*Requester*  {}", user(request.requester)),
            fill("*Contact*  {}", request.contact[:300]) if request.contact else "",
            _ticket(request),
        )
    )


def _ticket(request: InstallRequest) -> Markup:
    ticket = request.ticket
    if not ticket:
        return Markup("")
    number = str(ticket.get("number") or ticket.get("id") or "")
    return fill("*Ticket*  {}", link(str(ticket.get("url") or ""), number))


def _buttons(request: InstallRequest) -> Block:
    state, identifier = request.state, request.id
    buttons = []
    if state is State.POSTED:
        buttons.append(button("Take", TAKE, identifier, style="primary"))
    if state in (State.POSTED, State.TAKEN, State.WAITING):
        style = "primary" if state is State.TAKEN else ""
        buttons.append(button("Installed", INSTALL, identifier, style=style))
        if state is State.WAITING:
            buttons.append(button("Answer", ANSWER, identifier, style="primary"))
        buttons.append(button("Ask the requester", ASK, identifier))
        buttons.append(button("Reject", REJECT, identifier, style="danger"))
    if state is State.INSTALLED:
        buttons.append(button("It works", WORKS, identifier, style="primary"))
        buttons.append(button("Still failing", FAIL, identifier, style="danger"))
    if not state.is_open:
        buttons.append(button("Reopen", REOPEN, identifier))
    buttons.append(button("Verify now", CHECK, identifier))
    buttons.append(button("Details", DETAILS, identifier))
    if state in (State.POSTED, State.TAKEN, State.WAITING):
        sure = "Cancel this request? Support will see that you no longer need it."
        buttons.append(button("Cancel request", CANCEL, identifier, confirm=sure))
    return actions(*buttons)


def _small_print(request: InstallRequest) -> list[Markup]:
    java = " · ".join(
        f"{jdk} {'✓' if said.get('accepted') else '✗'}"
        for jdk, said in list(request.installation.predictions.items())[:8]
    )
    lines = []
    if java:
        lines.append(fill("Java {}", java))
    if request.installation.provenance_confirmed:
        lines.append(Markup("The fingerprint is confirmed with the system's owner."))
    lines.append(fill("Changed {}", f"{request.changed_at:%Y-%m-%d %H:%M} UTC"))
    return lines
