"""What a person typed after ``/cert`` or a mention → what is asked."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import Final, TypeAlias

from bot.errors import TargetError
from bot.probe.target import Target, parse_targets
from bot.text import visible

MAX_HOSTS: Final = 20

_PRIVATE: Final = re.compile(r"(?:^|\s)(?:--|—|–)private(?=\s|$)", re.IGNORECASE)
_OPTION: Final = re.compile(r"(?:^|\s)(--[^\s=]+)")
_VERBS: Final = ("check", "explain", "mine", "help", "recheck", "status")
#: Words of their own that are understood inside a sentence, too.
_IN_SENTENCES: Final = frozenset({"recheck", "chain", "pem", "status", "mine", "help"})
_MAX_SENTENCE: Final = 10
#: What an address or an error text has, and talk has not.
_NO_TALK: Final = re.compile(r"\w[.:/\\@]\w|[()\[\]{}]")
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


@dataclass(frozen=True, slots=True)
class Talk:
    """Nothing is asked that the bot knows of; ``word``: the only one that was said, if it is one."""

    word: str = ""


Asked: TypeAlias = Check | Explain | Word | Talk


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
    return Check(_mistyped(word, plain) or _targets(plain), private)


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
    if mistyped := _mistyped(word, text):
        return Check(mistyped)
    if not _NO_TALK.search(text):
        words = re.findall(r"\w+", text.lower())
        if len(words) == 1 and words[0].isalpha():
            # A host's bare name, or thanks: whoever means a host can say so.
            return Talk(words[0])
        said = _IN_SENTENCES.intersection(words)
        if len(said) == 1 and len(words) <= _MAX_SENTENCE:
            return Word(*said)
        if not any(isinstance(target, Target) for target in _targets(text)):
            return Talk()
    return Check(_targets(text))


def _mistyped(word: str, text: str) -> tuple[TargetError, ...]:
    """The error for an option or a word that is nearly one that exists, where the text as it stands
    names no server."""
    if option := _OPTION.search(text):
        return (
            TargetError(
                f"There is no option {visible(option[1], 40)}.",
                "There is --private, for a report that you alone see.",
            ),
        )
    close = difflib.get_close_matches(word, _VERBS, 1, 0.75) if word not in _VERBS else []
    if not close or any(isinstance(target, Target) for target in _targets(text)):
        return ()
    message = f"I do not know the word “{visible(word, 40)}”."
    return (TargetError(message, f"Did you mean “{close[0]}”?"),)


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
