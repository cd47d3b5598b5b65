"""Long texts that are made to take time: the event loop reads them while everybody waits."""

from __future__ import annotations

import time

import pytest

from bot.redaction import redacted
from handlers.blocks.markup import escape, unescaped
from handlers.thread import is_error
from handlers.words import parse_command, parse_mention

_LENGTH = 60_000


@pytest.mark.parametrize(
    "piece", ["<", '"', "(", "<a|", "<a:", "password=", "://", "&", "<mailto:", "\\"]
)
def test_the_time_grows_with_the_length_alone(piece: str) -> None:
    text = piece * (_LENGTH // len(piece))
    begun = time.process_time()
    for read in (redacted, unescaped, escape, is_error):
        read(text)
    assert time.process_time() - begun < 10


@pytest.mark.parametrize(
    "piece", ["a,", "1,", "=,", "a.b,", "a\n", "h:1 ", "a=b;", "https://", "*"]
)
def test_a_command_of_many_parts_is_read_at_once(piece: str) -> None:
    text = piece * (20_000 // len(piece))
    begun = time.process_time()
    parse_command(text)
    parse_mention(text)
    assert time.process_time() - begun < 10


def test_secrets_are_still_taken_out() -> None:
    assert redacted("check admin:hunter2@dc01.corp.example:636") == (
        "check ***@dc01.corp.example:636"
    )
    assert "hunter2" not in redacted(f"{'a' * 200}:hunter2{'b' * 900}@dc01.corp.example")
