"""Socket Mode: the app's WebSocket connections (https://docs.slack.dev/apis/events-api/using-socket-mode)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import time
from dataclasses import dataclass
from typing import Any, Literal

from aiohttp import WSMsgType, web

from workspace.apps import App
from workspace.delivery import Acknowledgement, EnvelopeType, Failure
from workspace.faults import Faults
from workspace.feed import Feed, Log
from workspace.rules import Rules
from workspace.tasks import Tasks

_MOST_CONNECTIONS = 10
_TICKET_SECONDS = 30.0
_GRACE_SECONDS = 10.0


@dataclass
class _Envelope:
    connection: str
    kind: str
    acknowledged: asyncio.Future[dict[str, Any] | None]
    sent_at: float


@dataclass
class _Connection:
    id: str
    socket: web.WebSocketResponse
    request: web.Request
    retiring: bool = False


class SocketMode:
    """Hands each envelope to exactly one of the app's connections, in turn.

    An envelope on a connection that breaks before its acknowledgement is sent again on another,
    as long as its time lasts.
    """

    def __init__(
        self, app: App, rules: Rules, log: Log, faults: Faults, tasks: Tasks, feed: Feed
    ) -> None:
        self._app = app
        self._feed = feed
        self._tasks = tasks
        self._rules = rules
        self._log = log
        self._faults = faults
        self._tickets: dict[str, float] = {}
        self._connections: list[_Connection] = []
        # An acknowledgement may come over another connection than its envelope went: clients
        # answer on whichever is theirs at the moment.
        self._waiting: dict[str, _Envelope] = {}
        self._turn = 0
        self._arrived = asyncio.Event()

    @property
    def connections(self) -> int:
        """How many connections are open and not being replaced."""
        return len(self._usable())

    def open(self, base_url: str) -> str:
        """A WebSocket URL that works once, within 30 seconds (`apps.connections.open`)."""
        ticket = secrets.token_hex(16)
        self._tickets[ticket] = time.monotonic() + _TICKET_SECONDS
        host = base_url.removeprefix("http://")
        return f"ws://{host}/link/?ticket={ticket}&app_id={self._app.id}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """The connection of one client, from hello to its end."""
        deadline = self._tickets.pop(request.query.get("ticket", ""), 0.0)
        if deadline < time.monotonic():
            return web.json_response({"ok": False, "error": "invalid_ticket"}, status=403)
        socket = web.WebSocketResponse(heartbeat=self._rules.ping_seconds)
        await socket.prepare(request)
        connection = _Connection(id=secrets.token_hex(4), socket=socket, request=request)
        if len(self._connections) >= _MOST_CONNECTIONS:
            await self._disconnect(connection, "too_many_websockets")
            return socket
        self._connections.append(connection)
        self._note(connection, "opened")
        refresh = asyncio.ensure_future(self._refresh_later(connection))
        try:
            await socket.send_json(self._hello(connection))
            self._arrived.set()
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._received(message.data)
        finally:
            refresh.cancel()
            self._forget(connection)
        return socket

    async def send(
        self,
        kind: EnvelopeType,
        payload: dict[str, Any],
        *,
        seconds: float,
        url: str | None = None,
        attempt: int = 0,
        reason: str = "",
    ) -> Acknowledgement | Failure:
        """Send to one connection and wait for the acknowledgement; see `Transport`."""
        deadline = time.monotonic() + seconds
        envelope_id = secrets.token_hex(4) + "-" + secrets.token_hex(8)
        body: dict[str, Any] = {
            "envelope_id": envelope_id,
            "payload": payload,
            "type": kind,
            "accepts_response_payload": kind != "events_api",
        }
        if kind == "events_api":
            body |= {"retry_attempt": attempt, "retry_reason": reason}
        was_sent = False
        while (left := deadline - time.monotonic()) > 0:
            connection = self._next()
            if connection is None and was_sent:
                await self._await_connection(left)
                continue
            if connection is None:
                return Failure("dispatch_failed", "connection_failed")
            was_sent = True
            answer = await self._send_on(connection, envelope_id, body, left)
            if isinstance(answer, dict):
                return Acknowledgement(answer)
        return Failure("operation_timeout", "timeout")

    async def disconnect(
        self, reason: Literal["warning", "refresh_requested", "link_disabled"]
    ) -> int:
        """Ask every client to connect anew; gives how many were asked. Nothing more is sent to
        these connections, and those still open ten seconds later are closed."""
        connections = self._usable()
        for connection in connections:
            await self._disconnect(connection, reason)
        return len(connections)

    async def cut(self) -> int:
        """Break every connection without a word; gives how many were broken."""
        connections = list(self._connections)
        for connection in connections:
            if connection.request.transport is not None:
                connection.request.transport.abort()
            self._forget(connection)
        return len(connections)

    async def wait_connected(self, count: int = 1, seconds: float = 60.0) -> None:
        """Wait until so many connections are open. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while self.connections < count:
                self._arrived.clear()
                await self._arrived.wait()

    async def _await_connection(self, seconds: float) -> None:
        self._arrived.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._arrived.wait(), seconds)

    async def close(self) -> None:
        """Close every connection."""
        for connection in list(self._connections):
            await connection.socket.close(code=1001)

    def _usable(self) -> list[_Connection]:
        return [c for c in self._connections if not c.retiring and not c.socket.closed]

    def _next(self) -> _Connection | None:
        usable = self._usable()
        if not usable:
            return None
        self._turn += 1
        return usable[self._turn % len(usable)]

    async def _send_on(
        self, connection: _Connection, envelope_id: str, body: dict[str, Any], left: float
    ) -> dict[str, Any] | None:
        """The acknowledgement; None if the time is up or the connection broke."""
        future: asyncio.Future[dict[str, Any] | None] = asyncio.get_running_loop().create_future()
        self._waiting[envelope_id] = _Envelope(
            connection.id, body["type"], future, time.monotonic()
        )
        self._log.add(
            "envelope",
            at=time.time(),
            connection=connection.id,
            envelope_id=envelope_id,
            type=body["type"],
            attempt=body.get("retry_attempt", 0),
            payload=body["payload"],
        )
        try:
            await connection.socket.send_json(body)
            return await asyncio.wait_for(future, left)
        except (TimeoutError, ConnectionError):
            return None
        finally:
            self._waiting.pop(envelope_id, None)

    def _received(self, data: str) -> None:
        try:
            answer = json.loads(data)
            envelope = self._waiting.get(answer["envelope_id"])
        except (ValueError, KeyError, TypeError):
            self._log.add("acknowledgement", at=time.time(), error="unreadable", data=data[:1000])
            return
        payload = answer.get("payload") or {}
        if envelope is not None and self._faults.drops_acknowledgement(envelope.kind):
            self._log.add(
                "acknowledgement",
                at=time.time(),
                envelope_id=answer["envelope_id"],
                payload=payload,
                dropped=True,
            )
            return
        self._log.add(
            "acknowledgement",
            at=time.time(),
            envelope_id=answer["envelope_id"],
            payload=payload,
            seconds=round(time.monotonic() - envelope.sent_at, 4) if envelope else None,
            late=envelope is None,
        )
        if envelope is not None and not envelope.acknowledged.done():
            envelope.acknowledged.set_result(payload)

    def _hello(self, connection: _Connection) -> dict[str, Any]:
        return {
            "type": "hello",
            "num_connections": len(self._connections),
            "debug_info": {
                "host": f"workspace-{connection.id}",
                "started": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime()),
                "build_number": 1,
                "approximate_connection_time": int(self._rules.refresh_seconds),
            },
            "connection_info": {"app_id": self._app.id},
        }

    async def _disconnect(self, connection: _Connection, reason: str) -> None:
        connection.retiring = True
        self._note(connection, reason)
        try:
            await connection.socket.send_json(
                {
                    "type": "disconnect",
                    "reason": reason,
                    "debug_info": {"host": f"workspace-{connection.id}"},
                }
            )
        except ConnectionError:
            self._forget(connection)
            return
        if reason == "too_many_websockets":
            await connection.socket.close()
        else:
            self._tasks.start(self._close_later(connection))

    async def _close_later(self, connection: _Connection) -> None:
        await asyncio.sleep(_GRACE_SECONDS)
        await connection.socket.close()

    async def _refresh_later(self, connection: _Connection) -> None:
        await asyncio.sleep(self._rules.refresh_seconds)
        await self._disconnect(connection, "refresh_requested")

    def _note(self, connection: _Connection, event: str) -> None:
        self._log.add("connection", at=time.time(), connection=connection.id, event=event)
        self._feed.publish("connection")

    def _forget(self, connection: _Connection) -> None:
        if connection not in self._connections:
            return
        self._connections.remove(connection)
        self._note(connection, "closed")
        for envelope in self._waiting.values():
            if envelope.connection == connection.id and not envelope.acknowledged.done():
                envelope.acknowledged.set_result(None)
