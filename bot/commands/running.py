"""Runs a command's coroutine, and ends when that ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Thread
from typing import Any, ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")


def run(main: Coroutine[Any, Any, T]) -> T:
    """What ``main`` returns, as `asyncio.run` gives it, but without waiting for threads: a name that
    nobody resolves keeps ``getaddrinfo(3)`` busy for half a minute, whatever was done meanwhile, and
    an interrupt does not reach it. Raises KeyboardInterrupt."""
    with asyncio.Runner() as runner:
        runner.get_loop().set_default_executor(_Unawaited())
        return runner.run(main)


class _Unawaited(ThreadPoolExecutor):
    """A daemon thread for each task. An event loop takes no executor but a `ThreadPoolExecutor`, which
    would wait for its threads at the end, and has so few that slow names hold up quick ones. How
    many there are is bounded by how many hosts are looked at at once."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()

        def work() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)

        Thread(target=work, daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Waits for nobody."""
