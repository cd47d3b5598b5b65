"""What every listener and courier needs, and how a listener is wrapped."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias

from slack_bolt.kwargs_injection.async_args import AsyncArgs
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot import incidents
from bot.desks.choosing import Desks
from bot.errors import WhichrootError
from bot.lookup_runner import LookupRunner
from bot.requests.messages import Messages
from bot.requests.service import Requests
from bot.serving.logs import logger, request_id
from bot.serving.metrics import Metrics
from bot.serving.tasks import Tasks
from bot.settings import Settings
from bot.store.database import Database
from bot.store.lookups import Lookups
from bot.store.seen import Seen
from handlers.blocks.elements import section, top_text
from handlers.blocks.help import error_message
from handlers.blocks.markup import Markup, fill
from handlers.people import People

Listener: TypeAlias = Callable[[AsyncArgs], Awaitable[None]]


#: What Slack answers when a view is opened more than three seconds after the press
#: (https://docs.slack.dev/reference/methods/views.open).
_LATE_CODES: Final = frozenset({"expired_trigger_id", "trigger_expired"})
_LATE: Final = WhichrootError("Slack waited too long.", "Press again.")


class Clients(Protocol):
    """Where the Web API clients come from."""

    async def web(self, team: str) -> AsyncWebClient:
        """A client with that workspace's bot token, which repeats nothing by itself: whoever sends
        decides that. Raises Undeliverable where the bot is not installed there."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a running bot that the conversation uses."""

    settings: Settings
    database: Database
    lookups: Lookups
    requests: Requests
    messages: Messages
    seen: Seen
    runner: LookupRunner
    clients: Clients
    people: People
    tasks: Tasks
    metrics: Metrics
    desks: Desks | None = None
    """Matrix42; None: Slack alone."""

    def listening(self, kind: str, listener: Listener) -> Listener:
        """``listener`` as Bolt is given it: timed, with a request id, its failures told to whoever
        pressed or typed and never raised after an acknowledgement.

        The app processes before it responds: what a listener has written is kept before Slack hears
        that it was accepted. An event whose listener fails is not acknowledged, so Slack repeats it.
        """

        async def listen(args: AsyncArgs) -> None:
            started = time.perf_counter()
            with request_id(kind) as reference:
                try:
                    await listener(args)
                except WhichrootError as error:
                    logger.warning(
                        "A listener was stopped.",
                        extra={"kind": kind, "error": type(error).__name__},
                    )
                    if kind == "event":
                        raise
                    await _tell(args, error)
                except Exception as error:
                    if kind != "event" and _is_late(error):
                        logger.warning("Slack did not open a view in time.", extra={"kind": kind})
                        await _tell(args, _LATE)
                        return
                    told = incidents.record(error, f"{kind} {reference}", where=False)
                    if kind == "event":
                        raise
                    await _tell(args, WhichrootError("Something went wrong.", told))
                finally:
                    self.metrics.ack_seconds.labels(kind).observe(time.perf_counter() - started)

        return listen

    async def in_background(self, work: Awaitable[None], doing: str) -> None:
        """Runs ``work`` after the acknowledgement: for what is shown and need not be kept."""

        async def run() -> None:
            try:
                await work
            except SlackApiError as error:
                code = str(error.response.get("error", "unknown"))
                self.metrics.slack_errors.labels(code).inc()
                logger.warning("Slack refused a view.", extra={"kind": doing, "error": code})

        self.tasks.start(run(), doing)


def team_of(args: AsyncArgs) -> str:
    """The workspace that installed the bot and in which this happens."""
    result = args.context.authorize_result
    return str((result.team_id if result else None) or args.context.team_id or "")


def user_of(body: dict[str, Any]) -> tuple[str, str]:
    """Who pressed, typed or submitted: the id and a name."""
    person = body.get("user")
    if isinstance(person, dict):
        return str(person.get("id", "")), str(person.get("name") or person.get("username") or "")
    return str(body.get("user_id", "")), str(body.get("user_name", ""))


async def settle(args: AsyncArgs, note: Markup) -> None:
    """Puts ``note`` in the place of the pressed message's buttons."""
    shown = args.body.get("message") or {}
    kept = [block for block in shown.get("blocks") or () if block.get("type") != "actions"]
    await args.respond(
        text=top_text(fill("{} {}", Markup(shown.get("text") or ""), note)),
        blocks=[*kept, section(note)],
        replace_original=True,
    )


def _is_late(error: Exception) -> bool:
    if isinstance(error, SlackApiError):
        data = error.response.data if hasattr(error.response, "data") else error.response
        return isinstance(data, dict) and data.get("error") in _LATE_CODES
    return isinstance(error, TimeoutError)


async def _tell(args: AsyncArgs, error: WhichrootError) -> None:
    """The failure, as far as there is somebody to tell it to."""
    message = error_message(error)
    if args.command is not None:
        await args.ack(text=message.text, blocks=list(message.blocks))
        return
    if args.view is not None and args.body.get("type") == "view_submission":
        from handlers.blocks.request_views import notice_view

        await args.ack(
            response_action="update", view=notice_view("whichroot", Markup(message.text))
        )
        return
    await args.ack()
    if args.body.get("response_url"):
        try:
            await args.respond(
                text=message.text,
                blocks=list(message.blocks),
                response_type="ephemeral",
                replace_original=False,
            )
        except Exception as failure:
            incidents.record(failure, "telling a failure")
