"""What surrounds an address when it is pasted: links, quotes, odd characters, neighbours."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator

from bot import patterns
from bot.errors import TargetError
from bot.redaction import redacted
from bot.text import visible

_ALIKE = {
    **{code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)},  # full-width ASCII
    **dict.fromkeys((0x2010, 0x2011, 0x2012, 0x2013, 0x2014, 0x2212), "-"),
    **dict.fromkeys((0x3002, 0xFF61), "."),
    0x2236: ":",
    0x00AD: None,  # soft hyphen
    **dict.fromkeys((0x061C, 0x180E, 0x200B, 0x200E, 0x200F, 0x2060, 0xFEFF)),
    **dict.fromkeys(range(0x202A, 0x202F)),  # bidirectional embeddings and overrides
    **dict.fromkeys(range(0x2066, 0x206A)),  # and isolates
}
_JOINERS = dict.fromkeys((0x200C, 0x200D))
_ENTITIES = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'", "&nbsp;": " ", "&amp;": "&"}
_ENTITY = patterns.lazy("|".join(_ENTITIES))
_SLACK_LINK = patterns.lazy(r"<([^<>|\s][^<>|]*)(?:\|([^<>]*))?>")
_MARKDOWN_LINK = patterns.lazy(r"\[([^\[\]()]+)\]\(([^()\s]+)\)")
_BEFORE = " \"'`“”„‚‘’«»‹›<>({~•,;!?"
_AFTER = " \"'`“”„‚‘’«»‹›<>)}~,;!?"

_ADDRESS_SIGN = r"[.:0-9\[]"
_CONJUNCTIONS = frozenset({"and", "or", "und", "oder", "&", "+"})
_BEFORE_URL = r",(?=[a-z]+://)"


def unified(text: str) -> str:
    """``text`` with the characters that word processors and chat clients substitute put back:
    full-width forms and typographic hyphens become ASCII, all white space becomes spaces, and
    invisible characters are removed. Raises `TargetError` for control characters."""
    text = _ENTITY.sub(lambda entity: _ENTITIES[entity[0]], text.translate(_ALIKE))
    if text.translate(_JOINERS).isascii():  # in some scripts joiners are part of a name
        text = text.translate(_JOINERS)
    text = " ".join(text.split())
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise TargetError(
            f'"{visible(redacted(text))}" holds control characters.',
            "Type the server's name, for example dc01.corp.example:636.",
        )
    return text


def unwrapped(text: str) -> str:
    """``text`` (`unified`) without links, quotes, brackets and punctuation around it.

    Slack sends ``<http://h:636|h:636>`` for a typed ``h:636``: the label is what was typed, unless it is
    a title. Outlook copies ``h<http://h>``. Raises `TargetError` for a Slack mention.
    """
    text = _MARKDOWN_LINK.sub(lambda link: _typed(link[2], link[1]), text)
    text = _SLACK_LINK.sub(_link, text)
    previous = None
    while text != previous:
        previous = text
        text = re.sub(r"^(?:[-*>$#] +)+", "", text.lstrip(_BEFORE).rstrip(_AFTER))
        for mark in "*_":
            if len(text) > 2 and text[0] == text[-1] == mark:
                text = text[1:-1]
        if text.startswith("[") and text.find("]") == len(text) - 1 and not _is_ipv6(text):
            text = text[1:-1]
        for mark in ".:":
            if text.endswith(mark) and not text.endswith(2 * mark):
                text = text[:-1]
    return text


def _link(link: re.Match[str]) -> str:
    address, label = link.groups()
    if address[0] in "@#!":
        raise TargetError(
            f'"{visible(link[0])}" mentions somebody in Slack and names no server.',
            "Write the server's name, for example dc01.corp.example:636.",
        )
    before = link.string[: link.start()].rpartition(" ")[2]
    if before and address.removesuffix("/").endswith(before):
        return ""
    return _typed(address, label)


def _typed(address: str, label: str | None) -> str:
    """What was typed: the label if Slack made the address by adding ``http://`` or ``mailto:``."""
    if label and re.sub(r"^(?:http://|mailto:)", "", address).rstrip("/") == label.rstrip("/"):
        return label
    return address.removeprefix("mailto:")


def _is_ipv6(text: str) -> bool:
    return (
        text.count(":") >= 2 and re.fullmatch(r"\[[0-9A-Fa-f:.]+(?:%[^\]]*)?\]", text) is not None
    )


def pieces(text: str, is_one: Callable[[str], bool]) -> Iterator[str]:
    """The addresses in ``text``: its lines, and of a line that is not one address its parts.

    A line whose parts do not all look like addresses is a sentence: it is given whole, to be
    refused as a whole.
    """
    for line in re.split(r"[\r\n\v\f\x85\u2028\u2029]+", text):
        if not line.strip():
            continue
        try:
            plain = unwrapped(unified(line))
            whole = redacted(plain) != plain or is_one(line)  # a secret is not cut in two and shown
            parts = [line] if whole else _parts(plain)
        except TargetError:
            parts = [line]
        yield from parts if all(re.search(_ADDRESS_SIGN, part) for part in parts) else [line]


def _parts(line: str) -> list[str]:
    parts: list[str] = []
    for word in _words(line):
        if not word or word.lower() in _CONJUNCTIONS:
            continue
        if word.isdecimal() and parts and _takes_port(parts[-1]):
            parts[-1] += f" {word}"
        else:
            parts.append(word)
    return parts


def _words(line: str) -> Iterator[str]:
    """Separated by white space, semicolons and commas. A comma before ``=`` is part of a value, as in
    ``DC=corp,DC=example``, unless a URL follows it."""
    for text in re.split(r"[\s;]+", line):
        end = text.rfind("=") + 1
        *first, last = re.split(_BEFORE_URL, text[:end], flags=re.IGNORECASE)
        following, *others = text[end:].split(",")
        yield from (*first, last + following, *others)


def _takes_port(part: str) -> bool:
    """No port yet: not after ``h:636``, ``h 636`` or a path."""
    return not re.search(r":[0-9]+$|\s|/[^/]+/|=", part)
