"""Files from and to Slack."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import FormatError
from bot.pki.formats import MAX_SIZE
from bot.requests.courier import Later, Undeliverable
from bot.serving.metrics import Metrics
from bot.store.outbox import Act
from handlers.blocks.markup import Markup
from handlers.couriers.slack import already_sent, calling, history
from handlers.couriers.slack_errors import UNREACHABLE, code_of

_TIMEOUT: Final = aiohttp.ClientTimeout(total=30)
#: How often a file is asked whether it is shared, and how long each wait is, in seconds.
_POLLS: Final = (0.1, 0.2, 0.3, 0.5, 0.5, 1, 1, 1, 1, 1)
_POLLS_BEFORE: Final = (1, 2, 3)
_AGAIN_SECONDS: Final = 2.0


async def upload(
    client: AsyncWebClient,
    metrics: Metrics,
    act: Act,
    *,
    name: str,
    content: bytes,
    comment: Markup,
    channel: str,
    thread_ts: str | None,
) -> str:
    """Puts a file into a thread, sees that it is shared there, and gives its id.

    Slack shares asynchronously and sometimes never does: then the file is removed and sent again.
    """
    async with calling(metrics):
        if act.maybe_delivered:
            found = await _shared_before(client, act, name, channel, thread_ts)
            if found:
                return found
        place = await client.files_getUploadURLExternal(filename=name, length=len(content))
        file = str(place["file_id"])
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT) as session,
            session.post(
                str(place["upload_url"]), data=content, proxy=client.proxy, ssl=client.ssl or True
            ) as answer,
        ):
            if answer.status != 200:
                raise Later(None, f"Slack does not take the file (HTTP {answer.status}).")
        await client.files_completeUploadExternal(
            files=[{"id": file, "title": name}],
            channel_id=channel,
            thread_ts=thread_ts,
            initial_comment=comment,
        )
    async with already_sent(), calling(metrics):
        if await _is_shared(client, file, channel):
            return file
        await _remove(client, file)
    raise Later(_AGAIN_SECONDS, "Slack took the file and did not share it.", maybe_delivered=False)


async def download(
    client: AsyncWebClient, metrics: Metrics, file: str
) -> tuple[str, bytes, Mapping[str, Any]]:
    """A file's name, its bytes and what Slack says of it. Raises FormatError where it is too large
    or cannot be had; Later where Slack is unwell."""
    try:
        async with calling(metrics):
            info: Mapping[str, Any] = (await client.files_info(file=file))["file"]
            name = str(info.get("name") or "file")
            url = str(info.get("url_private_download") or info.get("url_private") or "")
            if int(info.get("size") or 0) > MAX_SIZE:
                raise FormatError(
                    f"The file is larger than {MAX_SIZE >> 20} MB.", "Send the certificates alone."
                )
            if not _is_slacks(client, url):
                raise FormatError(
                    "The file does not lie in Slack and is not fetched.", "Upload the file itself."
                )
            headers = {"Authorization": f"Bearer {client.token}"}
            async with (
                aiohttp.ClientSession(timeout=_TIMEOUT, headers=headers) as session,
                session.get(url, proxy=client.proxy, ssl=client.ssl or True) as answer,
            ):
                if answer.status >= 500 or answer.status == 429:
                    raise Later(None, f"Slack does not give the file (HTTP {answer.status}).")
                if answer.status != 200:
                    raise FormatError(
                        "Slack does not give me the file.", "Upload it again, or paste its text."
                    )
                return name, await _bounded(answer), info
    except Undeliverable as error:
        raise FormatError(
            f"The file cannot be had from Slack: {error.message}", "Upload it again."
        ) from error


async def delete(client: AsyncWebClient, file: str) -> bool:
    """Whether Slack let the bot delete it, which it seldom does with other people's files."""
    try:
        await client.files_delete(file=file)
    except (SlackApiError, *UNREACHABLE):
        return False
    return True


async def _bounded(answer: aiohttp.ClientResponse) -> bytes:
    parts = bytearray()
    async for part in answer.content.iter_chunked(1 << 16):
        parts += part
        if len(parts) > MAX_SIZE:
            raise FormatError(
                f"The file is larger than {MAX_SIZE >> 20} MB.", "Send the certificates alone."
            )
    return bytes(parts)


def _is_slacks(client: AsyncWebClient, url: str) -> bool:
    """Whether the bot's token may be sent there."""
    there, ours = urlsplit(url), urlsplit(client.base_url)
    if (there.scheme, there.netloc) == (ours.scheme, ours.netloc):
        return True
    host = there.hostname or ""
    return there.scheme == "https" and (host == "slack.com" or host.endswith(".slack.com"))


async def _is_shared(client: AsyncWebClient, file: str, channel: str) -> bool:
    for seconds in _POLLS:
        info = (await client.files_info(file=file))["file"]
        shares = info.get("shares") or {}
        if any(channel in places for places in shares.values()):
            return True
        await asyncio.sleep(seconds)
    return False


async def _remove(client: AsyncWebClient, file: str) -> None:
    try:
        await client.files_delete(file=file)
    except SlackApiError as error:
        if code_of(error) != "file_deleted":
            raise


async def _shared_before(
    client: AsyncWebClient, act: Act, name: str, channel: str, thread_ts: str | None
) -> str | None:
    # It may be on its way: Slack shares a file some seconds after it was completed.
    for seconds in (*_POLLS_BEFORE, 0):
        async for message in history(client, act, channel, thread_ts):
            for file in message.get("files") or ():
                if file.get("name") == name and message.get("bot_id"):
                    return str(file["id"])
        await asyncio.sleep(seconds)
    return None
