"""A pasted error text, freed of what mail, logs and chats do to it, and searched for phrases."""

from __future__ import annotations

import html
import re
from array import array
from functools import cache

from bot.pki.causes import Cause
from bot.records import record

MAX_LENGTH = 65_536
_GAP = 400
_SHORTEST_CUT = 16

_PEM = re.compile(r"-----BEGIN [^-]{1,60}-----.*?(?:-----END [^-]{1,60}-----|\Z)", re.DOTALL)
_TAG = re.compile(
    r"</?(?:br|p|div|span|pre|code|b|i|li|ul|td|tr|table)\b[^<>]{0,200}>", re.IGNORECASE
)
# From where a run of backslashes begins: a text may consist of them.
_ESCAPED_BREAK = re.compile(r"(?<!\\)\\+[nrt]")
_QUOTE_MARK = re.compile(r"^[>|\s]+")
_FRAME = re.compile(r"at [\w.$/@<>-]+\(|\.\.\. \d+ (?:more|common frames omitted)")
_TYPOGRAPHY = {
    **dict.fromkeys(map(ord, "“”„‟«»"), '"'),
    **dict.fromkeys(map(ord, "‘’‚‛"), "'"),
    **dict.fromkeys((0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF)),
}
_TELLING = re.compile(
    rb"caused by|exception|error|alert|failed|failure|refused|reset|timed out|notafter|notbefore|"
    rb"certif|zertif|pkix|handshake|ssl|tls|x509|host|root exception|trustanchor|subject",
    re.IGNORECASE,
)
_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_IGNORED = frozenset(" \n-_")


@record
class Span:
    """Where a phrase stands in `ErrorText.plain`."""

    start: int
    end: int


def is_telling(line: bytes) -> bool:
    """Whether this line of a log may tell of an error: cheap, and rather true than false. A stack
    frame does not."""
    return not line.lstrip().startswith(b"at ") and _TELLING.search(line) is not None


class ErrorText:
    """``plain``: the text without stack frames, PEM blocks, tags and quoting; white space is one
    space or one line break. Of a text longer than `MAX_LENGTH` the first and the last half are read.

    Phrases are sought without regard to case, white space, hyphens and underscores, so that it does
    not matter where a line was wrapped, in time linear in the text.
    """

    def __init__(self, text: str) -> None:
        self.plain = _plain(text)
        kept = array(
            "I", (at for at, character in enumerate(self.plain) if character not in _IGNORED)
        )
        self._positions = kept
        self._squeezed = "".join([self.plain[at] for at in kept]).translate(_LOWER)

    def find(self, cause: Cause) -> Span | None:
        """The first of the cause's phrases that is in the text, as they are listed."""
        for phrase in cause.phrases:
            if span := self._find(phrase):
                return span
        return None

    def find_cut_off(self, cause: Cause) -> tuple[int, bool]:
        """How many characters of one of the cause's phrases stand at the text's cut-off end, or at
        its cut-off beginning, and whether they are enough to tell it; 0 if next to none."""
        text = self._squeezed.rstrip(".…]\"'")
        longest, is_enough = 0, False
        for phrase in cause.phrases:
            if "…" in phrase:
                continue
            (sought,) = _squeezed(phrase)
            size = len(sought)
            if (
                sought[:_SHORTEST_CUT] not in text[-size:]
                and sought[-_SHORTEST_CUT:] not in self._squeezed[:size]
            ):
                continue
            for length in range(len(sought) - 1, max(_SHORTEST_CUT - 1, longest), -1):
                begun = text.endswith(sought[:length])
                # Class names end many phrases, so that an end tells less than a beginning.
                ended = 3 * length > 2 * len(sought) and self._squeezed.startswith(sought[-length:])
                if begun or ended:
                    longest, is_enough = length, 2 * length >= len(sought)
                    break
        return longest, is_enough

    def _find(self, phrase: str) -> Span | None:
        first, *others = _squeezed(phrase)
        at = self._squeezed.find(first)
        while at >= 0:
            end = self._follow(at + len(first), others)
            if end and self._is_whole(at, end):
                return Span(self._positions[at], self._positions[end - 1] + 1)
            at = self._squeezed.find(first, at + 1)
        return None

    def _follow(self, end: int, parts: list[str]) -> int:
        """Where the last of ``parts`` ends if they follow, each within the gap; else 0."""
        for part in parts:
            at = self._squeezed.find(part, end, end + _GAP + len(part))
            if at < 0:
                return 0
            end = at + len(part)
        return end

    def _is_whole(self, at: int, end: int) -> bool:
        """Not the tail of a longer word ("thread timed out"), nor the head of a longer number or of a
        longer name (``bad_certificate_status_response``)."""
        start, last = self._positions[at], self._positions[end - 1]
        before, after = self.plain[start - 1 : start], self.plain[last + 1 : last + 2]
        if self.plain[start].isalnum() and before.isalnum():
            return False
        # A longer name may go on in the next line.
        if self.plain[last].isalnum() and self.plain[last + 1 : last + 3].lstrip("\n")[:1] == "_":
            return False
        return not (self.plain[last].isdigit() and after.isdigit())


def _plain(text: str) -> str:
    if len(text) > MAX_LENGTH:
        text = f"{text[: MAX_LENGTH // 2]}\n{text[-MAX_LENGTH // 2 :]}"
    text = html.unescape(html.unescape(_PEM.sub(" ", text)))
    text = _ESCAPED_BREAK.sub("\n", _TAG.sub("\n", text)).replace('\\"', '"')
    lines = []
    for line in text.translate(_TYPOGRAPHY).splitlines():
        words = " ".join(_QUOTE_MARK.sub("", line).split())
        if words and not _FRAME.match(words):
            lines.append(words)
    return "\n".join(lines)


@cache  # of the phrases of the table
def _squeezed(phrase: str) -> tuple[str, ...]:
    """Its parts between the gaps."""
    kept = "".join(character for character in phrase if character not in _IGNORED)
    return tuple(kept.translate(_LOWER).split("…"))
