"""Acting as a person of the workspace, for tests: types, clicks, submits, waits."""

# Waiting with a timeout is what these methods are for.
# ruff: noqa: ASYNC109

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import aiohttp

from workspace.errors import WorkspaceError

Json = dict[str, Any]

#: How long what is expected may take on a machine that is busy with other things, in seconds.
_PATIENCE = 120.0

# Block Kit's interactive elements whose value is a list.
_LISTS = (
    "checkboxes",
    "multi_static_select",
    "multi_external_select",
    "multi_users_select",
    "multi_conversations_select",
    "multi_channels_select",
    "file_input",
)


class Refused(WorkspaceError):
    """The workspace does not let this person do that; `code` is the error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class Person:
    """One person, speaking to the page API of a workspace that may run in another process.

    Channels are named `#name`, by id, or `@app` for the direct message with the app. Messages and
    views are the JSON that `state()` returns (Slack's objects; a message also has `channel`,
    `ephemeral` and `notifies`).
    """

    def __init__(self, url: str, user_id: str) -> None:
        self.url = url
        self.id = user_id
        self._session: aiohttp.ClientSession | None = None

    @classmethod
    async def named(cls, url: str, name: str) -> Self:
        """The person with that handle. Raises WorkspaceError if there is none."""
        async with aiohttp.ClientSession() as session, session.get(f"{url}/page/people") as answer:
            for person in await answer.json():
                if person["name"] == name:
                    return cls(url, person["id"])
        raise WorkspaceError(f"nobody here is called {name!r}")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def state(self, *, since: int | None = None, wait: float = 0.0) -> Json:
        """Everything this person sees (see `workspace.snapshot.Snapshot.of`)."""
        query = {"user": self.id}
        if since is not None:
            query |= {"since": str(since), "wait": str(wait)}
        state: Json = await self._get("state", query)
        return state

    async def messages(self, channel: str | None = None) -> list[Json]:
        """All messages this person sees, replies and ephemeral ones too, oldest first."""
        state = await self.state()
        if channel is not None:
            return _channel(state, channel)["messages"]  # type: ignore[no-any-return]
        return _messages(state)

    async def until(
        self, wanted: Callable[[Json], Any], *, timeout: float = _PATIENCE, what: str = ""
    ) -> Any:
        """Wait until `wanted(state)` gives something true, and give that.

        Raises TimeoutError, showing the last messages, after `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        state = await self.state()
        while True:
            result = wanted(state)
            if result:
                return result
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"no {what or 'such state'} in {timeout} s; {_last(state)}")
            state = await self.state(since=state["sequence"], wait=min(left, 5.0))

    async def wait_for(
        self,
        wanted: Callable[[Json], Any],
        *,
        channel: str | None = None,
        timeout: float = _PATIENCE,
    ) -> Json:
        """The newest message for which `wanted(message)` is true, as soon as there is one."""

        def newest(state: Json) -> Json | None:
            messages = _messages(state) if channel is None else _channel(state, channel)["messages"]
            return next((message for message in reversed(messages) if wanted(message)), None)

        found: Json = await self.until(newest, timeout=timeout, what="such message")
        return found

    async def wait_for_view(
        self, wanted: Callable[[Json], Any] | str = "", *, timeout: float = _PATIENCE
    ) -> Json:
        """The modal on top, as soon as one is open for which `wanted(view)` is true, or which has
        this callback id."""

        def top(state: Json) -> Json | None:
            view = state["views"][-1] if state["views"] else None
            if view is None:
                return None
            if isinstance(wanted, str):
                return view if wanted in ("", view["callback_id"]) else None
            return view if wanted(view) else None

        found: Json = await self.until(top, timeout=timeout, what="such view")
        return found

    async def wait_for_home(
        self, wanted: Callable[[Json], Any] = bool, *, timeout: float = _PATIENCE
    ) -> Json:
        """The App Home, as soon as it is there and `wanted(view)` is true."""

        def home(state: Json) -> Json | None:
            return state["home"] if state["home"] and wanted(state["home"]) else None

        found: Json = await self.until(home, timeout=timeout, what="App Home")
        return found

    async def command(self, channel: str, line: str) -> Json:
        """Type a slash command. Gives `{"ok", "error"?, "message"?}` once acknowledged or failed."""
        return await self._post("command", channel=await self._id(channel), text=line)

    async def say(
        self,
        channel: str,
        text: str = "",
        *,
        thread: Json | str | None = None,
        files: list[str] | None = None,
        **more: Any,
    ) -> Json:
        """Post a message, in the thread of a message (or its ts) if one is given. Gives it."""
        thread_ts = _thread_ts(thread) if isinstance(thread, dict) else thread
        answer = await self._post(
            "message",
            channel=await self._id(channel),
            text=text,
            thread_ts=thread_ts,
            files=files or [],
            **more,
        )
        return answer["message"]  # type: ignore[no-any-return]

    async def reply(self, message: Json, text: str = "", *, files: list[str] | None = None) -> Json:
        """Answer in the thread of a message."""
        return await self.say(message["channel"], text, thread=message, files=files)

    async def edit(self, message: Json, text: str) -> Json:
        """Change one's own message."""
        answer = await self._post("edit", channel=message["channel"], ts=message["ts"], text=text)
        return answer["message"]  # type: ignore[no-any-return]

    async def delete(self, message: Json) -> None:
        """Delete one's own message, or dismiss an ephemeral one."""
        await self._post("delete", channel=message["channel"], ts=message["ts"])

    async def react(self, message: Json, name: str, *, remove: bool = False) -> None:
        """Add or remove a reaction."""
        await self._post(
            "react", channel=message["channel"], ts=message["ts"], name=name, remove=remove
        )

    async def upload(self, name: str, content: bytes) -> str:
        """Upload a file; gives its id, for `say`, `reply` or a modal's file input."""
        form = aiohttp.FormData()
        form.add_field("user", self.id)
        form.add_field("file", content, filename=name, content_type="application/octet-stream")
        async with self._open().post(f"{self.url}/page/upload", data=form) as answer:
            return _checked(await answer.json(), answer.status)["file"]["id"]  # type: ignore[no-any-return]

    async def download(self, file: Json) -> bytes:
        """The content of a file of a message."""
        async with self._open().get(f"{self.url}{file['page_url']}") as answer:
            content = await answer.read()
            if answer.status != 200:
                raise Refused("file_not_found", file["id"])
            return content

    async def click(
        self,
        where: Json,
        action_id: str,
        value: Any = None,
        *,
        block_id: str = "",
        state: Json | None = None,
    ) -> Json:
        """Use a component of a message or view: press a button, or choose `value` (an option's
        value, a user's id, …). `state` as for `submit`. Gives `{"ok", "error"?, "message"?}`."""
        is_view = where.get("type") in ("modal", "home")
        container = (
            {"view_id": where["id"]}
            if is_view
            else {"channel": where["channel"], "ts": where["ts"]}
        )
        return await self._post(
            "action",
            container=container,
            block_id=block_id,
            action_id=action_id,
            value=value,
            state=_state(where["blocks"], state or {}) if state else {},
        )

    async def submit(self, view: Json, values: Json | None = None) -> Json:
        """Submit a modal. `values` maps block ids (or action ids) to what is entered: a text, an
        option's value, a list of them, file ids. What is not named keeps its value.

        Gives `{"ok", "errors"?, "error"?, "message"?, "response_action"?}`.
        """
        return await self._post(
            "view",
            view_id=view["id"],
            verb="submit",
            state=_state(view["blocks"], values or {}),
        )

    async def close_view(self, view: Json, *, all_views: bool = False) -> None:
        """Close a modal."""
        await self._post("view", view_id=view["id"], verb="close", all=all_views)

    async def shortcut(self, callback_id: str, message: Json | None = None) -> Json:
        """Use a shortcut, on a message if one is given."""
        place = {"channel": message["channel"], "ts": message["ts"]} if message else {}
        return await self._post("shortcut", callback_id=callback_id, **place)

    async def open_home(self, tab: str = "home") -> None:
        """Open the app's Home (or `messages`) tab."""
        await self._post("home", tab=tab)

    async def join(self, channel: str) -> None:
        """Join a public channel."""
        await self._post("join", channel=await self._id(channel))

    async def invite(self, channel: str, user_id: str) -> None:
        """Bring someone (the app's bot user, too) into a channel."""
        await self._post("invite", channel=await self._id(channel), guest=user_id)

    async def remove(self, channel: str, user_id: str) -> None:
        """Take someone (the app's bot user, too) out of a channel."""
        await self._post("remove", channel=await self._id(channel), member=user_id)

    async def fault(self, **fields: Any) -> None:
        """Order a fault; see `workspace.faults.Fault`. `clear=True` ends all."""
        await self._post("faults", named=False, **fields)

    async def disconnect(self, reason: str = "refresh_requested") -> int:
        """End the app's Socket Mode connections as Slack does, or `cut` them. Gives how many."""
        answer = await self._post("disconnect", named=False, reason=reason)
        return int(answer["connections"])

    async def log(self, kind: str = "") -> list[Json]:
        """The log, oldest first; only entries of `kind` if one is given."""
        entries: list[Json] = await self._get("log", {})
        return [entry for entry in entries if kind in ("", entry["kind"])]

    async def _id(self, channel: str) -> str:
        if not channel.startswith(("#", "@")):
            return channel
        return str(_channel(await self.state(), channel)["id"])

    async def _get(self, path: str, query: dict[str, str]) -> Any:
        async with self._open().get(f"{self.url}/page/{path}", params=query) as answer:
            return _checked(await answer.json(), answer.status)

    async def _post(self, path: str, *, named: bool = True, **body: Any) -> Json:
        if named:
            body["user"] = self.id
        async with self._open().post(f"{self.url}/page/{path}", json=body) as answer:
            checked: Json = _checked(await answer.json(), answer.status)
            return checked

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        return self._session


def _checked(answer: Any, status: int) -> Any:
    if status >= 400:
        raise Refused(answer["error"], answer.get("message", ""))
    return answer


def _messages(state: Json) -> list[Json]:
    messages = [message for channel in state["channels"] for message in channel["messages"]]
    return sorted(messages, key=lambda message: str(message["ts"]))


def _channel(state: Json, name: str) -> Json:
    for channel in state["channels"]:
        if name == "@app":
            if channel["kind"] == "im" and channel["with"] == state["app"]["bot_user_id"]:
                return channel  # type: ignore[no-any-return]
        elif name in (channel["id"], f"#{channel['name']}"):
            return channel  # type: ignore[no-any-return]
    raise WorkspaceError(f"there is no channel {name!r} for this person")


def _thread_ts(message: Json) -> str:
    return str(message.get("thread_ts") or message["ts"])


def _state(blocks: list[Json], values: Json) -> Json:
    """`values` by block id or action id, as `state.values`."""
    state: Json = {}
    for block in blocks:
        inner = [block.get("element"), block.get("accessory"), *(block.get("elements") or [])]
        for element in inner:
            if not isinstance(element, dict) or "action_id" not in element:
                continue
            for name in (block["block_id"], element["action_id"]):
                if name in values:
                    value = values[name]
                    if element["type"] in _LISTS and not isinstance(value, list):
                        value = [value]
                    state.setdefault(block["block_id"], {})[element["action_id"]] = {"value": value}
                    break
    known = {name for block, actions in state.items() for name in (block, *actions)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise WorkspaceError(f"the form has no field {', '.join(unknown)}")
    return state


def _last(state: Json) -> str:
    texts = [f"{message['user']}: {message['text']!r}" for message in _messages(state)[-5:]]
    titles = [view["title"]["text"] for view in state["views"]]
    return f"the last messages are {texts}, open views {titles}"
