"""What is fuzzed, and what counts as a crash."""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Iterator
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
    counts: Counter[str] = field(default_factory=Counter)
    """Inputs by target, where several are joined."""


def joined(name: str, targets: Iterable[FuzzTarget]) -> FuzzTarget:
    """One target that is all of these, by the first byte of the input."""
    listed = tuple(targets)
    counts: Counter[str] = Counter()

    def chosen(data: bytes) -> FuzzTarget:
        return listed[data[0] % len(listed)]

    def run(data: bytes) -> None:
        if not data:
            return
        target = chosen(data)
        counts[target.name] += 1
        # A typed error is as good as an answer.
        with contextlib.suppress(*target.expected):
            target.run(data[1:])

    def mutated(data: bytes, source: random.Random) -> bytes:
        if not data:
            return bytes([source.randrange(256)])
        mutation = chosen(data).mutation
        if mutation is None:
            at = source.randrange(len(data)) + 1
            return (
                data[:at] + source.randbytes(source.randrange(4)) + data[at + source.randrange(4) :]
            )
        return data[:1] + mutation(data[1:], source)

    def seeds() -> Iterator[bytes]:
        for number, target in enumerate(listed):
            for seed in target.seeds():
                yield bytes([number]) + seed

    words = tuple(word for target in listed for word in target.words)
    return FuzzTarget(name, run, seeds, (), words, mutated, 16_384, counts)


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
