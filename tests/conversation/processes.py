"""The bot in a process of its own, which can be killed."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import sys
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Final, Protocol, Self

from tests.support.forking import Forked, fork, reader_of

_START_SECONDS: Final = 120.0


class BotProcess:
    """``whichroot serve`` with this environment; an asynchronous context manager that kills it at
    the end if it still runs. ``logs`` are the entries that it has written."""

    def __init__(self, environment: Mapping[str, str], *arguments: str) -> None:
        self._environment = {**os.environ, **environment}
        self._arguments = arguments
        self._process: _Process
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

    async def _begin(self, environment: Mapping[str, str], arguments: Sequence[str]) -> _Process:
        return await _Program.begin(environment, arguments)

    async def start(self) -> None:
        """Starts it and waits until it says that it runs."""
        self._running.clear()
        self._process = await self._begin(self._environment, self._arguments)
        self._listener = asyncio.create_task(self._listen())
        try:
            async with asyncio.timeout(_START_SECONDS):
                running = asyncio.create_task(self._running.wait())
                await asyncio.wait({running, self._listener}, return_when=asyncio.FIRST_COMPLETED)
                running.cancel()
        except TimeoutError:
            pass
        if not self._running.is_set():
            raise RuntimeError("\n".join(["the bot did not start:", *self.output])) from None

    async def kill(self) -> None:
        """SIGKILL: it ends at once, whatever it is doing."""
        self._process.send_signal(signal.SIGKILL)
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
        async for line in self._process.stderr:
            text = line.decode()
            self.output.append(text)
            try:
                self.logs.append(json.loads(text))
            except ValueError:
                continue
            if self.logs[-1].get("state") == "running":
                self._running.set()


class ForkedBotProcess(BotProcess):
    """The same, forked from a process that has loaded the program: it runs a second earlier."""

    async def _begin(self, environment: Mapping[str, str], arguments: Sequence[str]) -> _Process:
        return await _Fork.begin(environment, arguments)


class _Process(Protocol):
    stderr: asyncio.StreamReader

    @property
    def pid(self) -> int: ...

    def send_signal(self, number: int) -> None:
        """Unless it has ended."""

    async def wait(self) -> int:
        """Its exit code, as soon as it has ended."""


class _Program:
    """A program of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        self._process, self.stderr = process, process.stderr

    @classmethod
    async def begin(cls, environment: Mapping[str, str], arguments: Sequence[str]) -> _Process:
        return cls(
            await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "bot",
                "serve",
                *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                env=environment,
            )
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def send_signal(self, number: int) -> None:
        if self._process.returncode is None:
            self._process.send_signal(number)

    async def wait(self) -> int:
        return await self._process.wait()


class _Fork:
    """A fork of what has loaded the program."""

    def __init__(self, process: Forked, stderr: asyncio.StreamReader) -> None:
        self._process, self.stderr = process, stderr

    @classmethod
    async def begin(cls, environment: Mapping[str, str], arguments: Sequence[str]) -> _Process:
        reading, writing = os.pipe()
        nowhere = os.open(os.devnull, os.O_RDWR)
        try:
            process = await fork(["serve", *arguments], environment, nowhere, nowhere, writing)
        finally:
            os.close(writing)
            os.close(nowhere)
        return cls(process, await reader_of(reading))

    @property
    def pid(self) -> int:
        return self._process.pid

    def send_signal(self, number: int) -> None:
        self._process.send_signal(number)

    async def wait(self) -> int:
        return await self._process.wait()
