"""Worker processes for a long list: one for each processor, all fed from the same list.

Workers are forked before the event loop begins, so they cost no start; each has a socket to its parent
and an event loop of its own. Texts go to whoever has room, answers come back as they are finished.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from typing import Final, NoReturn, TypeAlias

from bot import incidents
from bot.commands.running import run as run_loop

#: A text, whether it is well with it, and the line to print for it.
Answer: TypeAlias = tuple[str, bool, str]

#: Answers texts as they come, no more than so many at a time.
Answering: TypeAlias = Callable[[AsyncIterator[str], int], AsyncGenerator[Answer, None]]

#: The answer to a text whose worker ended with this exit status, negative: with this signal.
Losing: TypeAlias = Callable[[str, int], Answer]

#: A list of so many is worth workers: each needs what a first host needs beyond others.
WORTH_WORKERS: Final = 100

_MOST: Final = 8
#: An answer's head is one line: a text of some thousand characters, escaped.
_HEAD_BYTES: Final = 1 << 20
_NO_MORE: Final = b"\n"


def processors() -> int:
    """How many this process may use; where it cannot have workers 1."""
    if not hasattr(os, "fork"):
        return 1
    allowed = getattr(os, "sched_getaffinity", None)
    return min(_MOST, len(allowed(0)) if allowed else os.cpu_count() or 1)


class Workers:
    """``count`` processes that answer texts. Made before the event loop and before any thread begins;
    a context manager, at whose end no worker is left."""

    def __init__(self, count: int, answering: Answering, concurrency: int) -> None:
        self._workers: list[_Worker] = []
        for number in range(count):
            room = concurrency // count + (number < concurrency % count)
            self._workers.append(_forked(answering, room, self._workers))

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.end()

    async def answers(
        self, texts: AsyncIterator[str], losing: Losing
    ) -> AsyncGenerator[Answer, None]:
        """The answers as they finish; no more texts are held at a time than was said, and none goes
        without: what a worker held that ended before its time, and what is left when none remains, is
        answered by ``losing``. Raises what ``texts`` raises."""
        answered: _Answered = asyncio.Queue()
        serving = asyncio.create_task(_serve(self._workers, _Source(texts), answered, losing))
        serving.add_done_callback(lambda _: answered.put_nowait(None))
        try:
            while (item := await answered.get()) is not None:
                answer, room = item
                if room is not None:
                    room.release()
                yield answer
            await serving
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)


#: Answers, each with the room that it takes until it is printed; None: there are no more.
_Answered: TypeAlias = "asyncio.Queue[tuple[Answer, asyncio.Semaphore | None] | None]"


class _Source:
    """Texts for several who ask in turns."""

    def __init__(self, texts: AsyncIterator[str]) -> None:
        self._texts = texts
        self._turn = asyncio.Lock()
        self._exhausted = False

    async def next(self) -> str | None:
        """The next text; None: there is none."""
        async with self._turn:
            text = None if self._exhausted else await anext(self._texts, None)
            self._exhausted = text is None
            return text


async def _serve(
    workers: Sequence[_Worker], source: _Source, answered: _Answered, losing: Losing
) -> None:
    try:
        for worker in workers:
            await worker.open()
        tasks = [
            asyncio.create_task(part)
            for worker in workers
            for part in (
                worker.feed(source, answered, losing),
                worker.collect(answered, losing),
            )
        ]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        # Something is left only where every worker has ended before its time.
        while (text := await source.next()) is not None:
            answered.put_nowait((losing(text, workers[0].status), None))
            await asyncio.sleep(0)
    finally:
        for worker in workers:
            worker.close()


class _Worker:
    """A worker as its parent sees it. ``room``: how many texts it may hold at a time; ``status``: its
    exit status, once it has ended before its time."""

    def __init__(self, pid: int, end: socket.socket, room: int) -> None:
        self.socket = end
        self.status = 0
        self._pid = pid
        self._room = asyncio.Semaphore(room)
        self._held: list[str] = []
        self._is_reaped = False
        self._ended = asyncio.Event()
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter | None = None

    async def open(self) -> None:
        self._reader, self._writer = await asyncio.open_connection(
            sock=self.socket, limit=_HEAD_BYTES
        )

    async def feed(self, source: _Source, answered: _Answered, losing: Losing) -> None:
        """Gives it texts until there are none, or it has ended."""
        while True:
            await self._room.acquire()
            if self._ended.is_set():
                return
            text = await source.next()
            if text is not None:
                self._held.append(text)
            if self._ended.is_set():
                self._lose(answered, losing)
                return
            await self._tell(_NO_MORE if text is None else json.dumps(text).encode() + b"\n")
            if text is None:
                return

    async def collect(self, answered: _Answered, losing: Losing) -> None:
        """Takes its answers until it has ended."""
        while answer := await _received(self._reader):
            self._held.remove(answer[0])
            answered.put_nowait((answer, self._room))
        self._ended.set()
        if self._held:
            self.status = self._reaped()
            self._lose(answered, losing)
        self._room.release()

    def close(self) -> None:
        """The connection to it: a worker that is not finished ends then."""
        if self._writer is not None:
            self._writer.close()

    def end(self) -> None:
        """Ends it, whatever it does."""
        self.socket.close()
        if not self._is_reaped:
            os.kill(self._pid, signal.SIGTERM)
            self._reaped()

    async def _tell(self, line: bytes) -> None:
        if self._writer is not None:
            # One that has ended is found out where its answers are awaited.
            with contextlib.suppress(ConnectionError):
                self._writer.write(line)
                await self._writer.drain()

    def _lose(self, answered: _Answered, losing: Losing) -> None:
        for text in self._held:
            answered.put_nowait((losing(text, self.status), None))
        self._held.clear()

    def _reaped(self) -> int:
        _, status = os.waitpid(self._pid, 0)
        self._is_reaped = True
        return os.waitstatus_to_exitcode(status)


async def _received(reader: asyncio.StreamReader) -> Answer | None:
    """The next answer; None: the worker has ended."""
    try:
        head = await reader.readline()
        if not head.endswith(b"\n"):
            return None
        text, is_well, size = json.loads(head)
        line = await reader.readexactly(size)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    return text, is_well, line.decode()


def _forked(answering: Answering, room: int, others: Sequence[_Worker]) -> _Worker:
    ours, its = socket.socketpair()
    pid = os.fork()
    if pid:
        its.close()
        return _Worker(pid, ours, room)
    # The worker: nothing of what its parent would do at its end is to be done here.
    status = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        for end in (ours, *(other.socket for other in others)):
            end.close()
        _leave_streams()
        run_loop(_work(answering, its, room))
        status = 0
    except Exception as error:
        incidents.record(error, "a worker process")
    finally:
        os._exit(status)


def _leave_streams() -> None:
    """Standard input and output are the parent's: who reads the output waits for its last owner."""
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)


async def _work(answering: Answering, end: socket.socket, room: int) -> None:
    reader, writer = await asyncio.open_connection(sock=end, limit=_HEAD_BYTES)
    # The parent gives no more than there is room for; one more is waited for all the time, to learn
    # that the parent has gone.
    async with contextlib.aclosing(answering(_told(reader), room + 1)) as answers:
        async for text, is_well, line in answers:
            encoded = line.encode()
            head = json.dumps([text, is_well, len(encoded)]).encode()
            try:
                writer.write(head + b"\n" + encoded)
                await writer.drain()
            except ConnectionError:
                _leave()
    writer.close()
    await writer.wait_closed()


async def _told(reader: asyncio.StreamReader) -> AsyncIterator[str]:
    """The texts that the parent gives. Ends the process when the parent has gone."""
    while (line := await reader.readline()) != _NO_MORE:
        if not line.endswith(b"\n"):
            _leave()
        text: str = json.loads(line)
        yield text


def _leave() -> NoReturn:
    """Nobody is there who would want anything that is still to be done."""
    os._exit(1)
