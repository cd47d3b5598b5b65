"""Several JDKs asked at once: most questions they answer alike, and then one answer is all of theirs."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import cache
from typing import Final, TypeAlias, TypeVar

#: The Java versions that are predicted.
JDKS: Final = (11, 17, 21, 25)
LATEST_JDK: Final = JDKS[-1]

_Answer = TypeVar("_Answer")
_Same = TypeVar("_Same", bound=Hashable)


class Parted(Exception):
    """The JDKs of a run differ in what was asked: the ``earlier`` from the ``later`` ones."""

    def __init__(self, earlier: tuple[int, ...], later: tuple[int, ...]) -> None:
        super().__init__(earlier, later)
        self.earlier = earlier
        self.later = later


class Releases:
    """A run of `JDKS`, in place of one. It compares with a version as each of them does, and raises
    Parted where one does otherwise than the next: so what did not raise holds for all of them. Got
    from `_releases`, which gives the same object for the same run, so that it can be looked up."""

    __slots__ = ("_first", "_last", "_versions")

    def __init__(self, versions: tuple[int, ...]) -> None:
        self._versions = versions
        self._first = versions[0]
        self._last = versions[-1]

    def __lt__(self, version: float) -> bool:
        if self._last < version:
            return True
        return self._first < version and self.agree(lambda jdk: jdk < version)

    def __ge__(self, version: float) -> bool:
        return not self < version

    def __gt__(self, version: float) -> bool:
        if self._first > version:
            return True
        return self._last > version and self.agree(lambda jdk: jdk > version)

    def __le__(self, version: float) -> bool:
        return not self > version

    def agree(self, ask: Callable[[int], _Same]) -> _Same:
        """What ``ask`` gives for each of them. Raises Parted where it is not the same for all."""
        answers = [ask(jdk) for jdk in self._versions]
        for index, answer in enumerate(answers):
            if answer != answers[0]:
                raise Parted(self._versions[:index], self._versions[index:])
        return answers[0]


#: One version, or several that have answered alike so far.
Jdk: TypeAlias = int | Releases


@cache
def _releases(versions: tuple[int, ...]) -> Releases:
    return Releases(versions)


def alike(jdk: int, ask: Callable[[Jdk], _Answer]) -> dict[int, _Answer]:
    """What ``ask`` gives for ``jdk``, and for those around it that are sure to get the same."""
    run: tuple[int, ...] = JDKS
    while len(run) > 1:
        try:
            return dict.fromkeys(run, ask(_releases(run)))
        except Parted as parted:
            run = parted.earlier if jdk in parted.earlier else parted.later
    return {jdk: ask(jdk)}


def per_jdk(ask: Callable[[Jdk], _Answer]) -> dict[int, _Answer]:
    """What ``ask`` gives for each of `JDKS`."""
    answers: dict[int, _Answer] = {}
    for jdk in reversed(JDKS):
        if jdk not in answers:
            answers |= alike(jdk, ask)
    return {jdk: answers[jdk] for jdk in JDKS}
