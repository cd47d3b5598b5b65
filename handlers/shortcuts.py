"""The shortcuts in a message's menu."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from slack_bolt.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import FormatError
from bot.pki.errors import explain
from bot.requests.courier import Later
from handlers.blocks.elements import Block, modal, section
from handlers.blocks.files import left_out, reading_blocks
from handlers.blocks.help import error_message, explanation_message
from handlers.blocks.markup import Markup, code, fill, unescaped
from handlers.couriers.slack_errors import UNREACHABLE
from handlers.parts import Parts, team_of
from handlers.uploads import files_of, read_file

EXPLAIN: Final = "explain_error"
ANALYSE: Final = "analyse_certificate"

_AGAIN_SECONDS: Final = (1.0, 4.0)


def register(app: AsyncApp, parts: Parts) -> None:
    """Listens to both shortcuts."""

    async def explained(args: AsyncArgs) -> None:
        message = (args.shortcut or {}).get("message") or {}
        text = unescaped(str(message.get("text") or ""))
        answer = explanation_message(explain(text))
        view = modal("TLS error", answer.blocks, callback_id="explained")
        await args.client.views_open(trigger_id=args.body["trigger_id"], view=view)
        await args.ack()

    async def analysed(args: AsyncArgs) -> None:
        message = (args.shortcut or {}).get("message") or {}
        files, others = files_of(message)
        if not files:
            text = Markup("This message has no file: choose one with a certificate attached.")
            view = _view([section(text)])
            await args.client.views_open(trigger_id=args.body["trigger_id"], view=view)
            await args.ack()
            return
        opened = await args.client.views_open(
            trigger_id=args.body["trigger_id"], view=_view([section(Markup("⏳ Reading …"))])
        )
        ids = [(str(file["id"]), str(file.get("name") or "file")) for file in files]
        work = _analyse(parts, args.client, team_of(args), opened["view"]["id"], ids, others)
        await parts.in_background(work, "analysing files")
        await args.ack()

    app.shortcut(EXPLAIN)(parts.listening("shortcut", explained))
    app.shortcut(ANALYSE)(parts.listening("shortcut", analysed))


async def _analyse(
    parts: Parts,
    client: AsyncWebClient,
    team: str,
    view_id: str,
    files: list[tuple[str, str]],
    others: list[str],
) -> None:
    blocks: list[Block] = [section(left_out(others))] if others else []
    for file, name in files:
        blocks.append(section(fill("📄 {}", code(name, 100))))
        try:
            _, reading = await read_file(parts, team, file)
        except (FormatError, Later) as error:
            blocks += error_message(error).blocks
        else:
            blocks += reading_blocks(reading)
    for seconds in (*_AGAIN_SECONDS, None):
        try:
            await client.views_update(view_id=view_id, view=_view(blocks))
        except (SlackApiError, *UNREACHABLE):
            if seconds is None:
                raise
            # Whoever waits would see for ever that the file is being read.
            await asyncio.sleep(seconds)
        else:
            return


def _view(blocks: list[Block]) -> dict[str, Any]:
    return modal("Certificate", blocks, callback_id="analysed")
