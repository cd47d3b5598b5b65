"""What Slack passes on from people: messages, commands, fields of a modal."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from handlers.blocks import install_modal as modal
from handlers.blocks.elements import button, option, plain, section, top_text
from handlers.blocks.markup import Markup, block, code, cut, escape, fill, link, unescaped, user
from handlers.keys import refusal_of
from handlers.mentions import asks
from handlers.submission import missing_words, submission_of
from handlers.thread import is_error
from tests.hostile.fuzzing.target import FuzzTarget, Untidy, as_text, check_told

#: What Slack reads as more than text.
_ENTITY: Final = re.compile(r"&(?:amp|lt|gt);")
_FIELDS: Final = (modal.CONNECTOR, modal.CONTACT, modal.NOTE, modal.REASON)


def _event(data: bytes) -> None:
    event = {"type": "message", "user": "U0123456789", "channel": "C0123456789", "ts": "1.2"}
    text = as_text(data)
    asks({**event, "text": text})
    plain_text = unescaped(text)[:20_000]
    is_error(plain_text)
    refusal_of(plain_text)
    _check_markup(text)


def _check_markup(text: str) -> None:
    """What is shown of ``text`` is text, and JSON that Slack can read."""
    shown = escape(text)
    inner = _ENTITY.sub("", shown)
    if any(sign in inner for sign in "<>&*~`"):
        raise Untidy(repr(shown[:400]))
    short = cut(shown, 100)
    if len(short) > 100 or "&" in _ENTITY.sub("", short):
        raise Untidy(repr(short))
    for quoted in (code(text)[1:-1], block(text)[4:-4]):
        if any(sign in _ENTITY.sub("", quoted) for sign in "<>&`"):
            raise Untidy(repr(quoted))
    name = link(f"https://h.example/?{text}", text)
    if name.startswith("<") and (name.count("<"), name.count(">"), name.count("|")) != (1, 1, 1):
        raise Untidy(repr(name))
    filled = fill("{} {}", user(text), text)
    blocks = [section(filled), plain(text, 75), option(text[:60] or "x", "v")]
    blocks.append(button(text[:60] or "x", "action", value="v"))
    check_told(top_text(Markup(filled)))
    json.dumps(blocks).encode()


def _view(data: bytes) -> None:
    fields = [as_text(part) for part in data.split(b"\0")[:8]]
    fields += [""] * (8 - len(fields))
    values: dict[str, Any] = {
        name: {modal.INPUT: {"type": "plain_text_input", "value": text or None}}
        for name, text in zip(_FIELDS, fields, strict=False)
    }
    values[modal.CHOICE] = {modal.INPUT: {"selected_option": {"value": fields[4]}}}
    values[modal.ENVIRONMENT] = {modal.INPUT: {"selected_option": None}}
    values[modal.CONFIRMED] = {modal.INPUT: {"selected_options": []}}
    values[modal.FILE] = {modal.INPUT: {"files": [{"id": fields[5], "name": fields[6]}]}}
    view = {"id": "V0123456789", "state": {"values": values}}
    metadata: dict[str, Any] = {"lookup": fields[7], "shown": {}, "channel": None, "ts": None}
    submission = submission_of(view, metadata, "T0123456789", "U0123456789", fields[0])
    check_told(*missing_words(submission).values())


def _events() -> Iterator[bytes]:
    for text in (
        "<@U0123456789> check dc01.corp.example:636",
        "<@U0123456789|bot>, explain PKIX path building failed",
        "look at <http://dc01.corp.example:636|dc01.corp.example:636> &amp; <mailto:a@b.c|a@b.c>",
        "<!channel> *bold* _it_ ~no~ `code` ```block``` :tada: &lt;b&gt; <#C0123456789|x>",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
        "javax.net.ssl.SSLHandshakeException: Received fatal alert: handshake_failure",
        "a\u202eb\u00a0c\u200bd\u2028e",
        "<" * 300 + "|" * 100,
    ):
        yield text.encode()


def _views() -> Iterator[bytes]:
    yield b"connector-1\0me@corp.example\0please\0why\0root\0F0123456789\0root.pem\0L1"
    yield b"\0\0-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\0\0upload\0F\0\0"
    yield b"c\0d\0e\0\0server"


_WORDS: Final = (
    b"<!channel>",
    b"<@U0123456789>",
    b"<http://",
    b"|",
    b"&lt;",
    b"&amp;",
    b"```",
    b":tada:",
    b"\xe2\x80\xae",
    b"\xc2\xa0",
    b"PRIVATE KEY",
    b"-----BEGIN ",
)

TARGETS: Final = (
    FuzzTarget("slack_event", _event, _events, words=_WORDS, max_bytes=6000),
    FuzzTarget("slack_view", _view, _views, words=_WORDS, max_bytes=4000),
)
