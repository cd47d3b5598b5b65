"""What comes from Slack, through Bolt itself to the bot's listeners: envelopes and HTTP bodies.

The stage with every kind of request, on a real store before a real workspace; an incident, which the
bot records where it fails unexpectedly, is a crash.
"""

from __future__ import annotations

import asyncio
import functools
import json
import logging
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlencode

import aiohttp
from aiohttp import web
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from bot.serving.intake import Intake, SocketConnection, add_http_intake
from tests.conversation.conftest import MANIFEST, RULES
from tests.conversation.support import Surroundings
from tests.hostile.conftest import EVERYBODY
from tests.hostile.fuzzing.target import FuzzTarget, Untidy
from tests.hostile.payloads import Forge
from tests.hostile.policy import TABLE
from tests.hostile.stage import Stage
from workspace import Workspace
from workspace.http_delivery import signature

#: The stage's.
_SECRET: Final = "none"
#: After so many inputs the store is as it was: else looking into it takes longer and longer.
_UNDO_EVERY: Final = 200
_CONTENT_TYPES: Final = (
    "application/json",
    "application/x-www-form-urlencoded",
    "text/plain; charset=nonsense",
    "",
)
_ODD: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, -1, 1e308, 10**400, "", " ", [], {}, [[]], [None], {"": None}),
    *("U0123456789", "C0123456789", "T0123456789", "null", "[]", "{", "\0", "\ud800", "\u202e"),
    *("<!channel>", "x" * 5000, "9" * 400, {"id": []}, {"id": {}}, {"value": None}, [{"id": 1}]),
)


class _Incidents(logging.Handler):
    """The last unexpected error that was recorded."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.last: BaseException | None = None

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1]:
            self.last = record.exc_info[1]


class _Acknowledged:
    """A connection that only hears acknowledgements."""

    async def send_socket_mode_response(self, response: SocketModeResponse) -> None:
        json.dumps(response.to_dict())


class _Theatre:
    """The stage, opened in a loop of its own and never closed: the process ends by itself."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._incidents = _Incidents()
        self._count = 0
        self._loop.run_until_complete(self._open())

    async def _open(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="whichroot-fuzz-"))
        workspace = Workspace(MANIFEST, cast=EVERYBODY, rules=RULES)
        await workspace.__aenter__()
        company = Surroundings(workspace, folder)
        await company.__aenter__()
        self._stage = Stage(company)
        await self._stage.__aenter__()
        self._forge = Forge(self._stage)
        logging.getLogger("whichroot").handlers = [self._incidents]
        # Bolt says of each body that it cannot match.
        logging.getLogger("slack_bolt").setLevel(logging.CRITICAL)
        for name in ("slack_bolt.AsyncApp", "aiohttp.server"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        intake = Intake()
        self._socket = SocketConnection(self._stage.app, "xapp-none", intake)
        application = web.Application()
        add_http_intake(application, self._stage.app, intake, _SECRET)
        runner = web.AppRunner(application)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self._url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
        self._session = aiohttp.ClientSession()

    def payloads(self) -> list[dict[str, Any]]:
        """What each kind of person sends when doing each thing that there is."""
        return [
            self._forge.of(row, person, next(iter(row.states), "posted"))
            for row in TABLE
            for person in sorted({"requester", "supporter"} & row.who) or ["requester"]
        ]

    def envelope(self, data: bytes) -> None:
        """An envelope of Socket Mode, as JSON."""
        try:
            envelope = json.loads(data)
        except (ValueError, RecursionError):
            return
        if not isinstance(envelope, dict) or not {"type", "envelope_id"} <= envelope.keys():
            return
        self._run(lambda: self._hand_over(envelope))

    def post(self, data: bytes) -> None:
        """A signed HTTP request: a byte for the content type, and the body."""
        self._run(lambda: self._post(data))

    def _run(self, work: Callable[[], Any]) -> None:
        self._incidents.last = None
        self._loop.run_until_complete(work())
        self._count += 1
        if not self._count % _UNDO_EVERY:
            self._loop.run_until_complete(self._stage.parts.tasks.drain(5.0))
            self._stage.undo()
        if self._incidents.last is not None:
            raise self._incidents.last

    async def _hand_over(self, envelope: dict[str, Any]) -> None:
        try:
            request = SocketModeRequest.from_dict(envelope)
        except ValueError:
            # slack_sdk says so in its log, and goes on.
            return
        if request is not None:
            await self._socket.handle(_Acknowledged(), request)  # type: ignore[arg-type]  # all it uses

    async def _post(self, data: bytes) -> None:
        kind, body = _CONTENT_TYPES[(data[0] if data else 0) % len(_CONTENT_TYPES)], data[1:]
        try:
            signed = signature(_SECRET, body.decode(), int(time.time()))
        except UnicodeDecodeError:
            signed = {}
        headers = {"Content-Type": kind, **signed}
        async with self._session.post(self._url, data=body, headers=headers) as answer:
            said = await answer.text()
        # With 500 and no word Bolt itself refuses what it cannot match.
        if answer.status >= 500 and said and b"event_callback" not in body:
            raise Untidy(f"HTTP {answer.status}: {said[:200]}")
        assert "Traceback" not in said


@functools.cache
def _theatre() -> _Theatre:
    return _Theatre()


def _envelopes() -> Iterator[bytes]:
    kinds = {"event_callback": "events_api", None: "slash_commands"}
    for number, payload in enumerate(_theatre().payloads()):
        kind = kinds.get(payload.get("type"), "interactive")
        envelope = {"type": kind, "envelope_id": f"e{number}", "payload": payload}
        yield json.dumps(envelope).encode()


def _bodies() -> Iterator[bytes]:
    for payload in _theatre().payloads():
        if payload.get("type") == "event_callback":
            yield b"\0" + json.dumps(payload).encode()
        elif "command" in payload:
            yield b"\1" + urlencode(payload).encode()
        else:
            yield b"\1" + urlencode({"payload": json.dumps(payload)}).encode()
    yield b'\0{"type": "url_verification", "challenge": "x"}'
    yield b"\1ssl_check=1&token=x"


def _envelope_changed(data: bytes, source: random.Random) -> bytes:
    """One or two parts of the JSON are something else; now and then it is no JSON."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return data[: source.randrange(len(data) + 1)]
    for _ in range(source.choice((1, 1, 2))):
        _change(value, source)
    return json.dumps(value).encode()


def _body_changed(data: bytes, source: random.Random) -> bytes:
    if source.random() < 0.2:
        at = source.randrange(len(data) + 1)
        return data[:at] + source.randbytes(source.randrange(4)) + data[at + source.randrange(4) :]
    if data[:1] == b"\0":
        return b"\0" + _envelope_changed(data[1:], source)
    fields = {name: found[0] for name, found in parse_qs(data[1:].decode("latin-1")).items()}
    if "payload" in fields:
        fields["payload"] = _envelope_changed(fields["payload"].encode(), source).decode(
            "utf-8", "replace"
        )
    elif fields:
        name = source.choice(sorted(fields))
        fields[name] = str(source.choice(_ODD)) if source.random() < 0.8 else ""
    return b"\1" + urlencode(fields, errors="replace").encode()


def _change(value: Any, source: random.Random) -> None:
    """Goes down to some part, and exchanges it, removes it or moves it."""
    while isinstance(value, dict | list) and value:
        keys = sorted(value) if isinstance(value, dict) else range(len(value))
        key = source.choice(keys)
        found = value[key]
        # JSON within JSON: what the bot notes in its views and buttons.
        if isinstance(found, str) and found[:1] == "{" and source.random() < 0.7:
            value[key] = _envelope_changed(found.encode(), source).decode()
            return
        if isinstance(found, dict | list) and found and source.random() < 0.8:
            value = found
            continue
        match source.randrange(4):
            case 0:
                del value[key]
            case 1:
                value[key] = [found]
            case _:
                value[key] = source.choice(_ODD)
        return


TARGETS: Final = (
    FuzzTarget(
        "slack_envelope",
        lambda data: _theatre().envelope(data),
        _envelopes,
        mutation=_envelope_changed,
        max_bytes=20_000,
    ),
    FuzzTarget(
        "slack_http",
        lambda data: _theatre().post(data),
        _bodies,
        mutation=_body_changed,
        max_bytes=20_000,
    ),
)
