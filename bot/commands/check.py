"""``whichroot check``: which certificate to request for one or many servers."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Final

from bot import incidents
from bot import settings as settings_module
from bot.commands import hosts, inputs, streams
from bot.commands.garbage import collect_seldom
from bot.commands.running import run as run_loop
from bot.errors import TargetError
from bot.lookup import Lookup, Question, failed, refused
from bot.pki import pem
from bot.pki.wording import colons
from bot.probe.protocols import Protocol
from bot.probe.target import parse_target
from bot.report import Option, Report
from bot.text import visible

#: Files that are named in place of a server; none of these is a top-level domain.
_CERTIFICATE_FILES: Final = (
    *(".pem", ".crt", ".cer", ".cert", ".der", ".p7b", ".p7c", ".spc"),
    *(".p12", ".pfx", ".jks", ".keystore", ".txt", ".csv", ".log"),
)


def run(arguments: argparse.Namespace) -> int:
    """Exit code 0: a validated certificate to request was found for every host; 1: not. Raises
    WhichrootError for files and values that cannot be used, and for a single host that is none
    unless ``--json`` wants a report on it."""
    if arguments.json_schema:
        from bot.report import json_schema

        print(json.dumps(json_schema(), indent=2))
        return 0
    settings = settings_module.load()
    if not arguments.hosts and arguments.file is None:
        raise TargetError("No server is named.", "Write “whichroot check dc01.corp.example:636”.")
    many = arguments.file is not None or len(arguments.hosts) > 1
    if many and any(x is not None for x in (arguments.chain, arguments.connect, arguments.pem)):
        raise TargetError(
            "--chain, --connect and --pem are about one host, and several are named.",
            "Name one host with them; quote a HOST that holds spaces.",
        )
    if "-" in arguments.installed and "-" in (arguments.chain, arguments.file):
        raise TargetError(
            "Standard input (-) can be read only once.", "Name a file for one of the two."
        )
    if arguments.json and arguments.pem == "-":
        raise TargetError(
            "--json and --pem - both write to standard output.",
            "Name a file for --pem; the JSON holds the PEM, too.",
        )
    asking = _Asking(arguments, settings)
    if many:
        collect_seldom()
        concurrency = arguments.concurrency or settings.concurrency
        return run_loop(_check_many(asking, settings, concurrency))
    return run_loop(_check_one(asking, settings))


class _Asking:
    """What the command line says of every host."""

    def __init__(self, arguments: argparse.Namespace, settings: settings_module.Settings) -> None:
        self.arguments = arguments
        self.protocol = Protocol(arguments.protocol) if arguments.protocol else None
        self.connect = inputs.connect_to(arguments.connect)
        self.chain = (
            None
            if arguments.chain is None
            else (arguments.chain, inputs.certificates("--chain", arguments.chain, settings))
        )
        self.installed = tuple(
            certificate
            for name in arguments.installed
            for certificate in inputs.certificates("--installed", name, settings)
        )

    def question(self, text: str) -> Question:
        """Raises TargetError."""
        return Question(
            parse_target(text, self.protocol),
            connect=self.connect,
            chain=self.chain,
            installed=self.installed,
            at=self.arguments.at,
            offline=self.arguments.offline,
        )


async def _check_one(asking: _Asking, settings: settings_module.Settings) -> int:
    arguments = asking.arguments
    text = arguments.hosts[0]
    try:
        _refuse_file(text)
        question = asking.question(text)
    except TargetError as error:
        if not arguments.json:
            raise
        report = refused(text, error, arguments.at)
    else:
        async with Lookup(settings) as lookup:
            report = await lookup.answer(question)
    _show(report, arguments)
    return 0 if report.verdict == "validated" else 1


def _show(report: Report, arguments: argparse.Namespace) -> None:
    to_output = arguments.pem == "-"
    if arguments.pem is not None and report.recommended:
        streams.write_output(arguments.pem, _pem(report.recommended))
    if arguments.json:
        print(report.to_json(indent=2))
    elif not to_output:
        from bot.rendering.terminal import render

        colour = (
            sys.stdout.isatty()
            and not os.environ.get("NO_COLOR")
            and os.environ.get("TERM") != "dumb"
        )
        columns = shutil.get_terminal_size((100, 24)).columns
        sys.stdout.write(render(report, width=columns, colour=colour))
    if arguments.pem is not None:
        _tell_of_pem(report, arguments.pem)


def _pem(option: Option) -> str:
    return "".join(
        pem.commented(each.pem, each.subject, colons(bytes.fromhex(each.sha256)))
        for each in option.certificates
    )


def _tell_of_pem(report: Report, name: str) -> None:
    if report.recommended is None:
        print(f"No certificate was written: {report.summary}", file=sys.stderr)
    elif report.verdict != "validated":
        print(
            f"Nobody vouches for the certificate in {_file(name)} yet: {report.summary}",
            file=sys.stderr,
        )
    elif name != "-":
        print(f"The certificate to request is in {_file(name)}.", file=sys.stderr)


def _file(name: str) -> str:
    return "standard output" if name == "-" else f"“{visible(name)}”"


async def _check_many(asking: _Asking, settings: settings_module.Settings, concurrency: int) -> int:
    all_validated = True
    total = _total(asking.arguments) if streams.shows_progress() else None
    with streams.progress("Checking", total) as advance:
        async with (
            Lookup(settings) as lookup,
            contextlib.aclosing(_answers(lookup, asking, concurrency)) as answers,
        ):
            async for report in answers:
                print(report.to_json(), flush=True)
                all_validated = all_validated and report.verdict == "validated"
                advance(1)
    return 0 if all_validated else 1


def _total(arguments: argparse.Namespace) -> int | None:
    if arguments.file is None:
        return len(arguments.hosts)
    counted = hosts.count(arguments.file)
    return None if counted is None else len(arguments.hosts) + counted


async def _answers(
    lookup: Lookup, asking: _Asking, concurrency: int
) -> AsyncGenerator[Report, None]:
    """The reports as they finish; no more than ``concurrency`` hosts are held at a time. Waiting for
    the next host holds up none that is being looked at."""
    async with contextlib.aclosing(_texts(asking.arguments)) as texts:
        running: set[asyncio.Task[Report]] = set()
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


async def _answer(lookup: Lookup, asking: _Asking, text: str) -> Report:
    """One of many hosts: its failure, whatever it is, must not end the run."""
    try:
        _refuse_file(text)
        question = asking.question(text)
    except TargetError as error:
        return refused(text, error, asking.arguments.at)
    try:
        return await lookup.answer(question)
    except Exception as error:
        told = incidents.record(error, f"checking {question.target.address}")
        return failed(question, told)


def _refuse_file(text: str) -> None:
    """Raises TargetError for a file's name in place of a server's."""
    if text.strip() == "-":
        raise TargetError(
            "“-” is no server.",
            "To read servers from standard input write “whichroot check --file -”.",
        )
    if not text.lower().endswith(_CERTIFICATE_FILES) or "://" in text:
        return
    name = visible(text, 100)
    raise TargetError(
        f"“{name}” is the name of a file, not of a server.",
        f"For a file of certificates write “whichroot read {name}”, or “whichroot check HOST --chain "
        f"{name}”; for a file of hosts “whichroot check --file {name}”.",
    )
