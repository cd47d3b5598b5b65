"""The bot as a process that can be killed at its commits: composed as ``whichroot serve`` does it, with
listeners to SQLAlchemy's events that ask before each commit whether to go on.

Processes are forked from one that has loaded the program already: a start then takes as long as the
bot's own, and no second for the imports.
"""

from __future__ import annotations

import asyncio
import json
import logging
import multiprocessing
import os
import socket
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from multiprocessing.context import ForkServerProcess
from typing import Any, Final

from sqlalchemy import Connection, Engine, event
from sqlalchemy.pool import ConnectionPoolEntry, Pool

from bot import settings
from bot.app import Bot
from bot.requests.patience import Patience
from bot.serving import logs

#: Short, so that a story takes seconds.
_PATIENCE: Final = Patience(poll=0.1, first=0.2, most=1.0, courier=20.0)

_CONTEXT: Final = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["__main__", "tools.soak.crash.warm"])
_WRITES: Final = {"INSERT": "+", "UPDATE": "~", "DELETE": "-", "CREATE": "*"}


def start(
    environment: Mapping[str, str], control: tuple[str, int], replica: int, log: str
) -> ForkServerProcess:
    """A bot with this environment. It connects to ``control`` and writes its log to the file."""
    process = _CONTEXT.Process(
        target=_serve, args=(dict(environment), control, replica, log), daemon=True
    )
    process.start()
    return process


def _serve(
    environment: Mapping[str, str], control: tuple[str, int], replica: int, log: str
) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.environ.update(environment)
    commits = _Commits(socket.create_connection(control), replica)
    commits.listen()
    asyncio.run(_run(commits))


async def _run(commits: _Commits) -> None:
    logs.configure(level=logging.INFO)
    found = settings.load()
    async with Bot(found, patience=replace(_PATIENCE, lease=found.lease)):
        commits.running()
        await asyncio.Event().wait()


class _Commits:
    """Asks at each commit that keeps something. The answer: `go`, `wait` (for the end that comes),
    `soon` (the end comes while it is carried out) or `stop` (wait for it once it is)."""

    def __init__(self, control: socket.socket, replica: int) -> None:
        self._control = control
        self._answers = control.makefile("r", encoding="ascii")
        self._say({"replica": replica, "process": os.getpid()})

    def listen(self) -> None:
        """Hears of every statement and commit of this process."""
        event.listen(Engine, "before_cursor_execute", _note_write)
        event.listen(Pool, "connect", _trace)
        event.listen(Engine, "rollback", _forget_writes)
        event.listen(Engine, "commit", self._commit)
        event.listen(Pool, "checkin", self._checkin)

    def running(self) -> None:
        """The bot runs."""
        self._say({"running": True})

    def _commit(self, connection: Connection) -> None:
        wrote = connection.info.pop("wrote", None)
        if not wrote:
            return
        self._say({"commit": "commit " + " ".join(sorted(wrote, key=lambda word: word[1:]))})
        answer = self._answers.readline().strip()
        if answer == "wait":
            time.sleep(60)
        connection.info["stops"] = answer == "stop"

    def _checkin(self, _: object, entry: ConnectionPoolEntry) -> None:
        # A connection goes back to the pool right after its commit.
        if entry.info.pop("stops", False):
            self._say({"committed": True})
            time.sleep(60)

    def _say(self, what: Mapping[str, Any]) -> None:
        self._control.sendall(json.dumps(what).encode() + b"\n")


def _trace(driver: object, entry: ConnectionPoolEntry) -> None:
    """SQLite's own word for what it runs: much of it does not come from SQLAlchemy."""
    if isinstance(driver, sqlite3.Connection):
        driver.set_trace_callback(partial(_note, entry.info))


def _note_write(connection: Connection, _: object, statement: str, *more: object) -> None:
    _note(connection.info, statement)


def _note(info: dict[Any, Any], statement: str) -> None:
    words = statement.split(None, 3)
    sign = _WRITES.get(words[0].upper()) if words else None
    if sign is None:
        return
    table = words[1] if sign == "~" else words[2] if len(words) > 2 else ""
    if sign == "*":
        table = "tables"
    info.setdefault("wrote", set()).add(sign + table.strip('("'))


def _forget_writes(connection: Connection) -> None:
    connection.info.pop("wrote", None)
