"""A workspace and a real Bolt app, connected over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from workspace import Cast, Rules, Workspace

_Found = TypeVar("_Found")

MANIFEST: dict[str, Any] = {
    "display_information": {"name": "Greeter", "description": "Greets"},
    "features": {
        "bot_user": {"display_name": "Greeter", "always_online": True},
        "app_home": {"home_tab_enabled": True, "messages_tab_enabled": True},
        "slash_commands": [
            {"command": "/greet", "description": "Greets", "should_escape": False},
            {"command": "/escaped", "description": "Escapes", "should_escape": True},
        ],
        "shortcuts": [
            {
                "name": "Greet all",
                "type": "global",
                "callback_id": "greet_all",
                "description": "Greets",
            },
            {
                "name": "Greet author",
                "type": "message",
                "callback_id": "greet_author",
                "description": "Greets",
            },
        ],
    },
    "oauth_config": {
        "scopes": {
            "bot": [
                "app_mentions:read",
                "channels:history",
                "channels:join",
                "channels:read",
                "chat:write",
                "commands",
                "files:read",
                "files:write",
                "groups:history",
                "groups:read",
                "im:history",
                "im:read",
                "im:write",
                "reactions:read",
                "reactions:write",
                "usergroups:read",
                "users:read",
                "users:read.email",
            ]
        }
    },
    "settings": {
        "socket_mode_enabled": True,
        "interactivity": {"is_enabled": True},
        "event_subscriptions": {
            "bot_events": [
                "app_home_opened",
                "app_mention",
                "file_shared",
                "member_joined_channel",
                "message.channels",
                "message.groups",
                "message.im",
                "reaction_added",
            ]
        },
    },
}


class Bench:
    """A workspace, the app's client, and a Bolt app that connects when asked to."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.client = AsyncWebClient(token=workspace.bot_token, base_url=workspace.api_url)
        self.app = AsyncApp(client=self.client, signing_secret=workspace.signing_secret)
        self._handlers: list[AsyncSocketModeHandler] = []

    async def connect(self, app: AsyncApp | None = None) -> AsyncSocketModeHandler:
        """Open a Socket Mode connection."""
        handler = AsyncSocketModeHandler(app or self.app, self.workspace.app_token, ping_interval=1)
        self._handlers.append(handler)
        await handler.connect_async()  # type: ignore[no-untyped-call]
        await self.workspace.wait_connected(len(self._handlers))
        return handler

    async def close(self) -> None:
        """Close the connections, and let cancelled tasks end."""
        for handler in self._handlers:
            await handler.close_async()  # type: ignore[no-untyped-call]
        await asyncio.sleep(0)


async def eventually(found: Callable[[], Awaitable[_Found]]) -> _Found:
    """What ``found`` gives as soon as that is true."""
    async with asyncio.timeout(120):
        while not (it := await found()):  # noqa: ASYNC110  what is awaited has no event
            await asyncio.sleep(0.02)
    return it


@asynccontextmanager
async def bench(
    rules: Rules | None = None,
    manifest: dict[str, Any] | None = None,
    cast: Cast | None = None,
) -> AsyncIterator[Bench]:
    """A bench with other rules, another manifest or other people."""
    async with Workspace(manifest or MANIFEST, rules=rules, cast=cast) as workspace:
        made = Bench(workspace)
        try:
            yield made
        finally:
            await made.close()
