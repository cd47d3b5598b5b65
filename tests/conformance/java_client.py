"""A real Java client: connects over HTTPS and LDAPS with exactly one truststore."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.conformance.oracle import libjvm
from tests.conformance.records import Protocol, pem

_WORKER = Path(__file__).with_name("java_client_worker.py")


@dataclass(frozen=True, slots=True)
class Connection:
    """Whether the TLS connection came about; ``message`` is Java's, outermost exception first, of
    LDAPS also where it is not about TLS."""

    connected: bool
    message: str | None


class JavaClient:
    """Java ``jdk`` with ``installed`` (DER) in its truststore and nothing else; ``hosts`` are the
    names that lead to 127.0.0.1. An asynchronous context manager, a JVM of its own."""

    def __init__(
        self, jdk: int, installed: Sequence[bytes], hosts: Sequence[str], folder: Path
    ) -> None:
        self._jdk = jdk
        self._setup = {"installed": [pem(der) for der in installed], "hosts": list(hosts)}
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None

    async def connect(self, protocol: Protocol, host: str, port: int) -> Connection:
        """Connects to ``host`` on this machine."""
        await self._say({"protocol": protocol, "host": host, "port": port})
        assert self._process is not None
        assert self._process.stdout is not None
        answer = json.loads(await self._process.stdout.readline())
        return Connection(answer["connected"], answer["message"])

    async def _say(self, line: object) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(line).encode() + b"\n")
        await self._process.stdin.drain()

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(_WORKER),
            str(libjvm(self._jdk)),
            str(self._folder),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        await self._say(self._setup)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            if self._process.stdin is not None:
                self._process.stdin.close()
            await self._process.communicate()
