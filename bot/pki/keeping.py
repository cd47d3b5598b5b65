"""What is asked again and again is computed once, within bounds that hold whatever a server sends.

A cache that counts its entries alone may hold thousands of certificates of a hundred kilobytes, whose
names take many times as much once they are read. So what is small is kept by count, and what is
large as long as all of it together is within `LARGE`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, Final, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])

#: In octets: up to where something is small, and how much of what is larger a function keeps.
SMALL: Final = 1 << 13
LARGE: Final = 4 << 20

_NOTHING: Final = object()


def kept(count: int, size: Callable[..., int] = len) -> Callable[[F], F]:
    """Has a function of one argument, or with ``size`` of several, called by position, keep ``count`` results for arguments of which ``size`` says
    that they are small, in octets. Those for large ones are all forgotten once they are too much:
    they are asked for many times within one lookup, and seldom afterwards."""

    def decorated(function: F) -> F:
        small = lru_cache(maxsize=count)(function)
        large: dict[tuple[Any, ...], Any] = {}
        held = 0

        def ask_large(octets: int, given: tuple[Any, ...]) -> Any:
            nonlocal held
            result = large.get(given, _NOTHING)
            if result is _NOTHING:
                result = function(*given)
                if held + octets > LARGE:
                    large.clear()
                    held = 0
                large[given] = result
                held += octets
            return result

        @wraps(function)
        def asked(*given: Any) -> Any:
            octets = size(*given)
            return small(*given) if octets <= SMALL else ask_large(octets, given)

        @wraps(function)
        def asked_for_one(given: Any) -> Any:
            octets = len(given)
            return small(given) if octets <= SMALL else ask_large(octets, (given,))

        # Most are about the octets of one thing: to pack and unpack them takes longer than to look.
        return cast("F", asked_for_one if size is len else asked)

    return decorated
