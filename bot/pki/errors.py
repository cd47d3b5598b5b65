"""Error text → cause → remedy: what Java, and clients like it, say when TLS does not come about."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from bot.pki.causes import CAUSES, Cause, Question
from bot.pki.error_details import details, target
from bot.pki.error_text import ErrorText, Span
from bot.records import record
from bot.redaction import redacted
from bot.text import visible

__all__ = ["Explanation", "Question", "explain"]

_MAX_FURTHER = 5
_QUOTE_LENGTH = 160
_OPTIONAL = re.compile(r"\[([^\[\]]*)\]")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


@record
class Explanation:
    """What an error text means.

    ``code``: stable, `unrecognised` if the text is not known; ``matched``: the words by which it was
    known, or the text's first line; ``cause`` and ``remedy``: sentences; ``details``: what the text
    tells besides (`not_after`, `subject`, `algorithm`, `name` …); ``target``: the server it speaks
    of, ``host:port`` or ``host``; ``truststore_helps``: whether another certificate in the
    truststore can mend it, None if that depends; ``source``: the JDK class or RFC behind it;
    ``question``: what a look at the server must answer to make this specific; ``also``: further
    errors in the same text. Everything taken from the text is escaped and free of passwords.
    """

    code: str
    matched: str
    cause: str
    remedy: str
    details: Mapping[str, str]
    target: str | None
    truststore_helps: bool | None
    source: str
    question: Question
    also: tuple[Explanation, ...] = ()

    @property
    def is_recognised(self) -> bool:
        return self.code != "unrecognised"


def explain(text: str) -> Explanation:
    """What ``text`` means: a message, a whole stack trace, a log, wrapped, quoted or cut off.

    Of several errors the first of `CAUSES` is explained, and the others in ``also``; one that only says
    that something failed counts when there is no other. Takes time linear in the text, of which no
    more than 64 Ki characters are read.
    """
    error = ErrorText(text)
    found = [(cause, span) for cause in CAUSES if (span := error.find(cause))]
    covered: set[str] = set()
    for cause, _ in found:
        if cause.code not in covered:
            covered.update(cause.covers)
    specific = [pair for pair in found if not pair[0].general and pair[0].code not in covered]
    general = [pair for pair in found if pair[0].general][:1]
    chosen = specific or _cut_off(error, general) or general
    if not chosen:
        return _unrecognised(error)
    unique = {cause.code: (cause, span) for cause, span in reversed(chosen)}
    first, *others = reversed(unique.values())
    also = tuple(_explanation(error, *other) for other in others[:_MAX_FURTHER])
    return _explanation(error, *first, also)


def _cut_off(error: ErrorText, general: list[tuple[Cause, Span]]) -> list[tuple[Cause, Span]]:
    """The one cause of which a phrase was begun when the text was cut off, if that says more than
    ``general``."""
    begun = [(cause, *error.find_cut_off(cause)) for cause in CAUSES if not cause.general]
    longest = max(length for _, length, _ in begun)
    causes = [(cause, is_enough) for cause, length, is_enough in begun if length == longest]
    end = len(error.plain.rstrip(".…"))
    known = max((span.end - span.start for _, span in general if span.end >= end), default=0)
    cause, is_enough = causes[0]
    if longest <= known or len(causes) > 1 or not is_enough:
        return []
    return [(cause, Span(max(len(error.plain) - _QUOTE_LENGTH, 0), len(error.plain)))]


def _explanation(
    error: ErrorText, cause: Cause, span: Span, also: tuple[Explanation, ...] = ()
) -> Explanation:
    found = details(error, span, cause.details)
    return Explanation(
        code=cause.code,
        matched=_quote(error, span),
        cause=_filled(cause.cause, found),
        remedy=_filled(cause.remedy, found),
        details=MappingProxyType(found),
        target=target(error, span),
        truststore_helps=cause.truststore_helps,
        source=cause.source,
        question=cause.question,
        also=also,
    )


def _unrecognised(error: ErrorText) -> Explanation:
    first_line = error.plain.partition("\n")[0]
    quoted = visible(redacted(first_line), _QUOTE_LENGTH)
    return Explanation(
        code="unrecognised",
        matched=quoted,
        cause=f'"{quoted}" is not a known error of Java or TLS.' if quoted else "There is no text.",
        remedy="Paste the whole error message, from its first line to the last line that begins with "
        '"Caused by". If it is about a server, check that server instead.',
        details=MappingProxyType({}),
        target=target(error, Span(0, 0)),
        truststore_helps=None,
        source="",
        question=Question.NONE,
    )


def _quote(error: ErrorText, span: Span) -> str:
    """The phrase as it stands in the text, and what follows it in its line."""
    line_end = error.plain.find("\n", span.end)
    end = len(error.plain) if line_end < 0 else line_end
    words = " ".join(error.plain[span.start : min(end, span.start + 2 * _QUOTE_LENGTH)].split())
    if "[" not in words:
        words = words.rstrip("]")  # of JNDI's "[Root exception is …]"
    return visible(redacted(words), _QUOTE_LENGTH)


def _filled(sentence: str, found: Mapping[str, str]) -> str:
    """``sentence`` with its bracketed parts, where all their details were found."""

    def fill(part: re.Match[str]) -> str:
        names = _PLACEHOLDER.findall(part[1])
        if not all(name in found for name in names):
            return ""
        return _PLACEHOLDER.sub(lambda name: found[name[1]], part[1])

    return _OPTIONAL.sub(fill, sentence)
