"""What is in a file that somebody sent, and how it stands to what was requested."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.pki.certificate import Certificate
from bot.pki.formats import Reading
from bot.report import Prediction
from handlers.blocks.certificates import fingerprint, prediction_line
from handlers.blocks.elements import Block, actions, button, context, section, top_text
from handlers.blocks.markup import Markup, code, fill, joined
from handlers.blocks.message import Message

USE: Final = "file_use"
IGNORE: Final = "file_ignore"

#: How many files of one message are looked at.
MAX_FILES: Final = 5
_MAX_SHOWN: Final = 6
_RELATIONS: Final = {
    "same": "🟰 the very certificate that is requested",
    "same_key": "🔑 another certificate of the same key",
    "other_key": "⚠️ the same name with *another key*",
    "leaf": "⚠️ the server's own certificate",
    "chain": "🔗 part of what the server presents",
    "unrelated": "❓ unrelated to what is requested",
}


@dataclass(frozen=True, slots=True)
class Compared:
    """A certificate of the file and how it stands to the request: a key of `_RELATIONS`."""

    certificate: Certificate
    relation: str


def reading_blocks(reading: Reading) -> list[Block]:
    """What is in a file: for *Analyse certificate*."""
    if reading.refusal:
        return [section(fill("🚨 *{}*", reading.refusal))]
    blocks: list[Block] = [section(fill("*{}*", reading.format))]
    blocks += [
        section(fill("{}\n{}", certificate_facts(found.certificate), found.where))
        for found in reading.certificates[:20]
    ]
    rest = len(reading.certificates) - 20
    if rest > 0:
        blocks.append(context(fill("{} more certificates are not shown.", rest)))
    for sentences in (reading.repairs, reading.damaged, reading.notes):
        blocks += [context(fill("{}", sentence)) for sentence in sentences[:5]]
    refusing = [f"Java {jdk}: {said}" for jdk, said in reading.java.items() if said]
    if refusing:
        text = "\n".join(refusing[:4])
        blocks.append(section(fill("Java does not read this file as it is.\n{}", text)))
    return blocks


def left_out(names: Sequence[str]) -> Markup:
    """What is said of the files of a message beyond `MAX_FILES`."""
    known = [code(name, 100) for name in names if name][:10]
    rest = len(names) - len(known)
    # In a shared channel Slack does not say what they are called.
    last = [fill("{} more" if known else "the last {}", "one" if rest == 1 else rest)]
    return fill(
        "I look at the first {} files of a message. Left out: {}. Send them in another message.",
        MAX_FILES,
        joined([*known, *(last if rest else [])], ", "),
    )


def certificate_facts(certificate: Certificate) -> Markup:
    """What identifies a certificate that was read from a file."""
    return joined(
        (
            fill("*Certificate*  {}", code(certificate.subject.text)),
            fill("*Issued by*  {}", code(certificate.issuer.text)),
            fill("*SHA-256*  {}", code(fingerprint(certificate.sha256))),
            fill(
                "*Valid*  {} to {}",
                f"{certificate.not_before:%Y-%m-%d}",
                f"{certificate.not_after:%Y-%m-%d}",
            ),
        )
    )


def compared_message(
    name: str,
    compared: Sequence[Compared],
    predictions: dict[str, Prediction] | None,
    requested: Sequence[str],
    request: str,
    file: str,
) -> Message:
    """A file beside what is requested. ``requested`` are the fingerprints; ``predictions`` what Java
    decides with exactly the file's certificates installed, None where nothing was reached; ``request``
    and ``file`` are ids, which the buttons carry."""
    same = {found.certificate.sha256 for found in compared} == set(requested)
    accepted = bool(predictions) and all(p.accepted for p in (predictions or {}).values())
    if same:
        verdict = "It holds exactly what is requested."
    elif accepted:
        verdict = "With it installed Java accepts the server: it can be used instead."
    elif predictions is None:
        verdict = "The server could not be reached, so nothing can be said of whether it would do."
    else:
        verdict = "With it installed Java does *not* accept the server."
    blocks: list[Block] = [section(fill("📄 {}  {}", code(name, 100), Markup(verdict)))]
    for found in compared[:_MAX_SHOWN]:
        relation = Markup(_RELATIONS[found.relation])
        blocks.append(section(fill("{}\n{}", relation, certificate_facts(found.certificate))))
    if len(compared) > _MAX_SHOWN:
        blocks.append(context(fill("{} more certificates.", len(compared) - _MAX_SHOWN)))
    asked = ", ".join(fingerprint(sha256) for sha256 in requested[:3])
    blocks.append(context(fill("Requested: {}", code(asked, 400))))
    if predictions:
        blocks.append(context(fill("{}", prediction_line(predictions))))
    if not same:
        value = json.dumps({"request": request, "file": file})
        buttons = [button("Ignore", IGNORE, value)]
        if accepted:
            use = button("Use this one", USE, value, style="primary", confirm=_question(compared))
            buttons.insert(0, use)
        blocks.append(actions(*buttons))
    return Message(top_text(fill("{}: {}", name, Markup(verdict))), tuple(blocks))


def _question(compared: Sequence[Compared]) -> str:
    """Nobody vouches for a file that lies in a thread: whoever uses it says that its owner did."""
    which = "the fingerprints above"
    if len(compared) == 1:
        which = f"the SHA-256 fingerprint {fingerprint(compared[0].certificate.sha256)}"
    return f"Did the system's owner confirm {which}? Your Yes is kept with the request."


def private_key_message(refusal: str, deleted: bool, *, in_text: bool = False) -> Message:
    """A private key was sent: said loudly."""
    what = "message" if in_text else "file"
    done = (
        f"I have deleted the {what}."
        if deleted
        else f"*Delete the {what} now*: Slack does not let me."
    )
    text = fill(
        "🚨 *This {} holds a private key.* {} Treat the key as exposed: have a new one made and the "
        "certificate reissued. Nothing of it was kept or passed on.",
        what,
        Markup(done),
    )
    return Message(top_text(text), (section(text), section(fill("{}", refusal))))
