"""What is forgotten once its time is over, by whichever replica comes to it."""

from __future__ import annotations

import asyncio
import itertools
from typing import Final

from bot import incidents
from bot.serving.logs import logger
from bot.settings import Settings
from bot.store.database import Database, StoreError
from bot.store.retention import forget_response_urls, purge

_FIRST_SECONDS: Final = 60.0
#: How often secrets are forgotten whose time is over, and how many times so seldom is everything else.
_EVERY_SECONDS: Final = 300.0
_SELDOM: Final = 72


async def keep_house(database: Database, settings: Settings) -> None:
    """Purges now and then, until it is cancelled."""
    wait = _FIRST_SECONDS
    for turn in itertools.count():
        await asyncio.sleep(wait)
        wait = _EVERY_SECONDS
        try:
            if turn % _SELDOM:
                await forget_response_urls(database, database.clock())
                continue
            await purge(
                database,
                database.clock(),
                lookups_days=settings.retention_lookups,
                closed_requests_days=settings.retention_requests,
            )
        except StoreError as error:
            logger.warning("Nothing was purged.", extra={"error": error.message})
        except Exception as error:
            incidents.record(error, "purging")
