"""Loaded once, in the process from which the bots are forked: what each of them would do first, done."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path
from tempfile import TemporaryDirectory

from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.store.database import Database
from tools.soak.crash import process

__all__ = ["process"]


async def _warm() -> None:
    with TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'warm.db'}")
        await database.migrate()
        await database.dispose()
    AsyncApp(
        client=AsyncWebClient("xoxb-0"),
        signing_secret="0",  # noqa: S106  nobody signs
    )


asyncio.run(_warm())
gc.freeze()
