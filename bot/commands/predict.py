"""``whichroot predict``: JSON Lines in, JSON Lines out, in the same order."""

from __future__ import annotations

import argparse
import itertools
import os
import signal
import sys
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Final

from bot.commands import streams
from bot.commands.garbage import collect_seldom
from bot.prediction_records import MAX_LINE, answer

#: What one worker is given at a time, in records and in octets.
_BLOCK_RECORDS: Final = 100
_BLOCK_BYTES: Final = 1 << 20

#: A file of this size in octets is worth the start of worker processes.
_WORTH_WORKERS: Final = 4 << 20


def run(arguments: argparse.Namespace) -> int:
    """Answers every record. Exit code 0: every record has its line, whatever it says."""
    collect_seldom()
    with streams.open_input(arguments.file) as stream:
        size = streams.size(stream)
        records = (line for line in streams.lines(stream, MAX_LINE) if line.strip())
        with streams.progress("Predicting", None) as advance:
            jobs = arguments.jobs or _jobs(size)
            answers = _answered_at_once(records) if jobs == 1 else _answered_by(jobs, records)
            for text, count in answers:
                sys.stdout.write(text)
                sys.stdout.flush()
                advance(count)
    return 0


def _jobs(size: int | None) -> int:
    # A peer on a pipe may wait for each answer before it asks again.
    if size is None or size < _WORTH_WORKERS:
        return 1
    return min(8, os.cpu_count() or 1)


def _answered_at_once(records: Iterator[bytes]) -> Iterator[tuple[str, int]]:
    for record in records:
        yield _text([record]), 1


def _answered_by(jobs: int, records: Iterator[bytes]) -> Iterator[tuple[str, int]]:
    blocks = _blocks(records)
    waiting: deque[tuple[Future[str], int]] = deque()
    with ProcessPoolExecutor(jobs, initializer=_leave_interrupts_to_parent) as pool:
        try:
            for block in itertools.islice(blocks, 2 * jobs):
                waiting.append((pool.submit(_text, block), len(block)))
            while waiting:
                done, count = waiting.popleft()
                yield done.result(), count
                for block in itertools.islice(blocks, 1):
                    waiting.append((pool.submit(_text, block), len(block)))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _blocks(records: Iterator[bytes]) -> Iterator[list[bytes]]:
    block: list[bytes] = []
    size = 0
    for record in records:
        block.append(record)
        size += len(record)
        if len(block) == _BLOCK_RECORDS or size >= _BLOCK_BYTES:
            yield block
            block, size = [], 0
    if block:
        yield block


def _text(block: list[bytes]) -> str:
    return "".join(f"{answer(record).to_json()}\n" for record in block)


def _leave_interrupts_to_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
