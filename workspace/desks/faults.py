"""What goes wrong on order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong at a call.

    ``kind``: `status` (answers ``status`` and does nothing), `slow` (does it after ``seconds``, also
    where nobody waits for it any more), `late` (does it, answers after ``seconds``), `cut` (does it,
    then breaks the connection), `drop` (breaks the connection and does nothing), `null` (answers 200
    and ``null`` and does nothing), `truncated` (does it, answers half). With ``held`` what takes
    ``seconds`` takes until that is set.
    """

    kind: str
    status: int = 500
    seconds: float = 0.0
    retry_after: str = ""
    held: asyncio.Event | None = None

    async def pause(self) -> None:
        """Waits as long as it was ordered."""
        await (self.held.wait() if self.held else asyncio.sleep(self.seconds))


class Faults:
    """Faults in order, by the name of the call; ``down``: every call breaks."""

    def __init__(self) -> None:
        self.down = False
        self._ordered: dict[str, deque[Fault]] = {}

    def order(self, call: str, *faults: Fault) -> None:
        """The next calls of that name go wrong like this, one after the other."""
        self._ordered.setdefault(call, deque()).extend(faults)

    def forget(self, call: str) -> None:
        """What was ordered for calls of that name does not happen any more."""
        self._ordered.pop(call, None)

    async def around(
        self,
        call: str,
        request: web.Request,
        work: Callable[[], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        """Does ``work``, or what was ordered."""
        if self.down:
            _break(request)
            return web.Response(status=502)
        waiting = self._ordered.get(call)
        fault = waiting.popleft() if waiting else None
        match fault:
            case Fault(kind="status"):
                headers = {"Retry-After": fault.retry_after} if fault.retry_after else {}
                return web.Response(status=fault.status, headers=headers)
            case Fault(kind="null"):
                return web.json_response(None)
            case Fault(kind="drop"):
                _break(request)
                return web.Response(status=502)
            case Fault(kind="slow"):
                await request.read()
                await fault.pause()
        answer = await work()
        if fault and fault.kind == "late":
            await fault.pause()
        elif fault and fault.kind == "cut":
            _break(request)
        elif fault and fault.kind == "truncated" and isinstance(answer, web.Response):
            body = answer.body if isinstance(answer.body, bytes) else b""
            return web.Response(body=body[: len(body) // 2], content_type="application/json")
        return answer


def _break(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
