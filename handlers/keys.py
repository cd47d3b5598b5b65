"""Private keys in what people write."""

from __future__ import annotations

import re
from typing import Final

from bot.errors import FormatError
from bot.pki.formats import read

#: Found even where the rest is not to be read.
_BEGINNING: Final = re.compile(r"-BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY", re.IGNORECASE)


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
