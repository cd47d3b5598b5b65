"""What a desk answers that no clock shows and no database keeps."""

from __future__ import annotations

import httpx
import pytest

from bot.desks.base import moment
from bot.desks.http import Answer
from bot.desks.markup import from_html


@pytest.mark.parametrize(
    "text", ["0001-01-01T00:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "x"]
)
def test_a_time_that_no_clock_shows_is_none(text: str) -> None:
    assert moment(text) is None


def test_text_that_no_database_keeps_is_replaced() -> None:
    answer = Answer(200, httpx.Headers(), b'[{"a\\u0000": "b\\ud800c"}, "\\ud83d\\ude00", 1]')
    assert answer.json() == [{"a\ufffd": "b\ufffdc"}, "😀", 1]
    assert from_html("<p>a&#0;b\0c</p>") == "a\ufffdb\ufffdc"
