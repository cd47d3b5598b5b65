"""The program on the command line: ``whichroot check | predict | read | explain | serve | settings``."""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, NoReturn

from bot.errors import WhichrootError

if TYPE_CHECKING:
    import argparse

#: ``EX_SOFTWARE`` of sysexits.h.
_FAULT: Final = 70
_USAGE: Final = 2
#: 128 and the number of SIGINT, as shells count.
_INTERRUPTED: Final = 130
#: Commands that ask servers, and are over in no time.
_PROBES: Final = ("check", "explain")


def start() -> NoReturn:
    """The program: runs the command that the process's arguments name, and ends the process. What a
    probe still holds in memory is not tidied up piece by piece: that would take as long as its
    handshake."""
    code = main()
    if sys.argv[1] in _PROBES:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(AttributeError, OSError, ValueError):
                stream.flush()
        os._exit(code)
    sys.exit(code)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and gives the exit code: 2 for bad usage, else what the command says."""
    with _nothing_thrown_away():
        from bot.commands.parser import parse

        parsed = parse(arguments)
    try:
        _allow_any_encoding()
        with _nothing_thrown_away():
            run = _command(parsed.command)
        code = run(parsed)
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


@contextlib.contextmanager
def _nothing_thrown_away() -> Iterator[None]:
    """While modules are imported. What that makes is no garbage, so nobody looks for any, nor later in
    that: it would take a sixth of the start."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _command(name: str) -> Callable[[argparse.Namespace], int]:
    """Imported only now: each command needs other parts, and some take long to import."""
    if name in _PROBES:
        _import_asyncio_alone()
    run: Callable[[argparse.Namespace], int] = importlib.import_module(f"bot.commands.{name}").run
    return run


def _import_asyncio_alone() -> None:
    """Imports `asyncio` without `ssl`, for a tenth of the start: a probe has a TLS client of its own, and
    what downloads issuers imports `ssl` itself and needs nothing of asyncio's."""
    if "asyncio" in sys.modules or "ssl" in sys.modules:
        return
    # What makes an import fail (Python's reference, "The module cache"); asyncio is prepared for it.
    sys.modules["ssl"] = None  # type: ignore[assignment]
    try:
        importlib.import_module("asyncio")
    finally:
        del sys.modules["ssl"]


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
