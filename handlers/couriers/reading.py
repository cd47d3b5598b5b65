"""Files that somebody sends the bot outside a request's thread: what is in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.errors import FormatError
from bot.requests.courier import Receipt
from bot.store import outbox
from bot.store.database import Unit
from bot.store.outbox import Act
from handlers.blocks.elements import section, top_text
from handlers.blocks.files import private_key_message, reading_blocks
from handlers.blocks.help import error_message
from handlers.blocks.markup import code, fill
from handlers.blocks.message import Message
from handlers.couriers.files import delete
from handlers.parts import Parts
from handlers.saying import say
from handlers.uploads import read_file


async def put_readings(
    unit: Unit,
    team: str,
    files: Sequence[str],
    *,
    user: str,
    channel: str,
    thread_ts: str,
    key: str,
) -> None:
    """Has files read that ``user`` asks about, and what is in them said in that thread."""
    for file in files:
        payload: Mapping[str, Any] = {
            "do": "read",
            "team": team,
            "file": file,
            "user": user,
            "channel": channel,
            "thread_ts": thread_ts,
        }
        name = f"read:{key}:{file}"
        await outbox.put(unit, f"read:{key}", "lookup", payload, key=name)


class ReadingCourier:
    """``lookup`` {"do": "read", "team", "file", "user", "channel", "thread_ts"}."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def deliver(self, act: Act) -> Receipt:
        parts, payload = self._parts, act.payload
        message = await self._message(str(payload["team"]), str(payload["file"]))
        async with parts.database.begin() as unit:
            await say(
                unit,
                str(payload["team"]),
                message,
                channel=str(payload["channel"]),
                thread_ts=str(payload["thread_ts"]),
                key=f"read:{act.id}",
            )
        return {}

    async def _message(self, team: str, file: str) -> Message:
        try:
            name, reading = await read_file(self._parts, team, file)
        except FormatError as error:
            return error_message(error)
        if reading.refusal:
            client = await self._parts.clients.web(team)
            return private_key_message(reading.refusal, await delete(client, file))
        title = fill("📄 {}", code(name, 100))
        return Message(
            top_text(fill("📄 {}: {}", name, reading.format)),
            (section(title), *reading_blocks(reading)),
        )
