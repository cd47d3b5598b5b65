"""What is fuzzed, and what counts as a crash."""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, TypeVar

from bot.errors import WhichrootError

T = TypeVar("T")
Mutation: TypeAlias = Callable[[bytes, random.Random], bytes]

#: What one input may cost: processor time in seconds, memory in bytes beyond what was ever in use.
MAX_SECONDS: Final = 1.0
MAX_MEMORY: Final = 64 << 20
#: No message to a person is longer, in characters.
MAX_TOLD: Final = 20_000


@dataclass(frozen=True)
class FuzzTarget:
    """Something that reads bytes from outside.

    ``run`` reads them and looks at everything that would be shown; a crash is whatever it raises
    that is not ``expected``, and an input that takes more than `MAX_SECONDS` or `MAX_MEMORY`.
    ``seeds`` are inputs to begin with; ``words`` are put in now and then; ``mutation`` changes an
    input with regard to its structure.
    """

    name: str
    run: Callable[[bytes], object]
    seeds: Callable[[], Iterable[bytes]]
    expected: tuple[type[Exception], ...] = (WhichrootError,)
    words: tuple[bytes, ...] = ()
    mutation: Mutation | None = None
    max_bytes: int = 4096
    resets: Callable[[], None] = field(default=lambda: None)


class Untidy(Exception):
    """Something would be shown that should not be."""


def check_told(*texts: str | None) -> None:
    """Raises Untidy where a text would do something to whoever looks at it."""
    for text in texts:
        if text is None:
            continue
        if len(text) > MAX_TOLD:
            raise Untidy(f"{len(text)} characters")
        for line in text.split("\n"):
            if line and not line.isprintable():
                raise Untidy(repr(line[:400]))


def as_text(data: bytes) -> str:
    """Text with whatever characters; what is no UTF-8 becomes lone surrogates, as JSON may hold."""
    return data.decode("utf-8", "surrogateescape")


def driven(work: Coroutine[Any, Any, T]) -> T:
    """The result of ``work``, which never has to wait."""
    try:
        work.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    work.close()
    raise AssertionError("it waits for something")
