"""The proxy between a bot and the world: the bot's own proxy settings lead every call through it."""

from __future__ import annotations

import asyncio
import re
from types import TracebackType
from typing import Final, Self

import aiohttp
from aiohttp import WSMsgType, web
from yarl import URL

from tools.soak.crash.judge import Judge

#: Headers of one connection (RFC 9110 section 7.6.1), and those that are made anew.
_HOP: Final = frozenset(
    "connection keep-alive proxy-connection proxy-authorization te trailer transfer-encoding "
    "upgrade content-length host".split()
)
_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d{3,}")
_SLACK: Final = {
    "commands": "slack response_url",
    "actions": "slack response_url",
    "upload": "slack upload",
    "files-pri": "slack download",
    "link": "slack socket",
}


class Proxy:
    """An HTTP proxy (absolute-form requests, RFC 9112 section 3.2.2) for one replica."""

    def __init__(self, judge: Judge, replica: int) -> None:
        self._judge = judge
        self._replica = replica
        self._client: aiohttp.ClientSession
        self._runner: web.ServerRunner

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(force_close=True)
        self._client = aiohttp.ClientSession(connector=connector, auto_decompress=False)
        self._runner = web.ServerRunner(web.Server(self._handle), shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._runner.cleanup()
        await self._client.close()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        phase = self._judge.arrives(_what(request.method, request.url))
        if phase == "before":
            return self._struck()
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._socket(request, phase)
        headers = {
            name: value for name, value in request.headers.items() if name.lower() not in _HOP
        }
        async with self._client.request(
            request.method,
            request.url,
            headers=headers,
            data=await request.read(),
            allow_redirects=False,
        ) as found:
            body = await found.read()
        if phase == "during":
            return self._struck()
        answer = web.Response(status=found.status, body=body)
        for name, value in found.headers.items():
            if name.lower() not in _HOP:
                answer.headers[name] = value
        if phase == "after":
            await answer.prepare(request)
            await answer.write_eof()
            self._judge.strike(self._replica)
        return answer

    def _struck(self) -> web.Response:
        self._judge.strike(self._replica)
        return web.Response(status=502)

    async def _socket(self, request: web.BaseRequest, phase: str | None) -> web.StreamResponse:
        """Socket Mode: whatever the bot sends there acknowledges an envelope."""
        async with self._client.ws_connect(request.url, max_msg_size=0) as slack:
            if phase == "during":
                return self._struck()
            bot = web.WebSocketResponse(max_msg_size=0)
            try:
                await bot.prepare(request)
            except ConnectionResetError:
                # It was killed meanwhile.
                return bot
            if phase == "after":
                self._judge.strike(self._replica)
            ways = [
                asyncio.ensure_future(self._to_slack(bot, slack)),
                asyncio.ensure_future(_to_bot(slack, bot)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
                await bot.close()
        return bot

    async def _to_slack(
        self, bot: web.WebSocketResponse, slack: aiohttp.ClientWebSocketResponse
    ) -> None:
        async for message in bot:
            if message.type is not WSMsgType.TEXT:
                continue
            phase = self._judge.arrives("slack acknowledgement")
            if phase == "before":
                self._judge.strike(self._replica)
                return
            await slack.send_str(message.data)
            if phase == "after":
                await asyncio.sleep(0.005)
            if phase:
                self._judge.strike(self._replica)
                return


async def _to_bot(slack: aiohttp.ClientWebSocketResponse, bot: web.WebSocketResponse) -> None:
    async for message in slack:
        if message.type is WSMsgType.TEXT:
            await bot.send_str(message.data)


def _what(method: str, url: URL) -> str:
    """What a call is for, without the ids in it."""
    parts = [part for part in url.path.split("/") if part]
    if parts[:1] == ["api"]:
        return f"slack {parts[1]}"
    if parts and parts[0] in _SLACK:
        return _SLACK[parts[0]]
    found = re.sub("^/.*?/(?:api|v1)/", "", url.path)
    return f"desk {method} {_ID.sub('*', found)}"
