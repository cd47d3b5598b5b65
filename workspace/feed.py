"""What happens, in order, for those who watch: the page and the tests."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

_KEPT = 1000


class Feed:
    """A numbered stream of happenings; each watcher has a queue of its own."""

    def __init__(self) -> None:
        self.sequence = 0
        self._watchers: set[asyncio.Queue[dict[str, Any]]] = set()

    def close(self) -> None:
        """End every stream: each watcher gets a last happening of type `end`."""
        self.publish("end")

    def publish(self, kind: str, *, users: list[str] | None = None, **more: Any) -> None:
        """Tell every watcher. `users` limits it to those people; None is everyone.

        Lines of the log are told, but are no change of the state: they keep the number.
        """
        if kind != "log":
            self.sequence += 1
        happening = {"type": kind, "sequence": self.sequence, "users": users, **more}
        for watcher in self._watchers:
            if watcher.qsize() < _KEPT:
                watcher.put_nowait(happening)

    @asynccontextmanager
    async def watch(self) -> AsyncIterator[asyncio.Queue[dict[str, Any]]]:
        """A queue that gets everything published from now on."""
        queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._watchers.add(queue)
        try:
            yield queue
        finally:
            self._watchers.discard(queue)

    async def wait_beyond(self, sequence: int, seconds: float) -> bool:
        """Wait until something newer than `sequence` was published, at most `seconds`."""
        if self.sequence > sequence:
            return True
        async with self.watch() as queue:
            try:
                async with asyncio.timeout(seconds):
                    while self.sequence <= sequence:
                        await queue.get()
            except TimeoutError:
                return False
        return True


class Log:
    """The last requests, envelopes and acknowledgements, with tokens masked."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._entries: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self._secrets: dict[str, str] = {}

    def mask(self, secret: str, name: str) -> None:
        """Never show this secret: show its name."""
        self._secrets[secret] = f"[{name}]"

    def add(self, kind: str, **more: Any) -> dict[str, Any]:
        """Write a line. `kind` is `request`, `envelope`, `acknowledgement`, `connection`, …"""
        entry: dict[str, Any] = self._masked({"kind": kind, **more})
        self._entries.append(entry)
        self._feed.publish("log", entry=entry)
        return entry

    def entries(self) -> list[dict[str, Any]]:
        """All lines kept, oldest first."""
        return list(self._entries)

    def _masked(self, value: Any) -> Any:
        if isinstance(value, str):
            for secret, name in self._secrets.items():
                value = value.replace(secret, name)
            return value
        if isinstance(value, dict):
            return {key: self._masked(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._masked(item) for item in value]
        return value
