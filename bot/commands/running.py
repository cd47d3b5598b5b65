"""Runs a command's coroutine, and ends when that ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


def run(main: Coroutine[Any, Any, T]) -> T:
    """What ``main`` returns, as `asyncio.run` gives it, but without waiting for threads: a name that
    nobody resolves keeps ``getaddrinfo(3)`` busy for half a minute, whatever was done meanwhile, and
    an interrupt does not reach it. Raises KeyboardInterrupt."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(main)


class _Loop(asyncio.SelectorEventLoop):
    """Has threads only once something is to be run in one: an address needs none."""

    _has_threads = False

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        if executor is None and not self._has_threads:
            from bot.commands.threads import Unawaited

            self.set_default_executor(Unawaited())
            self._has_threads = True
        return super().run_in_executor(executor, func, *args)
