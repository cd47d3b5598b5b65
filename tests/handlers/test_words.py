"""What is typed after ``/cert`` or a mention."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import TargetError
from bot.probe.target import Target
from handlers.words import Check, Explain, Talk, Word, parse_command, parse_mention


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


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("what is the status?", Word("status")),
        ("Can you send the PEM please", Word("pem")),
        ("thanks a lot!", Talk()),
        ("I will do it tomorrow", Talk()),
        ("Thanks!", Talk("thanks")),
        ("is the status of the pem known", Talk()),
    ],
)
def test_what_people_say_to_a_mention(said: str, asked: object) -> None:
    assert parse_mention(said) == asked


@pytest.mark.parametrize("said", ["dc01", "check thanks", "dc01.corp.example", "dc01 636", "srv-a"])
def test_a_mention_that_names_a_server_is_no_talk(said: str) -> None:
    asked = parse_mention(said)
    assert isinstance(asked, Check)
    assert all(isinstance(target, Target) for target in asked.targets)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("chekc dc01.corp.example", "the word “chekc”. Did you mean “check”?"),
        ("explian PKIX path building failed", "the word “explian”. Did you mean “explain”?"),
        ("--privat dc01.corp.example", "no option --privat. There is --private"),
        ("dc01.corp.example --no-cache", "no option --no-cache. There is --private"),
    ],
)
def test_what_is_mistyped_is_told_and_asks_nothing(typed: str, said: str) -> None:
    for asked in (parse_command(typed), parse_mention(typed)):
        assert isinstance(asked, Check)
        (error,) = asked.targets
        assert isinstance(error, TargetError)
        assert said in f"{error.message} {error.remedy}"


def test_what_is_no_server_is_an_error_in_its_place() -> None:
    asked = parse_command("not a host")
    assert isinstance(asked, Check)
    assert isinstance(asked.targets[0], TargetError)


@given(st.text(max_size=200))
def test_every_text_is_understood_somehow(text: str) -> None:
    parse_command(text)
    parse_mention(text)
