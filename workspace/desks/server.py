"""What both desks share: a server, its calls by name, and the page of the agent."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from types import TracebackType
from typing import Any, ClassVar, Self, TypeAlias

from aiohttp import web

from workspace.desks.faults import Faults
from workspace.desks.page import add_page
from workspace.desks.tickets import Entry, Ticket, Tickets

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
_LARGEST = 32 << 20


class DeskServer:
    """A desk. `tickets` is what it holds, `faults` what goes wrong, `calls` what was called."""

    #: What the page is called, and who answers there.
    name: ClassVar[str] = "Matrix42"
    agents: ClassVar[Sequence[str]] = ("Anna Agent", "Otto Other")
    #: What the states are called, by code.
    states: ClassVar[Mapping[str, str]] = {}

    def __init__(self, *, port: int = 0, host: str = "127.0.0.1") -> None:
        self._host, self._port = host, port
        self.faults = Faults()
        self.tickets = Tickets()
        self.calls: list[str] = []
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=_LARGEST)
        self.add_routes(app)
        add_page(app, self)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._runner:
            await self._runner.cleanup()

    @property
    def root(self) -> str:
        """The address of the page."""
        return f"http://{self._host}:{self._port}/"

    def add_routes(self, app: web.Application) -> None:
        """Adds the API's calls."""
        raise NotImplementedError

    def answer(
        self, ticket: Ticket, text: str, *, author: str = "Anna Agent", visible: bool = True
    ) -> Entry:
        """An agent writes an entry."""
        return self.tickets.write(ticket, author, text, visible=visible)

    def move(self, ticket: Ticket, state: str) -> None:
        """An agent changes the state."""
        if state not in self.states:
            raise KeyError(state)
        self.tickets.move(ticket, state)

    def plain(self, text: str) -> str:
        """What the desk keeps, as the page shows it."""
        return text

    def named(self, call: str, handler: Handler) -> Handler:
        """``handler`` with its call counted, and with what was ordered to go wrong."""

        async def handle(request: web.Request) -> web.StreamResponse:
            self.calls.append(call)
            return await self.faults.around(call, request, lambda: handler(request))

        return handle


def refuse(status: int, why: str) -> web.HTTPException:
    """An error answer."""
    error = _Answer(text=json.dumps({"Message": why}), content_type="application/json")
    error.set_status(status)
    return error


class _Answer(web.HTTPException):
    status_code = 400


async def json_body(request: web.Request, known: Collection[str]) -> dict[str, Any]:
    """The JSON object of a request; nothing but ``known`` may be in it."""
    if request.content_type != "application/json":
        raise refuse(415, "Content-Type must be application/json")
    try:
        given = json.loads(await request.read() or b"{}")
    except ValueError:
        raise refuse(400, "malformed JSON") from None
    if not isinstance(given, dict) or not set(given) <= set(known):
        raise refuse(400, "unknown field")
    return given


def check_query(request: web.Request, known: Collection[str]) -> None:
    """Refuses parameters that the call does not have."""
    if not set(request.query) <= set(known):
        raise refuse(400, "unknown parameter")
