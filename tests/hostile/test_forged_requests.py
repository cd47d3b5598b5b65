"""HTTP mode before an attacker with a socket: what Slack did not sign is not read, what it signed
counts once."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import io
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from urllib.parse import urlencode

import aiohttp

from bot.app import Bot
from tests.conversation.support import Surroundings
from workspace.http_delivery import signature

_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"


class Attacker:
    """Somebody who reaches the bot's port."""

    def __init__(self, company: Surroundings, port: int, session: aiohttp.ClientSession) -> None:
        self._company = company
        self._url = f"http://127.0.0.1:{port}/slack/events"
        self._session = session

    def command(self, text: str, trigger: str) -> str:
        """The body of a slash command."""
        workspace = self._company.workspace
        return urlencode(
            {
                "command": "/cert",
                "text": text,
                "team_id": next(iter(workspace.services.app.installations)),
                "user_id": workspace.users["rita"],
                "user_name": "rita",
                "channel_id": workspace.channels["connectors"],
                "response_url": f"{workspace.url}/commands/x/1/y",
                "trigger_id": trigger,
            }
        )

    async def post(
        self, body: str | bytes | io.BytesIO, headers: Mapping[str, str]
    ) -> tuple[int, str]:
        """Status and text of the answer."""
        sent = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        async with self._session.post(self._url, data=body, headers=sent) as answer:
            return answer.status, await answer.text()

    def lookups(self) -> int:
        """How many lookups the bot has kept."""
        with closing(sqlite3.connect(self._company.folder / "whichroot.db")) as connection:
            return int(connection.execute("SELECT count(*) FROM lookups").fetchone()[0])


@asynccontextmanager
async def _attacked(company: Surroundings) -> AsyncIterator[Attacker]:
    settings = company.settings(mode="http", slack_signing_secret=_SECRET, slack_app_token="")
    async with Bot(settings) as bot, aiohttp.ClientSession() as session:
        yield Attacker(company, bot.port, session)


async def test_what_slack_did_not_sign_is_not_read(surroundings: Surroundings) -> None:
    async with _attacked(surroundings) as attacker:
        body = attacker.command(surroundings.host, "1.1.forged")
        now = int(time.time())
        good = signature(_SECRET, body, now)
        forged = good["X-Slack-Signature"]
        stamp = {"X-Slack-Request-Timestamp": str(now)}
        tried: dict[str, dict[str, str]] = {
            "no headers": {},
            "no signature": stamp,
            "no timestamp": {"X-Slack-Signature": forged},
            "another secret": signature("0" * 32, body, now),
            "an empty secret": signature("", body, now),
            "the secret of Socket Mode": signature("unused in Socket Mode", body, now),
            "another body's": signature(_SECRET, body + "x", now),
            "another moment's": {**signature(_SECRET, body, now - 1), **stamp},
            "a shorter one": {**stamp, "X-Slack-Signature": forged[:-1]},
            "an empty one": {**stamp, "X-Slack-Signature": ""},
            "another version": {**stamp, "X-Slack-Signature": forged.replace("v0=", "v1=")},
            "its end in capitals": {**stamp, "X-Slack-Signature": "v0=" + forged[3:].upper()},
            "letters of elsewhere": {**stamp, "X-Slack-Signature": "v0=é"},
            "the old token": {"X-Slack-Signature": surroundings.workspace.bot_token, **stamp},
            "six minutes old": signature(_SECRET, body, now - 360),
            "six minutes ahead": signature(_SECRET, body, now + 360),
            "before 1970": signature(_SECRET, body, -now),
            "a year ago": signature(_SECRET, body, now - 31_536_000),
        }
        for written in ("", "now", "1e9", "NaN", "٣", f"{now}.5", "9" * 400):
            base = f"v0:{written}:{body}".encode()
            signed = hmac.new(_SECRET.encode(), base, hashlib.sha256).hexdigest()
            tried[f"the timestamp {written[:10]!r}"] = {
                "X-Slack-Request-Timestamp": written,
                "X-Slack-Signature": f"v0={signed}",
            }
        answers = {name: await attacker.post(body, headers) for name, headers in tried.items()}
        assert {name: a for name, a in answers.items() if a[0] != 401} == {}
        assert attacker.lookups() == 0
        # The door is there: what is signed comes in.
        assert (await attacker.post(body, good))[0] == 200
        assert attacker.lookups() == 1


async def test_what_was_recorded_counts_once(surroundings: Surroundings) -> None:
    async with _attacked(surroundings) as attacker:
        body = attacker.command(surroundings.host, "1.1.recorded")
        headers = signature(_SECRET, body, int(time.time()))
        answers = await asyncio.gather(*(attacker.post(body, headers) for _ in range(8)))
        assert {status for status, _ in answers} == {200}
        assert sum("Checking" in text for _, text in answers) == 1
        assert attacker.lookups() == 1


_NONSENSE = (
    ("application/json", b"{"),
    ("application/json", b"[]"),
    ("application/json", b"null"),
    ("application/json", b'"x"'),
    ("application/json", b"[" * 100_000),
    ("application/json", b'{"type": "event_callback"}'),
    ("application/json", b'{"type": "event_callback", "event": []}'),
    ("application/json", b'{"type": "event_callback", "event": {"type": "message"}}'),
    ("application/json", b"\xff\xfe"),
    ("application/x-www-form-urlencoded", b"payload=%7B"),
    ("application/x-www-form-urlencoded", b"payload=5"),
    ("application/x-www-form-urlencoded", b'payload={"type":"block_actions","actions":[]}'),
    ("application/x-www-form-urlencoded", b'payload={"type":"view_submission","view":5}'),
    ("application/x-www-form-urlencoded", b"command=/cert"),
    ("application/x-www-form-urlencoded", b"%00=%00"),
    ("text/plain; charset=nonsense", b"hello"),
    ("", b""),
)


async def test_nonsense_is_not_read_unless_it_is_signed_and_then_does_no_harm(
    surroundings: Surroundings,
) -> None:
    async with _attacked(surroundings) as attacker:
        for content_type, body in _NONSENSE:
            kind = {"Content-Type": content_type}
            now = int(time.time())
            status, said = await attacker.post(body, {**kind, **signature("0" * 32, "x", now)})
            assert (status, said) == (401, ""), body[:40]
            base = f"v0:{now}:".encode() + body
            signed = hmac.new(_SECRET.encode(), base, hashlib.sha256).hexdigest()
            proof = {"X-Slack-Request-Timestamp": str(now), "X-Slack-Signature": f"v0={signed}"}
            status, said = await attacker.post(body, {**kind, **proof})
            # A bare command is one without words, to which the answer is the help.
            assert status >= 400 or b"event_callback" in body or b"command" in body, body[:40]
            assert "Traceback" not in said
        large = io.BytesIO(b"payload=" + b"x" * (20 << 20))
        assert (await attacker.post(large, signature("0" * 32, "x", now)))[0] == 413
        assert await attacker.post(b"ssl_check=1&token=x", {}) == (200, "")
        assert attacker.lookups() == 0
        body = attacker.command("x" * 200_000, "1.1.long").encode()
        status, said = await attacker.post(body, signature(_SECRET, body.decode(), now))
        assert status == 200
        assert len(said) < 5_000
        assert json.loads(said)["response_type"] == "ephemeral"
        assert attacker.lookups() == 0
