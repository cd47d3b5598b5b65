"""What a person typed after ``/cert`` or a mention → what is asked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, TypeAlias

from bot.errors import TargetError
from bot.probe.target import Target, parse_targets

MAX_HOSTS: Final = 20

_PRIVATE: Final = re.compile(r"(?:^|\s)(?:--|—|–)private(?=\s|$)", re.IGNORECASE)
_WORD: Final = re.compile(r"\s*([A-Za-z]+)\b[:,]?\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Check:
    """Look at these servers; ``fresh``: past the cache. ``targets`` holds the error of each that
    cannot be read."""

    targets: tuple[Target | TargetError, ...]
    private: bool = False
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Explain:
    """What does this error text mean? Empty: the text is missing."""

    text: str


@dataclass(frozen=True, slots=True)
class Word:
    """A word that stands alone: ``help``, ``mine``, ``status``, ``chain``, ``pem`` or ``recheck``."""

    word: str


Asked: TypeAlias = Check | Explain | Word


def parse_command(text: str) -> Asked:
    """What ``/cert`` asks; ``text`` is as typed. Everything that is no word of its own is taken for
    servers."""
    plain, private = _without_private(text)
    word, rest = _first_word(plain)
    if not plain.strip() or (word in ("help", "hilfe") and not rest):
        return Word("help")
    if word == "explain":
        return Explain(rest)
    if word == "mine" and not rest:
        return Word("mine")
    if word == "check" and rest:
        plain = rest
    return Check(_targets(plain), private)


def parse_mention(text: str) -> Asked:
    """What a mention asks; ``text`` is without the mention itself, as a person typed it."""
    word, rest = _first_word(text)
    if word in ("check", "recheck", "chain", "pem") and rest:
        return Check(_targets(rest), fresh=word == "recheck")
    if word == "check" and not rest:
        return Word("recheck")
    if word in ("recheck", "chain", "pem", "status", "mine") and not rest:
        return Word(word)
    if word == "explain":
        return Explain(rest)
    if not text.strip() or word in ("help", "hilfe", "hi", "hello"):
        return Word("help")
    return Check(_targets(text))


def _targets(text: str) -> tuple[Target | TargetError, ...]:
    return tuple(parse_targets(text, limit=MAX_HOSTS))


def _without_private(text: str) -> tuple[str, bool]:
    plain = _PRIVATE.sub(" ", text)
    return plain, plain != text


def _first_word(text: str) -> tuple[str, str]:
    """The first word in small letters and what follows it; a word that ends at anything but white
    space is part of a host's name."""
    found = _WORD.match(text)
    if not found or (found.end() < len(text) and not re.match(r"[:,]?\s", text[found.end(1) :])):
        return "", text
    return found[1].lower(), text[found.end() :].strip()
