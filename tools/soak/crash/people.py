"""People who, when Slack says that something failed, look and do it again."""

# Waiting with a timeout is what these methods are for.
# ruff: noqa: ASYNC109

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from workspace import Person, Refused

Json = dict[str, Any]

#: How long somebody waits for what must come, in seconds: for as long as a crowded machine needs.
_PATIENCE_SECONDS: Final = 120.0
_TRIES: Final = 8


class StubbornPerson(Person):
    """A person who tries again once the bot is back, which ``ready`` waits for. ``slow`` counts how
    often the bot has asked for that, because something takes longer than usual."""

    def __init__(
        self,
        url: str,
        user_id: str,
        ready: Callable[[], Awaitable[None]],
        slow: Callable[[], int],
    ) -> None:
        super().__init__(url, user_id)
        self._ready = ready
        self._slow = slow
        self.waits = 0
        """How many acts of this person Slack has not answered yet."""

    async def until(
        self, wanted: Callable[[Json], Any], *, timeout: float = 0.0, what: str = ""
    ) -> Any:
        return await super().until(wanted, timeout=timeout or _PATIENCE_SECONDS, what=what)

    async def wait_for(
        self,
        wanted: Callable[[Json], Any],
        *,
        channel: str | None = None,
        timeout: float = _PATIENCE_SECONDS,
    ) -> Json:
        return await super().wait_for(wanted, channel=channel, timeout=timeout)

    async def wait_for_view(
        self, wanted: Callable[[Json], Any] | str = "", *, timeout: float = _PATIENCE_SECONDS
    ) -> Json:
        return await super().wait_for_view(wanted, timeout=timeout)

    async def once(self, act: Callable[[], Awaitable[Json]]) -> Json:
        """Something that Slack answers and that is not done again here."""
        self.waits += 1
        try:
            return await act()
        finally:
            self.waits -= 1

    async def type(self, channel: str, line: str) -> Json:
        """A command, typed once."""
        return await self.once(lambda: super(StubbornPerson, self).command(channel, line))

    async def press(self, where: Json, action_id: str) -> Json:
        """A button, pressed once."""
        return await self.once(lambda: super(StubbornPerson, self).click(where, action_id))

    async def click(
        self,
        where: Json,
        action_id: str,
        value: Any = None,
        *,
        block_id: str = "",
        state: Json | None = None,
    ) -> Json:
        press = super().click
        return await self._stubbornly(
            lambda: press(where, action_id, value, block_id=block_id, state=state)
        )

    async def submit(self, view: Json, values: Json | None = None) -> Json:
        send = super().submit
        return await self._stubbornly(lambda: send(view, values))

    async def _stubbornly(self, act: Callable[[], Awaitable[Json]]) -> Json:
        answer: Json = {}
        for tried in range(_TRIES):
            slow = self._slow()
            try:
                answer = await self.once(act)
            except Refused:
                if tried:
                    # The button or the modal is not there any more: it went through after all.
                    return {"ok": True}
                raise
            if "errors" in answer or (answer["ok"] and slow == self._slow()):
                return answer
            # It failed, or the bot said to try again if nothing comes of it.
            await self._ready()
        return answer
