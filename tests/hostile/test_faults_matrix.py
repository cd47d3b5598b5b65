"""A slice of the matrix of faults, of which `tools.soak.faults` is all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.soak.faults import Calls, cases, named_methods, run

_CALLS = Calls(frozenset({"files.completeUploadExternal"}), {"enterprise": frozenset({"object"})})
_CASES = {case.name: case for case in cases(_CALLS)}


@pytest.mark.parametrize(
    "name",
    [
        "Slack files.completeUploadExternal: reset after",
        # The ticket is there, and reading its number fails.
        "enterprise object: 429",
    ],
)
async def test_one_fault_neither_loses_nor_repeats(name: str, tmp_path: Path) -> None:
    assert await run(_CASES[name], tmp_path) == []


def test_the_methods_that_the_program_names_are_found() -> None:
    assert {"chat.postMessage", "usergroups.users.list", "views.publish"} <= named_methods()
