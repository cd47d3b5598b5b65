"""Whoever waits in the queue is told their place."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.store import outbox
from bot.store.database import Database
from bot.store.lookups import KeptLookup, Lookups, NewLookup
from bot.store.tables import acts, lanes
from handlers.queue_news import QueueNews


class Waiting:
    """A queue of lookups, and what was said about them at their response URLs."""

    def __init__(self, database: Database, url: str, session: aiohttp.ClientSession) -> None:
        self.database = database
        self.url = url
        self.said: list[dict[str, Any]] = []
        self.now = 0.0
        self.news = QueueNews(database, Lookups(database), session, clock=lambda: self.now)

    async def ask(self, count: int) -> list[KeptLookup]:
        found = []
        for number in range(count):
            async with self.database.begin() as unit:
                new = NewLookup("T1", "U1", "C1", f"host{number}", response_url=self.url)
                found.append(await Lookups(self.database).add(unit, new))
                await outbox.put(unit, f"lookup:{found[-1].id}", "lookup", {})
        return found

    async def drain(self, *lookups: KeptLookup) -> None:
        async with self.database.begin() as unit:
            names = [f"lookup:{lookup.id}" for lookup in lookups]
            await unit.execute(lanes.delete().where(lanes.c.lane.in_(names)))
            await unit.execute(acts.delete().where(acts.c.lane.in_(names)))


@pytest.fixture
async def waiting(tmp_path: Path) -> AsyncIterator[Waiting]:
    database = Database(f"sqlite:///{tmp_path}/x.db")
    await database.migrate()
    application = web.Application()
    runner = web.AppRunner(application)
    found: list[Waiting] = []

    async def respond(request: web.Request) -> web.Response:
        found[0].said.append(await request.json())
        return web.Response(text="ok")

    application.router.add_post("/respond", respond)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/respond"
        found.append(Waiting(database, url, session))
        yield found[0]
    await runner.cleanup()
    await database.dispose()


async def test_places_are_told_again_seldom_and_only_where_they_changed(waiting: Waiting) -> None:
    lookups = await waiting.ask(5)
    for number, lookup in enumerate(lookups, 1):
        waiting.news.told(lookup, number)
    await waiting.news.tell()
    waiting.now = 20
    await waiting.news.tell()
    assert waiting.said == []

    await waiting.drain(*lookups[:2])
    await waiting.news.tell()
    told = sorted(said["text"] for said in waiting.said)
    assert told == [
        "⏳ `host2` is number 1 in the queue.",
        "⏳ `host3` is number 2 in the queue.",
        "⏳ `host4` is number 3 in the queue.",
    ]
    assert not any(said["replace_original"] for said in waiting.said)
    assert all(said["response_type"] == "ephemeral" for said in waiting.said)

    waiting.said.clear()
    await waiting.drain(lookups[2])
    waiting.now = 50
    await waiting.news.tell()
    assert waiting.said == []
    waiting.now = 81
    await waiting.news.tell()
    assert len(waiting.said) == 2
    assert all(said["replace_original"] for said in waiting.said)


async def test_many_who_wait_are_told_a_few_at_a_time(waiting: Waiting) -> None:
    lookups = await waiting.ask(30)
    for number, lookup in enumerate(lookups, 1):
        waiting.news.told(lookup, number)
    await waiting.drain(lookups[0])
    waiting.now = 20
    await waiting.news.tell()
    assert len(waiting.said) == 10
    await waiting.news.tell()
    await waiting.news.tell()
    await waiting.news.tell()
    assert len({said["text"] for said in waiting.said}) == len(waiting.said) == 29


async def test_a_place_that_cannot_be_told_stops_nothing(waiting: Waiting) -> None:
    reachable, waiting.url = waiting.url, "http://127.0.0.1:1/respond"
    lookups = await waiting.ask(2)
    waiting.url = reachable
    lookups += await waiting.ask(1)
    for number, lookup in enumerate(lookups, 1):
        waiting.news.told(lookup, number)
    await waiting.drain(lookups[0])
    waiting.now = 20
    await waiting.news.tell()
    assert [said["text"] for said in waiting.said] == ["⏳ `host0` is number 2 in the queue."]
