"""The servers of the benchmark, each in a process of its own:
``python -m tools.bench.server CHAIN KEY`` listens on every loopback address, prints its port and
serves TLS until its standard input ends."""

from __future__ import annotations

import asyncio
import re
import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen

import psutil

_BACKLOG = 1024
_EVERY_ADDRESS = "0.0.0.0"  # noqa: S104  all of 127.0.0.0/8, while the benchmark runs


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: its port and its process."""

    port: int
    pid: int

    def processor_seconds(self) -> float:
        """What it has used of the processors so far."""
        used = psutil.Process(self.pid).cpu_times()
        return used.user + used.system


@contextmanager
def serving(chain: Path, key: Path) -> Iterator[Server]:
    """A TLS server that sends the certificates in ``chain``."""
    command = [sys.executable, "-m", "tools.bench.server", str(chain), str(key)]
    with Popen(command, stdin=PIPE, stdout=PIPE) as process:
        if process.stdout is None or process.stdin is None:
            raise RuntimeError("the server has no pipes")
        yield Server(int(process.stdout.readline()), process.pid)
        process.stdin.close()


@contextmanager
def serving_files(folder: Path) -> Iterator[int]:
    """The port of a web server of the files in ``folder``, at 127.0.0.1."""
    command = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"]
    with Popen([*command, "--directory", str(folder)], stdout=PIPE, stderr=DEVNULL) as process:
        if process.stdout is None:
            raise RuntimeError("the server has no pipe")
        told = re.search(rb"port (\d+)", process.stdout.readline())
        if told is None:
            raise RuntimeError("the server told no port")
        yield int(told[1])
        process.terminate()


async def _serve(chain: str, key: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)

    async def until_closed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            await reader.read()
        writer.close()

    server = await asyncio.start_server(
        until_closed, _EVERY_ADDRESS, 0, ssl=context, backlog=_BACKLOG
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve(*sys.argv[1:]))
