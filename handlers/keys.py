"""Private keys and passwords in what people write."""

from __future__ import annotations

import re
from typing import Final

from bot.errors import FormatError
from bot.pki.formats import read

#: Found even where the rest is not to be read.
_BEGINNING: Final = re.compile(r"-BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY", re.IGNORECASE)
_PASSWORD: Final = re.compile(
    r"\b(pass(?:word|phrase|wort|wd)?|kennwort|pwd|pin)\b(\s*[:=]\s*|\s+(?:is|ist|lautet)\s*:?\s+)"
    r"([\"'`]?)(\S{1,200})",
    re.IGNORECASE,
)


def without_passwords(text: str) -> str:
    """``text`` as it is kept and passed on: the password of a keystore that somebody writes beside it
    stays where they wrote it. “The password is wrong” holds none."""
    return _PASSWORD.sub(_hidden, text)


def _hidden(found: re.Match[str]) -> str:
    word, between, quote, value = found.groups()
    if not quote and "=" not in between and ":" not in between and value.strip(".,;!?)").isalpha():
        return found[0]
    return f"{word}{between}***"


def refusal_of(text: str) -> str | None:
    """Why a text is refused; None for what holds no private key. Takes time: not for the event
    loop."""
    if "PRIVATE KEY" not in text.upper():
        return None
    try:
        refusal = read(text.encode("utf-8", "replace"), name="message").refusal
    except FormatError:
        refusal = None
    if refusal is None and _BEGINNING.search(text):
        return "The text holds a private key and is refused. A private key never leaves its server."
    return refusal.replace("The file holds", "The text holds") if refusal else None
