"""A desk file, written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

_HEAD: Final = """\
# The Matrix42 desk of whichroot. A table [test] may give the test environment another one.
# Secrets are not written here: env:NAME or file:PATH says where they are.
"""
_COMMENTS: Final = {
    "states": "# What the codes of states mean: open, working, waiting, solved, closed.",
    "set_states": "# The state that a ticket gets when its request is taken, waiting, installed, "
    "verified, rejected or cancelled.",
}


def desk_file_text(table: Mapping[str, Any]) -> str:
    """The file whose table for production is ``table``: texts, numbers, lists, and tables of these."""
    return _HEAD + "\n".join(_lines(table)) + "\n"


def _lines(table: Mapping[str, Any]) -> Iterable[str]:
    yield "[production]"
    yield from _pairs(table)
    inner = {name: value for name, value in table.items() if isinstance(value, Mapping)}
    if table["kind"] in ("enterprise", "professional"):
        inner = {**{name: {} for name in _COMMENTS}, **inner}
    for name, value in inner.items():
        yield ""
        if name in _COMMENTS:
            yield _COMMENTS[name]
        yield f"[production.{name}]"
        yield from _pairs(value)


def _pairs(table: Mapping[str, Any]) -> Iterable[str]:
    for name, value in table.items():
        if not isinstance(value, Mapping):
            # JSON's texts, numbers and lists are TOML's too; a quoted key may be anything.
            key = name if name.isidentifier() and name.isascii() else json.dumps(name)
            yield f"{key} = {json.dumps(value, ensure_ascii=False)}"
