"""Nothing untrusted can be more than text in a message."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.blocks.markup import block, code, cut, escape, fill, joined, link, unescaped, user

HOSTILE = (
    "<!channel> <!here> <@U0123456789> <#C0123456789> <https://evil.example|bank.example> "
    "*bold* _italic_ ~struck~ `code` ```block``` :rotating_light: & < > | \u202e\u0000 {} {0}"
)


@given(st.text(max_size=300))
def test_no_text_makes_a_mention_a_link_or_formatting(text: str) -> None:
    for shown in (escape(text), fill("{}", text), joined((text,)), cut(escape(text), 50)):
        assert not re.search(r"[<>*~`]", shown)
        assert not re.search(r"&(?!amp;|lt;|gt;)", shown)


@given(st.text(max_size=300))
def test_no_text_leaves_its_code_span_or_block(text: str) -> None:
    span = code(text)
    assert span.startswith("`")
    assert span.endswith("`")
    assert not re.search(r"[<>`\n]", span[1:-1])
    inside = block(text).removeprefix("```\n").removesuffix("\n```")
    assert not re.search(r"[<>`]", inside)


def test_what_is_escaped_is_shown_as_it_was_written() -> None:
    assert escape("CN=Corp & Söhne, O=<x>") == "CN=Corp &amp; Söhne, O=&lt;x&gt;"
    assert escape("srv_ldap01.corp.example:636") == "srv_ldap01.corp.example:636"
    assert escape("2001:db8::7") == "2001:db8::7"
    assert "\u202e" not in escape(HOSTILE)
    assert ":rotating_light:" not in escape(HOSTILE)


def test_a_template_is_never_filled_twice() -> None:
    assert fill("{} {}", "{0.class}", "x") == "{0.class} x"
    assert fill("{}", escape("a & b")) == "a &amp; b"


def test_a_mention_is_made_of_an_id_alone() -> None:
    assert user("U0123456789") == "<@U0123456789>"
    assert user("U1> <!channel") == "U1&gt; &lt;!channel"


def test_a_link_takes_no_other_scheme_and_no_forged_label() -> None:
    assert link("https://a.example/?b&c", "a|b") == "<https://a.example/?b&amp;c|a¦b>"
    assert link("javascript:alert(1)", "x") == "x"
    assert link("https://a.example/|<!channel>", "x") == "x"


@pytest.mark.parametrize("limit", range(10, 80))
def test_what_is_cut_ends_whole(limit: int) -> None:
    text = fill("{} {} <https://a.example|b> {}", "a & b", code("c"), user("U0123456789"))
    shown = cut(text, limit)
    assert len(shown) <= limit
    assert shown.count("<") == shown.count(">")
    assert shown.count("`") % 2 == 0
    assert not re.search(r"&(?!amp;|lt;|gt;)", shown)


def test_text_of_an_event_is_what_was_typed() -> None:
    assert unescaped("check <http://www.example.com|www.example.com>") == "check www.example.com"
    assert unescaped("<mailto:a@b.example|a@b.example>") == "a@b.example"
    assert unescaped("<https://a.example/x>") == "https://a.example/x"
    assert unescaped("a &lt;b&gt; &amp;amp;") == "a <b> &amp;"
