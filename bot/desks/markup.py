"""Text for a desk, and what a desk wrote as text."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from html.parser import HTMLParser
from typing import Final

from bot.desks.base import MAX_TEXT
from bot.text import storable, visible

_LINES: Final = frozenset({"br", "p", "div", "li", "tr", "h1", "h2", "h3", "h4", "pre"})
_HIDDEN: Final = frozenset({"script", "style", "head", "title"})
_MAX_VALUE: Final = 4000


def as_html(facts: Sequence[tuple[str, str]]) -> str:
    """The facts as a table; everything in it is escaped."""
    rows = "".join(
        f"<tr><td><b>{html.escape(name)}</b></td><td>{html_lines(value)}</td></tr>"
        for name, value in facts
    )
    return f"<table>{rows}</table>"


def as_text(facts: Sequence[tuple[str, str]]) -> str:
    """The facts as plain text, one a line."""
    return "\n".join(f"{name}: {_text_lines(value)}" for name, value in facts)


def html_lines(text: str) -> str:
    """``text`` as HTML that shows exactly it, its lines kept."""
    return "<br>".join(html.escape(visible(line, MAX_TEXT)) for line in text.splitlines())


def from_html(source: str) -> str:
    """What a person reads in it, at most `MAX_TEXT` characters."""
    reader = _Reader()
    reader.feed(source[: 10 * MAX_TEXT])
    reader.close()
    text = re.sub(r"[^\S\n]+", " ", storable("".join(reader.parts)))
    return re.sub(r"\s*\n\s*", "\n", text).strip()[:MAX_TEXT]


def _text_lines(value: str) -> str:
    return "\n  ".join(visible(line, _MAX_VALUE) for line in value.splitlines())


class _Reader(HTMLParser):
    """Collects the text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in _HIDDEN
        if tag in _LINES:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._hidden = max(self._hidden - (tag in _HIDDEN), 0)
        if tag in _LINES:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data)
