"""An end that several wait for, each known to them in the next round of the event loop."""

from __future__ import annotations

import asyncio


class Ended:
    """Something that ends once, well or with an error. Whoever waits may be cancelled, and the others
    go on waiting: as with `asyncio.shield` around a future, which tells each of them a round later."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._is_told = False
        self._error: BaseException | None = None
        self._waiting: list[asyncio.Future[None]] = []

    def tell(self, error: BaseException | None = None) -> None:
        """It has ended."""
        self._is_told = True
        self._error = error
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)
        self._waiting.clear()

    async def wait(self) -> None:
        """Returns when it has ended well. Raises its error otherwise."""
        if not self._is_told:
            waiter = self._loop.create_future()
            self._waiting.append(waiter)
            await waiter
        if self._error is not None:
            raise self._error
