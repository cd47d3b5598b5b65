"""Uploading a file's bytes (step 2 of the external upload) and downloading them."""

from __future__ import annotations

import time

from aiohttp import web

from workspace.apps import Installation
from workspace.faults import Fault
from workspace.files import File
from workspace.services import Services
from workspace.web_api.dispatch import spoil_after, spoil_before


class Transfers:
    """Serves upload URLs and `url_private`."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def upload(self, request: web.Request) -> web.StreamResponse:
        """The bytes of a file, as the body or as the first file of a form."""
        fault = self._services.faults.take(
            ("ratelimited", "server_error", "reset_before", "reset_after"), "upload"
        )
        spoiled = spoil_before(request, fault)
        if spoiled is not None:
            return spoiled
        file = self._services.state.files.get(request.match_info["file"])
        secret = request.match_info["secret"]
        if file is None or not secret or file.upload_secret != secret or file.completed:
            return web.Response(status=404, text="not found")
        content = await _content(request)
        if len(content) != file.length:
            return web.Response(status=400, text=f"{len(content)} bytes, {file.length} announced")
        file.content = content
        self._log("upload", file, content, fault)
        return spoil_after(request, fault) or web.Response(text=f"OK - {len(content)}")

    async def download(self, request: web.Request) -> web.StreamResponse:
        """A file's bytes for a token with `files:read` that may see it. Slack answers everyone
        else with its sign-in page, not with an error."""
        fault = self._services.faults.take(
            ("ratelimited", "server_error", "reset_before"), "download"
        )
        spoiled = spoil_before(request, fault)
        if spoiled is not None:
            return spoiled
        file = self._services.state.files.get(request.match_info["file"].partition("-")[2])
        installation = self._services.app.by_token(
            request.headers.get("Authorization", "").removeprefix("Bearer ")
        )
        if file is None or file.deleted or file.content is None:
            return web.Response(status=404, text="File not found")
        if installation is None or not self._may_read(installation, file):
            return web.Response(
                text="<!DOCTYPE html><title>Sign in</title>", content_type="text/html"
            )
        self._log("download", file, file.content, fault)
        return web.Response(
            body=file.content,
            content_type=file.mimetype,
            headers={"Content-Disposition": f'attachment; filename="{_plain(file.name)}"'},
        )

    def _log(self, method: str, file: File, content: bytes, fault: Fault | None) -> None:
        self._services.log.add(
            "request",
            at=time.time(),
            method=method,
            arguments={"file": file.id, "name": file.name, "bytes": len(content)},
            unknown_arguments=[],
            ok=True,
            error=None,
            messages=[],
            ts=None,
            seconds=0.0,
            fault=fault.kind if fault else None,
        )

    def _may_read(self, installation: Installation, file: File) -> bool:
        if "files:read" not in installation.scopes:
            return False
        bot = installation.bot_user_id
        return (
            file.user == bot
            or bot in file.readers
            or any(
                bot in self._services.state.channel(channel).members for channel, _ in file.shares
            )
        )


def _plain(name: str) -> str:
    return "".join(c if c.isascii() and c.isprintable() and c not in '"\\' else "_" for c in name)


async def _content(request: web.Request) -> bytes:
    if request.content_type == "multipart/form-data":
        form = await request.post()
        for value in form.values():
            if isinstance(value, web.FileField):
                return value.file.read()
        return b""
    return await request.read()
