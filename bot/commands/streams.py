"""Bounded reading of lines, and progress for a person who waits."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from bot.errors import WhichrootError
from bot.text import visible

#: Tells how much has been done since the last call.
Advance = Callable[[int], None]


class InputError(WhichrootError):
    """A file that was named cannot be read or written."""


@contextlib.contextmanager
def open_input(name: str) -> Iterator[BinaryIO]:
    """The file ``name``, or standard input for ``-``. Raises InputError."""
    if name == "-":
        yield sys.stdin.buffer
        return
    try:
        stream = Path(name).open("rb")  # noqa: SIM115  closed below, apart from errors of its use
    except (OSError, ValueError) as error:
        raise InputError(
            f"The file “{visible(name)}” cannot be read: {_reason(error)}.", "Check its name."
        ) from None
    with stream:
        yield stream


def read_input(name: str, limit: int) -> bytes:
    """At most ``limit`` + 1 octets of the file ``name``, or of standard input for ``-``. Raises
    InputError."""
    with open_input(name) as stream:
        try:
            return stream.read(limit + 1)
        except OSError as error:
            raise InputError(
                f"The file “{visible(name)}” cannot be read: {_reason(error)}.", "Check its name."
            ) from None


def write_output(name: str, text: str) -> None:
    """Writes ``text`` to the file ``name``, or to standard output for ``-``. Raises InputError."""
    if name == "-":
        sys.stdout.write(text)
        return
    try:
        Path(name).write_text(text, encoding="utf-8", newline="\n")
    except (OSError, ValueError) as error:
        raise InputError(
            f"The file “{visible(name)}” cannot be written: {_reason(error)}.",
            "Name a file in a folder that you may write to.",
        ) from None


def lines(stream: BinaryIO, limit: int) -> Iterator[bytes]:
    """The lines of ``stream`` without their ends; of one that is longer than ``limit`` the first
    ``limit`` + 1 octets, so that whoever reads it can tell. Memory stays within ``limit``."""
    while line := stream.readline(limit + 1):
        complete = line.endswith(b"\n")
        yield line.rstrip(b"\r\n") if complete else line
        while not complete and len(line) > limit:
            rest = stream.readline(limit)
            complete = rest.endswith(b"\n") or not rest


def is_regular_file(stream: BinaryIO) -> bool:
    """Whether ``stream`` is a file on disk: its size is known and nobody waits at its other end."""
    return size(stream) is not None


def size(stream: BinaryIO) -> int | None:
    """The size of a file on disk in octets; None for anything else."""
    import os
    import stat

    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


@contextlib.contextmanager
def progress(what: str, total: int | None) -> Iterator[Advance]:
    """A progress bar on standard error while that is a terminal and standard output is none
    (results that scroll by are progress enough). ``total`` None: it is not known how much comes."""
    if not sys.stderr.isatty() or sys.stdout.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        # On one terminal, lines are printed above the bar; elsewhere they are data and left alone.
        redirect_stdout=sys.stdout.isatty(),
    )
    with bar:
        task = bar.add_task(what, total=total)
        yield lambda count: bar.advance(task, count)


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return "its name holds a character that no name may have"
