"""What a load needs around it: servers, Slack and its people, and the bot, each in a process of its
own, and what each of them costs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

import psutil

from tools.soak.load_servers import make_chains, server_address, server_name
from tools.soak.load_slack import APP_TOKEN, BOT_TOKEN, Outcome, Wave

_START_SECONDS: Final = 60.0
#: The names are too many for one environment variable.
_ENV_FILE: Final = ".env"


class Part:
    """A process of the stage."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._usage = psutil.Process(process.pid)
        self.cpu_before = self.cpu

    @property
    def cpu(self) -> float:
        """Seconds of the processor so far."""
        used = self._usage.cpu_times()
        return used.user + used.system

    @property
    def memory(self) -> float:
        """Resident memory in MiB."""
        return self._usage.memory_info().rss / (1 << 20)

    def say(self, what: Mapping[str, Any]) -> None:
        """Writes a line of JSON to it."""
        _pipe(self._process.stdin).write(json.dumps(what) + "\n")
        _pipe(self._process.stdin).flush()

    def hear(self) -> Any:
        """The next line of JSON from it."""
        return json.loads(_pipe(self._process.stdout).readline())


class Stage:
    """All of it; a context manager. ``database_url`` is the bot's database, ``servers`` how many
    there are, one in ten of them stalled; ``settings`` are variables that the bot gets besides;
    ``distance`` is how many seconds late handshakes begin."""

    def __init__(
        self,
        folder: Path,
        database_url: str,
        servers: int,
        settings: Mapping[str, str] | None = None,
        distance: float = 0.0,
    ) -> None:
        self.servers = servers
        self._distance = distance
        self._settings = settings or {}
        self.started_in = 0.0
        self.parts: dict[str, Part] = {}
        self.memory: list[tuple[float, float]] = []
        """The bot's memory over time: seconds and MiB."""
        self._folder = folder
        self._database_url = database_url
        self._stack = ExitStack()
        self._ports: Mapping[str, int] = {}

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._set_up(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def bot(self) -> Part:
        """The bot's process."""
        return self.parts["bot"]

    def run(self, count: int, rate: float, **other: float) -> Outcome:
        """A wave of commands; see `Wave`. Measures meanwhile."""
        for part in self.parts.values():
            part.cpu_before = part.cpu
        wave = Wave(
            count,
            rate,
            servers=self.servers,
            answering=self._ports["answering"],
            stalled=self._ports["stalled"],
            **other,
        )
        self.memory.clear()
        done = threading.Event()
        watching = threading.Thread(target=self._watch, args=(done,))
        watching.start()
        try:
            self.parts["slack"].say(asdict(wave))
            return Outcome(**self.parts["slack"].hear())
        finally:
            done.set()
            watching.join()

    def cpu(self) -> Mapping[str, float]:
        """Seconds of the processor that each part took since the wave began."""
        return {name: part.cpu - part.cpu_before for name, part in self.parts.items()}

    def _watch(self, done: threading.Event) -> None:
        started = time.monotonic()
        while not done.wait(1.0):
            self.memory.append((time.monotonic() - started, self.bot.memory))

    def _set_up(self, stack: ExitStack) -> None:
        roots = make_chains(self._folder, self.servers)
        python = [sys.executable, "-m"]
        serving = ("tools.soak.load_servers", str(self._folder), str(self._distance))
        servers = self._start(stack, [*python, *serving])
        self._ports = servers.hear()
        slack = self._start(stack, [*python, "tools.soak.load_slack"])
        address = slack.hear()["url"]
        hosts = ",".join(f"{server_name(n)}={server_address(n)}" for n in range(self.servers))
        (self._folder / _ENV_FILE).write_text(f"WHICHROOT_HOSTS={hosts}\n", encoding="utf-8")
        started = time.perf_counter()
        bot = self._start_bot(stack, address, roots)
        self.started_in = time.perf_counter() - started
        self.parts = {"bot": bot, "slack": slack, "servers": servers}

    def _start_bot(self, stack: ExitStack, address: str, roots: Path) -> Part:
        kept = {name: value for name, value in os.environ.items() if "WHICHROOT_" not in name}
        kept.pop("PYTHONDONTWRITEBYTECODE", None)
        environment = {
            **kept,
            "PYTHONPATH": str(Path.cwd()),
            "SLACK_BOT_TOKEN": BOT_TOKEN,
            "SLACK_APP_TOKEN": APP_TOKEN,
            "SLACK_API_URL": f"{address}/api/",
            "DATABASE_URL": self._database_url,
            "WHICHROOT_EGRESS_ALLOW": "127.0.0.0/8",
            "WHICHROOT_COMPANY_ROOTS": str(roots),
            "WHICHROOT_CACHE_DIR": str(self._folder / "cache"),
            "WHICHROOT_SUPPORT_CHANNEL": "C0SUPPORT01",
            "WHICHROOT_LISTEN_PORT": "0",
            **self._settings,
        }
        log = stack.enter_context((self._folder / "bot.log").open("w"))
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", "serve"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            cwd=self._folder,
            env=environment,
            text=True,
        )
        stack.callback(_end, process)
        self._await_running(process)
        return Part(process)

    def _await_running(self, process: subprocess.Popen[str]) -> None:
        log = self._folder / "bot.log"
        deadline = time.monotonic() + _START_SECONDS
        while '"running"' not in log.read_text(encoding="utf-8"):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the bot did not start:\n{log.read_text(encoding='utf-8')}")
            time.sleep(0.005)

    def _start(self, stack: ExitStack, command: list[str]) -> Part:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        stack.callback(_end, process)
        return Part(process)


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def _pipe(pipe: IO[str] | None) -> IO[str]:
    if pipe is None:
        raise RuntimeError("the process has no pipes")
    return pipe
