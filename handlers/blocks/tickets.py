"""What goes to a ticket as text, and how what comes from it looks in the thread."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from cryptography import x509

from bot.desks.base import Compared, Meaning, TicketDraft
from bot.requests.messages import Message as Written
from bot.requests.request import Entry, InstallRequest, RequestedCertificate
from bot.requests.states import RULES, Action
from handlers.blocks.card import INSTALL, target_of
from handlers.blocks.certificates import fingerprint
from handlers.blocks.elements import Block, actions, button, section, top_text
from handlers.blocks.lines import RETRY, file_name
from handlers.blocks.markup import Markup, code, cut, fill, joined, link
from handlers.blocks.message import Message

#: *Retry* where the desk did not let the bot in, and *I have sent it* under an offered message.
RETRY_TICKET: Final = "ticket_retry"
SENT: Final = "ticket_sent"

_MAX_SUBJECT: Final = 200
_MAX_SHOWN: Final = 2800
#: What somebody did, as it is told in the ticket.
_DEEDS: Final[Mapping[str, str]] = {
    Action.TAKE: "took the request.",
    Action.ASK: "asks the requester:",
    Action.ANSWER: "answered:",
    Action.INSTALL: "says that the certificate is installed.",
    Action.VERIFY: "confirmed that it works.",
    Action.FAIL: "says that it still fails; the request is open again.",
    Action.REJECT: "rejected the request:",
    Action.CANCEL: "cancelled the request.",
    Action.REOPEN: "reopened the request.",
    Action.REPLACE: "exchanged the certificate; the new PEM is attached.",
}
_MEANINGS: Final[Mapping[str, str]] = {
    Meaning.OPEN: "is open",
    Meaning.WORKING: "is being worked on",
    Meaning.WAITING: "waits for an answer",
    Meaning.SOLVED: "is solved",
    Meaning.CLOSED: "is closed",
}
#: Where less of the attached PEM was compared than its bytes.
_LESS: Final[Mapping[str, str]] = {
    Compared.SIZE: "Matrix42 does not give it back: its size alone was compared.",
    Compared.NOTHING: "Matrix42 neither gives it back nor tells its size: it was not compared.",
}
_ASKS: Final = frozenset({Meaning.SOLVED, Meaning.CLOSED})


def ticket_draft(
    request: InstallRequest, marker: str, thread: str, *, replaces: bool = False
) -> TicketDraft:
    """The ticket for ``request``; ``thread`` is a permalink or empty; ``replaces``: an earlier message
    had another PEM."""
    installation = request.installation
    what = f"Install {installation.option} certificate for {target_of(request)}"
    facts = [
        ("Target", target_of(request)),
        ("Protocol", request.target.protocol),
        ("Connector", request.connector),
        ("Environment", request.environment),
    ]
    for number, certificate in enumerate(installation.certificates, 1):
        prefix = f"Certificate {number}" if len(installation.certificates) > 1 else "Certificate"
        facts += [(f"{prefix} {name}", value) for name, value in _described(certificate)]
    facts += [
        ("Prediction", _prediction(request)),
        (
            "Provenance",
            "The fingerprint is confirmed with the system's owner."
            if installation.provenance_confirmed
            else "",
        ),
        ("Why the server certificate", installation.reason),
        ("Requester", request.requester_name),
        ("Contact", request.contact),
        ("Note", request.note),
        ("Slack thread", thread),
    ]
    pem = "".join(certificate.pem for certificate in installation.certificates)
    return TicketDraft(
        marker=marker,
        subject=f"{marker} {what}"[:_MAX_SUBJECT],
        facts=tuple((name, value) for name, value in facts if value),
        requester_mail=request.contact if request.contact.count("@") == 1 else "",
        file_name=file_name(request),
        file=pem.encode("ascii"),
        replaces=replaces,
    )


def written_text(message: Written) -> str:
    """A message of the thread, for the ticket."""
    edited = " (edited)" if message.edited_at else ""
    names = ", ".join(str(file["name"]) for file in message.files if file.get("name"))
    count = len(message.files)
    attached = f"\nFiles in Slack: {names or count}" if count else ""
    return f"{message.author_name} (Slack){edited}: {message.text}{attached}"


def entry_text(entry: Entry) -> str:
    """A change of the request, for the ticket."""
    name = entry.who_name or "whichroot"
    return f"{name} (Slack) {_DEEDS[entry.what]} {entry.text}".strip()


def journal_message(
    request: InstallRequest, news: Mapping[str, Any], written: Written | None
) -> Message:
    """What happened at the desk, for the thread."""
    blocks: list[Block] = []
    if written is not None:
        files = ", ".join(str(file.get("name") or "") for file in written.files)
        text = fill("*{} (Matrix42):* {}", written.author_name or "Support", written.text)
        text = joined((text, fill("📎 {}", files) if files else ""))
    elif state := news.get("state"):
        text = _state_text(state)
        if state.get("meaning") in _ASKS and request.state in RULES[Action.INSTALL].states:
            text = fill("{} That alone does not say that it is installed: is it?", text)
            blocks = [actions(button("Installed", INSTALL, request.id, style="primary"))]
    elif file := news.get("file"):
        text = fill("{} It is not brought here.", file_text(str(file["name"])))
        text = joined((text, _ticket_link(request)))
    elif count := news.get("files_left"):
        text = fill("📎 {} more files were added to the ticket. They are not brought here.", count)
        text = joined((text, _ticket_link(request)))
    elif compared := news.get("compared"):
        text = fill("📎 {} is attached to the ticket. {}", code(str(news["name"])), _LESS[compared])
        text = fill("{} Whoever installs it there compares its fingerprint.", text)
    elif down := news.get("down"):
        text = fill("🔌 Matrix42 not reachable since {}. {}", _time(down["since"]), down["reason"])
        text = fill("{} What is written here goes there afterwards.", text)
    elif waiting := news.get("waiting"):
        text = fill("⏳ The ticket is not created yet: {} It is tried until it is.", str(waiting))
    elif refused := news.get("refused"):
        text = fill("🔑 {} What is written here goes there afterwards.", str(refused))
        blocks = [actions(button("Retry", RETRY_TICKET, request.id, style="primary"))]
    elif failed := news.get("failed"):
        text = fill("⚠️ {}", str(failed["reason"]))
        blocks = [actions(button("Retry", RETRY, str(failed["act"]), style="primary"))]
    elif offered := news.get("offered"):
        text = fill("✉️ Send {} to {}: open it in a mail program.", *_code_pair(offered))
        text = fill("{} Its answer will reach whoever sends it, not this thread.", text)
        blocks = [actions(button("I have sent it", SENT, request.id, style="primary"))]
    elif news.get("back"):
        text = Markup("🔌 Matrix42 is reachable again.")
    elif news.get("gone"):
        text = fill("⚠️ {} The ticket is not followed any more.", str(news["gone"]))
    else:
        told = "; ".join(str(warning) for warning in news.get("warnings") or ())
        text = fill("⚠️ Matrix42 created the ticket and complains: {}", told)
    shown = cut(text, _MAX_SHOWN)
    return Message(top_text(fill("{}: {}", request.short_id, shown)), (section(shown), *blocks))


def file_text(name: str) -> Markup:
    """That somebody added a file to the ticket."""
    return fill("📎 Added to the ticket in Matrix42: {}", code(name))


def message_text(name: str) -> Markup:
    """What stands over the file of a message to the desk."""
    return fill("✉️ The request as an e-mail with the PEM attached: {}", code(name))


def _code_pair(offered: Mapping[str, Any]) -> tuple[Markup, Markup]:
    return code(str(offered["name"])), code(str(offered["to"]))


def _ticket_link(request: InstallRequest) -> Markup:
    return link(str((request.ticket or {}).get("url") or ""), "Open the ticket")


def _state_text(state: Mapping[str, Any]) -> Markup:
    words = _MEANINGS.get(str(state.get("meaning") or ""))
    if words is None:
        return fill("🎫 Matrix42 shows the ticket as “{}”.", str(state["label"]))
    return fill("🎫 The ticket in Matrix42 {} ({}).", words, str(state["label"]))


def _time(text: str) -> Markup:
    moment = datetime.fromisoformat(text).astimezone(UTC)
    plain = f"{moment:%Y-%m-%d %H:%M} UTC"
    return Markup(f"<!date^{int(moment.timestamp())}^{{date_short_pretty}} {{time}}|{plain}>")


def _described(certificate: RequestedCertificate) -> list[tuple[str, str]]:
    read = x509.load_pem_x509_certificate(certificate.pem.encode("ascii"))
    return [
        ("subject", certificate.subject),
        ("issuer", certificate.issuer),
        ("serial number", f"{read.serial_number:x}"),
        ("SHA-256", fingerprint(certificate.sha256)),
        ("valid", f"{read.not_valid_before_utc:%Y-%m-%d} to {certificate.not_after[:10]}"),
        ("source", certificate.source),
    ]


def _prediction(request: InstallRequest) -> str:
    return "\n".join(
        f"Java {java}: "
        + ("accepts the server" if given.get("accepted") else f"refuses it: {given.get('message')}")
        for java, given in request.installation.predictions.items()
    )
