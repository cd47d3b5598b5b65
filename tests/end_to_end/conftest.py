"""A real browser, and pages in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeAlias

import pytest_asyncio
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    async_playwright,
    expect,
)

from tests.support.chromium import ARGUMENTS, path

#: Milliseconds; a busy machine needs some.
_TIMEOUT = 60_000

OpenPage: TypeAlias = Callable[..., Awaitable[Page]]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium as the system has it; one for all tests, because its start takes a second or more."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path(), args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(browser: Browser) -> AsyncIterator[OpenPage]:
    """Opens an address in a window of its own; options are those of Playwright's contexts. What
    the browser complains of fails the test."""
    expect.set_options(timeout=_TIMEOUT)
    complaints: list[str] = []
    contexts: list[BrowserContext] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error" and "400 (Bad Request)" not in message.text:
            complaints.append(message.text)

    async def open_it(url: str, **options: object) -> Page:
        chosen = {"viewport": {"width": 1440, "height": 900}, **options}
        # The options are Playwright's own, passed on as they come.
        context = await browser.new_context(**chosen)  # type: ignore[arg-type]
        contexts.append(context)
        page = await context.new_page()
        page.set_default_timeout(_TIMEOUT)
        page.on("console", heard)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.goto(url)
        return page

    yield open_it
    for context in contexts:
        await context.close()
    assert complaints == []
