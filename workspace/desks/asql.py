"""As much of ASQL as a client of fragments needs: comparisons joined by AND and OR.

A text stands in single quotes, in which a quote is doubled. In LIKE ``%`` and ``_`` are wildcards and
``[…]`` is a set of characters, as in T-SQL.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

Predicate: TypeAlias = Callable[[Mapping[str, Any]], bool]

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>\d+)|(?P<op>>=|<=|=|>|<)"
    r"|(?P<column>\[[A-Za-z-]+\]|[A-Za-z][A-Za-z.]*))"
)
_WORDS = ("AND", "OR", "LIKE")
_SIGNS: Mapping[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


class AsqlError(Exception):
    """The expression is malformed."""


def predicate(expression: str) -> Predicate:
    """What ``expression`` asks of a row. Raises AsqlError."""
    tokens = _tokens(expression)
    alternatives: list[list[Predicate]] = [[]]
    position = 0
    while True:
        if position + 3 > len(tokens):
            raise AsqlError(expression)
        alternatives[-1].append(_comparison(*tokens[position : position + 3]))
        position += 3
        if position == len(tokens):
            break
        word = tokens[position][1].upper()
        if word == "OR":
            alternatives.append([])
        elif word != "AND":
            raise AsqlError(expression)
        position += 1
    return lambda row: any(all(test(row) for test in tests) for tests in alternatives)


def _tokens(expression: str) -> list[tuple[str, str]]:
    found, position = [], 0
    while expression[position:].strip():
        match = _TOKEN.match(expression, position)
        if not match:
            raise AsqlError(expression)
        found.append((str(match.lastgroup), match[str(match.lastgroup)]))
        position = match.end()
    return found


def _comparison(
    column: tuple[str, str], sign_token: tuple[str, str], value: tuple[str, str]
) -> Predicate:
    kind, name = column
    sign = sign_token[1].upper()
    if kind != "column" or name.upper() in _WORDS or value[0] not in ("text", "number"):
        raise AsqlError(name)
    wanted: Any = int(value[1]) if value[0] == "number" else value[1][1:-1].replace("''", "'")
    if sign == "LIKE":
        pattern = _like(str(wanted))
        return lambda row: bool(pattern.fullmatch(str(row.get(name) or "")))
    if sign not in _SIGNS:
        raise AsqlError(sign)

    def test(row: Mapping[str, Any]) -> bool:
        if name not in row:
            raise AsqlError(name)
        had: Any = row[name]
        other = wanted
        if isinstance(had, datetime):
            try:
                moment = datetime.fromisoformat(str(wanted))
            except ValueError:
                raise AsqlError(str(wanted)) from None
            other = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        elif type(had) is not type(wanted):
            raise AsqlError(name)
        return bool(_SIGNS[sign](had, other))

    return test


def _like(wanted: str) -> re.Pattern[str]:
    parts = []
    for piece in re.findall(r"\[[^\]]+\]|.", wanted, re.DOTALL):
        if piece == "%":
            parts.append(".*")
        elif piece == "_":
            parts.append(".")
        elif len(piece) > 1:
            parts.append("[" + re.escape(piece[1:-1]).replace(r"\-", "-") + "]")
        else:
            parts.append(re.escape(piece))
    return re.compile("".join(parts), re.DOTALL | re.IGNORECASE)
