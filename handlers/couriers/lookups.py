"""Runs the lookups that were asked for, and shows their reports."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Final

from bot.errors import FormatError, TargetError
from bot.lookup import refused
from bot.lookup_runner import Busy
from bot.report import Report
from bot.requests.courier import Delivered, Later, Receipt, Undeliverable
from bot.store import outbox
from bot.store.database import Unit
from bot.store.engine import JsonText
from bot.store.lookups import KeptLookup
from bot.store.outbox import Act
from handlers.blocks.markup import Markup, code, fill
from handlers.blocks.message import Message
from handlers.blocks.report import report_message
from handlers.blocks.summary import summary_message
from handlers.couriers import slack
from handlers.couriers.files import upload
from handlers.parts import Parts
from handlers.questions import report_of
from handlers.saying import exchange, tell_privately
from handlers.uploads import question_for

#: How long a lookup waits when its user or workspace has enough running, in seconds.
_BUSY_SECONDS: Final = 0.5


class LookupCourier:
    """``lookup`` {"lookup": id}: runs it, keeps the report and has it shown."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def deliver(self, act: Act) -> Receipt:
        parts = self._parts
        lookup = parts.recent.lookup(str(act.payload["lookup"])) or await wanted(parts, act)
        if lookup.state == "done":
            return {}
        report = await self._run(lookup)
        text = JsonText(report.to_json())

        async def keep(unit: Unit) -> None:
            await parts.lookups.finish(unit, lookup.id, text, report.verdict)
            await _put_report(unit, lookup)
            parts.recent.keep_report(lookup, report)

        return Delivered(keep)

    async def _run(self, lookup: KeptLookup) -> Report:
        started = time.perf_counter()
        if "error" in lookup.extra:
            error = lookup.extra["error"]
            return refused(lookup.input, TargetError(error["message"], error["remedy"]))
        try:
            report = await run(self._parts, lookup, fresh=bool(lookup.extra.get("fresh")))
        except FormatError as error:
            return refused(lookup.input, TargetError(error.message, error.remedy))
        self._parts.metrics.lookups.labels(report.verdict).inc()
        self._parts.metrics.lookup_seconds.observe(time.perf_counter() - started)
        return report


async def run(parts: Parts, lookup: KeptLookup, *, fresh: bool) -> Report:
    """Runs a kept lookup. Raises Later while its user or workspace has enough running, and
    FormatError where the chain that was uploaded for it cannot be read."""
    question = await question_for(parts, lookup)
    try:
        return await parts.runner.run(question, team=lookup.team, user=lookup.user, fresh=fresh)
    except Busy:
        raise Later(_BUSY_SECONDS, "Others are before it.", maybe_delivered=False) from None


async def wanted(parts: Parts, act: Act) -> KeptLookup:
    """The lookup that an act is about. Raises Undeliverable where it was purged."""
    lookup = await parts.lookups.get(str(act.payload["lookup"]))
    if lookup is None:
        raise Undeliverable("The lookup is no longer kept.", final=True)
    return lookup


async def put_lookup(unit: Unit, lookup: KeptLookup) -> None:
    """Has a kept lookup run."""
    await outbox.put(unit, f"lookup:{lookup.id}", "lookup", {"lookup": lookup.id})


async def _put_report(unit: Unit, lookup: KeptLookup) -> None:
    parent = lookup.extra.get("parent")
    lane = f"lookup:{parent or lookup.id}"
    # Once: it is put with the end of the lookup's act, which has one.
    await outbox.put(unit, lane, "report", {"lookup": lookup.id})
    table = parent or lookup.extra.get("table")
    if table:
        await outbox.put(unit, f"lookup:{table}", "table", {"lookup": table})


class ReportCourier:
    """``report`` {"lookup": id}: shows a report where it was asked for."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def deliver(self, act: Act) -> Receipt:
        parts = self._parts
        lookup, report = await self._found(act)
        client = await parts.clients.web(lookup.team)
        message = report_message(report, lookup.id, lookup.user)
        replaces = lookup.extra.get("replaces")
        if replaces:
            try:
                await slack.update(
                    client, parts.metrics, message, replaces["channel"], replaces["ts"]
                )
            except slack.Gone:
                pass
            else:
                return dict(replaces)
        is_error = report.verdict in ("unreachable", "refused")
        if lookup.extra.get("whispered"):
            # What only whoever asked has seen is exchanged, or goes when all may see the report.
            exchanged = await exchange(parts, lookup, message if is_error else None)
            if exchanged and is_error:
                return {}
        place = await self._place(lookup)
        if place is None:
            return {}
        channel, thread_ts = place
        by_command = not lookup.extra.get("mention") and not lookup.extra.get("parent")
        try:
            if is_error and by_command and channel == lookup.channel:
                await slack.whisper(client, parts.metrics, message, channel, lookup.user, thread_ts)
                return {}
            ts = await slack.post(client, parts.metrics, act, message, channel, thread_ts)
        except slack.NoAccess as refusal:
            return await self._by_direct_message(act, lookup, message, refusal)
        return {"channel": channel, "ts": ts}

    async def _found(self, act: Act) -> tuple[KeptLookup, Report]:
        recent = self._parts.recent.report(str(act.payload["lookup"]))
        if recent:
            return recent
        lookup = await wanted(self._parts, act)
        report = report_of(lookup)
        if report is None:
            raise Undeliverable("The lookup has no report.", final=True)
        return lookup, report

    async def _place(self, lookup: KeptLookup) -> tuple[str, str | None] | None:
        """Channel and thread; None where the summary that it belongs to is not shown."""
        parent = lookup.extra.get("parent")
        if parent:
            shown = await self._parts.lookups.get(str(parent))
            if shown is None or not shown.message_channel:
                return None
            return shown.message_channel, shown.message_ts
        return await _place(self._parts, lookup)

    async def _by_direct_message(
        self, act: Act, lookup: KeptLookup, message: Message, refusal: slack.NoAccess
    ) -> Receipt:
        """The bot may not post there: the report goes to whoever asked, who is told why."""
        client = await self._parts.clients.web(lookup.team)
        channel = await slack.direct(client, self._parts.metrics, lookup.user)
        ts = await slack.post(client, self._parts.metrics, act, message, channel)
        text = fill("{} The report is in our direct messages.", refusal.message)
        await tell_privately(self._parts, lookup, text)
        return {"channel": channel, "ts": ts}


class TableCourier:
    """``table`` {"lookup": parent's id}: the summary of several lookups, posted first and changed
    once all are done."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def deliver(self, act: Act) -> Receipt:
        parts = self._parts
        parent = await wanted(parts, act)
        children = await self._children(parent)
        waiting = any(child is not None and child.state != "done" for child in children)
        client = await parts.clients.web(parent.team)
        message = summary_message(
            [child.input if child else "" for child in children],
            [report_of(child) if child else None for child in children],
            parent.user,
        )
        if parent.message_channel and parent.message_ts:
            if not waiting:
                await slack.update(
                    client, parts.metrics, message, parent.message_channel, parent.message_ts
                )
            return {}
        channel, thread_ts = await _place(parts, parent)
        try:
            ts = await slack.post(client, parts.metrics, act, message, channel, thread_ts)
        except slack.NoAccess as refusal:
            channel = await slack.direct(client, parts.metrics, parent.user)
            ts = await slack.post(client, parts.metrics, act, message, channel)
            text = fill("{} The reports are in our direct messages.", refusal.message)
            await tell_privately(parts, parent, text)
        return {"channel": channel, "ts": ts}

    async def _children(self, parent: KeptLookup) -> Sequence[KeptLookup | None]:
        now = parent.report.get("now", {})
        children = [now.get(child, child) for child in parent.report["children"]]
        return [await self._parts.lookups.get(child) for child in children]


class PemCourier:
    """``file`` {"lookup", "user", "channel", "thread_ts"}: the PEM of a report, into its thread or
    by direct message."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def deliver(self, act: Act) -> Receipt:
        parts = self._parts
        lookup = await wanted(parts, act)
        report = report_of(lookup)
        if report is None or report.recommended is None:
            raise Undeliverable("The report recommends no certificate.", final=True)
        client = await parts.clients.web(lookup.team)
        channel, thread_ts = act.payload["channel"], act.payload["thread_ts"]
        certificates = report.recommended.certificates
        content = "".join(certificate.pem for certificate in certificates).encode()
        name = f"{report.target.host}-{report.recommended.option}-{certificates[0].sha256[:8]}.pem"
        what: dict[str, Any] = {
            "name": name.replace(":", "-"),
            "content": content,
            "comment": fill("PEM for {}", code(lookup.input)),
        }
        try:
            file = await upload(
                client, parts.metrics, act, **what, channel=channel, thread_ts=thread_ts
            )
        except slack.NoAccess:
            direct = await slack.direct(client, parts.metrics, str(act.payload["user"]))
            file = await upload(client, parts.metrics, act, **what, channel=direct, thread_ts=None)
        return {"file": file}


async def _place(parts: Parts, lookup: KeptLookup) -> tuple[str, str | None]:
    """Where a report belongs: the channel (and thread) where it was asked for, or the direct
    message."""
    if not lookup.private:
        return lookup.channel, lookup.thread_ts
    client = await parts.clients.web(lookup.team)
    return await slack.direct(client, parts.metrics, lookup.user), None


def checking_text(lookup: KeptLookup, ahead: int, servers: int = 1) -> Markup:
    """What is said at once. ``ahead``: how many lookups come before."""
    if servers > 1:
        where = fill("⏳ Checking {} servers …", servers)
    else:
        where = fill("⏳ Checking {} …", code(lookup.input))
    if ahead:
        where = fill("{} You are number {} in the queue.", where, f"{ahead + 1:,}")
    if lookup.private:
        where = fill("{} The report comes to you alone, in our direct messages.", where)
    return where
