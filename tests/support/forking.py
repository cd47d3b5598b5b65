"""The program in a process of its own that need not load it: it is forked from one that has, which is
``python -m tests.support.forking``."""

from __future__ import annotations

import asyncio
import atexit
import functools
import gc
import importlib
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

#: Environment variables and arguments, in bytes.
_MOST: Final = 1 << 17


class Forked:
    """A running program. ``pid`` is its own."""

    def __init__(self, pid: int, end: asyncio.StreamReader) -> None:
        self.pid = pid
        self._end = end
        self._code: int | None = None

    def send_signal(self, number: int) -> None:
        """Sends it a signal unless it has ended."""
        if self._code is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    async def wait(self) -> int:
        """Its exit code as soon as it has ended; negative: the signal that ended it."""
        if self._code is None:
            self._code = int(await self._end.read())
        return self._code


async def fork(
    arguments: Sequence[str], environment: Mapping[str, str], stdin: int, stdout: int, stderr: int
) -> Forked:
    """Starts the program with these arguments, environment variables and descriptors."""
    reading, writing = os.pipe()
    request = json.dumps([list(arguments), dict(environment), str(Path.cwd())]).encode()
    try:
        socket.send_fds(_server(), [request], [stdin, stdout, stderr, writing])
    finally:
        os.close(writing)
    end = await reader_of(reading)
    return Forked(int(await end.readline()), end)


async def reader_of(descriptor: int) -> asyncio.StreamReader:
    """Reads a pipe to its end, and closes it there."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb")
    )
    return reader


@functools.cache
def _server() -> socket.socket:
    """What the server is asked through; it ends with this process."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with its:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(its.fileno())],
            stdin=subprocess.DEVNULL,
            cwd=Path(__file__).parents[2],
            pass_fds=[its.fileno()],
        )

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


def _serve(asked: socket.socket) -> None:
    """Forks until nobody can ask any more."""
    from bot import commands
    from bot.cli import main

    for module in (
        "bot.app",
        *(f"bot.commands.{m.name}" for m in pkgutil.iter_modules(commands.__path__)),
    ):
        importlib.import_module(module)
    gc.collect()
    gc.freeze()
    # The kernel buries those who watch.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        request, descriptors, _, _ = socket.recv_fds(asked, _MOST, 4)
        if not request:
            return
        if not os.fork():
            break
        for descriptor in descriptors:
            os.close(descriptor)
    asked.close()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    *standard, told = descriptors
    if pid := os.fork():
        _watch(pid, standard, told)
    os.close(told)
    arguments, environment, folder = json.loads(request)
    for number, descriptor in enumerate(standard):
        os.dup2(descriptor, number)
        os.close(descriptor)
    # What Python made of the old ones knows what these were.
    sys.stdin, sys.stdout, sys.stderr = (
        open(0, closefd=False),  # noqa: SIM115  it has no path, and stays open
        open(1, "w", closefd=False),  # noqa: SIM115
        open(2, "w", closefd=False, buffering=1, errors="backslashreplace"),  # noqa: SIM115
    )
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    try:
        code = main(arguments)
    except SystemExit as ended:
        code = int(ended.code or 0)
    atexit._run_exitfuncs()
    sys.stdout.flush()
    # To take the whole program apart, as Python does at its end, costs more than most commands.
    os._exit(code)


def _watch(pid: int, standard: Sequence[int], told: int) -> None:
    """Tells its number, and how it ended."""
    for descriptor in standard:
        os.close(descriptor)
    with suppress(BrokenPipeError):
        os.write(told, b"%d\n" % pid)
        _, status = os.waitpid(pid, 0)
        os.write(told, b"%d" % os.waitstatus_to_exitcode(status))
    os._exit(0)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
