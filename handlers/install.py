"""*Request installation*: the modal, and what becomes of it when it is submitted.

Slack waits three seconds. What is known without a look at the server is answered at once, as is the
outcome of a quick look; a slow one goes on after the acknowledgement: the modal says “Checking …”,
and the act that is kept with it brings the outcome into the modal, or into a direct message where the
modal was closed.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Final

from slack_bolt.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.errors import WhichrootError
from bot.lookup_runner import Busy
from bot.requests.courier import Later, Receipt, Undeliverable
from bot.requests.service import Submitted
from bot.requests.states import Refused
from bot.store import outbox
from bot.store.lookups import KeptLookup
from bot.store.outbox import Act
from handlers.blocks import install_modal as modal
from handlers.blocks import report as report_blocks
from handlers.blocks.certificates import address
from handlers.blocks.elements import section, top_text
from handlers.blocks.markup import fill, joined
from handlers.blocks.message import Message
from handlers.couriers import slack
from handlers.externals import EXTERNAL, is_external
from handlers.parts import Parts, metadata_of, team_of, user_of, value_of
from handlers.questions import report_of
from handlers.reports import kept_lookup
from handlers.saying import say
from handlers.submission import (
    Outcome,
    Submission,
    assess,
    guessed_environment,
    missing_words,
    submission_of,
)

#: How long the answer to a submission may wait for the look at the server, in seconds.
_AT_ONCE_SECONDS: Final = 1.8
_BUSY_SECONDS: Final = 0.5


def register(app: AsyncApp, parts: Parts) -> None:
    """Listens to the button and to the modal."""

    async def begin(args: AsyncArgs) -> None:
        lookup, report = await kept_lookup(parts, args, value_of(args))
        if await is_external(parts, args, user_of(args.body)[0]):
            raise EXTERNAL
        container = args.body.get("container") or {}
        message = args.body.get("message") or {}
        visible = container.get("channel_id") and not container.get("is_ephemeral")
        origin = {
            "channel": container.get("channel_id") if visible else None,
            "ts": (message.get("thread_ts") or container.get("message_ts")) if visible else None,
        }
        filled = modal.Filled(environment=guessed_environment(report))
        view = modal.install_view(report, lookup.id, filled, origin)
        await args.client.views_open(trigger_id=args.body["trigger_id"], view=view)
        await args.ack()

    async def submitted(args: AsyncArgs) -> None:
        await _submitted(parts, args)

    app.action(report_blocks.REQUEST)(parts.listening("action", begin))
    app.view(modal.CALLBACK)(parts.listening("view", submitted))


async def _submitted(parts: Parts, args: AsyncArgs) -> None:
    view: dict[str, Any] = args.view or {}
    metadata = metadata_of(view, "lookup")
    user, name = user_of(args.body)
    submission = submission_of(view, metadata, team_of(args), user, name)
    errors = await asyncio.to_thread(missing_words, submission)
    if errors:
        await args.ack(response_action="errors", errors=errors)
        return
    lookup, report = await kept_lookup(parts, args, submission.lookup)
    if await is_external(parts, args, user):
        raise EXTERNAL
    look = asyncio.ensure_future(assess(parts, submission, lookup))
    try:
        outcome = await asyncio.wait_for(asyncio.shield(look), _AT_ONCE_SECONDS)
    except (TimeoutError, Busy, Later):
        # Cancelling ends the waiting alone: the look goes on, and the act shares it.
        look.cancel()
        await _postpone(parts, submission)
        checking = modal.checking_view(address(report.target))
        await args.ack(response_action="update", view=checking)
        return
    if outcome.draft is None and not outcome.question and set(outcome.errors) <= _FIELDS:
        errors = {block: error[:2000] for block, error in outcome.errors.items()}
        if modal.CHOICE not in errors:
            await args.ack(response_action="errors", errors=errors)
            return
    await args.ack(
        response_action="update", view=await _next_view(parts, submission, lookup, outcome)
    )


_FIELDS: Final = frozenset({modal.CHOICE, modal.FILE, modal.CONFIRMED, modal.REASON})


async def _postpone(parts: Parts, submission: Submission) -> None:
    payload = {"do": "submission", "submission": asdict(submission)}
    filled = hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()[:32]
    async with parts.database.begin() as unit:
        # The same again comes after the first, whichever replica it reaches.
        await outbox.put(unit, f"submission:{submission.view}:{filled}", "lookup", payload)


async def _next_view(
    parts: Parts, submission: Submission, lookup: KeptLookup, outcome: Outcome
) -> dict[str, Any]:
    """The view that follows: the request is on its way, or the modal again with what is wrong."""
    if outcome.draft is not None:
        done = await _submit(parts, submission, outcome)
        return modal.submitted_view(done.request.short_id, done.joined)
    report = outcome.report or report_of(lookup)
    if report is None:
        raise WhichrootError("This report is no longer kept.", "Ask again with /cert.")
    return modal.install_view(report, lookup.id, outcome.filled(submission), submission.origin)


async def _submit(parts: Parts, submission: Submission, outcome: Outcome) -> Submitted:
    if outcome.draft is None:
        raise Refused("Nothing is to be submitted.")
    client = await parts.clients.web(submission.team)
    actor = await parts.people.actor(client, submission.team, submission.user, submission.name)
    return await parts.requests.submit(outcome.draft, actor, key=f"view:{submission.view}")


class SubmissionCourier:
    """``lookup`` {"do": "submission", "submission"}: a submission whose look at the server took
    longer than Slack waits."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def deliver(self, act: Act) -> Receipt:
        parts = self._parts
        submission = Submission(**act.payload["submission"])
        lookup = await parts.lookups.get(submission.lookup, team=submission.team)
        if lookup is None:
            await self._tell(act, submission, ["The report is no longer kept."])
            return {}
        try:
            outcome = await assess(parts, submission, lookup)
        except Busy:
            raise Later(_BUSY_SECONDS, "Others are before it.", maybe_delivered=False) from None
        try:
            view = await _next_view(parts, submission, lookup, outcome)
        except Refused as refusal:
            await self._tell(act, submission, [str(refusal)])
            return {}
        client = await parts.clients.web(submission.team)
        try:
            async with slack.calling(parts.metrics):
                await client.views_update(view_id=submission.view, view=view)
        except Undeliverable:
            # The modal was closed.
            if outcome.draft is None:
                await self._tell(act, submission, outcome.errors.values())
        return {}

    async def _tell(self, act: Act, submission: Submission, errors: Iterable[str]) -> None:
        text = joined(
            (
                fill("❌ Your request was not submitted:"),
                *(fill("• {}", error) for error in errors),
                "Begin again with Request installation.",
            )
        )
        async with self._parts.database.begin() as unit:
            await say(
                unit,
                submission.team,
                Message(top_text(text), (section(text),)),
                channel="",
                user=submission.user,
                key=f"submission:{act.id}",
            )
