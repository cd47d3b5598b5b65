"""``whichroot check``: which certificate to request for one or many servers."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Final

from bot import incidents
from bot import settings as settings_module
from bot.commands import streams
from bot.errors import FormatError, TargetError
from bot.lookup import Lookup, Question, refused
from bot.pki.certificate import Certificate
from bot.probe.presented import ConnectTo
from bot.probe.protocols import Protocol
from bot.probe.target import parse_target
from bot.report import Report

#: A line of a file of hosts, and a file of certificates, in octets.
_MAX_LINE: Final = 4096
_MAX_FILE: Final = 10 << 20


def run(arguments: argparse.Namespace) -> int:
    """Exit code 0: a validated certificate to request was found for every host; 1: not. Raises
    WhichrootError for files and values that cannot be used."""
    if arguments.json_schema:
        from bot.report import json_schema

        print(json.dumps(json_schema(), indent=2))
        return 0
    settings = settings_module.load()
    if not arguments.hosts and not arguments.file:
        raise TargetError("No server is named.", "Write “whichroot check dc01.corp.example:636”.")
    many = arguments.file is not None or len(arguments.hosts) > 1
    if many and (arguments.chain or arguments.connect or arguments.pem):
        raise TargetError(
            "--chain, --connect and --pem are about one host.", "Name one host with them."
        )
    asking = _Asking(arguments)
    if many:
        concurrency = arguments.concurrency or settings.concurrency
        return asyncio.run(_check_many(asking, settings, concurrency))
    return asyncio.run(_check_one(asking, settings))


class _Asking:
    """What the command line says of every host."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.protocol = Protocol(arguments.protocol) if arguments.protocol else None
        self.connect = _connect(arguments.connect) if arguments.connect else None
        self.chain = (arguments.chain, _certificates(arguments.chain)) if arguments.chain else None
        self.installed = tuple(c for name in arguments.installed for c in _certificates(name))

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
    async with Lookup(settings) as lookup:
        report = await _answer(lookup, asking, arguments.hosts[0])
    to_output = arguments.pem == "-"
    if arguments.pem and report.recommended:
        pem = "".join(certificate.pem for certificate in report.recommended.certificates)
        streams.write_output(arguments.pem, pem)
    if arguments.json:
        print(report.to_json(indent=2))
    elif not to_output:
        from bot.rendering.terminal import render

        colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        sys.stdout.write(render(report, width=shutil.get_terminal_size().columns, colour=colour))
    elif not report.recommended:
        print(report.summary, file=sys.stderr)
    return 0 if report.verdict == "validated" else 1


async def _check_many(asking: _Asking, settings: settings_module.Settings, concurrency: int) -> int:
    all_validated = True
    with streams.progress("Checking", None) as advance:
        async with Lookup(settings) as lookup:
            async for report in _answers(lookup, asking, concurrency):
                print(report.to_json(), flush=True)
                all_validated = all_validated and report.verdict == "validated"
                advance(1)
    return 0 if all_validated else 1


async def _answers(lookup: Lookup, asking: _Asking, concurrency: int) -> AsyncIterator[Report]:
    """The reports as they finish; no more than ``concurrency`` hosts are held at a time."""
    texts = _texts(asking.arguments)
    running: set[asyncio.Task[Report]] = set()
    try:
        exhausted = False
        while running or not exhausted:
            while not exhausted and len(running) < concurrency:
                text = next(texts, None)
                if text is None:
                    exhausted = True
                else:
                    running.add(asyncio.create_task(_answer(lookup, asking, text)))
            if running:
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    yield task.result()
    finally:
        for task in running:
            task.cancel()


async def _answer(lookup: Lookup, asking: _Asking, text: str) -> Report:
    try:
        question = asking.question(text)
    except TargetError as error:
        return refused(text, error, asking.arguments.at)
    try:
        return await lookup.answer(question)
    except Exception as error:
        told = incidents.record(error, f"checking {question.target.address}")
        fault = TargetError(f"{question.target.label} could not be checked.", told)
        return refused(text, fault, asking.arguments.at)


def _texts(arguments: argparse.Namespace) -> Iterator[str]:
    yield from arguments.hosts
    if arguments.file is None:
        return
    with streams.open_input(arguments.file) as stream:
        for line in streams.lines(stream, _MAX_LINE):
            text = line.decode("utf-8", "replace").strip()
            if text and not text.startswith("#"):
                yield text


def _connect(text: str) -> ConnectTo:
    target = parse_target(text)
    return ConnectTo(target.host, target.port if target.port_given else None)


def _certificates(name: str) -> tuple[Certificate, ...]:
    # Imported here: the ordinary check reads no file.
    from bot.pki.formats import read

    reading = read(streams.read_input(name, _MAX_FILE), name=name)
    if reading.refusal:
        raise FormatError(reading.refusal)
    return tuple(found.certificate for found in reading.certificates)
