"""Whoever waits in the queue of lookups is told their place: at once, and now and then again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import aiohttp
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot import incidents
from bot.serving.logs import logger
from bot.store.database import Database, StoreError, Unit
from bot.store.lookups import KeptLookup, Lookups
from handlers.blocks.elements import section
from handlers.blocks.markup import Markup, code, fill

#: How often it is looked who is to be told, and how many are told then: telling must not become what
#: others wait for.
_EVERY_SECONDS: Final = 5.0
_MOST_AT_ONCE: Final = 10
#: How long after the last word the next may come: longer each time, and not often, because Slack takes
#: five answers to a command and the bot may need one for something else.
_AGAIN_SECONDS: Final = (15.0, 60.0, 180.0)
#: How many are remembered; more could not be told before their turn comes.
_MOST: Final = 2_000


@dataclass(slots=True)
class _Waiting:
    id: str
    input: str
    number: int
    told_at: float
    times: int = 0


class QueueNews:
    """Tells places, best effort: a process that ends forgets whom it told."""

    def __init__(
        self,
        database: Database,
        lookups: Lookups,
        session: aiohttp.ClientSession,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._lookups = lookups
        self._session = session
        self._clock = clock
        self._waiting: dict[str, _Waiting] = {}

    def told(self, lookup: KeptLookup, number: int) -> None:
        """Whoever asked was told that this is its place."""
        if len(self._waiting) < _MOST:
            self._waiting[lookup.id] = _Waiting(lookup.id, lookup.input, number, self._clock())

    async def run(self) -> None:
        """Tells until it is cancelled."""
        while True:
            await asyncio.sleep(_EVERY_SECONDS)
            if not self._waiting:
                continue
            try:
                await self.tell()
            except StoreError as error:
                logger.warning("No places are told.", extra={"error": error.message})
            except Exception as error:
                incidents.record(error, "telling places")

    async def tell(self) -> None:
        """Tells those whose time it is where they stand now."""
        now = self._clock()
        async with self._database.begin() as unit:
            queue = {name: n for n, name in enumerate(await self._lookups.queue(unit), 1)}
            self._waiting = {name: w for name, w in self._waiting.items() if name in queue}
            due = [
                (waiting, queue[name])
                for name, waiting in self._waiting.items()
                if waiting.times < len(_AGAIN_SECONDS)
                and now - waiting.told_at >= _AGAIN_SECONDS[waiting.times]
                and queue[name] < waiting.number
            ]
            # The next ones are told by their reports.
            due.sort(key=lambda found: found[0].told_at)
            chosen = [
                (waiting, number, url)
                for waiting, number in due[:_MOST_AT_ONCE]
                if (url := await self._url(unit, waiting))
            ]
        for waiting, number, _ in chosen:
            waiting.number, waiting.told_at, waiting.times = number, now, waiting.times + 1
        await asyncio.gather(*(self._send(*one) for one in chosen))

    async def _url(self, unit: Unit, waiting: _Waiting) -> str | None:
        return await self._lookups.use_response_url(unit, waiting.id)

    async def _send(self, waiting: _Waiting, number: int, url: str) -> None:
        text = place_text(waiting.input, number)
        try:
            # The first answer stands beside what the command said; later ones replace it.
            await AsyncWebhookClient(url, session=self._session).send(
                text=text,
                blocks=[section(text)],
                response_type="ephemeral",
                replace_original=waiting.times > 1,
            )
        except Exception as error:
            logger.warning("A place was not told.", extra={"error": type(error).__name__})


def place_text(typed: str, number: int) -> Markup:
    """Where the lookup of what was typed stands."""
    return fill("⏳ {} is number {} in the queue.", code(typed), f"{number:,}")
