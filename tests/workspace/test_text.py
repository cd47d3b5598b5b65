"""What Slack makes of text, and whom mentions reach."""

from __future__ import annotations

import html
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workspace.bench import Bench
from workspace.text import app_text, escape


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("plain", "plain"),
        ("a & b < c > d", "a &amp; b &lt; c &gt; d"),
        ("&lt;kept&gt; &amp;", "&lt;kept&gt; &amp;"),
        ("<@U0000000001> <!here> <#C1|x>", "<@U0000000001> <!here> <#C1|x>"),
        ("<https://a.example|label>", "<https://a.example|label>"),
        ("see https://a.example/x.", "see <https://a.example/x>."),
        ("no link: www.example.com", "no link: www.example.com"),
        ("<b>bold</b>", "&lt;b&gt;bold&lt;/b&gt;"),
        ("1 < 2 <https://a.example>", "1 &lt; 2 <https://a.example>"),
    ],
)
def test_an_apps_text_is_kept_as_slack_keeps_it(typed: str, kept: str) -> None:
    assert app_text(typed) == kept


@given(st.text(max_size=60))
def test_escaped_text_never_holds_markup_and_reads_back(text: str) -> None:
    escaped = escape(text)
    assert "<" not in escaped
    assert html.unescape(escaped) == text or "&" in text
    assert "<!" not in app_text(escaped)
    assert "<@" not in app_text(escaped)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("dc01.corp.example:636", "dc01.corp.example:636"),
        ("www.example.com", "<http://www.example.com|www.example.com>"),
        ("(ldap.example.com:389),", "(<http://ldap.example.com:389|ldap.example.com:389>),"),
        ("mail a@example.com", "mail <mailto:a@example.com|a@example.com>"),
        ("https://example.com/a?b=1&c=2", "<https://example.com/a?b=1&amp;c=2>"),
        ("e.g. x.pem", "e.g. x.pem"),
        ("@here look", "<!here> look"),
        ("@nobody look", "@nobody look"),
        ("<!channel>", "&lt;!channel&gt;"),
    ],
)
async def test_a_persons_text(greeter: Bench, typed: str, kept: str) -> None:
    said = await greeter.workspace.person("rita").say("#connectors", typed)
    assert said["text"] == kept


async def test_mentions_that_reach_people_are_marked(greeter: Bench) -> None:
    users = greeter.workspace.users
    group = greeter.workspace.groups["matrix42-support"]
    rita = greeter.workspace.person("rita")
    said = await rita.say("#connectors", "@sam @matrix42-support @channel @nobody")
    assert said["notifies"] == [users["sam"], f"subteam:{group}", "channel"]


async def test_only_formatted_unescaped_text_of_an_app_reaches_people(greeter: Bench) -> None:
    users = greeter.workspace.users
    sam = f"<@{users['sam']}>"

    async def notifies(text: str, blocks: list[dict[str, Any]] | None = None) -> list[str]:
        answer = await greeter.client.chat_postMessage(
            channel=greeter.workspace.channels["connectors"], text=text, blocks=blocks
        )
        messages = await greeter.workspace.person("rita").messages("#connectors")
        found = next(message for message in messages if message["ts"] == answer["ts"])
        return list(found["notifies"])

    def section(kind: str, text: str) -> list[dict[str, Any]]:
        return [{"type": "section", "text": {"type": kind, "text": text}}]

    assert await notifies(sam) == [users["sam"]]
    assert await notifies(f"{sam[:-1]}|label> <!here|here>") == [users["sam"], "here"]
    assert await notifies("&lt;!channel&gt; <@U404> <!subteam^S404>") == []
    assert await notifies("x", section("mrkdwn", f"CN={sam}")) == [users["sam"]]
    assert await notifies("x", section("plain_text", f"CN={sam}")) == []
    assert await notifies("x", section("mrkdwn", f"CN={escape(sam)}")) == []
    assert await notifies("x", [{"type": "markdown", "text": "<!everyone>"}]) == ["everyone"]
    rich = {
        "type": "rich_text",
        "elements": [
            {
                "type": "rich_text_section",
                "elements": [
                    {"type": "text", "text": "<!channel>"},
                    {"type": "user", "user_id": users["rita"]},
                    {"type": "broadcast", "range": "here"},
                ],
            }
        ],
    }
    assert await notifies("x", [rich]) == [users["rita"], "here"]
    table = {"type": "table", "rows": [[{"type": "raw_text", "text": sam}]]}
    assert await notifies("x", [table]) == []
