"""The request story with a ticket, in steps. A step ends when everything that it causes is there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from html import unescape
from typing import Any, Final, TypeAlias

from tests.conversation.story import Story
from tests.conversation.support import HOST, Surroundings, shown
from tools.soak.crash.people import StubbornPerson
from workspace.desks import EnterpriseServer, ProfessionalServer, Ticket

Server: TypeAlias = EnterpriseServer | ProfessionalServer

#: How long a person who was told that a command failed looks whether it went through all the same.
_LOOK_SECONDS: Final = 6.0
_TRIES: Final = 5
_DESK_SECONDS: Final = 120.0
_CLOSED: Final = {EnterpriseServer: "204", ProfessionalServer: "06"}


class CrashStory(Story):
    """Rita asks and requests, Sam supports, Anna answers at the desk."""

    def __init__(
        self,
        surroundings: Surroundings,
        desk: Server,
        rita: StubbornPerson,
        sam: StubbornPerson,
        recovered: Callable[[], Awaitable[None]],
    ) -> None:
        super().__init__(surroundings)
        self._desk = desk
        self._recovered = recovered
        self._stubborn_rita = rita
        self.rita, self.sam = rita, sam

    @property
    def somebody_waits(self) -> bool:
        """Whether somebody waits for Slack's answer at this moment."""
        return any(
            isinstance(person, StubbornPerson) and person.waits for person in (self.rita, self.sam)
        )

    @property
    def named_steps(self) -> Sequence[tuple[str, Callable[[], Awaitable[None]]]]:
        """In order."""
        return (
            ("ask in vain", self.ask_in_vain),
            ("ask", self.ask),
            ("fetch the PEM", self.fetch),
            ("request", self.request),
            ("take", self.take),
            ("ask the requester", self.ask_the_requester),
            ("answer", self.answer),
            ("talk with the desk", self.talk),
            ("exchange the certificate", self.replace),
            ("install", self.install),
            ("still failing", self.fail),
            ("install again", self.install_again),
            ("close the ticket", self.close),
            ("verify", self.verify),
        )

    async def ask_in_vain(self) -> None:
        """``/cert`` → an error that Rita alone sees."""
        await self._type("/cert nowhere.corp.example:1", "nowhere.corp.example")

    async def ask(self) -> None:
        """``/cert`` → the report."""
        line = f"/cert {self._company.host}"
        self.report = await self._type(line, "Request the root certificate", HOST)

    async def fetch(self) -> None:
        """The PEM into the report's thread."""
        rita = self._stubborn_rita
        await self._insist(
            lambda: rita.press(self.report, "report_pem"),
            lambda m: bool(m.get("files")) and m["channel"] == self.report["channel"],
        )

    async def request(self) -> None:
        """The modal → the request's thread, the ticket, and the PEM in both."""
        await super().request()
        await self._line("linked the ticket")
        await self._desk_has(lambda ticket: bool(ticket.files), "attachment")

    async def take(self) -> None:
        await super().take()
        await self._desk_says("took the request")

    async def ask_the_requester(self) -> None:
        await super().ask_the_requester()
        await self._desk_says("Which connector host?")

    async def answer(self) -> None:
        await super().answer()
        await self._desk_says("nc01.corp.example")

    async def talk(self) -> None:
        """Sam to the desk, Anna to the thread."""
        await self.sam.reply(self.card, "Anna, do you know that host?")
        self._desk.answer(self._ticket(), "It is one of ours.")
        await self._desk_says("do you know that host?")
        await self._line("(Matrix42):", "It is one of ours.")

    async def replace(self) -> None:
        await super().replace()
        await self._desk_says("exchanged the certificate")
        await self._desk_has(lambda ticket: len(ticket.files) == 3, "three files")

    async def install(self) -> None:
        await super().install()
        await self._desk_says("is installed")

    async def fail(self) -> None:
        await super().fail()
        await self._desk_says("it still fails")

    async def verify(self) -> None:
        await super().verify()
        await self._desk_says("confirmed that it works")

    async def close(self) -> None:
        """Anna closes the ticket."""
        self._desk.move(self._ticket(), _CLOSED[type(self._desk)])
        await self._line("The ticket in Matrix42 is closed")

    async def _type(self, line: str, *texts: str) -> dict[str, Any]:
        rita = self._stubborn_rita
        return await self._insist(
            lambda: rita.type("#connectors", line),
            lambda m: all(text in shown(m) for text in texts) and "⏳" not in shown(m),
        )

    async def _insist(
        self,
        act: Callable[[], Awaitable[dict[str, Any]]],
        shows: Callable[[dict[str, Any]], bool],
    ) -> dict[str, Any]:
        """Does it until the message is there that it causes: where Slack says that it failed, it may
        have been accepted all the same, so that Rita looks before she does it again."""
        for _ in range(_TRIES):
            answer = await act()
            if answer["ok"]:
                return await self.rita.wait_for(shows)
            await self._recovered()
            with suppress(TimeoutError):
                return await self.rita.wait_for(shows, timeout=_LOOK_SECONDS)
        raise AssertionError(f"it was never accepted: {answer}")

    def _ticket(self) -> Ticket:
        (ticket,) = self._desk.tickets
        found: Ticket = ticket
        return found

    async def _desk_says(self, text: str) -> None:
        await self._desk_has(
            lambda ticket: any(text in unescape(e.text) for e in ticket.entries), text
        )

    async def _desk_has(self, condition: Callable[[Ticket], bool], what: str) -> None:
        try:
            async with asyncio.timeout(_DESK_SECONDS):
                while len(self._desk.tickets) != 1 or not condition(self._ticket()):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"no “{what}” at the desk") from None
