"""Serving: modes, health, numbers, logs, the end."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import re
import signal
import sys
import time
from pathlib import Path

import aiohttp
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.app import Bot
from tests.conversation.conftest import MANIFEST
from tests.conversation.processes import BotProcess
from tests.conversation.support import Surroundings, shown
from tests.support.ports import free_port
from workspace import Cast, Workspace


async def test_http_mode_answers_signed_requests_and_no_others(tmp_path: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/slack/events"
    async with (
        Workspace(MANIFEST, cast=Cast(installed=("acme",)), request_url=url) as workspace,
        Surroundings(workspace, tmp_path) as surroundings,
        Bot(
            surroundings.settings(
                mode="http", slack_signing_secret=workspace.signing_secret, listen_port=port
            )
        ),
    ):
        rita = workspace.person("rita")
        assert (await rita.command("#connectors", f"/cert {surroundings.host}"))["ok"]
        await rita.wait_for(lambda m: "Request the root" in shown(m))
        headers = {
            "X-Slack-Signature": "v0=" + "0" * 64,
            "X-Slack-Request-Timestamp": str(int(time.time())),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, data="command=/cert&text=x", headers=headers) as answer,
        ):
            assert answer.status == 401


async def test_health_and_numbers(surroundings: Surroundings) -> None:
    rita = surroundings.workspace.person("rita")
    async with Bot(surroundings.settings(socket_connections=2)) as bot:
        await surroundings.workspace.wait_connected(2)
        await rita.command("#connectors", f"/cert {surroundings.host}")
        await rita.wait_for(lambda m: "Request the root" in shown(m))
        await surroundings.settled()
        base = f"http://127.0.0.1:{bot.port}"
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{base}/healthz") as answer:
                assert await answer.json() == {"status": "alive"}
            async with session.get(f"{base}/readyz") as answer:
                assert (answer.status, (await answer.json())["problems"]) == (200, {})
            async with session.get(f"{base}/metrics") as answer:
                numbers = await answer.text()
    assert 'whichroot_lookups_total{verdict="validated"} 1.0' in numbers
    assert 'whichroot_deliveries_total{kind="report",outcome="delivered"} 1.0' in numbers
    assert re.search(r'whichroot_ack_seconds_count\{kind="command"\} 1.0', numbers)
    assert "whichroot_outbox_age_seconds" in numbers


async def test_nothing_of_a_request_stays_until_garbage_is_looked_for(
    surroundings: Surroundings,
) -> None:
    rita = surroundings.workspace.person("rita")
    async with Bot(surroundings.settings()):
        await surroundings.workspace.wait_connected(1)
        gc.collect()
        earlier = _requests()
        gc.disable()
        try:
            await rita.command("#connectors", f"/cert {surroundings.host}")
            report = await rita.wait_for(lambda m: "Request the root" in shown(m))
            await rita.click(report, "report_details")
            await surroundings.settled()
            async with asyncio.timeout(60):
                while any(  # noqa: ASYNC110  nothing tells when an object is freed
                    all(one is not other for other in earlier) for one in _requests()
                ):
                    await asyncio.sleep(0.1)
        finally:
            gc.enable()


def _requests() -> list[AsyncBoltRequest]:
    return [each for each in gc.get_objects() if isinstance(each, AsyncBoltRequest)]


async def test_sigterm_ends_it_in_good_order_and_the_logs_keep_secrets(
    surroundings: Surroundings,
) -> None:
    rita = surroundings.workspace.person("rita")
    environment = surroundings.environment()
    async with BotProcess(environment) as bot:
        await rita.command("#connectors", f"/cert explain my own words {'x' * 20}")
        await rita.command("#connectors", f"/cert {surroundings.host}")
        await rita.wait_for(lambda m: "Request the root" in shown(m))
        started = time.monotonic()
        assert await bot.terminate() == 0
        assert time.monotonic() - started < 60
    written = "".join(bot.output)
    assert len(bot.logs) == len(bot.output), "every line is JSON"
    for secret in (environment["SLACK_BOT_TOKEN"], environment["SLACK_APP_TOKEN"], "my own words"):
        assert secret not in written
    assert "BEGIN CERTIFICATE" not in written
    assert any(entry.get("kind") == "report" and entry.get("act") for entry in bot.logs)
    assert not [entry for entry in bot.logs if entry["level"] != "info"]


async def test_without_tokens_it_says_what_is_missing(tmp_path: Path) -> None:
    code, _, errors = await _run("serve", folder=tmp_path)
    assert code == 2
    assert "SLACK_BOT_TOKEN and SLACK_APP_TOKEN" in errors
    assert "Traceback" not in errors


async def test_a_refused_token_and_a_wrong_setting_are_told(
    surroundings: Surroundings, tmp_path: Path
) -> None:
    environment = surroundings.environment(SLACK_BOT_TOKEN="xoxb-not-a-token")
    code, _, errors = await _run("serve", folder=tmp_path, **environment)
    assert code == 2
    assert "SLACK_BOT_TOKEN" in errors
    assert "xoxb-not-a-token" not in errors
    environment = surroundings.environment(WHICHROOT_HOSTS="dc01=nowhere")
    code, _, errors = await _run("serve", folder=tmp_path, **environment)
    assert code == 2
    assert "WHICHROOT_HOSTS" in errors


async def test_local_mode_prints_its_address_and_places_to_try(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        "serve",
        "--local",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=_environment(tmp_path),
    )
    assert process.stdout is not None
    lines = []
    try:
        async with asyncio.timeout(120):
            async for line in process.stdout:
                lines.append(line.decode())
                if "Ctrl+C" in lines[-1]:
                    break
            printed = "".join(lines)
            url = re.search(r"http://127\.0\.0\.1:[0-9]+", printed)
            assert url
            async with aiohttp.ClientSession() as session:
                async with session.get(url[0]) as answer:
                    assert answer.status == 200
                async with session.get(f"{url[0]}/page/people") as answer:
                    people = json.loads(await answer.text())
            assert "rita" in [person["name"] for person in people]
            assert printed.count("/cert ") > 5
            process.send_signal(signal.SIGINT)
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _run(*arguments: str, folder: Path, **environment: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        *arguments,
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=_environment(folder, **environment),
    )
    output, errors = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode(), errors.decode()


def _environment(folder: Path, **other: str) -> dict[str, str]:
    """This process's, without anything of Slack's that may be set here."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SLACK_")}
    home = str(Path(__file__).parents[2])
    return {**kept, "PYTHONPATH": home, "XDG_STATE_HOME": str(folder), **other}
