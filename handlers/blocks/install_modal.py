"""The modal behind *Request installation*."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bot.report import Option, Report
from handlers.blocks.certificates import (
    OPTION_NUMBERS,
    address,
    expiry,
    fingerprint,
    option_title,
)
from handlers.blocks.elements import Block, context, divider, input_block, modal, option, section
from handlers.blocks.markup import Markup, code, fill, joined

CALLBACK: Final = "install"
UPLOAD: Final = "upload"
CHOICE: Final = "choice"
FILE: Final = "file"
ENVIRONMENT: Final = "environment"
SURE: Final = "environment_sure"
CONNECTOR: Final = "connector"
CONTACT: Final = "contact"
NOTE: Final = "note"
CONFIRMED: Final = "confirmed"
REASON: Final = "reason"
#: Every input's action id.
INPUT: Final = "value"
YES: Final = "yes"

_MAX_NAME: Final = 100

_WARNINGS: Final = {
    "root": "Recommended: it lasts longest.",
    "intermediate": "Only where the root cannot be had: it changes more often.",
    "server": "Fallback, not for production: it expires very often.",
}
#: What is called wrong at the top.
_FIELDS: Final = {
    CHOICE: "Certificate to install",
    FILE: "Another certificate",
    REASON: "Why the server certificate",
    ENVIRONMENT: "Environment",
    CONFIRMED: "Fingerprint",
}
_ENVIRONMENTS: Final = {"production": "Production", "test": "Test"}


@dataclass(frozen=True, slots=True)
class Filled:
    """What stands in the fields when the modal is shown (again)."""

    choice: str = ""
    environment: str = ""
    connector: str = ""
    contact: str = ""
    note: str = ""
    reason: str = ""
    confirmed: bool = False
    file: Mapping[str, str] | None = None
    """``id`` and ``name`` of an upload that is kept, because a file cannot be filled in again."""
    asks_environment: str = ""
    """The question about the environment, once there is one."""
    errors: Mapping[str, str] = field(default_factory=dict)
    """By block: what is wrong, in a sentence."""


def install_view(
    report: Report, lookup: str, filled: Filled, origin: Mapping[str, str | None]
) -> dict[str, Any]:
    """``origin`` is where the request was begun: ``channel`` and ``ts``. The view's metadata holds
    what was shown, so that a change since then is noticed."""
    offered = [found for found in report.options if _is_accepted(found)]
    choices = [_choice(found) for found in offered]
    choices.append(option("Another certificate", UPLOAD, "Upload it below; it is checked first."))
    chosen = filled.choice or (offered[0].option if offered else UPLOAD)
    blocks: list[Block] = [section(fill("*Target*  {}", code(address(report.target))))]
    blocks += _what_is_wrong(filled)
    blocks += [section(_described(found)) for found in offered]
    blocks.append(_radio(CHOICE, "Certificate to install", choices, chosen))
    blocks += _told(filled, CHOICE)
    blocks.append(
        input_block(
            FILE,
            "Another certificate",
            {"type": "file_input", "action_id": INPUT, "max_files": 1},
            hint="PEM, DER, PKCS#7 … without a private key.",
            optional=True,
        )
    )
    if filled.file:
        blocks.append(context(fill("Uploaded: {}", code(filled.file["name"]))))
    blocks += _told(filled, FILE)
    blocks.append(
        _text(REASON, "Why the server certificate", filled.reason, "Needed for option 3 alone.")
    )
    blocks += _told(filled, REASON)
    blocks.append(divider())
    environments = [option(label, value) for value, label in _ENVIRONMENTS.items()]
    blocks.append(_radio(ENVIRONMENT, "Environment", environments, filled.environment))
    if filled.asks_environment:
        blocks.append(section(fill("❓ {}", filled.asks_environment)))
        blocks.append(_checkbox(SURE, "Environment, again", "Yes, the environment is right", False))
    blocks += _told(filled, ENVIRONMENT)
    blocks.append(
        _text(CONNECTOR, "Connector", filled.connector, "Its name in Matrix42.", short=True)
    )
    blocks.append(_text(CONTACT, "Contact", filled.contact, "Who else can be asked.", short=True))
    blocks.append(_text(NOTE, "Note for support", filled.note))
    blocks.append(
        _checkbox(
            CONFIRMED,
            "Fingerprint",
            "I confirmed this fingerprint with the system's owner",
            filled.confirmed,
            hint="Needed where nobody vouches for the certificate."
            if report.verdict == "validated"
            else "Needed: nobody vouches for this certificate yet.",
        )
    )
    blocks += _told(filled, CONFIRMED)
    metadata = {
        "lookup": lookup,
        "shown": {found.option: shown(found) for found in offered},
        "file": {"id": filled.file["id"], "name": filled.file["name"][:_MAX_NAME]}
        if filled.file
        else None,
        **origin,
    }
    return modal(
        "Request installation",
        blocks,
        callback_id=CALLBACK,
        submit="Check and request",
        close="Cancel",
        metadata=json.dumps(metadata),
    )


def checking_view(report_address: str) -> dict[str, Any]:
    """While the server is probed again."""
    text = fill("⏳ Checking {} again …", code(report_address))
    hint = Markup("You may close this; you will hear of the outcome either way.")
    return modal("Request installation", [section(text), context(hint)], callback_id="checking")


def submitted_view(short_id: str, joined_other: bool) -> dict[str, Any]:
    """The request is on its way."""
    text = (
        fill("🤝 The same is requested already: you follow *{}* now.", short_id)
        if joined_other
        else fill("📨 *{}* is on its way to support.", short_id)
    )
    hint = Markup("You will hear of every change by direct message.")
    return modal("Request installation", [section(text), context(hint)], callback_id="submitted")


def shown(found: Option) -> str:
    """What identifies the certificates of an option, short enough for a view's metadata."""
    fingerprints = "".join(sorted(certificate.sha256 for certificate in found.certificates))
    return hashlib.sha256(fingerprints.encode()).hexdigest()[:32]


def _choice(found: Option) -> Block:
    return option(option_title(found), found.option, _WARNINGS[found.option])


def _described(found: Option) -> Markup:
    lines = [fill("*{}*  {}", option_title(found), _WARNINGS[found.option])]
    for certificate in found.certificates[:3]:
        lines.append(
            fill("{}\n{}", code(certificate.subject, 150), code(fingerprint(certificate.sha256)))
        )
        lines.append(fill("expires {}", expiry(certificate.not_after, certificate.days_left)))
    if OPTION_NUMBERS[found.option] > 1:
        lines += [fill("⚠️ {}", warning) for warning in found.warnings[:2]]
    return joined(lines)


def _is_accepted(found: Option) -> bool:
    return bool(found.predictions) and all(p.accepted for p in found.predictions.values())


def _what_is_wrong(filled: Filled) -> list[Block]:
    """Said at the top, where the form is read again: the fields may be further down."""
    fields = [label for block, label in _FIELDS.items() if filled.errors.get(block)]
    if not fields:
        return []
    return [section(fill("❗ *Not submitted yet.* Look at: {}.", ", ".join(fields)))]


def _told(filled: Filled, block_id: str) -> list[Block]:
    error = filled.errors.get(block_id)
    return [section(fill("❌ {}", error))] if error else []


def _radio(block_id: str, label: str, choices: list[Block], chosen: str) -> Block:
    element: Block = {"type": "radio_buttons", "action_id": INPUT, "options": choices}
    initial = next((choice for choice in choices if choice["value"] == chosen), None)
    if initial:
        element["initial_option"] = initial
    return input_block(block_id, label, element)


def _text(block_id: str, label: str, value: str, hint: str = "", *, short: bool = False) -> Block:
    element: Block = {
        "type": "plain_text_input",
        "action_id": INPUT,
        "multiline": not short,
        "max_length": 200 if short else 1500,
    }
    if value:
        element["initial_value"] = value
    return input_block(block_id, label, element, hint=hint, optional=True)


def _checkbox(block_id: str, label: str, text: str, checked: bool, hint: str = "") -> Block:
    choice = option(text, YES)
    element: Block = {"type": "checkboxes", "action_id": INPUT, "options": [choice]}
    if checked:
        element["initial_options"] = [choice]
    return input_block(block_id, label, element, hint=hint, optional=True)
