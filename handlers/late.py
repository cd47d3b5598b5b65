"""Slack waits three seconds. Where keeping what is asked takes longer, whoever asked is told so in time
and hears of the outcome afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.kwargs_injection.async_args import AsyncArgs
from slack_bolt.response import BoltResponse

from bot import incidents
from handlers.blocks.elements import section
from handlers.blocks.markup import Markup, fill
from handlers.blocks.request_views import notice_view

#: How long a listener may take before Slack is answered for it, in seconds.
SECONDS: Final = 2.4
_SLOW: Final = Markup(
    "⏳ This takes longer than usual. If you hear nothing of it within a minute, try again."
)


class TimelyAck(AsyncAck):
    """An acknowledgement that after its time becomes a message, or changes the view."""

    def __init__(self, args: AsyncArgs) -> None:
        # Not ``args`` itself, which holds this: a request would stay until garbage is looked for.
        self.response = None
        self._ack = args.ack
        self._is_command = args.command is not None
        self._body = args.body
        self._client = args.client
        self._respond_to_user = args.respond
        self._is_late = False
        args.ack = self

    async def now(self) -> None:
        """Slack is answered now, whatever is still to come."""
        self._is_late = True
        if self._is_command:
            await self._ack(text=_SLOW, response_type="ephemeral")
        elif self._body.get("type") == "view_submission":
            await self._ack(response_action="update", view=notice_view("whichroot", _SLOW))
        else:
            await self._ack()

    async def tell(self) -> None:
        """Says that it takes longer, where the answer to Slack could not say it."""
        if not self._is_command and self._body.get("response_url"):
            await self._respond({"text": _SLOW, "blocks": [section(_SLOW)]})

    async def __call__(self, text: Any = "", *given: Any, **more: Any) -> BoltResponse:
        if not self._is_late:
            return await self._ack(text, *given, **more)
        if more.get("view") is not None or more.get("errors"):
            await self._change_view(more)
        elif text:
            await self._respond({"text": text, "blocks": more.get("blocks")})
        return BoltResponse(status=200)

    async def _change_view(self, more: Mapping[str, Any]) -> None:
        view = more.get("view")
        if view is None:
            text = "\n".join(str(error) for error in (more.get("errors") or {}).values())
            view = notice_view("whichroot", fill("❌ {}", text))
        try:
            await self._client.views_update(view_id=self._body["view"]["id"], view=view)
        except Exception as error:
            incidents.record(error, "changing a view after its time")

    async def _respond(self, message: Mapping[str, Any]) -> None:
        try:
            await self._respond_to_user(
                **message, response_type="ephemeral", replace_original=False
            )
        except Exception as error:
            incidents.record(error, "telling that something takes longer")
