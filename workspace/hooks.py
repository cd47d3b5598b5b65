"""Response URLs (https://docs.slack.dev/interactivity/handling-user-interaction#message_responses)."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from aiohttp import web

from workspace.activity import Draft
from workspace.errors import SlackError
from workspace.grants import ResponseUrl
from workspace.messages import Message
from workspace.services import Services
from workspace.web_api.content import Content
from workspace.web_api.dispatch import spoil_after, spoil_before


class Hooks:
    """Serves the response URLs that commands and interactions carry."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One use of a response URL."""
        faults = self._services.faults
        started = time.monotonic()
        fault = faults.take(
            ("ratelimited", "server_error", "error", "reset_before", "reset_after"), "response_url"
        )
        latency = faults.take(("latency",), "response_url")
        if latency:
            await asyncio.sleep(latency.seconds)
        spoiled = spoil_before(request, fault)
        body: dict[str, Any] = {}
        answer, status = "ok", 200
        if spoiled is None:
            try:
                body = await _body(request)
                self._answer(request.path, body)
            except SlackError as error:
                answer, status = error.code, _STATUS.get(error.code, 400)
                if error.messages:
                    answer = json.dumps(error.answer())
        self._services.log.add(
            "request",
            at=time.time(),
            method="response_url",
            arguments=body,
            unknown_arguments=[],
            ok=status == 200 and spoiled is None,
            error=None if status == 200 else answer,
            messages=[],
            ts=None,
            seconds=round(time.monotonic() - started, 4),
            fault=fault.kind if fault else None,
        )
        return spoiled or spoil_after(request, fault) or web.Response(text=answer, status=status)

    def _answer(self, path: str, body: dict[str, Any]) -> None:
        """Post, replace or delete. Even from a thread's button a new message goes to the channel,
        unless the body has a `thread_ts` (https://github.com/slackapi/bolt-js/issues/963)."""
        url = self._services.grants.use(path)
        if body.get("delete_original"):
            self._services.activity.delete(self._original(url))
            return
        content = Content.read(
            body.get("text"), body.get("blocks"), body.get("attachments"), body.get("metadata")
        )
        if body.get("replace_original"):
            self._services.activity.edit(
                self._original(url),
                text=content.text,
                blocks=content.blocks,
                attachments=content.attachments,
                metadata=content.metadata,
            )
            return
        installation = self._services.app.installations[url.team_id]
        in_channel = body.get("response_type") == "in_channel"
        message = self._services.activity.post(
            self._services.state.channel(url.channel),
            Draft(
                user=installation.bot_user_id,
                bot_id=installation.bot_id,
                app_id=self._services.app.id,
                team_id=installation.team_id,
                text=content.text,
                blocks=content.blocks,
                attachments=content.attachments,
                metadata=content.metadata,
                thread_ts=str(body.get("thread_ts") or ""),
                ephemeral_to="" if in_channel else url.user,
            ),
        )
        if not url.message_ts:
            # A command's later answers may replace the first one.
            url.message_ts, url.ephemeral = message.ts, not in_channel

    def _original(self, url: ResponseUrl) -> Message:
        messages = self._services.state.messages
        if url.ephemeral:
            message = messages.find_ephemeral(url.channel, url.message_ts)
        else:
            message = messages.find(url.channel, url.message_ts)
        if message is None:
            raise SlackError("message_not_found")
        return message


_STATUS = {"used_url": 404, "expired_url": 404, "message_not_found": 404}


async def _body(request: web.Request) -> dict[str, Any]:
    text = await request.text()
    if request.content_type == "application/x-www-form-urlencoded":
        text = str((await request.post()).get("payload", ""))
    try:
        body = json.loads(text)
    except ValueError:
        raise SlackError("invalid_payload") from None
    if not isinstance(body, dict):
        raise SlackError("invalid_payload")
    return body
