"""What a check finds, as sentences for whoever set the desk up."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Sequence
from typing import TypeVar

from bot.desks.base import CheckLine, DeskError, NotAllowed
from bot.text import visible

_Found = TypeVar("_Found")


class Check:
    """Collects the sentences of one check."""

    def __init__(self) -> None:
        self._lines: list[CheckLine] = []
        self._remedies: dict[str, None] = {}

    @property
    def lines(self) -> Sequence[CheckLine]:
        """The sentences. What is to be done where the desk refuses the bot stands at the end, once."""
        return [*self._lines, *(CheckLine(False, remedy) for remedy in self._remedies)]

    def done(self, text: str) -> None:
        """Something is there."""
        self._lines.append(CheckLine(True, text))

    def remark(self, text: str) -> None:
        """Something works less well than it could, or is not known."""
        self._lines.append(CheckLine(True, text, remark=True))

    def missing(self, text: str) -> None:
        """Something is not there."""
        self._lines.append(CheckLine(False, text))

    async def tried(self, call: Awaitable[_Found], failed: str, setting: str = "") -> _Found | None:
        """What ``call`` gives. None: it failed, which is told with ``failed`` and the setting that is
        to be looked at."""
        try:
            return await call
        except NotAllowed as error:
            self.missing(f"{failed}: {error.message}")
            self._remedies.setdefault(error.remedy)
        except DeskError as error:
            remedy = f"Check {setting} in the desk file." if setting else error.remedy
            self.missing(f"{failed}: {error.message} {remedy}".strip())
        return None


def some(names: Iterable[str]) -> str:
    """So many of ``names`` as fit into a sentence."""
    found = sorted(names)
    shown = ", ".join(visible(name, 80) for name in found[:20])
    return f"{shown}, …" if len(found) > 20 else shown or "none"
