"""The page, in a real browser against a real workspace, with a small real Bolt app behind it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, Route, expect

from tests.end_to_end.conftest import OpenPage
from tests.end_to_end.sample_app import LONG_NAME, Sampler, sampler
from workspace import Rules
from workspace.activity import Draft

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def running() -> AsyncIterator[Sampler]:
    async with sampler() as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def page(running: Sampler, open_page: OpenPage) -> Page:
    """Rita's window, in #connectors."""
    return await open_page(running.workspace.url)


def composer(page: Page, place: str = "#connectors") -> Locator:
    return page.get_by_role("combobox", name=f"Message {place}")


async def write(page: Page, text: str, place: str = "#connectors") -> None:
    await composer(page, place).fill(text)
    await composer(page, place).press("Enter")


async def sample_blocks(page: Page) -> Locator:
    """The message with every kind of block."""
    await write(page, "/sample blocks")
    message = page.get_by_role("article").filter(has_text="Small words")
    await expect(message).to_be_visible()
    return message


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(120):
        while not condition():  # noqa: ASYNC110  the page tells nobody
            await asyncio.sleep(0.02)


async def test_text_is_shown_as_slack_shows_it(page: Page) -> None:
    message = await sample_blocks(page)
    marks = message.locator('[data-block="marks"]')
    assert await marks.locator("b").all_text_contents() == ["bold"]
    assert await marks.locator("i").all_text_contents() == ["italic"]
    assert await marks.locator("s").all_text_contents() == ["struck"]
    assert await marks.locator("code").all_text_contents() == ["code <b>"]
    assert await marks.locator("blockquote").inner_html() == "quoted<br>again"
    assert await marks.locator("pre").text_content() == "pre *not bold*\n  kept"
    await expect(marks).to_contain_text("a_b_c 2*3*4 a link")
    await expect(marks).to_contain_text("<!channel> <script>")
    await expect(marks.locator("a")).to_have_attribute("href", "https://example.com/")
    await expect(message.locator(".block-header")).to_contain_text("A header & more 🎉")


async def test_only_mentions_that_notify_are_marked(page: Page) -> None:
    await write(page, "@sam, not @nobody, and <!channel> neither")
    message = page.get_by_role("article").filter(has_text="neither")
    await expect(message.locator(".mention.notifies")).to_have_text("@Sam Support")
    await expect(message).to_contain_text("not @nobody, and <!channel> neither")


async def test_every_element_sends_what_was_chosen(running: Sampler, page: Page) -> None:
    message = await sample_blocks(page)
    await message.get_by_role("button", name="Press").click()
    await message.get_by_role("combobox", name="Choose a colour").select_option("green")
    await message.get_by_role("combobox", name="Choose a person").select_option(label="Sam Support")
    await message.locator('input[type="date"]').fill("2027-01-31")
    await message.get_by_role("checkbox", name="one").check()
    await message.get_by_role("radio", name="b", exact=True).check()
    await message.get_by_role("textbox", name="A note").fill("noted")
    await message.get_by_role("textbox", name="A note").press("Enter")
    await message.get_by_role("button", name="More choices").click()
    await page.get_by_role("menuitem", name="second").click()
    await until(lambda: len(running.did) == 8)
    did = dict(running.did)
    assert did["press"] == "Press"
    assert did["colour"]["value"] == "green"
    assert did["person"] == running.workspace.users["sam"]
    assert did["day"] == "2027-01-31"
    assert [option["value"] for option in did["boxes"]] == ["one", "two"]
    assert did["radio"]["value"] == "b"
    assert did["note"] == "noted"
    assert did["more"]["value"] == "second"


async def test_a_dangerous_button_asks_first(running: Sampler, page: Page) -> None:
    message = await sample_blocks(page)
    for answer, expected in (("Keep", []), ("Delete", [("delete", "Delete")])):
        await message.get_by_role("button", name="Delete").click()
        dialog = page.get_by_role("dialog", name="Delete it?")
        await expect(dialog).to_contain_text("It is gone then.")
        await dialog.get_by_role("button", name=answer).click()
        await expect(dialog).to_be_hidden()
        if expected:
            await until(lambda: bool(running.did))
        assert running.did == expected


async def test_a_message_changes_in_place(page: Page) -> None:
    message = await sample_blocks(page)
    await message.get_by_role("button", name="Go", exact=True).click()
    await expect(page.get_by_text("Gone on")).to_be_visible()
    await expect(page.get_by_role("article")).to_have_count(1)
    await expect(page.get_by_text("(edited)")).to_be_visible()


async def test_long_names_stay_inside_the_message(page: Page) -> None:
    message = await sample_blocks(page)
    await expect(message).to_contain_text(LONG_NAME)
    for width in (1440, 800, 400):
        await page.set_viewport_size({"width": width, "height": 800})
        sizes = await page.evaluate(
            "[document.documentElement, ...document.querySelectorAll('.scroller, .block')]"
            ".map((one) => one.scrollWidth - one.clientWidth)"
        )
        assert max(sizes) <= 1, width


async def test_a_modal_shows_errors_at_its_fields(running: Sampler, page: Page) -> None:
    await write(page, "/sample modal")
    dialog = page.get_by_role("dialog", name="A form")
    name = dialog.get_by_role("textbox", name="Name")
    await expect(name).to_be_focused()
    await dialog.get_by_role("button", name="Send").click()
    await expect(dialog.get_by_text("Please complete this required field.")).to_be_visible()
    await name.fill("wrong")
    await name.press("Enter")
    problem = dialog.get_by_role("alert").filter(has_text="That is the wrong name.")
    await expect(problem).to_be_visible()
    await expect(name).to_have_attribute("aria-invalid", "true")
    await expect(name).to_have_value("wrong")
    await name.fill("right")
    await dialog.get_by_role("radio", name="server").check()
    await dialog.get_by_role("button", name="Send").click()
    await expect(dialog).to_be_hidden()
    (what, values), *_ = running.did
    assert what == "form"
    assert values["name"]["name"]["value"] == "right"
    assert values["choice"]["choice"]["selected_option"]["value"] == "server"


async def test_modals_stack_and_escape_closes_the_top_one(page: Page) -> None:
    await write(page, "/sample modal")
    await page.get_by_role("dialog", name="A form").get_by_role("textbox").fill("kept")
    await page.get_by_role("button", name="Next page").click()
    second = page.get_by_role("dialog", name="Second page")
    await expect(second).to_be_visible()
    await page.keyboard.press("Escape")
    first = page.get_by_role("dialog", name="A form")
    await expect(first.get_by_role("textbox", name="Name")).to_have_value("kept")
    await page.keyboard.press("Escape")
    await expect(first).to_be_hidden()
    await expect(composer(page)).to_be_focused()


async def test_a_file_is_uploaded_in_a_modal(running: Sampler, page: Page) -> None:
    await write(page, "/sample modal")
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("textbox", name="Name").fill("x")
    field = dialog.locator('input[type="file"]')
    await field.set_input_files({"name": "a.zip", "mimeType": "a/b", "buffer": b"zip"})
    await expect(
        dialog.get_by_text("a.zip is not of a type that is taken here: pem.")
    ).to_be_visible()
    await field.set_input_files({"name": "a.pem", "mimeType": "a/b", "buffer": b"PEM"})
    await expect(dialog.get_by_text("a.pem", exact=True)).to_be_visible()
    await dialog.get_by_role("button", name="Send").click()
    await expect(dialog).to_be_hidden()
    assert running.did[0][1]["files"]["files"]["files"][0]["name"] == "a.pem"


async def test_commands_are_completed(page: Page) -> None:
    await composer(page).press_sequentially("/s")
    choices = page.get_by_role("option")
    await expect(choices).to_have_count(2)
    await expect(choices.first).to_contain_text("blocks | modal | silent | many <count>")
    await composer(page).press("ArrowDown")
    await composer(page).press("Tab")
    await expect(composer(page)).to_have_value("/simple ")
    await composer(page).press_sequentially("hello")
    await composer(page).press("Enter")
    answer = page.get_by_role("article").filter(has_text="You said hello")
    await expect(answer).to_contain_text("Only visible to you")


async def test_shift_enter_begins_a_new_line(page: Page) -> None:
    await composer(page).press_sequentially("one")
    await composer(page).press("Shift+Enter")
    await composer(page).press_sequentially("two")
    await composer(page).press("Enter")
    message = page.get_by_role("article")
    assert await message.locator(".text").inner_html() == "one<br>two"


async def test_a_place_writes_its_line(page: Page) -> None:
    await page.get_by_role("button", name="/sample blocks").click()
    await expect(composer(page)).to_have_value("/sample blocks")
    await expect(composer(page)).to_be_focused()


async def test_a_thread_opens_beside_the_channel(page: Page) -> None:
    await write(page, "Hello @sampler")
    summary = page.get_by_role("button", name="1 reply")
    await summary.click()
    thread = page.get_by_role("complementary", name="Thread")
    await expect(thread.get_by_role("article").nth(1)).to_contain_text("@Rita Requester called")
    await thread.get_by_role("combobox").fill("/sample blocks")
    await thread.get_by_role("combobox").press("Enter")
    await expect(thread).to_contain_text("Slash commands do not work in threads.")
    await thread.get_by_role("combobox").fill("Thanks")
    await thread.get_by_role("combobox").press("Enter")
    await expect(thread.get_by_role("article")).to_have_count(3)
    await expect(page.get_by_role("button", name="2 replies")).to_be_visible()
    await page.reload()
    await expect(thread.get_by_role("article")).to_have_count(3)
    await page.keyboard.press("Escape")
    await expect(thread).to_be_hidden()


async def test_own_messages_are_edited_and_deleted(page: Page) -> None:
    await write(page, "Frist for @sam & <all>")
    message = page.get_by_role("article")
    await message.hover()
    await message.get_by_role("button", name="More actions").click()
    await page.get_by_role("menuitem", name="Edit message").click()
    area = page.get_by_role("textbox", name="Edit message")
    await expect(area).to_have_value("Frist for @sam & <all>")
    await area.fill("First for @sam")
    await area.press("Enter")
    await expect(message).to_contain_text("First for @Sam Support (edited)")
    await message.hover()
    await message.get_by_role("button", name="More actions").click()
    await page.get_by_role("menuitem", name="Delete message").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(page.get_by_text("Nothing has been written here yet.")).to_be_visible()


async def test_a_message_shortcut_runs(page: Page) -> None:
    await write(page, "Look here")
    message = page.get_by_role("article")
    await message.hover()
    await message.get_by_role("button", name="More actions").click()
    await page.get_by_role("menuitem", name="Look at this message").click()
    await page.get_by_role("button", name="1 reply").click()
    await expect(page.get_by_text("It says: Look here")).to_be_visible()


async def test_files_are_sent_previewed_and_downloaded(page: Page, tmp_path: Path) -> None:
    content = "".join(f"line {number}\n" for number in range(20))
    source = tmp_path / "root with spaces.pem"
    source.write_text(content)
    await page.locator('.composer input[type="file"]').set_input_files(source)
    await expect(page.get_by_text("uploading")).to_be_hidden()
    await write(page, "The file")
    message = page.get_by_role("article")
    preview = message.get_by_label("Contents of root with spaces.pem")
    await expect(preview).to_have_text("line 0\nline 1\nline 2\nline 3\nline 4\nline 5")
    await message.get_by_role("button", name="Show all 20 lines").click()
    await expect(preview).to_contain_text("line 19")
    async with page.expect_download() as started:
        await message.get_by_role("link", name="Download root with spaces.pem").click()
    download = await started.value
    assert download.suggested_filename == "root with spaces.pem"
    saved = tmp_path / "saved.pem"
    await download.save_as(saved)
    assert saved.read_text() == content


async def test_a_dropped_file_is_attached(page: Page) -> None:
    transfer = await page.evaluate_handle(
        "() => { const t = new DataTransfer(); t.items.add(new File(['PEM'], 'dropped.pem')); return t; }"
    )
    await page.locator(".main .scroller").dispatch_event("drop", {"dataTransfer": transfer})
    await expect(page.get_by_text("dropped.pem")).to_be_visible()
    await composer(page).press("Enter")
    await expect(page.get_by_role("article")).to_contain_text("dropped.pem")


async def test_each_person_sees_the_workspace_their_own_way(page: Page) -> None:
    await write(page, "/simple secret")
    await write(page, "Hello all")
    secret = page.get_by_role("article").filter(has_text="You said secret")
    group = page.get_by_role("group", name="You are").get_by_role("button")
    await expect(group).to_have_count(4)  # without Gina, whose team shares no channel with Rita's
    await expect(secret).to_be_visible()
    await page.get_by_role("button", name="Sam Support").click()
    await expect(page.get_by_text("Hello all")).to_be_visible()
    await expect(secret).to_have_count(0)
    await page.get_by_role("button", name="Ext External").click()
    await expect(page.get_by_role("button", name="connectors", exact=True)).to_have_count(0)
    await expect(composer(page, "#matrix42-support")).to_be_visible()
    await write(page, "From outside", "#matrix42-support")
    await page.get_by_role("button", name="Rita Requester").click()
    await expect(page.get_by_text("EXTERNAL", exact=True)).to_be_visible()


async def test_two_windows_hear_of_each_other(
    running: Sampler, page: Page, open_page: OpenPage
) -> None:
    sam = await open_page(f"{running.workspace.url}/#user={running.workspace.users['sam']}")
    await expect(sam.get_by_role("button", name="Sam Support")).to_have_attribute(
        "aria-pressed", "true"
    )
    await sam.get_by_role("button", name="general").click()
    await write(page, "Are you there, Sam?")
    entry = sam.get_by_role("button", name=re.compile("^connectors"))
    await expect(entry.get_by_label("1 unread")).to_be_visible()
    await entry.click()
    await expect(sam.get_by_text("Are you there, Sam?")).to_be_visible()
    await expect(entry.get_by_label("1 unread")).to_have_count(0)
    await write(sam, "Yes")
    await expect(page.get_by_role("article").nth(1)).to_contain_text("Yes")
    await expect(page.locator("#announcements")).to_contain_text("Sam Support: Yes")


async def test_the_home_tab_opens(running: Sampler, page: Page) -> None:
    await page.get_by_role("button", name="sampler").click()
    await expect(page.get_by_role("heading", name="Welcome home")).to_be_visible()
    await page.get_by_role("button", name="At home").click()
    await until(lambda: ("at_home", "At home") in running.did)
    await page.get_by_role("tab", name="Messages").click()
    await expect(composer(page, "sampler")).to_be_visible()


async def test_the_log_shows_what_happens_while_it_is_fetched(running: Sampler, page: Page) -> None:
    fetched, happened = asyncio.Event(), asyncio.Event()

    async def slow(route: Route) -> None:
        answer = await route.fetch()
        fetched.set()
        await happened.wait()
        await route.fulfill(response=answer)

    await page.route("**/page/log*", slow)
    await page.get_by_role("button", name="Requests").click()
    await fetched.wait()
    await write(page, "/simple hello")
    article = page.get_by_role("article").filter(has_text="You said hello")
    await expect(article).to_be_visible()
    async with page.expect_response("**/page/log*"):
        happened.set()
    await expect(page.get_by_role("heading", name="Requests between")).to_be_visible()
    rows = page.get_by_role("region", name="Requests").get_by_role("row")
    await expect(rows.filter(has_text="chat.postEphemeral")).to_have_count(1)
    await expect(rows.filter(has_text="slash_commands /simple")).to_have_count(1)


async def test_the_log_shows_requests_and_envelopes(page: Page) -> None:
    await write(page, "/simple hello")
    await page.get_by_role("button", name="Requests").click()
    rows = page.get_by_role("region", name="Requests").get_by_role("row")
    await expect(rows.filter(has_text="slash_commands /simple")).to_have_count(1)
    await expect(rows.filter(has_text="chat.postEphemeral").filter(has_text="ok")).to_have_count(1)
    await page.get_by_role("searchbox", name="Filter").fill("postephemeral")
    await expect(rows).to_have_count(2)  # with the head
    assert "xoxb-" not in await page.content()


async def test_faults_are_ordered_from_the_page(page: Page) -> None:
    await page.get_by_role("button", name="Faults").click()
    await page.get_by_label("What goes wrong").select_option("error")
    await page.get_by_label("Method").fill("chat.postEphemeral")
    await page.get_by_role("button", name="Order").click()
    await expect(page.get_by_text("1 × to come")).to_be_visible()
    await write(page, "/simple unheard")
    await expect(page.get_by_text("Everything works.")).to_be_visible()
    await write(page, "/simple heard")
    await expect(page.get_by_role("article")).to_have_count(1)
    await expect(page.get_by_role("article")).to_contain_text("You said heard")


async def test_a_missing_acknowledgement_is_shown(open_page: OpenPage) -> None:
    async with sampler(rules=Rules(ack_seconds=0.3)) as running:
        page = await open_page(running.workspace.url)
        await write(page, "/sample silent")
        failed = page.get_by_role("article").filter(has_text="/sample failed with the error")
        await expect(failed).to_contain_text('"operation_timeout"')
        message = await sample_blocks(page)
        await message.get_by_role("button", name="Nobody answers").click()
        trouble = "We had some trouble connecting. Try again?"
        await expect(message.get_by_role("alert")).to_have_text(trouble)
        await page.close()


async def test_five_hundred_messages_stay_quick(running: Sampler, open_page: OpenPage) -> None:
    services, rita = running.workspace.services, running.workspace.users["rita"]
    channel = services.state.channel(running.workspace.channels["connectors"])
    for number in range(500):
        draft = Draft(user=rita, team_id=channel.team_id, text=f"Message {number}")
        services.activity.post(channel, draft)
    page = await open_page(running.workspace.url)
    await expect(page.get_by_text("Message 499", exact=True)).to_be_in_viewport()
    await expect(page.get_by_role("article")).to_have_count(500)
    milliseconds = await page.evaluate(
        """async () => {
            const pressed = performance.now();
            document.querySelector('[data-entry]:not([aria-current])').click();
            document.querySelectorAll('[data-entry]')[0].click();
            document.querySelector('.messages').getBoundingClientRect();
            return performance.now() - pressed;
        }"""
    )
    assert milliseconds < 1500
    await write(page, "One more")
    await expect(page.get_by_text("One more")).to_be_in_viewport()


async def test_the_theme_is_switched_and_kept(page: Page) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    light = await page.evaluate(background)
    await page.get_by_role("button", name="Switch between light and dark").click()
    dark = await page.evaluate(background)
    assert light != dark
    await page.reload()
    await expect(composer(page)).to_be_visible()
    assert await page.evaluate(background) == dark


async def test_the_system_s_dark_mode_is_followed(running: Sampler, open_page: OpenPage) -> None:
    page = await open_page(running.workspace.url, color_scheme="dark")
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")


UNREADABLE = """() => {
    const channels = (text) => { const found = text.match(/[\\d.]+/g).map(Number); return found.length < 4 ? [...found, 1] : found; };
    const light = (colour) => {
        const [r, g, b] = colour.map((part) => part / 255).map((part) => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = (element) => {
        for (let one = element; one; one = one.parentElement) {
            const colour = channels(getComputedStyle(one).backgroundColor);
            if (colour[3] > 0.99) return colour;
        }
        return [255, 255, 255, 1];
    };
    return [...document.querySelectorAll("body *")]
        .filter((one) => one.checkVisibility() && !one.closest(".emoji, .visually-hidden"))
        .filter((one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()))
        .filter((one) => {
            const pair = [light(channels(getComputedStyle(one).color)), light(ground(one))].sort((a, b) => b - a);
            return (pair[0] + 0.05) / (pair[1] + 0.05) < 4.5;
        })
        .map((one) => `${one.className}: ${one.textContent.slice(0, 40)}`);
}"""
"""Texts with less contrast than WCAG 2.2, success criterion 1.4.3, asks for."""

NAMELESS = """() => [...document.querySelectorAll("button, a[href], input, select, textarea")]
    .filter((one) => one.checkVisibility() && !one.textContent.trim() && !one.getAttribute("aria-label")
        && !one.getAttribute("aria-labelledby") && !one.labels?.length)
    .map((one) => one.outerHTML)"""
"""What a screen reader could not name."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_everything_can_be_read_and_has_a_name(
    running: Sampler, open_page: OpenPage, scheme: str
) -> None:
    page = await open_page(running.workspace.url, color_scheme=scheme)
    await sample_blocks(page)
    await write(page, "/simple hello")
    await expect(page.get_by_text("Only visible to you")).to_be_visible()
    await page.get_by_role("button", name="Faults").click()
    assert await page.evaluate(UNREADABLE) == []
    assert await page.evaluate(NAMELESS) == []
    await write(page, "/sample modal")
    await page.get_by_role("dialog").get_by_role("button", name="Send").click()
    await expect(page.get_by_text("Please complete this required field.")).to_be_visible()
    assert await page.evaluate(UNREADABLE) == []
    assert await page.evaluate(NAMELESS) == []


async def test_a_narrow_window_hides_the_sidebar(page: Page) -> None:
    await page.set_viewport_size({"width": 400, "height": 800})
    await expect(page.get_by_role("navigation")).to_be_hidden()
    await page.get_by_role("button", name="Show the sidebar").click()
    await page.get_by_role("button", name="general").click()
    await expect(composer(page, "#general")).to_be_visible()
    await expect(page.get_by_role("navigation")).to_be_hidden()


async def test_places_are_found_in_a_narrow_window_too(page: Page) -> None:
    places = page.get_by_role("complementary", name="Places to try")
    await expect(places).to_be_visible()
    await page.set_viewport_size({"width": 400, "height": 800})
    await expect(places).to_be_hidden()
    await page.get_by_role("button", name="Show the sidebar").click()
    await page.get_by_role("button", name="Places to try").click()
    await places.get_by_role("button", name="/sample blocks").click()
    await expect(places).to_be_hidden()
    await expect(composer(page)).to_have_value("/sample blocks")
    await expect(composer(page)).to_be_focused()


async def test_a_permalink_opens_the_thread_in_the_page(running: Sampler, page: Page) -> None:
    await write(page, "The root")
    root = page.get_by_role("article")
    ts = (await root.get_attribute("data-ts") or "").replace(".", "")
    channel = running.workspace.channels["connectors"]
    await page.get_by_role("button", name="general").click()
    await write(page, f"See {running.workspace.url}/archives/{channel}/p{ts}", "#general")
    await page.get_by_role("article").get_by_role("link").click()
    thread = page.get_by_role("complementary", name="Thread")
    await expect(thread.get_by_role("article")).to_contain_text("The root")
    await expect(composer(page)).to_be_visible()


async def test_the_page_is_left_and_found_again(running: Sampler, page: Page) -> None:
    await page.get_by_role("button", name="general").click()
    await expect(composer(page, "#general")).to_be_visible()
    await page.reload()
    await expect(composer(page, "#general")).to_be_visible()


async def test_scripts_from_elsewhere_cannot_run(page: Page) -> None:
    await write(page, '<img src=x onerror="document.title=1"> <script>document.title=2</script>')
    await expect(page.get_by_role("article")).to_contain_text(
        '<img src=x onerror="document.title=1">'
    )
    response = await page.request.get(page.url)
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
