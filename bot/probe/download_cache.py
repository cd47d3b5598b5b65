"""Downloaded certificates, kept in memory and on disk, each URL fetched once at a time."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, TypeAlias

from bot.pki.digests import sha256
from bot.probe.download_limits import DownloadError
from bot.records import record

#: The DER of certificates.
Encoded: TypeAlias = tuple[bytes, ...]

_SUFFIX: Final = ".issuers"


@record
class CacheLimits:
    """For how many seconds a result and a failure are kept (failures in memory only), and how many
    bytes of results, or failures, are. On disk the oldest go when there are more than
    ``disk_bytes``."""

    seconds: float = 7 * 86_400
    failure_seconds: float = 60
    memory_bytes: int = 16 << 20
    disk_bytes: int = 64 << 20
    failures: int = 1_000


@record
class _Entry:
    encoded: Encoded
    fetched: float

    @property
    def size(self) -> int:
        return sum(map(len, self.encoded)) + 200


@record(frozen=False)
class _Running:
    task: asyncio.Task[Encoded | DownloadError]
    waiting: int = 0


class DownloadCache:
    """Certificates by the URL they were downloaded from.

    ``folder`` keeps them from one run to the next; it is made when first written to, and None keeps
    them in memory only. A folder that cannot be used is not an error: the cache then is in memory.
    Processes may share a folder: files appear whole or not at all, and damaged ones are not used.
    ``clock`` gives seconds since the epoch. For one event loop.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        limits: CacheLimits = CacheLimits(),  # noqa: B008  frozen: nobody can change the shared one
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._limits = limits
        self._clock = clock
        self._memory: OrderedDict[str, _Entry] = OrderedDict()
        self._memory_bytes = 0
        self._disk_bytes: int | None = None
        self._failures: OrderedDict[str, tuple[DownloadError, float]] = OrderedDict()
        self._running: dict[str, _Running] = {}

    async def get(self, url: str, fetch: Callable[[], Awaitable[Encoded]]) -> Encoded:
        """What ``url`` holds: what is kept, unless it is too old, else what ``fetch`` gives. When
        that fails, what is too old is better than nothing. Callers that ask for the same URL at
        the same time share one fetch, which ends when the last of them leaves. Raises what
        ``fetch`` raised, a DownloadError, again until that is too old."""
        now = self._clock()
        kept = self._memory.get(url) or self._load(url)
        if kept and 0 <= now - kept.fetched < self._limits.seconds:
            self._remember(url, kept)
            return kept.encoded
        failure = self._failures.get(url)
        if failure and 0 <= now - failure[1] < self._limits.failure_seconds:
            outcome: Encoded | DownloadError = failure[0]
        else:
            outcome = await self._shared(url, fetch)
        if not isinstance(outcome, DownloadError):
            return outcome
        if kept:
            return kept.encoded
        # A copy, because every raise adds to an exception's traceback.
        raise DownloadError(outcome.code, outcome.message, outcome.remedy)

    async def _shared(
        self, url: str, fetch: Callable[[], Awaitable[Encoded]]
    ) -> Encoded | DownloadError:
        running = self._running.get(url)
        if running is None:
            running = _Running(asyncio.create_task(self._fetch(url, fetch)))
            self._running[url] = running
        running.waiting += 1
        try:
            return await asyncio.shield(running.task)
        finally:
            running.waiting -= 1
            if not running.waiting:
                if self._running.get(url) is running:
                    del self._running[url]
                if not running.task.done():
                    running.task.cancel()
                    await asyncio.wait([running.task])

    async def _fetch(
        self, url: str, fetch: Callable[[], Awaitable[Encoded]]
    ) -> Encoded | DownloadError:
        try:
            entry = _Entry(await fetch(), self._clock())
        except DownloadError as error:
            self._failures[url] = (error, self._clock())
            self._failures.move_to_end(url)
            if len(self._failures) > self._limits.failures:
                self._failures.popitem(last=False)
            return error
        self._failures.pop(url, None)
        self._remember(url, entry)
        # Without a disk that takes it, the memory has it.
        with contextlib.suppress(OSError):
            self._save(url, entry)
        return entry.encoded

    def _remember(self, url: str, entry: _Entry) -> None:
        if old := self._memory.pop(url, None):
            self._memory_bytes -= old.size
        self._memory[url] = entry
        self._memory_bytes += entry.size
        while self._memory_bytes > self._limits.memory_bytes:
            _, oldest = self._memory.popitem(last=False)
            self._memory_bytes -= oldest.size

    def _load(self, url: str) -> _Entry | None:
        if self._folder is None:
            return None
        try:
            digest, _, content = _path(self._folder, url).read_bytes().partition(b"\n")
            if digest != _digest(content):
                return None
            head, _, body = content.partition(b"\n")
            found = json.loads(head)
            if found["url"] != url:
                return None
            ends = [sum(found["sizes"][: n + 1]) for n in range(len(found["sizes"]))]
            encoded = tuple(
                body[end - size : end] for end, size in zip(ends, found["sizes"], strict=True)
            )
            return _Entry(encoded, float(found["fetched"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _save(self, url: str, entry: _Entry) -> None:
        if self._folder is None:
            return
        head = {
            "url": url,
            "fetched": entry.fetched,
            "sizes": [len(part) for part in entry.encoded],
        }
        content = json.dumps(head).encode("ascii") + b"\n" + b"".join(entry.encoded)
        content = _digest(content) + b"\n" + content
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = self._folder / f"{os.urandom(16).hex()}.part"
        try:
            with open(part, "xb", opener=_for_this_user) as file:  # Path.open has no opener
                file.write(content)
            part.replace(_path(self._folder, url))
        except OSError:
            part.unlink(missing_ok=True)
            raise
        if self._disk_bytes is not None:
            self._disk_bytes += len(content)
        if self._disk_bytes is None or self._disk_bytes > self._limits.disk_bytes:
            self._disk_bytes = _trim(self._folder, self._limits.disk_bytes)


def _for_this_user(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _digest(content: bytes) -> bytes:
    return sha256(content).encode("ascii")


def _path(folder: Path, url: str) -> Path:
    return folder / (sha256(url.encode("utf-8", "surrogatepass")) + _SUFFIX)


def _trim(folder: Path, limit: int) -> int:
    """Deletes the oldest files until a tenth of ``limit`` is free, if they are more than that, and
    what a process left half-written an hour ago. The bytes that remain."""
    files: list[tuple[float, int, Path]] = []
    for path in folder.iterdir():
        with contextlib.suppress(OSError):
            found = path.stat()
            if path.suffix == _SUFFIX:
                files.append((found.st_mtime, found.st_size, path))
            elif path.suffix == ".part" and found.st_mtime < time.time() - 3_600:
                path.unlink()
    total = sum(size for _, size, _ in files)
    if total <= limit:
        return total
    for _, size, path in sorted(files):
        if total <= limit * 9 // 10:
            break
        path.unlink(missing_ok=True)
        total -= size
    return total
