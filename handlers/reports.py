"""The buttons of a report."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.errors import WhichrootError
from bot.report import Report
from bot.store import outbox
from bot.store.lookups import KeptLookup
from handlers.blocks import report as blocks
from handlers.blocks.details import details_view
from handlers.blocks.elements import context, input_block, modal, section
from handlers.blocks.markup import Markup, block, code, fill
from handlers.cert import Asker, check_room, keep
from handlers.couriers.lookups import put_lookup
from handlers.parts import Parts, element_of, metadata_of, team_of, user_of, value_of
from handlers.questions import report_of

UPLOAD_CALLBACK = "upload_chain"
_FILE = "file"
_INPUT = "value"
_PIECE = 2800
#: Who asks for a PEM again within this time pressed twice, as one does where Slack says that it failed.
_PEM_COMES = timedelta(seconds=30)


def register(app: AsyncApp, parts: Parts) -> None:
    """Listens to the buttons of reports, and to the upload of a chain."""

    async def details(args: AsyncArgs) -> None:
        _, report = await _shown(parts, args)
        await args.client.views_open(trigger_id=args.body["trigger_id"], view=details_view(report))
        await args.ack()

    async def ask(args: AsyncArgs) -> None:
        _, report = await _shown(parts, args)
        view = _ask_view(report)
        await args.client.views_open(trigger_id=args.body["trigger_id"], view=view)
        await args.ack()

    async def upload(args: AsyncArgs) -> None:
        lookup, _ = await _shown(parts, args)
        place = {"channel": (args.body.get("container") or {}).get("channel_id") or lookup.channel}
        view = _upload_view(lookup, place)
        await args.client.views_open(trigger_id=args.body["trigger_id"], view=view)
        await args.ack()

    async def pem(args: AsyncArgs) -> None:
        lookup, _ = await _shown(parts, args)
        user, _ = user_of(args.body)
        container = args.body.get("container") or {}
        message = args.body.get("message") or {}
        visible = container.get("channel_id") and not container.get("is_ephemeral")
        payload = {
            "lookup": lookup.id,
            "user": user,
            "channel": container.get("channel_id") if visible else lookup.channel,
            "thread_ts": (message.get("thread_ts") or container.get("message_ts"))
            if visible
            else None,
        }
        key = f"pem:{args.body.get('trigger_id')}"
        asked = f"pem:{lookup.id}:{payload['channel']}:{payload['thread_ts']}:{user}"
        async with parts.database.begin() as unit:
            if await parts.seen.first(unit, asked, keep=_PEM_COMES) is None:
                await outbox.put(unit, f"say:{key}", "file", payload, key=key)
        await args.ack()

    async def again(args: AsyncArgs) -> None:
        lookup, _ = await _shown(parts, args)
        user, _ = user_of(args.body)
        container = args.body.get("container") or {}
        extra: dict[str, Any] = {**lookup.extra, "fresh": True, "parent": None}
        # A row of a table stays its row, under the id of its first lookup.
        extra["table"] = lookup.extra.get("parent") or lookup.extra.get("table")
        extra["row"] = lookup.extra.get("row") or lookup.id
        extra["whispered"] = bool(container.get("is_ephemeral"))
        channel = container.get("channel_id") or lookup.channel
        in_place = not container.get("is_ephemeral") and container.get("message_ts")
        extra["replaces"] = (
            {"channel": channel, "ts": container["message_ts"]} if in_place else None
        )
        asker = Asker(
            lookup.team,
            user,
            channel,
            lookup.thread_ts,
            args.body.get("response_url"),
            bool(lookup.extra.get("mention")),
        )
        async with parts.database.begin() as unit:
            if await parts.seen.first(unit, f"again:{args.body.get('trigger_id')}") is None:
                await check_room(parts, unit, asker)
                new = await keep(parts, unit, asker, lookup.input, extra, private=lookup.private)
                if extra["table"]:
                    await parts.lookups.look_again(unit, extra["table"], extra["row"], new.id)
                await put_lookup(unit, new)
        await args.ack()

    async def uploaded(args: AsyncArgs) -> None:
        await _accept_chain(parts, args)

    for action_id, listener in (
        (blocks.DETAILS, details),
        (blocks.ASK, ask),
        (blocks.UPLOAD, upload),
        (blocks.PEM, pem),
        (blocks.AGAIN, again),
    ):
        app.action(action_id)(parts.listening("action", listener))
    app.view(UPLOAD_CALLBACK)(parts.listening("view", uploaded))


async def kept_lookup(parts: Parts, args: AsyncArgs, identifier: str) -> tuple[KeptLookup, Report]:
    """A lookup of this workspace and its report; a private one is for whoever asked alone. Raises
    WhichrootError."""
    lookup = await parts.lookups.get(identifier, team=team_of(args))
    if lookup and lookup.private and lookup.user != user_of(args.body)[0]:
        lookup = None
    report = report_of(lookup) if lookup else None
    if lookup is None or report is None:
        raise WhichrootError(
            "This report is no longer kept.", "Ask again with /cert and the server's name."
        )
    return lookup, report


async def _shown(parts: Parts, args: AsyncArgs) -> tuple[KeptLookup, Report]:
    return await kept_lookup(parts, args, value_of(args))


def _ask_view(report: Report) -> dict[str, Any]:
    text = report.request_text or "Nothing is to be asked."
    parts = [text[at : at + _PIECE] for at in range(0, len(text), _PIECE)][:10]
    hint = Markup("Copy this and send it to the system's owner or the IT team.")
    return modal(
        "Ask the owner", [section(hint), *(section(block(p)) for p in parts)], callback_id="ask"
    )


def _upload_view(lookup: KeptLookup, place: dict[str, Any]) -> dict[str, Any]:
    element = {"type": "file_input", "action_id": _INPUT, "max_files": 1}
    return modal(
        "Upload the chain",
        [
            section(fill("What does {} present?", code(lookup.input))),
            input_block(
                _FILE,
                "The file chain.txt, or any file with the certificates",
                element,
                hint="The server's own certificate first; no private key.",
            ),
            context(Markup("I analyse it as if the server had sent it to me.")),
        ],
        callback_id=UPLOAD_CALLBACK,
        submit="Analyse",
        close="Cancel",
        metadata=json.dumps({"lookup": lookup.id, **place}),
    )


async def _accept_chain(parts: Parts, args: AsyncArgs) -> None:
    """Keeps that a chain was uploaded, and has it read and analysed."""
    view = args.view or {}
    metadata = metadata_of(view, "lookup", "channel")
    lookup, _ = await kept_lookup(parts, args, metadata["lookup"])
    files = element_of(view, _FILE, _INPUT).get("files") or []
    user, _ = user_of(args.body)
    if not files:
        await args.ack(response_action="errors", errors={_FILE: "Choose the file first."})
        return
    extra = {
        **lookup.extra,
        "upload": str(files[0]["id"]),
        "fresh": True,
        "parent": None,
        "table": None,
        "replaces": None,
    }
    asker = Asker(lookup.team, user, metadata["channel"], lookup.thread_ts, None)
    async with parts.database.begin() as unit:
        if await parts.seen.first(unit, f"view:{view['id']}") is None:
            await check_room(parts, unit, asker)
            new = await keep(parts, unit, asker, lookup.input, extra, private=lookup.private)
            await put_lookup(unit, new)
    await args.ack()
