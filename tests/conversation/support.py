"""What the stories share: the company's servers, and a bot's settings."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from OpenSSL import SSL

from bot.settings import Settings
from bot.store.database import Database
from bot.store.outbox import backlog
from tests.support.authority import Issued, make_root
from tests.support.servers import (
    Script,
    Server,
    raw_server,
    server_context,
    tls_server,
    upgrading,
)
from workspace import Workspace

HOST = "dc01.corp.example"
Json = dict[str, Any]


class Surroundings:
    """The company: a workspace, a root that it vouches for, a server whose chain ends there, and one
    whose root nobody vouches for."""

    def __init__(self, workspace: Workspace, folder: Path) -> None:
        self.workspace = workspace
        self.folder = folder
        self.root = make_root("Corp Root CA")
        self.issuing = self.root.intermediate("Corp Issuing CA")
        self.leaf = self.issuing.leaf(HOST)
        self.unknown_root = make_root("Somebody's Root CA")
        self.slow_seconds = 0.0
        self.directory: Server
        self.unproven: Server
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        (self.folder / "roots").mkdir()
        (self.folder / "roots" / "corp.pem").write_bytes(self.root.pem)
        context = server_context([self.leaf, self.issuing])
        self.directory = await self._stack.enter_async_context(raw_server(self._slowly(context)))
        chain = [self.unknown_root.leaf("saas.example.net"), self.unknown_root]
        self.unproven = await self._stack.enter_async_context(tls_server(chain))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def settled(self) -> None:
        """Waits until the bot has nothing left to deliver and has kept what it delivered."""
        database = Database(self.settings().database_url)
        try:
            async with asyncio.timeout(120):
                while True:
                    async with database.read() as unit:
                        if not (await backlog(unit)).waiting:
                            return
                    await asyncio.sleep(0.05)
        finally:
            await database.dispose()

    def _slowly(self, context: SSL.Context) -> Script:
        """Speaks TLS after ``slow_seconds``."""
        speaks = upgrading(context)

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(self.slow_seconds)
            await speaks(reader, writer)

        return script

    def root_renewed(self) -> Issued:
        """A later certificate of the root's name and key."""
        not_after = datetime.now(UTC).replace(microsecond=0) + timedelta(days=7000)
        return make_root("Corp Root CA", key=self.root.key, not_after=not_after)

    @property
    def host(self) -> str:
        """The directory server as one types it."""
        return f"{HOST}:{self.directory.port}"

    @property
    def unproven_host(self) -> str:
        """The server whose root is only what it sends itself."""
        return f"saas.example.net:{self.unproven.port}"

    def settings(self, **other: Any) -> Settings:
        """A bot's settings."""
        chosen: dict[str, Any] = {
            "slack_bot_token": self.workspace.bot_token,
            "slack_app_token": self.workspace.app_token,
            "slack_api_url": self.workspace.api_url,
            "database_url": f"sqlite:///{self.folder / 'whichroot.db'}",
            "hosts": (
                f"{HOST}=127.0.0.1",
                "saas.example.net=127.0.0.1",
                "nowhere.corp.example=127.0.0.1",
            ),
            "egress_allow": (ip_network("127.0.0.0/8"),),
            "company_roots": self.folder / "roots",
            "cache_dir": self.folder / "cache",
            "support_channel": self.workspace.channels["matrix42-support"],
            "support_by": "group",
            "support_group": self.workspace.groups["matrix42-support"],
            "listen_port": 0,
        }
        return Settings(**{**chosen, **other})

    def environment(self, **other: str) -> dict[str, str]:
        """The same as environment variables, for a bot in a process of its own."""
        settings = self.settings()
        return {
            "SLACK_BOT_TOKEN": settings.slack_bot_token,
            "SLACK_APP_TOKEN": settings.slack_app_token,
            "SLACK_API_URL": settings.slack_api_url,
            "DATABASE_URL": settings.database_url,
            "WHICHROOT_HOSTS": ",".join(settings.hosts),
            "WHICHROOT_EGRESS_ALLOW": "127.0.0.0/8",
            "WHICHROOT_COMPANY_ROOTS": str(settings.company_roots),
            "WHICHROOT_CACHE_DIR": str(settings.cache_dir),
            "WHICHROOT_SUPPORT_CHANNEL": settings.support_channel,
            "WHICHROOT_SUPPORT_BY": "group",
            "WHICHROOT_SUPPORT_GROUP": settings.support_group,
            "WHICHROOT_LISTEN_PORT": "0",
            "WHICHROOT_LEASE": "2",
            **other,
        }


def shown(message: Json) -> str:
    """All text of a message's blocks and its top-level text."""
    return f"{message.get('text', '')}\n{_texts(message.get('blocks'))}"


def _texts(value: object) -> str:
    if isinstance(value, dict):
        own = value.get("text")
        return "\n".join(
            ([own] if isinstance(own, str) else []) + [_texts(item) for item in value.values()]
        )
    if isinstance(value, list):
        return "\n".join(_texts(item) for item in value)
    return ""
