"""Answers of a desk that are JSON and not what they should be: every part of the right ones in turn is
another thing. Whatever comes, a client gives a result of the right kind or an error of the desk."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest
from aiohttp import web

from bot.desks.base import (
    Attachment,
    DeskError,
    News,
    Ticket,
    TicketState,
    Written,
    marker_of,
)
from bot.requests.states import State
from tests.desks.support import PEM, AnyDesk, Place, draft
from workspace.desks import EnterpriseServer

_ODD: tuple[Any, ...] = (None, True, -1, 1e400, "", "x" * 3000, [], {}, [[]], [{}], {"a": {}}, "ID")
_TRIED = 4
_SIGN_INS = ("GenerateAccessTokenFromApiToken", "users/login")


class Distorting:
    """Stands before a desk and changes one part of each JSON answer, as ``choose`` says."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.choose: random.Random | None = None
        self.url = ""

    async def run(self) -> AsyncIterator[Distorting]:
        """Listens until it is closed."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        root = self._place.server.root
        self.url = self._place.server.url.replace(root, f"http://127.0.0.1:{port}/")
        async with httpx.AsyncClient(base_url=root) as self._client:
            yield self
        await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        kept = ("Authorization", "Content-Type", "Accept")
        headers = {name: request.headers[name] for name in kept if name in request.headers}
        body = await request.read()
        answer = await self._client.request(
            request.method, request.raw_path, content=body, headers=headers
        )
        content = answer.content
        kind = answer.headers.get("Content-Type", "").partition(";")[0]
        signs_in = any(name in request.path for name in _SIGN_INS)
        if self.choose and kind == "application/json" and not signs_in:
            content = json.dumps(_distorted(json.loads(content), self.choose)).encode()
        return web.Response(body=content, status=answer.status_code, content_type=kind or None)


def _distorted(given: Any, choose: random.Random) -> Any:
    """``given`` with one of its parts exchanged."""
    changed = [copy.deepcopy(given)]
    place, key = choose.choice(list(_places(changed)))
    place[key] = choose.choice(_ODD)
    return changed[0]


def _places(given: Any) -> Iterator[tuple[Any, Any]]:
    keys = given if isinstance(given, dict) else range(len(given) if isinstance(given, list) else 0)
    for key in keys:
        yield given, key
        yield from _places(given[key])


@pytest.fixture
async def between(place: Place) -> AsyncIterator[Distorting]:
    async for running in Distorting(place).run():
        yield running


def _calls(ticket: Ticket) -> dict[str, tuple[Callable[[AnyDesk], Awaitable[Any]], Any]]:
    """What can be asked of a desk, and what kind of thing it gives."""
    maybe_ticket, maybe_state = Ticket | None, TicketState | None
    return {
        "create": (lambda desk: desk.create(draft("R-9")), Ticket),
        "find": (lambda desk: desk.find(marker_of("R-7K3M")), maybe_ticket),
        "attach": (lambda desk: desk.attach(ticket, "other.pem", PEM), Attachment),
        "attached": (lambda desk: desk.attached(ticket, "root.pem"), Attachment | None),
        "comment": (lambda desk: desk.comment(ticket, "Hello"), Written),
        "poll": (lambda desk: desk.poll(ticket, {}), News),
        "set_state": (lambda desk: desk.set_state(ticket, State.TAKEN), maybe_state),
        "check": (lambda desk: desk.check(), list),
    }


async def test_no_answer_breaks_a_client(place: Place, between: Distorting) -> None:
    ticket = await place.desk.create(draft())
    await place.desk.attach(ticket, "root.pem", PEM)
    kept = place.kept(ticket.id)
    place.server.answer(kept, "Which connector?")
    working = "202" if isinstance(place.server, EnterpriseServer) else "02"
    desk = place.client(url=between.url, relay_files=True, set_states={"taken": working})
    refused = 0
    for name, (call, kind) in _calls(ticket).items():
        for number in range(_TRIED):
            between.choose = random.Random(f"{name} {number}")
            try:
                given = await call(desk)
            except DeskError:
                refused += 1
            else:
                assert isinstance(given, kind), name
                json.dumps(given.cursor if isinstance(given, News) else None)
                if isinstance(given, News):
                    assert all(isinstance(entry.text, str) for entry in given.entries)
    # Or nothing was distorted at all.
    assert refused >= 3
    between.choose = None
    assert isinstance(await desk.poll(ticket, {}), News)
