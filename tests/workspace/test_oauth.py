"""Installing by OAuth."""

from __future__ import annotations

import copy
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.workspace.bench import MANIFEST
from workspace import Workspace


# The SDK still makes its Authorization header by a way that aiohttp has deprecated.
@pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")
async def test_oauth_gives_a_token_of_the_team_for_a_code_that_works_once() -> None:
    manifest = copy.deepcopy(MANIFEST)
    manifest["oauth_config"]["redirect_urls"] = ["https://bot.example/slack/oauth_redirect"]
    async with Workspace(manifest) as workspace, aiohttp.ClientSession() as session:
        described = workspace.described()
        query = {
            "client_id": described["client_id"],
            "scope": "chat:write,commands",
            "state": "s/1",
            "user": workspace.users["gina"],
        }
        authorize = f"{workspace.url}/oauth/v2/authorize"
        async with session.get(authorize, params=query, allow_redirects=False) as answer:
            assert answer.status == 302
            back = urlsplit(answer.headers["Location"])
        assert back.netloc == "bot.example"
        returned = parse_qs(back.query)
        assert returned["state"] == ["s/1"]
        client = AsyncWebClient(base_url=workspace.api_url)
        credentials = {
            "client_id": described["client_id"],
            "client_secret": described["client_secret"],
            "code": returned["code"][0],
        }
        with pytest.raises(SlackApiError, match="bad_client_secret"):
            await client.oauth_v2_access(**credentials | {"client_secret": "wrong"})
        access = await client.oauth_v2_access(**credentials)
        assert access["scope"] == "chat:write,commands"
        assert access["authed_user"]["id"] == workspace.users["gina"]
        with pytest.raises(SlackApiError, match="invalid_code"):
            await client.oauth_v2_access(**credentials)
        test = await client.auth_test(token=access["access_token"])
        assert test["team_id"] == access["team"]["id"]
        with pytest.raises(SlackApiError, match="invalid_auth"):
            await client.auth_test(token=described["bot_tokens"][access["team"]["id"]])
        for wrong, status in (
            (query | {"deny": "1"}, 302),
            (query | {"redirect_uri": "https://evil.example/"}, 400),
            (query | {"redirect_uri": "https://bot.example/slack/oauth_redirect.evil"}, 400),
            (query | {"redirect_uri": "https://bot.example/slack/oauth_redirect?a=1"}, 302),
            (query | {"scope": "admin"}, 400),
            (query | {"client_id": "9.9"}, 400),
        ):
            async with session.get(authorize, params=wrong, allow_redirects=False) as answer:
                assert answer.status == status
