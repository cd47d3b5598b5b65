"""The bot in a process of its own, which can be killed."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Self

_START_SECONDS = 120.0


class BotProcess:
    """``whichroot serve`` with this environment; an asynchronous context manager that kills it at
    the end if it still runs. ``logs`` are the entries that it has written."""

    def __init__(self, environment: Mapping[str, str], *arguments: str) -> None:
        self._environment = {**os.environ, **environment}
        self._arguments = arguments
        self._process: asyncio.subprocess.Process
        self._listener: asyncio.Task[None]
        self._running = asyncio.Event()
        self.logs: list[dict[str, object]] = []
        self.output: list[str] = []

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.kill()

    async def start(self) -> None:
        """Starts it and waits until it says that it runs."""
        self._running.clear()
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            "serve",
            *self._arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env=self._environment,
        )
        self._listener = asyncio.create_task(self._listen())
        try:
            async with asyncio.timeout(_START_SECONDS):
                await self._running.wait()
        except TimeoutError:
            raise RuntimeError("\n".join(["the bot did not start:", *self.output])) from None

    async def kill(self) -> None:
        """SIGKILL: it ends at once, whatever it is doing."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        await self._listener

    async def terminate(self) -> int:
        """SIGTERM; the exit code."""
        self._process.send_signal(signal.SIGTERM)
        code = await self._process.wait()
        await self._listener
        return code

    async def restart(self) -> None:
        """Kills it and starts it again."""
        await self.kill()
        await self.start()

    def limit_files(self, octets: int) -> None:
        """From now on no file of it may become larger than that."""
        _, most = resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (octets, most))

    async def _listen(self) -> None:
        assert self._process.stderr is not None
        async for line in self._process.stderr:
            text = line.decode()
            self.output.append(text)
            try:
                self.logs.append(json.loads(text))
            except ValueError:
                continue
            if self.logs[-1].get("state") == "running":
                self._running.set()
