"""Who may see a file of an enterprise ticket: the entry next to it decides."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.desks.fragments import is_for_customer

_UPLOADED = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("entries", "later", "expected"),
    [
        ([], 30, None),
        ([], 121, False),
        ([(-20, True)], 30, True),
        # A nearer one may still come.
        ([(-20, True)], 5, None),
        ([(-20, False)], 5, None),
        ([(-20, False), (1, True)], 5, True),
        ([(20, False)], 30, False),
        ([(20, False)], 86400, False),
        ([(-50, False), (5, True)], 30, True),
        ([(-5, True), (50, False)], 30, True),
        # As near as each other: it may be internal.
        ([(-5, True), (5, False)], 30, False),
        ([(-180, False)], 30, None),
        ([(-180, False)], 130, False),
    ],
)
def test_the_nearest_entry_decides(
    entries: list[tuple[int, bool]], later: int, expected: bool | None
) -> None:
    found = [
        {
            "CreatedDate": (_UPLOADED + timedelta(seconds=seconds)).isoformat(),
            "VisibleInPortal": visible,
        }
        for seconds, visible in entries
    ]
    now = _UPLOADED + timedelta(seconds=later)
    assert is_for_customer(_UPLOADED.isoformat(), found, now) is expected


def test_a_file_without_a_date_stays() -> None:
    assert is_for_customer("", [], _UPLOADED) is False
