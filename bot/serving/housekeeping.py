"""What is forgotten once its time is over, by whichever replica comes to it."""

from __future__ import annotations

import asyncio
from typing import Final

from bot import incidents
from bot.serving.logs import logger
from bot.settings import Settings
from bot.store.database import Database, StoreError
from bot.store.retention import purge

_FIRST_SECONDS: Final = 60.0
_EVERY_SECONDS: Final = 6 * 3600.0


async def keep_house(database: Database, settings: Settings) -> None:
    """Purges now and then, until it is cancelled."""
    wait = _FIRST_SECONDS
    while True:
        await asyncio.sleep(wait)
        wait = _EVERY_SECONDS
        try:
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
