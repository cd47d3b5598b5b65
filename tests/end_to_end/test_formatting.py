"""Texts, as the page's own modules make them, in the browser that shows them.

Source of what is expected: https://docs.slack.dev/messaging/formatting-message-text.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.async_api import Page

from tests.end_to_end.conftest import OpenPage
from tests.end_to_end.sample_app import MANIFEST
from workspace import Workspace

pytestmark = pytest.mark.asyncio(loop_scope="session")

LINK = '<a href="{0}" target="_blank" rel="noopener noreferrer"{2}>{1}</a>'
NOBODY = '<span class="mention" title="This mention notifies nobody">{}</span>'
SOMEBODY = '<span class="mention notifies" title="This mention notifies">{}</span>'

MRKDWN = [
    ("plain", "plain"),
    ("*bold* _italic_ ~struck~", "<b>bold</b> <i>italic</i> <s>struck</s>"),
    ("*bold and _both_*", "<b>bold and <i>both</i></b>"),
    ("(*bold*), *bold*.", "(<b>bold</b>), <b>bold</b>."),
    ("snake_case_name 2*3*4 a~b~c", "snake_case_name 2*3*4 a~b~c"),
    ("*bold*text", "*bold*text"),
    ("* no * and _ no _", "* no * and _ no _"),
    ("*open", "*open"),
    ("**", "**"),
    ("*over\nlines*", "*over<br>lines*"),
    ("`*code* &lt;b&gt;`", "<code>*code* &lt;b&gt;</code>"),
    ("``", "``"),
    ("```\n*pre*\n  kept\n```", "<pre>*pre*\n  kept</pre>"),
    ("before ```pre``` after", "before <pre>pre</pre> after"),
    ("```never closed", "```never closed"),
    ("&gt; one\n&gt; two\nthree", "<blockquote>one<br>two</blockquote>three"),
    ("&gt;&gt;&gt; all\nof it", "<blockquote>all<br>of it</blockquote>"),
    ("a &amp; b &lt;!channel&gt;", "a &amp; b &lt;!channel&gt;"),
    ("&amp;lt; is kept once", "&amp;lt; is kept once"),
    ("&quot; &#60;", "&amp;quot; &amp;#60;"),
    (
        "<https://e.example/?a=1&amp;b=2|the *link*>",
        LINK.format(
            "https://e.example/?a=1&amp;b=2",
            "the *link*",
            ' title="https://e.example/?a=1&amp;b=2"',
        ),
    ),
    ("<https://e.example/>", LINK.format("https://e.example/", "https://e.example/", "")),
    (
        "see https://e.example/.",
        "see " + LINK.format("https://e.example/", "https://e.example/", "") + ".",
    ),
    ("<javascript:alert(1)|click>", "&lt;javascript:alert(1)|click&gt;"),
    ("<@U1> <@U2>", SOMEBODY.format("@One") + " " + NOBODY.format("@Two")),
    ("<@U404|someone>", NOBODY.format("@someone")),
    ("<!channel> <!here>", SOMEBODY.format("@channel") + " " + NOBODY.format("@here")),
    ("<!subteam^S1>", NOBODY.format("@helpers")),
    ("<#C1>", '<span class="mention channel-mention" data-channel="C1">#general</span>'),
    ("`<@U1>`", "<code>@One</code>"),
    ("<!date^0^{date_num}|then>", "<time>1970-01-01</time>"),
    ("<!date^never^{date_num}|then>", "<time>then</time>"),
    (":white_check_mark: :unknown_one:", '<span class="emoji emoji-check">✅</span> :unknown_one:'),
    ("10:30:45", "10:30:45"),
]

RENDER = """async (text) => {
    const { mrkdwn } = await import('/static/modules/mrkdwn.js');
    const known = { U1: 'One', U2: 'Two' };
    const names = {
        user: (id) => known[id] ?? null,
        channel: (id) => (id === 'C1' ? 'general' : null),
        group: (id) => (id === 'S1' ? 'helpers' : null),
    };
    const place = document.createElement('div');
    place.append(...mrkdwn(text, { names, notifies: ['U1', 'channel'] }));
    return place.innerHTML;
}"""

RENDER_MARKDOWN = """async (text) => {
    const { markdown } = await import('/static/modules/markdown.js');
    const place = document.createElement('div');
    place.append(...markdown(text));
    return place.innerHTML;
}"""


@pytest_asyncio.fixture(loop_scope="session")
async def page(open_page: OpenPage) -> AsyncIterator[Page]:
    async with Workspace(MANIFEST) as workspace:
        page = await open_page(workspace.url)
        yield page
        await page.close()


async def test_mrkdwn_is_shown_as_slack_shows_it(page: Page) -> None:
    for text, expected in MRKDWN:
        assert await page.evaluate(RENDER, text) == expected, text


async def test_markdown_blocks_are_shown_as_markdown(page: Page) -> None:
    text = "# Head\n\n**bold** and *italic*, `code`\n- one\n- two\n\n> said\n\n|A|B|\n|-|-|\n|1|2|"
    assert await page.evaluate(RENDER_MARKDOWN, text) == (
        '<p class="markdown-heading" role="heading" aria-level="3">Head</p>'
        "<p><b>bold</b> and <i>italic</i>, <code>code</code></p>"
        "<ul><li>one</li><li>two</li></ul>"
        "<blockquote><p>said</p></blockquote>"
        '<div class="table-frame"><table><thead><tr><th>A</th><th>B</th></tr></thead>'
        "<tbody><tr><td>1</td><td>2</td></tr></tbody></table></div>"
    )


PIECES = st.lists(
    st.sampled_from(
        [*"*_~`<>|&@#!:-\n ab1", "```", "&gt;", "&lt;", "&amp;", "<script>", "https://", "**", "]("]
    ),
    max_size=30,
).map("".join)


async def test_any_text_is_shown_and_none_of_it_becomes_markup(page: Page) -> None:
    texts: list[str] = []

    @settings(max_examples=400, database=None, suppress_health_check=list(HealthCheck))
    @given(PIECES)
    def collect(text: str) -> None:
        texts.append(text)

    collect()
    for render in (RENDER, RENDER_MARKDOWN):
        shown = await page.evaluate(f"async (texts) => Promise.all(texts.map({render}))", texts)
        assert len(shown) == len(texts)
        for html in shown:
            assert "<script" not in html
            assert 'href="javascript' not in html


async def test_a_block_that_the_page_does_not_know_is_shown_as_its_data(page: Page) -> None:
    shown = await page.evaluate(
        """async (blocks) => {
            const { renderBlocks } = await import('/static/modules/blocks.js');
            const form = { names: {}, value: () => undefined, keep: () => {} };
            return renderBlocks(blocks, form).map((node) => node.textContent);
        }""",
        [
            {"type": "hologram", "text": "<b>new</b>"},
            {"type": "actions", "elements": [{"type": "dial", "action_id": "turn"}]},
            {
                "type": "input",
                "label": {"type": "plain_text", "text": "L"},
                "element": {"type": "dial"},
            },
        ],
    )
    assert "A block of the type “hologram”" in shown[0]
    assert '"text": "<b>new</b>"' in shown[0]
    assert '"action_id": "turn"' in shown[1]
    assert '"type": "dial"' in shown[2]
