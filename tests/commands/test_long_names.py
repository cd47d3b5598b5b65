"""Names that no file system takes: refused in words, as every other mistake is."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.program import whichroot

NAME = "x" * 300


@pytest.mark.parametrize(
    ("arguments", "environment", "code"),
    [
        (("read", NAME), {}, 1),
        (("check", "--file", NAME), {}, 2),
        (("check", "--chain", NAME, "dc01.corp.example"), {}, 2),
        (("check", "--installed", NAME, "dc01.corp.example"), {}, 2),
        (("predict", NAME), {}, 2),
        (("desk", "init", "--file", NAME), {}, 2),
        (("desk", "check"), {"WHICHROOT_DESK_FILE": NAME}, 2),
        (("requests", "list"), {"DATABASE_URL": f"sqlite:///{NAME}"}, 2),
        (("settings",), {"WHICHROOT_COMPANY_ROOTS": NAME}, 2),
    ],
    ids=lambda given: " ".join(given)[:20] if isinstance(given, tuple) else str(given)[:20],
)
async def test_a_name_that_is_too_long_is_refused_in_words(
    arguments: tuple[str, ...], environment: dict[str, Any], code: int
) -> None:
    run = await whichroot(*arguments, **environment)
    assert run.code == code, run
    assert NAME[:40] in run.errors
    assert "fault of the program" not in run.errors
