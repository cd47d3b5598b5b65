"""Slack and its people for the load, in a process of their own: Socket Mode, the methods of the Web
API that lookups use, and people who type ``/cert`` at a rate. Far lighter than the workspace, and
without Slack's rate limits, which would be the bottleneck of everything measured here.

``python -m tools.soak.load_slack`` prints its address as JSON. Each further line of its standard
input is a `Wave` as JSON, answered with an `Outcome` as JSON once everything that the wave's commands
caused has come, or has not come in time.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from aiohttp import WSMsgType, web

from tools.soak.load_servers import server_name

BOT_TOKEN: Final = "xoxb-load"  # noqa: S105
APP_TOKEN: Final = "xapp-load"  # noqa: S105
TEAM: Final = "T0LOAD00001"
_BOT_USER: Final = "U0LOADBOT01"
_USERS: Final = 1000
_CHANNELS: Final = 50
#: One server in so many accepts connections and never answers.
STALLED_EVERY: Final = 10
#: So many servers are asked for again and again.
_POPULAR: Final = 20
#: What each command carries, so that its report is known again.
_MARK: Final = re.compile(r"/c([0-9]{7})\b")
_POSITION: Final = re.compile(r"number ([0-9,]+)\b")
_MAX_BLOCKS: Final = 50
_MAX_SECTION: Final = 3000
#: Slack shows that the app did not answer.
ACK_SECONDS: Final = 3.0


@dataclass(frozen=True, slots=True)
class Wave:
    """Commands to be typed: ``count``, ``rate`` a second (0: all at once). ``servers`` is how many
    there are; ``repeated`` the share of commands that ask for one of 20 popular ones, the others go
    through the rest in turn. ``patience``: how many seconds after the last command reports are
    waited for."""

    count: int
    rate: float
    answering: int
    stalled: int
    servers: int
    repeated: float = 0.3
    patience: float = 90.0


@dataclass(slots=True)
class Outcome:
    """What came of a wave; times in seconds."""

    acks: list[float] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)
    """Of servers that answer, in the order in which the commands were typed."""
    stalled_answers: list[float] = field(default_factory=list)
    unacknowledged: int = 0
    unanswered: int = 0
    answered_twice: int = 0
    wrong: dict[str, int] = field(default_factory=dict)
    """Requests that Slack would refuse, and reports in the wrong place."""
    order: list[int] = field(default_factory=list)
    """The numbers of commands for servers that answer, in the order of their reports."""
    positions: list[int] = field(default_factory=list)
    """The places in the queue that acknowledgements told."""
    updates: int = 0
    """How often a place was told again."""
    lookups: list[tuple[str, float, float]] = field(default_factory=list)
    """For each answer of a server that answers: the lookup's id, the seconds from command to report,
    and those that Slack took itself."""
    late_sends: float = 0.0
    """How far behind the rate the last command was typed."""
    seconds: float = 0.0
    """From the first command to the last report."""


@dataclass(slots=True)
class _Command:
    number: int
    server: int
    channel: str
    user: str
    typed_at: float = 0.0
    acknowledged_at: float = 0.0
    reports: list[float] = field(default_factory=list)

    @property
    def is_stalled(self) -> bool:
        return self.server % STALLED_EVERY == STALLED_EVERY - 1


class Slack:
    """The server, and everybody who types."""

    def __init__(self) -> None:
        self._commands: dict[int, _Command] = {}
        self._envelopes: dict[str, _Command] = {}
        self._acts: set[str] = set()
        self._socket: web.WebSocketResponse | None = None
        self._connected = asyncio.Event()
        self._outcome = Outcome()
        self._wrong: Counter[str] = Counter()
        self._open = 0
        self._settled = asyncio.Event()
        self._next = 0
        self._ts = 0
        self._fresh = 0
        self._random = random.Random(7)  # noqa: S311
        self._base = ""

    async def serve(self) -> str:
        """Starts; gives the address."""
        application = web.Application()
        application.router.add_post("/api/{method}", self._api)
        application.router.add_get("/link", self._link)
        application.router.add_post("/respond/{number}", self._respond)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self._base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return self._base

    async def run(self, wave: Wave) -> Outcome:
        """Types the commands and waits for what they cause."""
        await asyncio.wait_for(self._connected.wait(), 60)
        self._outcome = outcome = Outcome()
        self._wrong.clear()
        self._settled.clear()
        self._envelopes.clear()
        self._open = wave.count
        commands = [self._command(wave) for _ in range(wave.count)]
        started = time.perf_counter()
        for index, command in enumerate(commands):
            if wave.rate:
                due = started + index / wave.rate
                if (wait := due - time.perf_counter()) > 0:
                    await asyncio.sleep(wait)
                outcome.late_sends = time.perf_counter() - due
            await self._type(command, wave)
        try:
            await asyncio.wait_for(self._settled.wait(), wave.patience)
        except TimeoutError:
            pass
        else:
            # Whatever comes twice comes soon.
            await asyncio.sleep(1)
        self._sum_up(outcome, commands, started)
        return outcome

    def _command(self, wave: Wave) -> _Command:
        number = self._next
        self._next += 1
        if self._random.random() < wave.repeated:
            server = self._random.randrange(min(_POPULAR, wave.servers))
        else:
            rest = max(wave.servers - _POPULAR, 1)
            server = (_POPULAR + self._fresh % rest) % wave.servers
            self._fresh += 1
        command = _Command(
            number,
            server,
            f"C{number % _CHANNELS:010}",
            f"U{number % _USERS:010}",
        )
        self._commands[number] = command
        return command

    async def _type(self, command: _Command, wave: Wave) -> None:
        port = wave.stalled if command.is_stalled else wave.answering
        host = server_name(command.server)
        envelope = f"{command.number:08x}-load"
        self._envelopes[envelope] = command
        body = {
            "envelope_id": envelope,
            "type": "slash_commands",
            "accepts_response_payload": True,
            "payload": {
                "token": "verification",
                "team_id": TEAM,
                "team_domain": "load",
                "channel_id": command.channel,
                "channel_name": "connectors",
                "user_id": command.user,
                "user_name": "somebody",
                "command": "/cert",
                "text": f"https://{host}:{port}/c{command.number:07}",
                "api_app_id": "A0LOAD00001",
                "is_enterprise_install": "false",
                "response_url": f"{self._base}/respond/{command.number}",
                "trigger_id": f"{command.number}.load",
            },
        }
        command.typed_at = time.perf_counter()
        if self._socket is None:
            self._wrong["no connection"] += 1
            return
        await self._socket.send_json(body)

    def _sum_up(self, outcome: Outcome, commands: Sequence[_Command], started: float) -> None:
        last = started
        for command in commands:
            if not command.acknowledged_at:
                outcome.unacknowledged += 1
            else:
                outcome.acks.append(command.acknowledged_at - command.typed_at)
            if not command.reports:
                outcome.unanswered += 1
                continue
            outcome.answered_twice += len(command.reports) > 1
            last = max(last, command.reports[0])
            where = outcome.stalled_answers if command.is_stalled else outcome.answers
            where.append(command.reports[0] - command.typed_at)
            del self._commands[command.number]
        outcome.seconds = last - started
        outcome.wrong = dict(self._wrong)

    async def _link(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(heartbeat=20)
        await socket.prepare(request)
        await socket.send_json({"type": "hello", "num_connections": 1, "connection_info": {}})
        self._socket = socket
        self._connected.set()
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                self._acknowledged(message.data)
        if self._socket is socket:
            self._socket = None
            self._connected.clear()
        return socket

    def _acknowledged(self, data: str) -> None:
        answer = json.loads(data)
        command = self._envelopes.pop(answer["envelope_id"], None)
        if command is None:
            self._wrong["an acknowledgement of nothing"] += 1
            return
        command.acknowledged_at = time.perf_counter()
        text = str((answer.get("payload") or {}).get("text", ""))
        if not text.startswith("⏳"):
            self._wrong[f"acknowledged with: {text[:80]}"] += 1
        if found := _POSITION.search(text):
            self._outcome.positions.append(int(found[1].replace(",", "")))

    async def _respond(self, request: web.Request) -> web.Response:
        body = await request.json()
        if _POSITION.search(str(body.get("text", ""))):
            self._outcome.updates += 1
        return web.Response(text="ok")

    async def _api(self, request: web.Request) -> web.Response:
        arrived = time.perf_counter()
        method = request.match_info["method"]
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        wanted = APP_TOKEN if method == "apps.connections.open" else BOT_TOKEN
        if token != wanted:
            return self._refuse(method, "invalid_auth")
        raw = await request.read()
        if request.content_type == "application/json":
            arguments = json.loads(raw) if raw else {}
        else:
            arguments = dict(await request.post())
        if method == "auth.test":
            return _ok(
                url="https://load.slack.com/",
                team="load",
                user="whichroot",
                team_id=TEAM,
                user_id=_BOT_USER,
                bot_id="B0LOAD00001",
            )
        if method == "apps.connections.open":
            return _ok(url=f"{self._base.replace('http', 'ws', 1)}/link")
        if method == "conversations.open":
            return _ok(channel={"id": f"D{arguments.get('users', '')}"})
        if method in ("conversations.history", "conversations.replies"):
            # Nothing was interrupted: whoever asks has lost something.
            self._wrong[method] += 1
            return _ok(messages=[])
        if method in ("chat.postMessage", "chat.postEphemeral"):
            return self._post(method, arguments, raw.decode(), arrived)
        return self._refuse(method, "unknown_method")

    def _post(
        self, method: str, arguments: Mapping[str, Any], raw: str, arrived: float
    ) -> web.Response:
        if problem := _flaw(method, arguments):
            return self._refuse(method, problem)
        act = ((arguments.get("metadata") or {}).get("event_payload") or {}).get("act")
        if method == "chat.postMessage":
            if act is None or act in self._acts:
                self._wrong["an act posted twice, or none"] += 1
            self._acts.add(str(act))
        found = _MARK.search(raw)
        command = self._commands.get(int(found[1])) if found else None
        if command is None:
            self._wrong["a message that nobody asked for"] += 1
        else:
            self._reported(command, arguments, arrived)
        self._ts += 1
        ts = f"{int(time.time())}.{self._ts:06}"
        return _ok(channel=arguments["channel"], ts=ts, message_ts=ts)

    def _reported(self, command: _Command, arguments: Mapping[str, Any], arrived: float) -> None:
        if arguments["channel"] != command.channel:
            self._wrong["a report in another channel"] += 1
        wanted = "Cannot reach" if command.is_stalled else "Request the root certificate"
        if wanted not in json.dumps(arguments["blocks"]):
            self._wrong[f"a report without “{wanted}”"] += 1
        command.reports.append(arrived)
        if len(command.reports) > 1:
            return
        if not command.is_stalled:
            self._outcome.order.append(command.number)
            lookup = _lookup_of(arguments["blocks"])
            took = time.perf_counter() - arrived
            self._outcome.lookups.append((lookup, arrived - command.typed_at, took))
        self._open -= 1
        if not self._open:
            self._settled.set()

    def _refuse(self, method: str, code: str) -> web.Response:
        self._wrong[f"{method}: {code}"] += 1
        return web.json_response({"ok": False, "error": code})


def _flaw(method: str, arguments: Mapping[str, Any]) -> str | None:
    """The rules that a report could break."""
    blocks = arguments.get("blocks") or []
    if not arguments.get("channel"):
        return "channel_not_found"
    if method == "chat.postEphemeral" and not arguments.get("user"):
        return "user_not_in_channel"
    if not arguments.get("text") and not blocks:
        return "no_text"
    if len(blocks) > _MAX_BLOCKS:
        return "invalid_blocks"
    for block in blocks:
        if block["type"] == "section" and not 0 < len(block["text"]["text"]) <= _MAX_SECTION:
            return "invalid_blocks"
    return None


def _lookup_of(blocks: Sequence[Mapping[str, Any]]) -> str:
    return next(str(b["elements"][0]["value"]) for b in blocks if b["type"] == "actions")


def _ok(**answer: Any) -> web.Response:
    return web.json_response({"ok": True, **answer})


async def _main() -> None:
    slack = Slack()
    print(json.dumps({"url": await slack.serve()}), flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        outcome = await slack.run(Wave(**json.loads(line)))
        print(json.dumps(asdict(outcome)), flush=True)


if __name__ == "__main__":
    asyncio.run(_main())
