"""``/cert``: the command, and how what it asks is accepted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.errors import TargetError, WhichrootError
from bot.lookup import Question
from bot.pki.errors import explain
from bot.probe.target import Target
from bot.redaction import redacted
from bot.store import outbox
from bot.store.database import Unit
from bot.store.lookups import KeptLookup, NewLookup, Standing
from handlers.blocks.help import error_message, explanation_message, help_message
from handlers.blocks.home import mine_message
from handlers.blocks.markup import Markup, fill
from handlers.blocks.message import Message
from handlers.couriers.lookups import checking_text, put_lookup
from handlers.home import held_up
from handlers.parts import Parts, team_of
from handlers.questions import SEVERAL, target_data
from handlers.words import Check, Explain, parse_command


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and where the answer belongs."""

    team: str
    user: str
    channel: str
    thread_ts: str | None = None
    response_url: str | None = None
    by_mention: bool = False


def register(app: AsyncApp, parts: Parts) -> None:
    """Listens to ``/cert``."""

    async def cert(args: AsyncArgs) -> None:
        command = args.command or {}
        asker = Asker(
            team_of(args),
            str(command.get("user_id", "")),
            str(command.get("channel_id", "")),
            response_url=command.get("response_url"),
        )
        asked = parse_command(str(command.get("text") or ""))
        if isinstance(asked, Check):
            message = await accept(parts, asker, asked, key=f"trigger:{command.get('trigger_id')}")
        elif isinstance(asked, Explain):
            message = explanation(asked)
        elif asked.word == "mine":
            mine = await parts.requests.of_user(asker.team, asker.user)
            message = mine_message(mine, await held_up(parts, mine))
        else:
            message = help_message()
        await args.ack(
            text=message.text, blocks=list(message.blocks) or None, response_type="ephemeral"
        )

    app.command("/cert")(parts.listening("command", cert))


def explanation(asked: Explain) -> Message:
    """The answer to ``explain``."""
    if not asked.text.strip():
        error = WhichrootError("There is no error text.", "Write `explain` and the error after it.")
        return error_message(error)
    return explanation_message(explain(asked.text))


async def accept(parts: Parts, asker: Asker, asked: Check, *, key: str) -> Message:
    """Keeps what is asked, and has it done; gives what to say at once. ``key``: the same again is
    not asked again."""
    targets = [target for target in asked.targets if isinstance(target, Target)]
    if not targets:
        errors = [error for error in asked.targets if isinstance(error, TargetError)]
        return error_message(errors[0] if errors else _NOTHING, examples=True)
    async with parts.database.begin() as unit:
        if await parts.seen.first(unit, key) is not None:
            return Message(Markup("⏳ I am on it already."))
        standing = await check_room(parts, unit, asker, len(asked.targets))
        if len(asked.targets) == 1:
            parts.runner.begin(Question(targets[0]), fresh=asked.fresh)
            lookup = await _keep(parts, unit, asker, asked, targets[0])
            await put_lookup(unit, lookup)
        else:
            lookup = await _keep_several(parts, unit, asker, asked)
    if len(asked.targets) == 1:
        parts.recent.keep_lookup(lookup)
        if asker.response_url and standing.ahead:
            parts.queue.told(lookup, standing.ahead + 1)
    text = checking_text(lookup, standing.ahead, len(asked.targets))
    if reason := await parts.lookups.held_up(asker.team):
        text = fill("{} {} The answer comes as soon as that is over.", text, reason)
    return Message(text)


async def check_room(parts: Parts, unit: Unit, asker: Asker, count: int = 1) -> Standing:
    """How it stands with the queue. Raises WhichrootError where ``count`` lookups more would be too many
    of one person that wait."""
    standing = await parts.lookups.standing(unit, asker.team, asker.user)
    if standing.own + count > parts.settings.lookups_waiting:
        raise WhichrootError(
            f"{standing.own} of your lookups are still waiting.", "Ask again when some are done."
        )
    return standing


async def _keep(
    parts: Parts,
    unit: Unit,
    asker: Asker,
    asked: Check,
    target: Target | TargetError,
    parent: str | None = None,
) -> KeptLookup:
    extra: dict[str, Any] = {"mention": asker.by_mention, "fresh": asked.fresh, "parent": parent}
    if isinstance(target, Target):
        extra["target"] = target_data(target)
        typed = target.input
    else:
        extra["error"] = {"message": target.message, "remedy": target.remedy}
        typed = redacted(target.message)[:200]
    return await keep(parts, unit, asker, typed, extra, private=is_private(parts, asker, asked))


async def keep(
    parts: Parts,
    unit: Unit,
    asker: Asker,
    typed: str,
    extra: dict[str, Any],
    *,
    private: bool = False,
) -> KeptLookup:
    """Keeps one lookup."""
    new = NewLookup(
        team=asker.team,
        user=asker.user,
        channel=asker.channel,
        input=typed,
        private=private,
        thread_ts=asker.thread_ts,
        response_url=asker.response_url,
        extra=extra,
    )
    return await parts.lookups.add(unit, new)


async def _keep_several(parts: Parts, unit: Unit, asker: Asker, asked: Check) -> KeptLookup:
    typed = ", ".join(_typed(asked.targets))[:500]
    private = is_private(parts, asker, asked)
    parent = await keep(parts, unit, asker, typed, {"mention": asker.by_mention}, private=private)
    children = [
        await _keep(parts, unit, asker, asked, target, parent.id) for target in asked.targets
    ]
    # It is no lookup of its own, and nothing waits for it.
    await parts.lookups.finish(
        unit, parent.id, {"children": [child.id for child in children]}, SEVERAL
    )
    await outbox.put(unit, f"lookup:{parent.id}", "table", {"lookup": parent.id})
    for child in children:
        await put_lookup(unit, child)
    return parent


def is_private(parts: Parts, asker: Asker, asked: Check) -> bool:
    """Whether the report is for whoever asked alone."""
    if asker.by_mention:
        return False
    return asked.private or parts.settings.private_reports


def _typed(targets: Sequence[Target | TargetError]) -> list[str]:
    return [target.input for target in targets if isinstance(target, Target)]


_NOTHING = TargetError("No server is named.", "")
