"""Cursors (https://docs.slack.dev/apis/web-api/pagination)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any, TypeVar

from workspace.errors import SlackError

Item = TypeVar("Item")


def page(items: Sequence[Item], cursor: str, limit: int) -> tuple[Sequence[Item], dict[str, Any]]:
    """The items of one page, and `response_metadata`. Raises SlackError `invalid_cursor`."""
    start = _offset(cursor)
    if start > len(items):
        raise SlackError("invalid_cursor")
    end = start + limit
    following = _cursor(end) if end < len(items) else ""
    return items[start:end], {"next_cursor": following}


def _cursor(offset: int) -> str:
    return base64.b64encode(f"next:{offset}".encode()).decode()


def _offset(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        name, _, number = base64.b64decode(cursor, validate=True).decode().partition(":")
        if name != "next" or not number.isdecimal():
            raise SlackError("invalid_cursor")
        return int(number)
    except (binascii.Error, UnicodeDecodeError):
        raise SlackError("invalid_cursor") from None
