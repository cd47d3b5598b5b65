"""One or two bots behind their proxies: killed where the judge says so, and started again."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections.abc import Callable, Mapping
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from tools.soak.crash import process
from tools.soak.crash.judge import Judge
from tools.soak.crash.proxy import Proxy

#: Within this time of a commit's beginning the process dies that is killed during it, in seconds.
_COMMIT_SECONDS: Final = 0.003
_START_SECONDS: Final = 120.0


class Bots:
    """``count`` replicas, an asynchronous context manager that kills them at its end.

    Where none is left, the one that was killed is started again at once, or after ``absence`` seconds
    where a person waits at that moment (``somebody_waits``) and the answer is lost: who waits then
    hears from Slack that it failed. Where another goes on, it comes back when `complete` is called.
    """

    def __init__(
        self,
        count: int,
        judge: Judge,
        environment: Callable[[str], Mapping[str, str]],
        log: Path,
        *,
        absence: float,
        somebody_waits: Callable[[], bool],
    ) -> None:
        self._count = count
        self._judge = judge
        judge.strike = self._kill
        self._environment = environment
        self._log = log
        self._absence = absence
        self._somebody_waits = somebody_waits
        self._proxies: list[Proxy] = []
        self._processes: dict[int, ForkServerProcess] = {}
        self._running = [asyncio.Event() for _ in range(count)]
        self._tasks: set[asyncio.Task[None]] = set()
        self._stack = contextlib.AsyncExitStack()
        self._control: asyncio.Server

    async def __aenter__(self) -> Self:
        self._control = await asyncio.start_server(self._hear, "127.0.0.1", 0)
        for replica in range(self._count):
            self._proxies.append(await self._stack.enter_async_context(Proxy(self._judge, replica)))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for started in self._processes.values():
            started.kill()
            started.join()
        await self._stack.aclose()
        self._control.close()

    async def complete(self) -> None:
        """Every replica runs, those that were killed too. Raises RuntimeError where one does not
        start."""
        await self.ready(self._count, whole=True)

    async def ready(self, count: int = 1, *, whole: bool = False) -> None:
        """At least ``count`` replicas run; ``whole``: those that were killed are started for that.
        Raises RuntimeError."""
        try:
            async with asyncio.timeout(_START_SECONDS):
                while sum(event.is_set() for event in self._running) < count:
                    for replica in range(self._count) if whole else ():
                        self._start(replica)
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise RuntimeError(f"the bot did not start:\n{self._log.read_text()[-4000:]}") from None

    def _start(self, replica: int) -> None:
        """Starts it unless it has been."""
        if replica in self._processes:
            return
        host, port = self._control.sockets[0].getsockname()[:2]
        environment = self._environment(self._proxies[replica].url)
        self._processes[replica] = process.start(environment, (host, port), replica, str(self._log))

    def _kill(self, replica: int) -> None:
        killed = self._processes.pop(replica, None)
        if killed is None:
            return
        killed.kill()
        self._running[replica].clear()
        self._later(self._bury(killed, replica))

    async def _bury(self, killed: ForkServerProcess, replica: int) -> None:
        was_during = self._judge.struck[-1].phase == "during"
        waits = self._absence if was_during and self._somebody_waits() else 0.0
        await asyncio.to_thread(killed.join)
        if not self._processes:
            await asyncio.sleep(waits)
            self._start(replica)

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """What one process says of its commits, until it is gone."""
        replica, process_id = -1, 0
        with contextlib.suppress(ConnectionError):
            async for line in reader:
                said: dict[str, Any] = json.loads(line)
                if "replica" in said:
                    replica, process_id = said["replica"], said["process"]
                elif "running" in said:
                    # One that was killed at that moment may still have said it.
                    current = self._processes.get(replica)
                    if current is not None and current.pid == process_id:
                        self._running[replica].set()
                elif "committed" in said:
                    self._judge.strike(replica)
                else:
                    writer.write(self._answer(said["commit"], replica))
        writer.close()

    def _answer(self, what: str, replica: int) -> bytes:
        phase = self._judge.arrives(what)
        if phase == "before":
            self._judge.strike(replica)
            return b"wait\n"
        if phase == "during":
            self._later(self._soon(replica))
            return b"go\n"
        return b"stop\n" if phase == "after" else b"go\n"

    async def _soon(self, replica: int) -> None:
        await asyncio.sleep(random.uniform(0, _COMMIT_SECONDS))  # noqa: S311  not a secret
        self._judge.strike(replica)

    def _later(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
