"""Untrusted text made visible, and such as can be stored."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text import storable, visible
from handlers.blocks.markup import unescaped


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u00a0b", "a\\xa0b"),
        ("a\u202fb", "a\\u{202f}b"),
        ("a\u3000b\u2003c", "a\\u{3000}b\\u{2003}c"),
        ("pay\u200bpal", "pay\\u{200b}pal"),
        ("\u3164\u115f\u2800", "\\u{3164}\\u{115f}\\u{2800}"),
        ("a\u034fb\U000e0100", "a\\u{034f}b\\u{e0100}"),
        ("a\u2028b\u0085", "a\\u{2028}b\\x85"),
        ("Söhne ❤\ufe0f 日本", "Söhne ❤\ufe0f 日本"),
    ],
)
def test_what_cannot_be_seen_is_shown_as_its_number(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text(max_size=300))
def test_what_is_visible_is_printable_and_stays_as_it_is(text: str) -> None:
    shown = visible(text)
    assert shown.isprintable()
    assert visible(shown) == shown
    assert len(shown) <= 200


def test_a_no_break_space_that_a_person_wrote_is_a_space() -> None:
    assert unescaped("check\u00a0dc01\u202f:636") == "check dc01 :636"


@given(st.text(st.characters(), max_size=100))
def test_what_is_storable_can_be_encoded_and_is_as_long(text: str) -> None:
    kept = storable(text + "\0\ud800")
    kept.encode()
    assert "\0" not in kept
    assert len(kept) == len(text) + 2
