"""The page API: what the page and the tests call, as the people of the workspace.

All bodies are JSON. Errors are `{"ok": false, "error": code, "message": …}` with status 400.
It is for people at this machine: requests that another site's page makes are refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from workspace.activity import Draft, now
from workspace.conversations import Channel
from workspace.errors import SlackError
from workspace.files import File
from workspace.forms import Values
from workspace.interactions import Interactions
from workspace.page_control import Body, read_body, refused
from workspace.people import User
from workspace.services import Services
from workspace.snapshot import Snapshot
from workspace.text import typed_message

_LONGEST_WAIT = 30.0
_KEEP_ALIVE = 15.0
_ABOUT_MESSAGES = ("message", "ephemeral", "message_changed", "message_deleted", "reaction")

Act = Callable[[User, Body], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Offers:
    """What the page offers beside the conversation: lines to try, and other pages by title."""

    places: Sequence[Mapping[str, Any]] = ()
    links: Mapping[str, str] = field(default_factory=dict)


class PageApi:
    """Serves `/page/…`."""

    def __init__(
        self,
        services: Services,
        interactions: Interactions,
        offers: Offers,
    ) -> None:
        self._offers = offers
        self._services = services
        self._state = services.state
        self._interactions = interactions
        self._snapshot = Snapshot(services)

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Register every path."""
        router.add_get("/page/state", self._get_state)
        router.add_get("/page/stream", self._stream)
        router.add_get("/page/people", self._people)
        router.add_get("/page/offers", self._get_offers)
        router.add_get("/page/file/{file}/{name}", self._download)
        router.add_post("/page/upload", self._upload)
        acts: dict[str, Act] = {
            "message": self._message,
            "edit": self._edit,
            "delete": self._delete,
            "react": self._react,
            "join": self._join,
            "invite": self._invite,
            "remove": self._remove,
            "read": self._mark_read,
            "command": self._command,
            "action": self._action,
            "view": self._view,
            "shortcut": self._shortcut,
            "home": self._home,
            "delete_file": self._delete_file,
        }
        for name, act in acts.items():
            router.add_post(f"/page/{name}", self._handler(act))

    def _handler(self, act: Act) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                body = await read_body(request)
                user = self._state.user(_required(body, "user"))
                return web.json_response(await act(user, body))
            except SlackError as error:
                return refused(error)

        return handle

    async def _people(self, request: web.Request) -> web.StreamResponse:
        """Everyone one can act as."""
        return web.json_response(
            [
                {
                    "id": user.id,
                    "name": user.name,
                    "real_name": user.real_name,
                    "team": self._state.teams[user.team_id].name,
                }
                for user in self._state.users.values()
                if not user.is_bot and user.id != "USLACKBOT"
            ]
        )

    async def _get_offers(self, request: web.Request) -> web.StreamResponse:
        """What may be tried and which pages belong to it, as they were given to the workspace."""
        return web.json_response(
            {
                "places": [dict(place) for place in self._offers.places],
                "links": [{"title": t, "url": url} for t, url in self._offers.links.items()],
            }
        )

    async def _get_state(self, request: web.Request) -> web.StreamResponse:
        """The snapshot; with `since` and `wait`, once something is newer than that number."""
        try:
            user = self._state.user(request.query.get("user", ""))
        except SlackError as error:
            return refused(error)
        if "since" in request.query:
            try:
                since = int(request.query["since"])
                wait = min(float(request.query.get("wait", "0")), _LONGEST_WAIT)
            except ValueError:
                return refused(SlackError("invalid_arguments", "since and wait are numbers"))
            await self._services.feed.wait_beyond(since, wait)
        return web.json_response(self._snapshot.of(user))

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events of what this user can see."""
        try:
            user = self._state.user(request.query.get("user", ""))
        except SlackError as error:
            return refused(error)
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )
        async with self._services.feed.watch() as queue:
            # The reader leaves whenever a page is closed.
            with contextlib.suppress(ConnectionError):
                await response.prepare(request)
                await self._write_stream(response, queue, user)
        return response

    async def _write_stream(
        self, response: web.StreamResponse, queue: asyncio.Queue[dict[str, Any]], user: User
    ) -> None:
        await response.write(b": connected\n\n")
        while True:
            try:
                happening = await asyncio.wait_for(queue.get(), _KEEP_ALIVE)
            except TimeoutError:
                await response.write(b": still here\n\n")
                continue
            if happening["type"] == "end":
                return
            if happening["users"] is None or user.id in happening["users"]:
                shown = {key: value for key, value in happening.items() if key != "users"}
                shown |= self._told(happening)
                await response.write(f"data: {json.dumps(shown)}\n\n".encode())

    def _told(self, happening: dict[str, Any]) -> dict[str, Any]:
        """The messages that a happening is about, as they are now: `messages`, the root of a thread
        among them, because it counts its replies."""
        if happening["type"] not in _ABOUT_MESSAGES:
            return {}
        messages = self._state.messages
        channel, thread = happening["channel"], happening["thread_ts"]
        found = [
            messages.find(channel, ts) or messages.find_ephemeral(channel, ts)
            for ts in dict.fromkeys((happening["ts"], thread))
            if ts
        ]
        return {"messages": [self._snapshot.message(one) for one in found if one is not None]}

    async def _message(self, user: User, body: Body) -> dict[str, Any]:
        channel = self._joined(user, _required(body, "channel"))
        listed = body.get("files") or []
        if not isinstance(listed, list):
            raise SlackError("invalid_arguments", "files is a list of ids")
        files = [self._own_file(user, file) for file in listed]
        text = str(body.get("text") or "")
        if not text.strip() and not files:
            raise SlackError("no_text")
        message = self._services.activity.post(
            channel,
            Draft(
                user=user.id,
                team_id=user.team_id,
                text=typed_message(self._state, user.team_id, text),
                subtype="file_share" if files else "",
                files=[file.id for file in files],
                thread_ts=str(body.get("thread_ts") or ""),
                client_msg_id=str(body.get("client_msg_id") or ""),
                is_broadcast=bool(body.get("broadcast", False)),
            ),
        )
        return {"ok": True, "message": self._snapshot.message(message)}

    async def _edit(self, user: User, body: Body) -> dict[str, Any]:
        message = self._state.message(_required(body, "channel"), _required(body, "ts"))
        if message.user != user.id:
            raise SlackError("cant_update_message")
        text = typed_message(self._state, user.team_id, _required(body, "text"))
        self._services.activity.edit(message, text=text, by=user.id)
        return {"ok": True, "message": self._snapshot.message(message)}

    async def _delete(self, user: User, body: Body) -> dict[str, Any]:
        channel, ts = _required(body, "channel"), _required(body, "ts")
        ephemeral = self._state.messages.find_ephemeral(channel, ts)
        message = ephemeral or self._state.message(channel, ts)
        if user.id not in (message.user, message.ephemeral_to):
            raise SlackError("cant_delete_message")
        self._services.activity.delete(message)
        return {"ok": True}

    async def _react(self, user: User, body: Body) -> dict[str, Any]:
        message = self._state.message(_required(body, "channel"), _required(body, "ts"))
        self._services.activity.react(
            message, _required(body, "name"), user.id, remove=bool(body.get("remove", False))
        )
        return {"ok": True}

    async def _join(self, user: User, body: Body) -> dict[str, Any]:
        channel = self._state.channel(_required(body, "channel"))
        if channel.kind != "channel" or user.team_id != channel.team_id:
            raise SlackError("channel_not_found")
        self._services.activity.join(channel, user.id)
        return {"ok": True}

    async def _invite(self, user: User, body: Body) -> dict[str, Any]:
        channel = self._joined(user, _required(body, "channel"))
        guest = self._state.user(_required(body, "guest"))
        if guest.team_id not in channel.teams:
            raise SlackError("user_not_found")
        self._services.activity.join(channel, guest.id, inviter=user.id)
        return {"ok": True}

    async def _remove(self, user: User, body: Body) -> dict[str, Any]:
        channel = self._joined(user, _required(body, "channel"))
        self._services.activity.leave(channel, _required(body, "member"))
        return {"ok": True}

    async def _mark_read(self, user: User, body: Body) -> dict[str, Any]:
        self._snapshot.mark_read(user.id, _required(body, "channel"), _required(body, "ts"))
        return {"ok": True}

    async def _command(self, user: User, body: Body) -> dict[str, Any]:
        return await self._interactions.command(
            user.id, _required(body, "channel"), _required(body, "text")
        )

    async def _action(self, user: User, body: Body) -> dict[str, Any]:
        container = body.get("container")
        if not isinstance(container, dict):
            raise SlackError("invalid_arguments", "container is missing")
        return await self._interactions.action(
            user.id,
            container,
            str(body.get("block_id") or ""),
            _required(body, "action_id"),
            {
                key: value
                for key, value in body.items()
                if key == "value" or key.startswith("selected_") or key == "rich_text_value"
            },
            _values(body),
        )

    async def _view(self, user: User, body: Body) -> dict[str, Any]:
        view_id = _required(body, "view_id")
        if body.get("verb", "submit") == "close":
            return await self._interactions.close(
                user.id, view_id, all_views=bool(body.get("all", False))
            )
        return await self._interactions.submit(user.id, view_id, _values(body))

    async def _shortcut(self, user: User, body: Body) -> dict[str, Any]:
        return await self._interactions.shortcut(
            user.id,
            _required(body, "callback_id"),
            str(body.get("channel") or ""),
            str(body.get("ts") or ""),
        )

    async def _home(self, user: User, body: Body) -> dict[str, Any]:
        installation = self._services.app.installations.get(user.team_id)
        if installation is None:
            raise SlackError("app_not_installed")
        self._services.activity.open_home(
            user.id, installation.bot_user_id, user.team_id, tab=str(body.get("tab") or "home")
        )
        return {"ok": True}

    async def _delete_file(self, user: User, body: Body) -> dict[str, Any]:
        self._services.activity.delete_file(self._own_file(user, _required(body, "file")))
        return {"ok": True}

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        """A form with `user` and one `file`."""
        form = await request.post()
        try:
            user = self._state.user(str(form.get("user", "")))
        except SlackError as error:
            return refused(error)
        upload = form.get("file")
        if not isinstance(upload, web.FileField):
            return refused(SlackError("no_file_data"))
        name = upload.filename.replace("/", "_") or "file"
        file = File(
            id=self._state.identifiers.new("F"),
            team_id=user.team_id,
            user=user.id,
            name=name,
            title=name,
            created=now(),
            content=upload.file.read(),
            completed=True,
        )
        self._state.files[file.id] = file
        return web.json_response({"ok": True, "file": self._services.rendering.file(file.id)})

    async def _download(self, request: web.Request) -> web.StreamResponse:
        try:
            file = self._state.file(request.match_info["file"])
        except SlackError as error:
            return refused(error)
        return web.Response(
            body=file.content or b"",
            content_type="application/octet-stream",
            headers={
                "Content-Disposition": "attachment",
                "X-Content-Type-Options": "nosniff",
            },
        )

    def _joined(self, user: User, channel_id: str) -> Channel:
        channel = self._state.channel(channel_id)
        if user.id not in channel.members:
            raise SlackError("not_in_channel")
        return channel

    def _own_file(self, user: User, file_id: Any) -> File:
        file = self._state.file(str(file_id))
        if file.user != user.id:
            raise SlackError("file_not_found")
        return file


def _values(body: Body) -> Values:
    """The `state` of a form: block id → action id → value."""
    state = body.get("state") or {}
    if not isinstance(state, dict) or not all(
        isinstance(actions, dict) and all(isinstance(value, dict) for value in actions.values())
        for actions in state.values()
    ):
        raise SlackError("invalid_arguments", "state maps block ids to action ids to values")
    return state


def _required(body: Body, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise SlackError("invalid_arguments", f"{name} is missing")
    return value
