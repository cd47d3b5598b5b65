"""What is typed after ``/cert`` or a mention."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import TargetError
from bot.probe.target import Target
from handlers.words import Check, Explain, Word, parse_command, parse_mention


def hosts(asked: object) -> list[str]:
    assert isinstance(asked, Check)
    return [t.address if isinstance(t, Target) else t.message for t in asked.targets]


@pytest.mark.parametrize(
    ("typed", "addresses", "private"),
    [
        ("dc01.corp.example:636", ["dc01.corp.example:636"], False),
        ("--private dc01.corp.example", ["dc01.corp.example:443"], True),
        ("dc01.corp.example —private", ["dc01.corp.example:443"], True),
        ("a.example, b.example:636", ["a.example:443", "b.example:636"], False),
        ("help.example.com", ["help.example.com:443"], False),
        ("mine.example.com:636", ["mine.example.com:636"], False),
        ("check dc01.corp.example:636", ["dc01.corp.example:636"], False),
    ],
)
def test_servers(typed: str, addresses: list[str], private: bool) -> None:
    asked = parse_command(typed)
    assert hosts(asked) == addresses
    assert isinstance(asked, Check)
    assert asked.private is private


def test_words_of_a_command() -> None:
    assert parse_command("") == parse_command("  ") == parse_command("HELP") == Word("help")
    assert parse_command("mine") == Word("mine")
    assert parse_command("explain PKIX path building failed") == Explain(
        "PKIX path building failed"
    )
    assert parse_command("explain") == Explain("")


def test_words_of_a_mention() -> None:
    assert parse_mention("") == parse_mention("help") == Word("help")
    for word in ("recheck", "chain", "pem", "status"):
        assert parse_mention(word) == Word(word)
    asked = parse_mention("recheck dc01.corp.example:636")
    assert hosts(asked) == ["dc01.corp.example:636"]
    assert isinstance(asked, Check)
    assert asked.fresh
    assert parse_mention("explain: it failed") == Explain("it failed")


def test_what_is_no_server_is_an_error_in_its_place() -> None:
    asked = parse_command("not a host")
    assert isinstance(asked, Check)
    assert isinstance(asked.targets[0], TargetError)


@given(st.text(max_size=200))
def test_every_text_is_understood_somehow(text: str) -> None:
    parse_command(text)
    parse_mention(text)
