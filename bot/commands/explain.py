"""``whichroot explain``: what a Java error means, for one server if it is named."""

from __future__ import annotations

import argparse
import json
import sys
from collections import deque
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Final

from bot import settings as settings_module
from bot.commands import inputs, streams
from bot.commands.running import run as run_loop
from bot.diagnosis import Diagnosis, diagnose
from bot.errors import WhichrootError
from bot.pki.error_text import MAX_LENGTH, is_telling
from bot.pki.errors import Explanation, explain
from bot.probe.target import Target, parse_target
from bot.records import record
from bot.report import Report
from bot.text import visible

#: In octets. Of a longer text the beginning is read, and every line that may tell of an error.
_MAX_WHOLE: Final = MAX_LENGTH // 2
_MAX_READ: Final = 64 << 20
_MAX_LINE: Final = MAX_LENGTH


class EmptyTextError(WhichrootError):
    """There is nothing to explain."""


class _Model:
    __slots__ = ()
    __pydantic_config__: ClassVar[dict[str, Any]] = {"use_attribute_docstrings": True}


@record
class Known(_Model):
    """One error of the text."""

    code: str
    """A stable name for programs; `unrecognised` where the text is not known."""
    matched: str
    """The words by which it was known, or the text's first line; without passwords."""
    cause: str
    """What is wrong."""
    remedy: str
    """What to do about it."""
    details: dict[str, str]
    """What the text tells besides: `not_after`, `subject`, `algorithm`, `name` and the like."""
    target: str | None
    """The server that the text speaks of: `host:port`, or `host`; null where it names none."""
    truststore_helps: bool | None
    """Whether another certificate in the truststore can mend it; null where that depends."""
    source: str
    """The JDK class or RFC behind it."""


@record
class Now(_Model):
    """What the server given with --host shows now."""

    host: str
    """The server's name."""
    port: int
    """The port that was looked at."""
    cause_present: bool | None
    """Whether the server shows the cause; null where that cannot be seen from here."""
    answers: tuple[str, ...]
    """Sentences that make cause and remedy specific, the most telling first."""
    besides: tuple[str, ...]
    """What else keeps a Java client from connecting."""


@record
class Explained(Known):
    """What `whichroot explain --json` prints."""

    also: tuple[Known, ...]
    """Further errors of the same text."""
    now: Now | None
    """null without --host."""
    report: Report | None
    """What `whichroot check` says of that server; null without --host."""


def run(arguments: argparse.Namespace) -> int:
    """Exit code 0: the error is known; 1: it is not. Raises WhichrootError for a text that is empty
    and for a host that is none."""
    if arguments.json_schema:
        print(json.dumps(_json_schema(), indent=2))
        return 0
    text = " ".join(arguments.text)
    if text == "-":
        with streams.open_input("-") as stream:
            text = _telling_text(stream)
    if not text.strip():
        raise EmptyTextError(
            "There is no text to explain.",
            "Write “whichroot explain 'PKIX path building failed …'”, or “whichroot explain - < FILE”.",
        )
    explanation = explain(text)
    target = _target(arguments.host, explanation) if arguments.host else None
    report = run_loop(_look(target, arguments)) if target else None
    diagnosis = diagnose(explanation, report) if report else None
    if arguments.json:
        print(json.dumps(_as_json(explanation, diagnosis, report)))
    else:
        print(_as_text(explanation, diagnosis, report, text))
    return 0 if explanation.is_recognised else 1


def _telling_text(stream: BinaryIO) -> str:
    """The beginning of ``stream``, and of what follows the last lines that may tell of an error.
    Memory stays within a few times MAX_LENGTH."""
    head: list[bytes] = []
    tail: deque[bytes] = deque()
    head_size = tail_size = size = 0
    for line in streams.lines(stream, _MAX_LINE):
        size += len(line) + 1
        if size > _MAX_READ:
            print(f"Only the first {_MAX_READ >> 20} MiB were read.", file=sys.stderr)
            break
        if head_size + len(line) < _MAX_WHOLE:
            head.append(line)
            head_size += len(line) + 1
        elif is_telling(line):
            tail.append(line)
            tail_size += len(line) + 1
            while tail_size > _MAX_WHOLE and len(tail) > 1:
                tail_size -= len(tail.popleft()) + 1
    return _decoded(b"\n".join((*head, *tail)))


def _decoded(data: bytes) -> str:
    """UTF-8, or UTF-16 with a byte order mark as Windows writes it."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    return data.decode("utf-8", "replace")


def _target(host: str, explanation: Explanation) -> Target:
    """The server, at the port of the error where ``host`` names none. Raises TargetError."""
    target = parse_target(host)
    if not target.port_given and explanation.target:
        meant = parse_target(explanation.target)
        if meant.host == target.host and meant.port_given:
            return meant
    return target


async def _look(target: Target, arguments: argparse.Namespace) -> Report:
    # Imported late: an explanation without a host needs no network.
    from bot.lookup import Lookup, Question

    settings = settings_module.load()
    installed = (
        certificate
        for name in arguments.installed
        for certificate in inputs.certificates("--installed", name, settings)
    )
    question = Question(
        target, connect=inputs.connect_to(arguments.connect), installed=tuple(installed)
    )
    return await Lookup(settings).answer(question)


def _as_json(
    explanation: Explanation, diagnosis: Diagnosis | None, report: Report | None
) -> dict[str, object]:
    now = None
    if diagnosis and report:
        now = {
            "host": report.target.host,
            "port": report.target.port,
            **asdict(diagnosis),
        }
    return {
        **_known(explanation),
        "also": [_known(other) for other in explanation.also],
        "now": now,
        "report": json.loads(report.to_json()) if report else None,
    }


def _known(explanation: Explanation) -> dict[str, object]:
    return {
        "code": explanation.code,
        "matched": explanation.matched,
        "cause": explanation.cause,
        "remedy": explanation.remedy,
        "details": dict(explanation.details),
        "target": explanation.target,
        "truststore_helps": explanation.truststore_helps,
        "source": explanation.source,
    }


def _json_schema() -> dict[str, Any]:
    # Only this needs pydantic, which takes as long to import as the rest takes.
    from pydantic import TypeAdapter

    schema = TypeAdapter(Explained).json_schema(mode="serialization")
    # Pydantic does not find the descriptions of inherited fields.
    schema["properties"] |= schema["$defs"]["Known"]["properties"]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _as_text(
    explanation: Explanation, diagnosis: Diagnosis | None, report: Report | None, text: str
) -> str:
    lines = _known_lines(explanation)
    for other in explanation.also:
        lines += ["", "Also in this text:", *_known_lines(other)]
    if diagnosis and report:
        lines += ["", *_now_lines(diagnosis, report)]
    elif explanation.target:
        lines += ["", f"For what it presents now, add: --host {explanation.target}"]
    if not explanation.is_recognised and _is_file(text):
        lines += ["", f"To have the file explained: whichroot explain - < {visible(text)}"]
    return "\n".join(lines)


def _known_lines(explanation: Explanation) -> list[str]:
    lines = [
        f"“{explanation.matched}”",
        f"Cause:  {explanation.cause}",
        f"Remedy: {explanation.remedy}",
    ]
    if explanation.truststore_helps is False:
        lines.append("        No change to the truststore helps.")
    return lines


def _now_lines(diagnosis: Diagnosis, report: Report) -> list[str]:
    state = {
        True: "the cause is there",
        False: "the cause is not there",
        None: "whether the cause is there cannot be seen from here",
    }[diagnosis.cause_present]
    lines = [f"{report.target.host}:{report.target.port} now: {state}."]
    lines += [f"  {sentence}" for sentence in diagnosis.answers]
    if diagnosis.besides:
        lines += ["What else keeps a Java client from connecting:"]
        lines += [f"  {sentence}" for sentence in diagnosis.besides]
    if report.command:
        lines += [
            "On a machine that reaches the server run:",
            *(f"  {line}" for line in report.command.splitlines()),
        ]
    if report.recommended is None and report.request_text:
        lines += ["Ask for it:", *(f"  {line}" for line in report.request_text.splitlines())]
    return lines


def _is_file(text: str) -> bool:
    try:
        return len(text) < 300 and Path(text).is_file()
    except (OSError, ValueError):
        return False
