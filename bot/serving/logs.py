"""Structured logs: one JSON object a line, with the id of the request that it belongs to."""

from __future__ import annotations

import base64
import json
import logging
import re
import secrets
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Final, TextIO
from urllib.parse import quote, quote_plus

_SECRETS: Final = re.compile(
    r"xox[a-z]{1,2}(?:\.[a-z]+)?-[\w-]+|xapp-[\w-]+|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
    r"|https://hooks\.slack\.com/\S+|(?<=[?&]ticket=)[\w-]+"
    r"|-----BEGIN [A-Z ]+-----.*?(?:-----END [A-Z ]+-----|$)",
    re.DOTALL,
)
#: What is shorter is a word that may stand anywhere.
_LEAST_SECRET: Final = 6
_known: Final[set[str]] = set()
_request: Final[ContextVar[str]] = ContextVar("whichroot_request", default="")

#: The fields that a record may carry beside its message; anything else is not written.
_FIELDS: Final = ("kind", "act", "outcome", "milliseconds", "error", "team", "state", "url")

logger: Final = logging.getLogger("whichroot")


@contextmanager
def request_id(kind: str) -> Iterator[str]:
    """All that is logged inside belongs to one request."""
    identifier = f"{kind}-{secrets.token_hex(4)}"
    token = _request.set(identifier)
    try:
        yield identifier
    finally:
        _request.reset(token)


class JsonFormatter(logging.Formatter):
    """One line of JSON. Tokens, PEM and webhook addresses never get through."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": without_secrets(record.getMessage()),
        }
        if identifier := _request.get():
            entry["request"] = identifier
        entry.update(
            {
                name: _masked(getattr(record, name))
                for name in _FIELDS
                if getattr(record, name, None) is not None
            }
        )
        if record.exc_info:
            entry["traceback"] = without_secrets(self.formatException(record.exc_info))
        # In ASCII: some viewers break lines at U+2028 and turn text at U+202E.
        return json.dumps(entry, default=str)


def hide(values: Iterable[str]) -> None:
    """From now on none of these values is written, however it got into an entry: neither as it is,
    nor as URLs, JSON and HTTP's Basic credentials hold it."""
    for value in values:
        if len(value) >= _LEAST_SECRET:
            encoded = base64.b64encode(value.encode()).decode().rstrip("=")
            _known.update((value, quote(value, ""), quote_plus(value), json.dumps(value)[1:-1]))
            _known.update((repr(value)[1:-1], encoded))


def without_secrets(text: str) -> str:
    """``text`` with ``***`` for every token, password in a URL, PEM block and webhook address, and
    for what `hide` was told."""
    text = _SECRETS.sub("***", text)
    for value in _known:
        text = text.replace(value, "***")
    return text


def _masked(value: object) -> object:
    return without_secrets(value) if isinstance(value, str) else value


def configure(stream: TextIO | None = None, level: int = logging.INFO) -> None:
    """From now on everything that the process logs is written as JSON lines."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logger.handlers = [handler]
    logger.setLevel(level)
    # Bolt, the SDK and the drivers say what they send and are sent when they debug.
    for name in ("slack_bolt", "slack_sdk", "aiohttp", "sqlalchemy", "httpx", "httpcore"):
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    for name in ("asyncpg", "asyncio"):
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    logger.getChild("bolt").setLevel(max(level, logging.INFO))
