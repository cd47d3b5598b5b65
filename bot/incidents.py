"""Failures that nobody expected: kept with a reference, so that a person can ask about one."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Final

_MAX_SIZE: Final = 1 << 20

_logger = logging.getLogger("whichroot")
_logger.propagate = False


def record(error: BaseException, doing: str, *, where: bool = True) -> str:
    """Logs ``error`` with its traceback and gives a sentence with the reference and the place where
    it is found. ``doing`` says what was being done, without secrets; ``where=False``: the sentence is
    read by somebody else than who runs the program, and names no file.

    Logs to a file of this user unless `show` was called; where that cannot be written, nowhere.
    """
    reference = os.urandom(4).hex()
    if not _logger.handlers:
        _logger.addHandler(_file_handler())
    _logger.error("%s: %s", reference, doing, exc_info=error)
    handler = _logger.handlers[0]
    traces = f"its traces are under {reference}"
    if not where:
        return (
            f"This is a fault of the program, not yours; whoever runs it finds it as {reference}."
        )
    if isinstance(handler, logging.FileHandler):
        traces += f" in {handler.baseFilename}"
    elif isinstance(handler, logging.NullHandler):
        traces = "its traces could not be written (repeat it with --debug to see them)"
    return f"This is a fault of the program, not yours; {traces}."


def show() -> None:
    """From now on incidents are shown on standard error, tracebacks included."""
    _logger.handlers = [_formatted(logging.StreamHandler())]


def _file_handler() -> logging.Handler:
    """At most 2 MiB, where the XDG Base Directory Specification puts logs."""
    # Worth its import only now that something went wrong.
    from logging.handlers import RotatingFileHandler

    try:
        base = os.environ.get("XDG_STATE_HOME") or Path("~/.local/state").expanduser()
        folder = Path(base, "whichroot")
        folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        return _formatted(
            RotatingFileHandler(
                folder / "incidents.log", maxBytes=_MAX_SIZE, backupCount=1, encoding="utf-8"
            )
        )
    except (OSError, RuntimeError):
        return logging.NullHandler()


def _formatted(handler: logging.Handler) -> logging.Handler:
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    return handler
