"""What a text holds: PEM, bare Base64, hexadecimal dumps, and traces of private keys."""

from __future__ import annotations

import re
from dataclasses import field
from itertools import islice

from bot.pki.formats import bare, encoding, pem
from bot.pki.formats.blobs import Blob
from bot.pki.formats.repairs import Repair
from bot.records import record

_PRIVATE_KEY = re.compile(r"PRIVATE\s{0,3}KEY(?:\s?BLOCK)?", re.IGNORECASE)
_MARK_START = re.compile(r"(-?)\s?(?<![A-Z0-9])(?:BEGIN|END)([A-Z0-9\s]*)$", re.IGNORECASE)
_LOOKED_BACK = 40
_MAX_MENTIONS = 20_000
#: How many characters beside well-formed PEM are searched, which costs a second or two.
_MAX_SEARCHED = 2 << 20
#: Private keys that have no BEGIN line, by the words that stand in all of their texts.
_KEY_WORDS = (
    (("PuTTY-User-Key-File-",), "PuTTY private key (PPK)"),
    (("Private-Key: (",), "private key (written out)"),
    (("privateExponent:",), "RSA private key (written out)"),
    (("<RSAKeyValue>", "<D>"), "RSA private key (XML)"),
    (('"kty"', '"d"'), "private key (JWK)"),
)


@record(frozen=False)
class Extraction:
    """``blobs`` in the order of the text, ``repairs`` of the text as a whole, ``keys`` that name
    private keys seen, and ``plain``, the text with escapes undone. ``complete`` is False when the
    search was given up; ``lines`` tells whether line numbers mean anything."""

    plain: str
    blobs: list[Blob]
    keys: list[str] = field(default_factory=list)
    repairs: list[Repair] = field(default_factory=list)
    complete: bool = True
    lines: bool = True


def extract(data: bytes) -> Extraction:
    """Everything that may matter in the text ``data``. Never raises."""
    text, repairs = encoding.decode(data)
    exact = pem.blocks(text, exact=True)
    plain, undone = encoding.undo(exact.rest[:_MAX_SEARCHED])
    found = _scan(plain)
    if found.blobs and exact.blobs:
        plain, undone = encoding.undo(text)
        found = _scan(plain)
    if exact.rest[_MAX_SEARCHED:].strip():
        found.complete = False
    if found.blobs:
        repairs += undone
        found.lines = not {Repair.ESCAPES, Repair.MARKUP, Repair.PERCENT} & set(undone)
    else:
        found.plain, found.blobs = text, exact.blobs
    found.keys = _keys(text) or _keys(plain)
    found.repairs = repairs
    _number_lines(found)
    return found


def key_traces(data: bytes) -> list[str]:
    """Names of the private keys whose words stand in ``data``, whatever ``data`` is."""
    return _keys(data.replace(b"\0", b"").decode("latin-1"))


def _keys(text: str) -> list[str]:
    names: list[str] = []
    mentions = _PRIVATE_KEY.finditer(text if "PRIVATE" in text.upper() else "")
    for match in islice(mentions, _MAX_MENTIONS):
        before = _MARK_START.search(text[max(0, match.start() - _LOOKED_BACK) : match.start()])
        if before and (before[1] or text[match.end() : match.end() + 2].strip()[:1] == "-"):
            label = re.sub(r"\s", "", before[2] + match[0]).upper()
            names.append(pem.private_key_name(label))
    if next(mentions, None):
        names.append("private key")  # too many to look at each: better one refusal too many
    names += [name for words, name in _KEY_WORDS if all(word in text for word in words)]
    return list(dict.fromkeys(names))


def _scan(plain: str) -> Extraction:
    blocks = pem.blocks(plain)
    found, complete = bare.find(blocks.rest)
    blobs = [*blocks.blobs, *found, *_close(blocks, found)]
    blobs.sort(key=lambda blob: blob.position)
    return Extraction(plain, blobs, complete=complete)


def _close(blocks: pem.Blocks, found: list[Blob]) -> list[Blob]:
    """Gives every BEGIN line without END to the Base64 right after it; for those without any,
    blobs that say so."""
    alone = []
    following = iter(found)
    blob = next(following, None)
    for mark in blocks.unclosed:
        while blob and blob.position < mark.end:
            blob = next(following, None)
        if blob and not blocks.rest[mark.end : blob.position].strip(" \t\n>|`\"'"):
            blob.label = mark.label
            blob.repairs = [Repair.NO_END]
        else:
            problem = "has a BEGIN line, but no END line and no complete data after it"
            alone.append(Blob(mark.start, label=mark.label, problem=problem))
    return alone


def _number_lines(found: Extraction) -> None:
    line, position = 1, 0
    for blob in found.blobs if found.lines else ():
        line += found.plain.count("\n", position, blob.position)
        position = blob.position
        blob.line = line
