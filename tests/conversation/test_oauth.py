"""Installed by OAuth in several workspaces, which do not see each other."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest
from cryptography.fernet import Fernet

from bot.app import Bot
from bot.serving.oauth import SCOPES
from tests.conversation.conftest import MANIFEST
from tests.conversation.installing import by_oauth, install, manifest
from tests.conversation.support import Surroundings, shown
from tests.support.ports import free_port
from workspace import Workspace


def test_what_is_asked_for_is_what_the_manifest_says() -> None:
    assert list(SCOPES) == MANIFEST["oauth_config"]["scopes"]["bot"]


# slack_sdk signs in to oauth.v2.access in a way that aiohttp has deprecated.
@pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")
async def test_each_workspace_has_its_own_token_kept_encrypted(tmp_path: Path) -> None:
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    async with (
        Workspace(manifest(base)) as workspace,
        Surroundings(workspace, tmp_path) as surroundings,
    ):
        settings = surroundings.settings(**by_oauth(workspace, port))
        rita, gina = (workspace.person(name) for name in ("rita", "gina"))
        async with Bot(settings):
            for person in (rita, gina):
                assert await install(base, person.id) == 200
            assert (await rita.command("#connectors", f"/cert {surroundings.host}"))["ok"]
            await rita.wait_for(lambda m: "Request the root" in shown(m))
            assert (await gina.command("#globex-general", f"/cert {surroundings.host}"))["ok"]
            report = await gina.wait_for(lambda m: "Request the root" in shown(m))
            assert (await gina.click(report, "report_details"))["ok"]
            await gina.wait_for_view("details")
        # After a start the tokens are still there.
        async with Bot(settings):
            assert (await gina.command("#globex-general", f"/cert --private {surroundings.host}"))[
                "ok"
            ]
            await gina.wait_for(lambda m: "Request the root" in shown(m), channel="@app")
        kept = _content(tmp_path)
        for token in workspace.bot_tokens.values():
            assert token.encode() not in kept


async def test_a_forged_way_back_installs_nothing(tmp_path: Path) -> None:
    async with Workspace(MANIFEST) as workspace, Surroundings(workspace, tmp_path) as surroundings:
        settings = surroundings.settings(
            slack_client_id="1.2",
            slack_client_secret="secret",
            encryption_keys=(Fernet.generate_key().decode(),),
        )
        async with Bot(settings) as bot, aiohttp.ClientSession() as session:
            url = f"http://127.0.0.1:{bot.port}/slack/oauth_redirect?code=x&state=y"
            cookie = {"Cookie": "slack-app-oauth-state=y"}
            async with session.get(url, headers=cookie) as answer:
                assert answer.status == 401


def _content(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob("whichroot.db*"))
