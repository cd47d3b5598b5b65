"""What every listener and courier needs, and how a listener is wrapped."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from slack_bolt.kwargs_injection.async_args import AsyncArgs
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot import incidents
from bot.errors import WhichrootError
from bot.lookup_runner import LookupRunner
from bot.requests.messages import Messages
from bot.requests.service import Requests
from bot.serving.logs import logger, request_id
from bot.serving.metrics import Metrics
from bot.serving.tasks import Tasks
from bot.settings import Settings
from bot.store.database import Database, StoreError
from bot.store.lookups import Lookups
from bot.store.seen import Seen
from handlers.blocks.help import error_message
from handlers.blocks.markup import Markup
from handlers.blocks.request_views import notice_view
from handlers.couriers.slack_errors import UNREACHABLE, code_of
from handlers.late import SECONDS as TIMELY_SECONDS
from handlers.late import TimelyAck
from handlers.people import People
from handlers.queue_news import QueueNews
from handlers.recent import Recent
from handlers.shapes import is_readable

if TYPE_CHECKING:
    from bot.desks.choosing import Desks

Listener: TypeAlias = Callable[[AsyncArgs], Awaitable[None]]


#: What Slack answers when a view is opened more than three seconds after the press
#: (https://docs.slack.dev/reference/methods/views.open).
_LATE_CODES: Final = frozenset({"expired_trigger_id", "trigger_expired", "invalid_trigger_id"})
_MOST_TOLD: Final = 1000
_LATE: Final = WhichrootError("Slack waited too long.", "Press again.")
#: The view was opened already: the same press came twice.
_USED_CODES: Final = frozenset({"exchanged_trigger_id", "trigger_exchanged"})
_ELSEWHERE: Final = WhichrootError(
    "This bot does not serve your workspace.", "Ask whoever runs it to install it there."
)
_UNREADABLE: Final = WhichrootError(
    "I cannot read what came from Slack.", "Open the form or the message again."
)
#: Slack's bounds for private_metadata and a button's value, and more than any id has.
_MAX_NOTED: Final = 3000
_MAX_ID: Final = 255
#: Far fewer than are accepted at once: other people's commands must not wait behind them.
_CARD_WAITS: Final = 8


class Clients(Protocol):
    """Where the Web API clients come from."""

    async def web(self, team: str) -> AsyncWebClient:
        """A client with that workspace's bot token, which repeats nothing by itself: whoever sends
        decides that. Raises Later where the bot is not installed there."""
        ...

    async def removed(self, enterprise_id: str | None, team_id: str | None) -> None:
        """Slack says that the app was removed from that workspace or organisation."""
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
    queue: QueueNews
    recent: Recent = field(default_factory=Recent)
    desks: Desks | None = None
    """Matrix42; None: Slack alone."""
    card_waits: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_CARD_WAITS))
    """How many messages may wait at once for a card that is being posted."""
    told: set[str] = field(default_factory=set)
    """The events whose writers were told that they cannot be kept."""

    def listening(self, kind: str, listener: Listener) -> Listener:
        """``listener`` as Bolt is given it: timed, with a request id, its failures told to whoever
        pressed or typed and never raised after an acknowledgement.

        The app processes before it responds: what a listener has written is kept before Slack hears
        that it was accepted. An event whose listener fails is not acknowledged, so Slack repeats it.
        A person whose listener takes longer than Slack waits is told that in time.
        """

        async def run(args: AsyncArgs) -> None:
            started = time.perf_counter()
            with request_id(kind) as reference:
                try:
                    if not is_readable(kind, args.body):
                        raise _UNREADABLE
                    if is_of_elsewhere(args):
                        raise _ELSEWHERE
                    await listener(args)
                except WhichrootError as error:
                    logger.warning(
                        "A listener was stopped.",
                        extra={"kind": kind, "error": type(error).__name__},
                    )
                    if error is _ELSEWHERE and kind == "event":
                        return
                    if kind == "event":
                        if isinstance(error, StoreError):
                            await self._tell_event(args, error)
                        raise
                    await _tell(args, error)
                except Exception as error:
                    if kind != "event" and _code(error) in _USED_CODES:
                        await args.ack()
                        return
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

        async def listen(args: AsyncArgs) -> None:
            if kind == "event":
                # Slack sends it again; one that comes twice counts once.
                await run(args)
                return
            ack = TimelyAck(args)
            done = asyncio.get_running_loop().create_future()

            async def work() -> None:
                try:
                    await run(args)
                finally:
                    # Said here, and not by the end of the task, which is known a round later.
                    if not done.done():
                        done.set_result(None)

            self.tasks.start(work(), kind)
            try:
                async with asyncio.timeout(TIMELY_SECONDS):
                    await done
            except TimeoutError:
                logger.warning("A listener takes long.", extra={"kind": kind})
                await ack.now()
                self.tasks.start(ack.tell(), "telling that something takes longer")

        return listen

    async def _tell_event(self, args: AsyncArgs, error: StoreError) -> None:
        """What somebody wrote to the bot cannot be kept: they are told, once for each message."""
        event = args.event or {}
        message = event.get("message") or event
        writer, thread = message.get("user"), message.get("thread_ts")
        is_ours = (
            event.get("type") == "app_mention"
            or event.get("channel_type") == "im"
            or (thread and message.get("parent_user_id") == args.context.bot_user_id)
        )
        key = str(args.body.get("event_id"))
        if not writer or message.get("bot_id") or not is_ours or key in self.told:
            return
        if len(self.told) > _MOST_TOLD:
            self.told.clear()
        self.told.add(key)
        told = error_message(
            WhichrootError(
                f"{error.message} Your message is not taken in yet.",
                "I try again for six minutes; if nothing comes of it by then, write it again.",
            )
        )
        try:
            await args.client.chat_postEphemeral(
                channel=str(event["channel"]),
                user=str(writer),
                thread_ts=thread,
                text=told.text,
                blocks=list(told.blocks),
            )
        except Exception as failure:
            logger.warning("A hint was not delivered.", extra={"error": type(failure).__name__})

    async def in_background(self, work: Awaitable[None], doing: str) -> None:
        """Runs ``work`` after the acknowledgement: for what is shown and need not be kept."""

        async def run() -> None:
            try:
                await work
            except (SlackApiError, *UNREACHABLE) as error:
                code = code_of(error) if isinstance(error, SlackApiError) else "network"
                self.metrics.slack_errors.labels(code).inc()
                logger.warning("Slack refused a view.", extra={"kind": doing, "error": code})

        self.tasks.start(run(), doing)


def team_of(args: AsyncArgs) -> str:
    """The workspace in which this happens, and where the bot is installed.

    With an installation for a whole organisation the token belongs to no workspace, and a payload
    names it in one place or another (https://docs.slack.dev/enterprise/developing-for-enterprise-orgs).
    """
    result = args.context.authorize_result
    ours = str((result.team_id if result else None) or "")
    if ours.startswith("T"):
        return ours
    body = args.body
    view, team, user = body.get("view") or {}, body.get("team") or {}, body.get("user") or {}
    named = (
        view.get("app_installed_team_id"),
        team.get("id") if isinstance(team, dict) else team,
        *(found.get("team_id") for found in body.get("authorizations") or ()),
        body.get("team_id"),
        body.get("context_team_id"),
        view.get("team_id"),
        # In an organisation this may be another of the person's workspaces.
        user.get("team_id") if isinstance(user, dict) else None,
        args.context.team_id,
    )
    return next((str(found) for found in named if str(found).startswith("T")), ours)


def is_of_elsewhere(args: AsyncArgs) -> bool:
    """Whether this comes from a workspace for which the token is not: one app can be installed in
    several, while this bot was given the token of one."""
    result = args.context.authorize_result
    ours, theirs = str((result and result.team_id) or ""), str(args.context.team_id or "")
    if not ours or not theirs or ours == theirs:
        return False
    enterprise = result.enterprise_id if result else None
    of_organisation = ours.startswith("E") or theirs.startswith("E")
    return not (of_organisation and enterprise and args.context.enterprise_id == enterprise)


def metadata_of(view: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """What the bot noted in a view of its own, with a text under each of ``names``. Raises
    WhichrootError for what it never wrote."""
    return _noted(view.get("private_metadata"), names)


def element_of(view: Mapping[str, Any], block_id: str, action_id: str) -> Mapping[str, Any]:
    """What was entered there; empty where the view has no such field."""
    found: Any = view.get("state")
    for name in ("values", block_id, action_id):
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def value_of(args: AsyncArgs) -> str:
    """The value of the button that was pressed: an id."""
    value = (args.action or {}).get("value")
    return value if isinstance(value, str) and len(value) <= _MAX_ID else ""


def noted_value_of(args: AsyncArgs, *names: str) -> dict[str, Any]:
    """The same for a button that carries JSON, as `metadata_of`."""
    return _noted((args.action or {}).get("value"), names)


def _noted(text: object, names: Iterable[str]) -> dict[str, Any]:
    try:
        noted = json.loads(text) if isinstance(text, str) and len(text) <= _MAX_NOTED else None
    except (ValueError, RecursionError):
        noted = None
    if not isinstance(noted, dict):
        raise _UNREADABLE
    for name in names:
        if not isinstance(noted.get(name), str) or len(noted[name]) > _MAX_ID:
            raise _UNREADABLE
    return noted


def user_of(body: dict[str, Any]) -> tuple[str, str]:
    """Who pressed, typed or submitted: the id and a name."""
    person = body.get("user")
    if isinstance(person, dict):
        return str(person.get("id", "")), str(person.get("name") or person.get("username") or "")
    return str(body.get("user_id", "")), str(body.get("user_name", ""))


async def respond(args: AsyncArgs, **message: Any) -> None:
    """Answers where somebody pressed, if Slack says where; best effort."""
    if not args.body.get("response_url"):
        return
    try:
        await args.respond(**message)
    except Exception as failure:
        logger.warning("An answer was not delivered.", extra={"error": type(failure).__name__})


def _is_late(error: Exception) -> bool:
    return isinstance(error, TimeoutError) or _code(error) in _LATE_CODES


def _code(error: Exception) -> str:
    """The code of what Slack answered; empty for any other error."""
    return code_of(error) if isinstance(error, SlackApiError) else ""


def _not_kept(error: StoreError) -> WhichrootError:
    if error.maybe_kept:
        return WhichrootError(
            f"{error.message} It is not certain that this was accepted.",
            "Look at my App Home in a minute, before you try again.",
        )
    return WhichrootError(f"{error.message} Nothing was accepted.", error.remedy)


async def _tell(args: AsyncArgs, error: WhichrootError) -> None:
    """The failure, as far as there is somebody to tell it to."""
    if isinstance(error, StoreError):
        error = _not_kept(error)
    message = error_message(error)
    if args.command is not None:
        await args.ack(text=message.text, blocks=list(message.blocks))
        return
    if args.view is not None and args.body.get("type") == "view_submission":
        await args.ack(
            response_action="update", view=notice_view("whichroot", Markup(message.text))
        )
        return
    await args.ack()
    await respond(
        args,
        text=message.text,
        blocks=list(message.blocks),
        response_type="ephemeral",
        replace_original=False,
    )
