"""Many hosts in one run of ``whichroot check``: a line of JSON for each as it finishes."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator

from bot import incidents
from bot.commands import hosts, streams, workers
from bot.commands.asking import Asking
from bot.commands.running import run as run_loop
from bot.errors import TargetError
from bot.lookup import Lookup, failed, refused
from bot.report import Report


def check_many(asking: Asking) -> int:
    """Exit code 0: a validated certificate to request was found for every host; 1: not. Raises
    WhichrootError for a file of hosts that cannot be used."""
    arguments = asking.arguments
    concurrency = arguments.concurrency or asking.settings.concurrency
    total = _total(arguments)
    jobs = min(arguments.jobs or _jobs(total), concurrency)
    if jobs == 1:
        return run_loop(_print(answering(asking, _texts(arguments), concurrency), total))

    def answered(texts: AsyncIterator[str], room: int) -> AsyncGenerator[workers.Answer, None]:
        return answering(asking, texts, room)

    def losing(text: str, status: int) -> workers.Answer:
        return _answer_of(text, _lost(asking, text, status))

    with workers.Workers(jobs, answered, concurrency) as staff:
        return run_loop(_print(staff.answers(_texts(arguments), losing), total))


def _jobs(total: int | None) -> int:
    # A peer on a pipe may wait for each answer before it asks again.
    return 1 if total is None or total < workers.WORTH_WORKERS else workers.processors()


async def _print(answers: AsyncGenerator[workers.Answer, None], total: int | None) -> int:
    all_well = True
    with streams.progress("Checking", total) as advance:
        async with contextlib.aclosing(answers):
            async for _, is_well, line in answers:
                print(line, flush=True)
                all_well = all_well and is_well
                advance(1)
    return 0 if all_well else 1


def _total(arguments: argparse.Namespace) -> int | None:
    if arguments.file is None:
        return len(arguments.hosts)
    counted = hosts.count(arguments.file)
    return None if counted is None else len(arguments.hosts) + counted


async def answering(
    asking: Asking, texts: AsyncIterator[str], concurrency: int
) -> AsyncGenerator[workers.Answer, None]:
    """An answer to each of ``texts``, validated or not, with its report as a line of JSON."""
    found = _answers(Lookup(asking.settings), asking, texts, concurrency)
    async with contextlib.aclosing(found) as answers:
        async for text, report in answers:
            yield _answer_of(text, report)


def _answer_of(text: str, report: Report) -> workers.Answer:
    return text, report.verdict == "validated", report.to_json()


async def _answers(
    lookup: Lookup, asking: Asking, texts: AsyncIterator[str], concurrency: int
) -> AsyncGenerator[tuple[str, Report], None]:
    """The reports as they finish; no more than ``concurrency`` hosts are held at a time. Waiting for
    the next host holds up none that is being looked at."""
    running: set[asyncio.Task[tuple[str, Report]]] = set()
    coming: asyncio.Task[str | None] | None = None
    exhausted = False
    try:
        while running or not exhausted:
            if coming is None and not exhausted and len(running) < concurrency:
                coming = asyncio.create_task(_next(texts))
            waited = [*running, coming] if coming else running
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if coming and coming.done():
                text, coming = coming.result(), None
                exhausted = text is None
                if text is not None:
                    running.add(asyncio.create_task(_answer(lookup, asking, text)))
            done = {task for task in running if task.done()}
            running -= done
            for task in done:
                yield task.result()
    finally:
        left = [*running, coming] if coming else [*running]
        for unfinished in left:
            unfinished.cancel()
        await asyncio.gather(*left, return_exceptions=True)


async def _next(texts: AsyncIterator[str]) -> str | None:
    return await anext(texts, None)


async def _texts(arguments: argparse.Namespace) -> AsyncGenerator[str, None]:
    for text in arguments.hosts:
        yield text
    if arguments.file is not None:
        async with contextlib.aclosing(hosts.from_file(arguments.file)) as texts:
            async for text in texts:
                yield text


async def _answer(lookup: Lookup, asking: Asking, text: str) -> tuple[str, Report]:
    """One of many hosts: its failure, whatever it is, must not end the run."""
    try:
        question = asking.question(text)
    except TargetError as error:
        return text, refused(text, error, asking.arguments.at)
    try:
        return text, await lookup.answer(question)
    except Exception as error:
        told = incidents.record(error, f"checking {question.target.address}")
        return text, failed(question, told)


def _lost(asking: Asking, text: str, status: int) -> Report:
    """The report on a host whose worker process has ended."""
    try:
        question = asking.question(text)
    except TargetError as error:
        return refused(text, error, asking.arguments.at)
    how = f"by signal {-status}" if status < 0 else f"with exit status {status}"
    return failed(
        question, f"The worker process that looked at it was ended {how}. Check it again."
    )
