"""Lines of a page for a terminal: wrapped, indented, coloured."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from typing import Final

#: ANSI: SGR parameters.
BOLD: Final = "1"
DIM: Final = "2"
RED: Final = "31"
GREEN: Final = "32"
YELLOW: Final = "33"

#: The column where the values of `Layout.field` begin.
_VALUES: Final = 13
_NARROWEST: Final = 40
#: Longer lines are hard to read, however wide the terminal.
_WIDEST: Final = 110


class Layout:
    """Makes lines of at most ``width`` columns, which is brought to between 40 and 110, with ANSI
    colours if wanted. Text is visible already (see ``bot.text``)."""

    def __init__(self, width: int, *, colour: bool) -> None:
        self._width = max(_NARROWEST, min(width, _WIDEST))
        self._colour = colour

    def paint(self, text: str, style: str) -> str:
        """``text`` in a colour or weight."""
        return f"\x1b[{style}m{text}\x1b[0m" if self._colour and text else text

    def heading(self, title: str) -> Iterator[str]:
        """An empty line and a title."""
        yield ""
        yield self.paint(title, BOLD)

    def paragraph(self, text: str, indent: int = 0, style: str = "") -> Iterator[str]:
        """``text``, each line ``indent`` columns in."""
        for line in self._wrapped(text, indent):
            yield " " * indent + (self.paint(line, style) if style else line)

    def item(self, mark: str, style: str, text: str, indent: int = 0) -> Iterator[str]:
        """``text`` behind a coloured ``mark`` in the margin, further lines below its beginning."""
        margin = indent + len(mark) + 1
        first, *rest = self._wrapped(text, margin)
        yield f"{' ' * indent}{self.paint(mark, style)} {first}"
        yield from (" " * margin + line for line in rest)

    def field(self, name: str, value: str, style: str = "") -> Iterator[str]:
        """A name and its value beside it, further lines below the value's beginning."""
        yield from self.rows(
            name,
            (
                self.paint(line, style) if style else line
                for line in self._wrapped(value, _VALUES + 2)
            ),
        )

    def rows(self, name: str, lines: Iterable[str]) -> Iterator[str]:
        """A name and the finished lines of its value."""
        for number, line in enumerate(lines):
            yield f"  {'' if number else name:<{_VALUES}}{line}"

    def fingerprint(self, name: str, sha256: str) -> Iterator[str]:
        """A fingerprint as pairs with colons, 16 of the 32 on a line or 8 where that is too wide."""
        pairs = [sha256[i : i + 2].upper() for i in range(0, len(sha256), 2)]
        each = 16 if self._width >= 2 + _VALUES + 16 * 3 else 8
        rows = [":".join(pairs[i : i + each]) for i in range(0, len(pairs), each)]
        yield from self.rows(name, [f"{row}:" for row in rows[:-1]] + rows[-1:])

    def beside(self, left: str, right: str, indent: int = 0) -> Iterator[str]:
        """``left`` and ``right`` on one line if they fit, else below each other."""
        if indent + len(left) + 2 + len(right) <= self._width:
            yield f"{' ' * indent}{left}  {self.paint(right, DIM)}"
            return
        yield from self.paragraph(left, indent)
        yield from self.paragraph(right, indent + 2, DIM)

    def _wrapped(self, text: str, indent: int) -> list[str]:
        return textwrap.wrap(text, max(self._width - indent, 10), break_on_hyphens=False) or [""]
