"""What a command costs before it does anything: nothing that it does not need is imported."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

import pytest

from tests.support.authority import make_root
from tests.support.program import environment
from tests.support.servers import answering, raw_server, tls_server

#: Each costs as much as a whole check, or is for what most checks do not do.
HEAVY = {
    *("pydantic", "rich", "httpx", "httpcore", "aiohttp", "dotenv", "slack_sdk", "sqlalchemy"),
    *("http.client", "urllib.request", "xml.sax", "email.message", "zipfile", "difflib"),
    *("bot.pki.formats", "bot.probe.issuers", "bot.pki.errors", "importlib.metadata"),
    *("idna", "stringprep", "encodings.idna", "bot.prediction_records", "bot.app"),
    *("multiprocessing", "bot.commands.workers", "_ssl", "shutil", "concurrent.futures.thread"),
    *("cryptography.x509", "cryptography.hazmat.primitives.serialization", "typing_extensions"),
    *("bot.probe.pasted", "bot.probe.connection_strings"),
}


async def imported(*arguments: str, **changes: str) -> set[str]:
    """The modules that a run imports; ``changes`` are environment variables."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-X", "importtime", "-m", "bot", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env=environment(**changes),
    )
    _, errors = await process.communicate()
    return set(re.findall(r"^import time:.*\| +(\S+)$", errors.decode(), re.MULTILINE))


async def test_a_check_of_one_host_imports_only_what_it_needs(tmp_path: Path) -> None:
    root = make_root()
    (tmp_path / "root.pem").write_bytes(root.pem)
    async with tls_server([root.leaf("127.0.0.1"), root]) as server:
        modules = await imported("check", server.address, WHICHROOT_COMPANY_ROOTS=str(tmp_path))
    assert "bot.probe.handshake" in modules
    assert modules & HEAVY == set()


async def test_an_issuer_that_was_downloaded_before_needs_no_web_client(tmp_path: Path) -> None:
    root = make_root()
    issuing = root.intermediate("Issuing CA")
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(issuing.der)}\r\n\r\n".encode()
    async with raw_server(answering(head + issuing.der)) as web:
        leaf = issuing.leaf("127.0.0.1", ca_issuers=[f"http://{web.address}/issuing.cer"])
        async with tls_server([leaf]) as server:
            first, second = [
                await imported("check", server.address, WHICHROOT_CACHE_DIR=str(tmp_path))
                for _ in range(2)
            ]
    assert "h11" in first
    assert first & HEAVY == {"bot.probe.issuers"}
    assert "bot.probe.issuers" in second
    assert second & {"h11", "bot.probe.downloads"} == set()


async def test_issuers_are_downloaded_over_tls_all_the_same() -> None:
    root = make_root()
    issuing = root.intermediate("Issuing CA")
    async with tls_server([root.leaf("127.0.0.1")]) as web:
        leaf = issuing.leaf("127.0.0.1", ca_issuers=[f"https://{web.address}/issuing.cer"])
        async with tls_server([leaf]) as server:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "bot", "check", server.address),
                stdout=asyncio.subprocess.PIPE,
                env=environment(COLUMNS="1000"),
            )
            output, _ = await process.communicate()
    # Nobody trusts the web server's certificate, which only a TLS client can tell.
    assert b"has no TLS certificate that can be trusted" in output


async def test_predictions_need_no_network() -> None:
    modules = await imported("predict", "-")
    assert "bot.pki.java" in modules
    assert modules & {"asyncio", "ssl", "bot.probe.tls"} == set()


@pytest.mark.parametrize("arguments", [["--help"], ["check", "--help"], ["chek"]])
async def test_help_and_bad_usage_import_no_command(arguments: list[str]) -> None:
    modules = await imported(*arguments)
    assert "bot.commands.parser" in modules
    assert modules & {"asyncio", "cryptography", "shutil", "bot.lookup"} == set()
