"""Bounded reading of lines, and progress for a person who waits."""

from __future__ import annotations

import contextlib
import os
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
        # Python has none where the process was started without one.
        if sys.stdin is None:
            raise InputError("There is no standard input.", "Name a file.")
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
    with open_output(name) as write:
        write(text)


@contextlib.contextmanager
def open_output(name: str) -> Iterator[Callable[[str], object]]:
    """Writes piece by piece to the file ``name``, or to standard output for ``-``. Raises InputError,
    also from the writing."""
    if name == "-":
        yield sys.stdout.write
        return
    try:
        stream = Path(name).open("w", encoding="utf-8", newline="\n")  # noqa: SIM115  closed below
    except (OSError, ValueError) as error:
        raise _unwritable(name, error) from None

    def write(text: str) -> None:
        try:
            stream.write(text)
        except OSError as error:
            raise _unwritable(name, error) from None

    try:
        yield write
    finally:
        try:
            stream.close()
        except OSError as error:
            raise _unwritable(name, error) from None


def _unwritable(name: str, error: OSError | ValueError) -> InputError:
    return InputError(
        f"The file “{visible(name)}” cannot be written: {_reason(error)}.",
        "Name a file in a folder that you may write to.",
    )


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
    import stat

    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def shows_progress() -> bool:
    """Whether `progress` shows anything: standard error is a terminal."""
    return sys.stderr.isatty()


def columns() -> int:
    """How wide standard output is: ``COLUMNS``, else its terminal, else 100. `shutil` knows as much,
    and imports three compressions with it."""
    told = os.environ.get("COLUMNS", "")
    if told.isdecimal() and int(told) > 0:
        return int(told)
    try:
        return os.get_terminal_size(sys.__stdout__.fileno() if sys.__stdout__ else 1).columns or 100
    except (OSError, ValueError):
        return 100


@contextlib.contextmanager
def progress(what: str, total: int | None) -> Iterator[Advance]:
    """A progress bar on standard error while that is a terminal. ``total`` None: it is not known
    how much comes."""
    if not shows_progress():
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
