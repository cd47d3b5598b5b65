"""The program on the command line: ``whichroot check | predict | read | explain | serve | settings``."""

from __future__ import annotations

import argparse
import gc
import importlib
import io
import os
import sys
from collections.abc import Callable, Sequence
from typing import Final

from bot.commands.parser import parse
from bot.errors import WhichrootError

#: ``EX_SOFTWARE`` of sysexits.h.
_FAULT: Final = 70
_USAGE: Final = 2
#: 128 and the number of SIGINT, as shells count.
_INTERRUPTED: Final = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and gives the exit code: 2 for bad usage, else what the command says."""
    parsed = parse(arguments)
    try:
        _allow_any_encoding()
        code = _command(parsed.command)(parsed)
        sys.stdout.flush()
    except WhichrootError as error:
        print(f"whichroot {parsed.command}: {error}", file=sys.stderr)
        return _USAGE
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has had enough; what is buffered would fail again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        return _fault(error, parsed.command, debug=parsed.debug)
    finally:
        # The end of the process need not look for garbage in what is still in use.
        gc.freeze()
    return code


def _command(name: str) -> Callable[[argparse.Namespace], int]:
    """Imported only now: each command needs other parts, and some take long to import. What an import
    makes is no garbage, so nobody looks for any meanwhile: that would take a sixth of the start."""
    gc.disable()
    try:
        run: Callable[[argparse.Namespace], int] = importlib.import_module(
            f"bot.commands.{name}"
        ).run
    finally:
        gc.freeze()
        gc.enable()
    return run


def _fault(error: Exception, command: str, *, debug: bool) -> int:
    from bot import incidents

    if debug:
        incidents.show()
    told = incidents.record(error, f"whichroot {command}")
    print(f"whichroot {command}: Something went wrong. {told}", file=sys.stderr)
    return _FAULT


def _allow_any_encoding() -> None:
    """A terminal that cannot show a character gets its escape, not an exception."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
