"""An app that is installed by OAuth."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any

import aiohttp
from cryptography.fernet import Fernet

from tests.conversation.conftest import MANIFEST
from workspace import Workspace


def manifest(base: str) -> dict[str, Any]:
    """The app's, with its way back to ``base``."""
    return {**MANIFEST, "oauth_config": {**MANIFEST["oauth_config"], "redirect_urls": [base]}}


def by_oauth(workspace: Workspace, port: int) -> Mapping[str, Any]:
    """A bot's settings in place of a token; it listens on ``port``."""
    return {
        "slack_bot_token": "",
        "slack_client_id": workspace.services.app.client_id,
        "slack_client_secret": workspace.services.app.client_secret,
        "encryption_keys": (Fernet.generate_key().decode(),),
        "public_url": f"http://127.0.0.1:{port}",
        "listen_port": port,
    }


async def install(base: str, user: str, *, org: bool = False) -> int:
    """Goes the way of somebody who installs the app, with ``org`` for the whole organisation; the
    status of the last page."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        async with session.get(f"{base}/slack/install") as page:
            cookie = page.headers["Set-Cookie"].partition(";")[0]
            found = re.search(r'href="([^"]+oauth/v2/authorize[^"]+)"', await page.text())
        assert found
        target = f"{html.unescape(found[1])}&user={user}" + ("&org=1" if org else "")
        async with session.get(target, allow_redirects=False) as answer:
            assert answer.status in (302, 303), await answer.text()
            back = answer.headers["Location"]
        headers: dict[str, Any] = {"Cookie": cookie}
        async with session.get(back, headers=headers) as answer:
            return answer.status
