"""The program in a process of its own: as its user starts it, or quickly."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from tests.support.forking import fork, reader_of

LOOPBACK = {"WHICHROOT_EGRESS_ALLOW": "127.0.0.0/8,::1/128"}


@dataclass(frozen=True, slots=True)
class Run:
    """How a run ended."""

    code: int
    output: str
    errors: str

    @property
    def json(self) -> Any:
        """What the output says, as JSON."""
        return json.loads(self.output)

    @property
    def lines(self) -> list[Any]:
        """What each line of the output says, as JSON."""
        return [json.loads(line) for line in self.output.splitlines()]


def environment(**changes: Any) -> dict[str, str]:
    """This process's environment without settings of the program, and ``changes``."""
    kept = {name: value for name, value in os.environ.items() if "WHICHROOT_" not in name}
    return {**kept, **LOOPBACK, **changes}


async def whichroot(*arguments: str, stdin: bytes = b"", **changes: Any) -> Run:
    """Runs it to its end, forked from what has loaded it. ``changes`` are environment variables;
    loopback is allowed unless they say otherwise."""
    pipes = [os.pipe() for _ in range(3)]
    (its_input, our_input), (our_output, its_output), (our_errors, its_errors) = pipes
    try:
        process = await fork(arguments, environment(**changes), its_input, its_output, its_errors)
    finally:
        for descriptor in (its_input, its_output, its_errors):
            os.close(descriptor)
    try:
        _, output, errors = await asyncio.gather(
            asyncio.to_thread(_feed, our_input, stdin),
            (await reader_of(our_output)).read(),
            (await reader_of(our_errors)).read(),
        )
        return Run(await process.wait(), output.decode(), errors.decode())
    finally:
        process.send_signal(signal.SIGKILL)


def _feed(descriptor: int, data: bytes) -> None:
    with suppress(BrokenPipeError), os.fdopen(descriptor, "wb") as pipe:
        pipe.write(data)


@asynccontextmanager
async def started(
    *arguments: str,
    stdout: int = asyncio.subprocess.PIPE,
    stderr: int = asyncio.subprocess.PIPE,
    **changes: Any,
) -> AsyncIterator[asyncio.subprocess.Process]:
    """The running program, which is gone when the block ends."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot"),
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=stdout,
        stderr=stderr,
        env=environment(**changes),
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


class Terminal:
    """A pseudo-terminal that a program may write to; ``text`` is what it has written."""

    def __init__(self, columns: int = 80) -> None:
        import fcntl
        import struct
        import termios

        self._master, self.descriptor = os.openpty()
        size = struct.pack("HHHH", 24, columns, 0, 0)
        fcntl.ioctl(self.descriptor, termios.TIOCSWINSZ, size)
        self._heard = bytearray()
        os.set_blocking(self._master, False)
        asyncio.get_running_loop().add_reader(self._master, self._read)

    def _read(self) -> None:
        # EIO: nobody holds the other side open any more.
        with suppress(OSError):
            self._heard += os.read(self._master, 65536)

    @property
    def text(self) -> str:
        self._read()
        return self._heard.decode()

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._master)
        os.close(self.descriptor)
        os.close(self._master)
