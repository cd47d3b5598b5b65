"""The page, by hand: what a form refuses is seen."""

from __future__ import annotations

import re

from playwright.async_api import async_playwright, expect

from bot.app import Bot
from tests.conversation.support import Surroundings
from tests.support.chromium import ARGUMENTS, path


async def test_the_words_under_a_refused_field_are_scrolled_into_view(
    surroundings: Surroundings,
) -> None:
    async with (
        Bot(surroundings.settings()),
        async_playwright() as playwright,
        await playwright.chromium.launch(executable_path=path(), args=ARGUMENTS) as browser,
    ):
        page = await browser.new_page(viewport={"width": 1300, "height": 900})
        page.set_default_timeout(60_000)
        expect.set_options(timeout=60_000)
        await page.goto(surroundings.workspace.url)
        dialog = page.get_by_role("dialog")
        box = page.locator("main textarea")
        await box.fill(f"/cert {surroundings.host}")
        await box.press("Enter")
        await page.get_by_role("button", name="Request installation").click()
        await dialog.get_by_role("radio", name="Production").check()
        await dialog.get_by_role("textbox", name="Note").fill("-----BEGIN PRIVATE KEY-----")
        await dialog.get_by_role("button", name="Check and request").click()
        refused = dialog.get_by_text(re.compile("holds a private key.*refused"))
        await expect(refused).to_be_visible()
        await expect(refused).to_be_in_viewport(ratio=1)
        shown = await refused.bounding_box()
        footer = await dialog.locator("footer").bounding_box()
        assert shown is not None
        assert footer is not None
        assert shown["y"] + shown["height"] <= footer["y"]
