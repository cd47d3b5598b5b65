"""The whole story in a browser, with `whichroot serve --local` as its user starts it.

With `WHICHROOT_PICTURES=docs` the README's pictures are taken on the way.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from playwright.async_api import FilePayload, Locator, Page, expect

from tests.end_to_end.conftest import OpenPage
from tests.support.authority import make_root

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROOT = Path(__file__).parents[2]
PICTURES = os.environ.get("WHICHROOT_PICTURES")
LINE = "/cert dc01.corp.example:3269"
ERROR = (
    "javax.net.ssl.SSLHandshakeException: PKIX path building failed: "
    "sun.security.provider.certpath.SunCertPathBuilderException: "
    "unable to find valid certification path to requested target"
)


@pytest_asyncio.fixture(loop_scope="session")
async def address(tmp_path: Path) -> AsyncIterator[str]:
    """Where the local workspace is; it runs in a process of its own."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("WHICHROOT_", "SLACK_", "DATABASE_"))
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "serve", "--local", "--port", "0"),
        cwd=tmp_path,
        env={**environment, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(120):
            while not (found := re.search(rb"http://127\.0\.0\.1:\d+", await _line(process))):
                pass
        yield found[0].decode()
    finally:
        process.send_signal(signal.SIGTERM)
        await process.communicate()
    assert process.returncode == 0


async def _line(process: asyncio.subprocess.Process) -> bytes:
    assert process.stdout is not None
    line = await process.stdout.readline()
    assert line, "the bot ended before it said its address"
    return line


async def picture(page: Page, name: str) -> None:
    if PICTURES:
        await page.wait_for_timeout(
            600
        )  # what is loaded late: a preview, a list scrolled to its end
        await page.screenshot(path=ROOT / PICTURES / f"{name}.png")


async def become(page: Page, name: str) -> None:
    await page.get_by_role("button", name=name).click()
    await expect(page.get_by_role("button", name=name)).to_have_attribute("aria-pressed", "true")


async def say(dialog: Locator, words: str) -> None:
    """Fills the one field of a dialog and sends it."""
    await dialog.get_by_role("textbox").fill(words)
    await dialog.locator("footer .button.primary").click()
    await expect(dialog).to_be_hidden()


async def open_messages_of_the_app(page: Page) -> Locator:
    await page.locator('[data-entry="app"]').click()
    await page.get_by_role("tab", name="Messages").click()
    return page.get_by_role("article")


async def test_the_whole_story(address: str, open_page: OpenPage, tmp_path: Path) -> None:
    page = await open_page(address, viewport={"width": 1440, "height": 900})
    main, thread = page.get_by_role("main"), page.get_by_role("complementary", name="Thread")
    dialog = page.get_by_role("dialog")
    card = main.get_by_role("article").filter(has_text="Install a root certificate for")

    # Rita asks, and requests what the bot recommends.
    await page.get_by_role("button", name=LINE).click()
    await page.keyboard.press("Enter")
    report = main.get_by_role("article").filter(has_text="Request the root certificate")
    await expect(report).to_contain_text("CN=Corp Example Root CA G2")
    await picture(page, "report")
    await report.get_by_role("button", name="Details").click()
    await expect(dialog).to_contain_text("What could be installed")
    await page.keyboard.press("Escape")
    await report.get_by_role("button", name="Request installation").click()
    await dialog.get_by_role("button", name="Check and request").click()
    await expect(dialog.get_by_text("Please complete this required field.")).to_be_visible()
    await dialog.get_by_role("radio", name="Production").check()
    await dialog.get_by_role("textbox", name="Connector").fill("AD connector Frankfurt")
    await dialog.get_by_role("textbox", name="Note for support").fill("Needed before Friday.")
    await dialog.get_by_role("button", name="Check and request").click()
    await expect(dialog).to_contain_text("is on its way to support")
    await page.keyboard.press("Escape")

    # Sam finds it with the PEM, and takes it.
    await become(page, "Sam Support")
    await page.get_by_role("button", name="matrix42-support").click()
    await expect(card).to_contain_text("waiting for support")
    await card.get_by_role("button", name=re.compile("repl(y|ies)")).click()
    await expect(thread).to_contain_text("keytool -importcert")
    async with page.expect_download() as started:
        await thread.get_by_role("link", name=re.compile("^Download .*pem$")).click()
    await (await started.value).save_as(tmp_path / "root.pem")
    pem = x509.load_pem_x509_certificate((tmp_path / "root.pem").read_bytes())
    fingerprint = pem.fingerprint(hashes.SHA256()).hex(":").upper()
    await expect(card).to_contain_text(fingerprint)
    await card.get_by_role("button", name="Take").click()
    await expect(card).to_contain_text("being worked on")
    await expect(thread).to_contain_text("@Sam Support took this.")

    # The ticket: its attachment, and an entry there that arrives in the thread.
    async with page.expect_popup() as opened:
        await page.get_by_role("link", name="Matrix42").click()
    desk = await opened.value
    await desk.get_by_role("link", name=re.compile("^TCK")).click()
    await expect(desk.get_by_role("term").filter(has_text="Target")).to_be_visible()
    await expect(desk.locator("#standing")).to_contain_text("In Process")
    async with desk.expect_download() as started:
        await desk.get_by_role("link", name=re.compile("[.]pem$")).click()
    await (await started.value).save_as(tmp_path / "attached.pem")
    assert (tmp_path / "attached.pem").read_bytes() == (tmp_path / "root.pem").read_bytes()
    await picture(desk, "ticket")
    await desk.get_by_role("button", name="Save").click()
    await expect(desk.get_by_role("alert")).to_contain_text("Write something")
    await desk.get_by_role("textbox", name="Text").fill("They are always in a hurry.")
    await desk.get_by_role("radio", name="Internal").check()
    await desk.get_by_role("button", name="Save").click()
    await expect(desk.get_by_role("article")).to_contain_text(["took the request", "hurry"])
    await desk.get_by_role("textbox", name="Text").fill("We install it <b>tonight</b>.")
    plan: FilePayload = {"name": "plan.txt", "mimeType": "text/plain", "buffer": b"at ten\n"}
    await desk.get_by_label("Attach files").set_input_files(plan)
    await desk.get_by_label("State of the ticket").select_option("Parked in the cellar")
    await desk.keyboard.press("Tab")
    await desk.get_by_role("button", name="Save").press("Enter")
    await expect(desk.get_by_role("status").first).to_contain_text("saved")
    await expect(thread).to_contain_text("We install it <b>tonight</b>.")
    await expect(thread).to_contain_text("Anna Agent (Matrix42):")
    await expect(thread).to_contain_text("plan.txt")
    await expect(thread).to_contain_text("shows the ticket as")
    await expect(thread).not_to_contain_text("hurry")
    # What comes from Slack appears on the page, and leaves what is being written there alone.
    await desk.get_by_role("textbox", name="Text").fill("half an ans")

    # A question and its answer.
    await card.get_by_role("button", name="Ask the requester").click()
    await say(dialog, "Which host does the connector run on?")
    await expect(thread).to_contain_text("Which host does the connector run on?")
    await become(page, "Rita Requester")
    await thread.get_by_role("combobox").fill("It runs on nc01")
    await thread.get_by_role("combobox").press("Enter")
    await expect(thread).to_contain_text("@Rita Requester answered:")
    await expect(card).to_contain_text("being worked on")
    await expect(desk.get_by_role("article").last).to_contain_text("It runs on nc01")
    await expect(desk.get_by_role("textbox", name="Text")).to_have_value("half an ans")
    async with desk.expect_popup() as opened:
        await desk.get_by_role("link", name=re.compile("archives")).click()
    linked = (await opened.value).get_by_role("complementary", name="Thread")
    await expect(linked).to_contain_text("keytool -importcert")
    await (await opened.value).close()
    await desk.close()
    await picture(page, "thread")

    # A file that would not do.
    other: FilePayload = {
        "name": "other-root.pem",
        "mimeType": "application/x-pem-file",
        "buffer": make_root("Some Other Root").pem,
    }
    await thread.locator('input[type="file"]').set_input_files(other)
    await expect(thread.get_by_text("uploading")).to_be_hidden()
    await thread.get_by_role("combobox").press("Enter")
    judged = thread.get_by_role("article").filter(has_text="does not accept the server")
    await expect(judged).to_contain_text("CN=Some Other Root")

    # Installed, but it still fails: the error is explained, and the request is open again.
    await become(page, "Sam Support")
    await card.get_by_role("button", name="Installed").click()
    await expect(card).to_contain_text("installed, to be confirmed")
    await become(page, "Rita Requester")
    notices = await open_messages_of_the_app(page)
    await notices.get_by_role("button", name="Still failing").last.click()
    await say(dialog, ERROR)
    await become(page, "Sam Support")
    await page.get_by_role("button", name="matrix42-support").click()
    await expect(card).to_contain_text("waiting for support")
    await card.get_by_role("button", name=re.compile("repl(y|ies)")).click()
    await expect(thread).to_contain_text("it still fails")
    await expect(thread).to_contain_text("For this request")

    # Installed where it belongs, and confirmed.
    await card.get_by_role("button", name="Take").click()
    await expect(card).to_contain_text("being worked on")
    await card.get_by_role("button", name="Installed").click()
    await expect(card).to_contain_text("installed, to be confirmed")
    await become(page, "Rita Requester")
    notices = await open_messages_of_the_app(page)
    # The notice of the first installation has none any more.
    await expect(notices.get_by_role("button", name="It works")).to_have_count(1)
    await notices.get_by_role("button", name="It works").last.click()
    await page.get_by_role("button", name="matrix42-support").click()
    await expect(card).to_contain_text("verified")
    await card.get_by_role("button", name=re.compile("repl(y|ies)")).click()
    await expect(thread).to_contain_text("@Rita Requester confirmed that it works.")
    await page.get_by_role("button", name="Switch between light and dark").click()
    await page.mouse.move(700, 60)
    await picture(page, "dark")
