"""``whichroot check``: which certificate to request for one or many servers."""

from __future__ import annotations

import argparse
import json
import os
import sys

from bot import settings as settings_module
from bot.commands import streams
from bot.commands.asking import Asking
from bot.commands.garbage import collect_seldom
from bot.commands.running import run as run_loop
from bot.errors import TargetError
from bot.lookup import Lookup, refused
from bot.pki import pem
from bot.pki.wording import colons
from bot.report import Option, Report
from bot.text import visible


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
    collect_seldom()
    asking = Asking(arguments, settings)
    if many:
        from bot.commands.check_many import check_many

        return check_many(asking)
    return run_loop(_check_one(asking, settings))


async def _check_one(asking: Asking, settings: settings_module.Settings) -> int:
    arguments = asking.arguments
    text = arguments.hosts[0]
    try:
        question = asking.question(text)
    except TargetError as error:
        if not arguments.json:
            raise
        report = refused(text, error, arguments.at)
    else:
        report = await Lookup(settings).answer(question)
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
        sys.stdout.write(render(report, width=streams.columns(), colour=colour))
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
