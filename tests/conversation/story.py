"""The story, step by step, as the people in it live it. Each step waits for what it causes, so that
the bot may be ended between any two."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

from bot.pki.certificate import Certificate
from tests.conversation.support import HOST, Json, Surroundings, shown
from workspace import Person

SUPPORT = "#matrix42-support"
ERROR = (
    "javax.net.ssl.SSLHandshakeException: PKIX path building failed: "
    "sun.security.provider.certpath.SunCertPathBuilderException: unable to find valid certification "
    "path to requested target"
)


Accepted = Callable[[], Awaitable[None]]


class Story:
    """Rita asks and requests, Sam supports. ``accepted`` is awaited each time that the bot has
    accepted something, before what follows from it is waited for."""

    def __init__(self, surroundings: Surroundings, accepted: Accepted | None = None) -> None:
        self._accepted = accepted or _go_on
        self._company = surroundings
        self.rita = surroundings.workspace.person("rita")
        self.sam = surroundings.workspace.person("sam")
        self.report: Json = {}
        self.card: Json = {}
        # A later certificate of the root's key, as CAs make them.
        self.renewed = surroundings.root_renewed()

    @property
    def steps(self) -> Sequence[Callable[[], Awaitable[None]]]:
        """In order."""
        return (
            self.ask,
            self.request,
            self.take,
            self.ask_the_requester,
            self.answer,
            self.replace,
            self.install,
            self.fail,
            self.install_again,
            self.verify,
        )

    async def ask(self) -> None:
        """``/cert`` → the report."""
        answer = await self.rita.command("#connectors", f"/cert {self._company.host}")
        assert answer["ok"], answer
        await self._accepted()
        self.report = await self.rita.wait_for(
            lambda m: "Request the root certificate" in shown(m) and HOST in shown(m)
        )
        assert Certificate.from_der(self._company.root.der).fingerprint in shown(self.report)

    async def request(self) -> None:
        """The modal → the request's thread, with the PEM."""
        assert (await self.rita.click(self.report, "report_request"))["ok"]
        view = await self.rita.wait_for_view(lambda v: v["callback_id"] == "install")
        values = {"environment": "production", "connector": "AD connector", "note": "Urgent."}
        answer = await self.rita.submit(view, values)
        assert answer["ok"], answer
        await self._accepted()
        self.card = await self.sam.wait_for(
            lambda m: "waiting for support" in shown(m) and not m.get("thread_ts_parent"),
            channel=SUPPORT,
        )
        attached = await self.sam.wait_for(lambda m: bool(m.get("files")), channel=SUPPORT)
        assert "keytool -importcert" in shown(attached)
        pem = await self.sam.download(attached["files"][0])
        assert self._company.root.pem.strip() in pem
        await self._line("asked for this")

    async def take(self) -> None:
        """Sam takes it; Rita hears of it."""
        await self._press(self.sam, "request_take", "being worked on")
        await self._line("took this")
        await self._notice("took this")

    async def ask_the_requester(self) -> None:
        """Sam has a question."""
        assert (await self.sam.click(self.card, "request_ask"))["ok"]
        view = await self.sam.wait_for_view(lambda v: v["callback_id"] == "request_words")
        assert (await self.sam.submit(view, {"words": "Which connector host?"}))["ok"]
        await self._accepted()
        await self._line("Which connector host?")
        await self._notice("Which connector host?")

    async def answer(self) -> None:
        """Rita answers in the thread."""
        await self.rita.reply(self.card, "It runs on nc01.corp.example")
        await self._accepted()
        await self._line("nc01.corp.example", "answered")
        await self._card("being worked on")

    async def replace(self) -> None:
        """Rita drops the renewed root into the thread, and Sam uses it."""
        file = await self.rita.upload("renewed.pem", self.renewed.pem)
        await self.rita.reply(self.card, "", files=[file])
        await self._accepted()
        compared = await self.sam.wait_for(
            lambda m: "another certificate of the same key" in shown(m), channel=SUPPORT
        )
        assert (await self.sam.click(compared, "file_use"))["ok"]
        await self._accepted()
        await self._line("exchanged the certificate")
        await self._card("The fingerprint is confirmed with the system's owner.")
        await self.sam.wait_for(
            lambda m: (
                bool(m.get("files"))
                and Certificate.from_der(self.renewed.der).sha256[:8] in m["files"][0]["name"]
            ),
            channel=SUPPORT,
        )

    async def install(self) -> None:
        """Sam says that it is installed; Rita is asked."""
        await self._press(self.sam, "request_install", "installed, to be confirmed")
        await self._notice("Does the connector work now?")

    async def fail(self) -> None:
        """It still fails: the error is explained, and the request is open again."""
        notice = await self._notice("Does the connector work now?")
        assert (await self.rita.click(notice, "request_fail"))["ok"]
        view = await self.rita.wait_for_view(lambda v: v["callback_id"] == "request_words")
        assert (await self.rita.submit(view, {"words": ERROR}))["ok"]
        await self._accepted()
        await self._line("it still fails")
        await self._line("For this request", "anchors what")
        await self._card("waiting for support")

    async def install_again(self) -> None:
        """Sam installs it where it belongs."""
        await self._press(self.sam, "request_take", "being worked on")
        await self._press(self.sam, "request_install", "installed, to be confirmed")

    async def verify(self) -> None:
        """It works."""
        notices = await self.rita.until(
            lambda state: [
                m
                for channel in state["channels"]
                if channel["kind"] == "im"
                for m in channel["messages"]
                if "Does the connector work now?" in shown(m)
            ][1:],
            what="second notice",
        )
        assert (await self.rita.click(notices[-1], "request_verify"))["ok"]
        await self._accepted()
        await self._card("verified")
        await self._line("confirmed that it works")

    async def check_that_nothing_came_twice(self) -> None:
        """Every message of the bot is there once: the thread's lines, the files, the notices."""
        thread = await self.sam.messages(SUPPORT)
        said = [m["text"] for m in thread if m.get("bot_id")]
        # Sam takes and installs it twice, and does all else once.
        expected = {
            text: 2 if "took this" in text or "installed this" in text else 1 for text in said
        }
        assert Counter(said) == expected
        assert sum("it still fails" in text for text in said) == 1
        assert sum("For this request" in shown(m) for m in thread) == 1
        assert sum(bool(m.get("files")) for m in thread if m.get("bot_id")) == 2
        reports = [m for m in await self.rita.messages("#connectors") if not m["ephemeral"]]
        assert sum("Request the root certificate" in shown(m) for m in reports) == 1
        notices = [shown(m) for m in await self.rita.messages("@app")]
        assert sum("Which connector host?" in text for text in notices) == 1
        assert sum("Does the connector work now?" in text for text in notices) == 2

    async def _press(self, person: Person, action_id: str, state: str) -> None:
        answer = await person.click(self.card, action_id)
        assert answer["ok"], answer
        await self._accepted()
        await self._card(state)

    async def _card(self, state: str) -> None:
        ts = self.card["ts"]
        self.card = await self.sam.wait_for(
            lambda m: m["ts"] == ts and state in shown(m), channel=SUPPORT
        )

    async def _line(self, *texts: str) -> Json:
        return await self.sam.wait_for(
            lambda m: m.get("thread_ts") == self.card["ts"] and all(t in shown(m) for t in texts),
            channel=SUPPORT,
        )

    async def _notice(self, *texts: str) -> Json:
        return await self.rita.wait_for(
            lambda m: all(text in shown(m) for text in texts), channel="@app"
        )


async def _go_on() -> None:
    return
