"""The couriers of install requests: the card, the PEM, the lines of the thread, the notices."""

from __future__ import annotations

import contextlib
import dataclasses

from slack_sdk.web.async_client import AsyncWebClient

from bot.requests.courier import Receipt, Undeliverable
from bot.requests.request import Entry, InstallRequest, Place
from bot.requests.showing import shown
from bot.requests.states import State
from bot.store.outbox import Act
from handlers.blocks.card import card_message
from handlers.blocks.lines import file_name, installer_summary, line_message, notice_message
from handlers.couriers import slack
from handlers.couriers.files import upload
from handlers.parts import Parts


class CardCourier:
    """``card`` {"request"}: posts the root card, or changes it to what the request is by now."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def deliver(self, act: Act) -> Receipt:
        parts = self._parts
        request = await _request(parts, act)
        client = await parts.clients.web(request.team)
        if request.channel and request.card_ts:
            message, channel, ts = card_message(request), request.channel, request.card_ts
            try:
                await slack.update(client, parts.metrics, message, channel, ts)
            except slack.Gone:
                # Somebody deleted it: its thread is left, and so what it says and its buttons.
                await slack.post(client, parts.metrics, act, message, channel, ts)
            return {}
        channel = parts.settings.channel_for(request.environment)
        if not channel:
            raise Undeliverable(
                "No support channel is set. Whoever runs the bot must set WHICHROOT_SUPPORT_CHANNEL."
            )
        if request.state is State.SUBMITTED:
            # Once it is posted that is what it is.
            request = dataclasses.replace(request, state=State.POSTED)
        ts = await slack.post(client, parts.metrics, act, card_message(request), channel)
        return {"channel": channel, "ts": ts}


class PemCourier:
    """``pem`` {"request", "sha256"}: puts the PEM into the thread, with what the installer needs."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def deliver(self, act: Act) -> Receipt:
        parts = self._parts
        request = await _request(parts, act)
        certificates = request.installation.certificates
        if [certificate.sha256 for certificate in certificates] != list(act.payload["sha256"]):
            return {}
        channel, thread_ts = _thread(request)
        file = await upload(
            await parts.clients.web(request.team),
            parts.metrics,
            act,
            name=file_name(request),
            content="".join(certificate.pem for certificate in certificates).encode("ascii"),
            comment=installer_summary(request),
            channel=channel,
            thread_ts=thread_ts,
        )
        return {"file": file}


class LineCourier:
    """``line`` {"request", "entry"}: writes one change into the thread."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def deliver(self, act: Act) -> Receipt:
        parts = self._parts
        request, entry = await _request_and_entry(parts, act)
        channel, thread_ts = _thread(request)
        client = await parts.clients.web(request.team)
        message = line_message(request, entry)
        ts = await slack.post(client, parts.metrics, act, message, channel, thread_ts)
        return {"channel": channel, "ts": ts}


class NoticeCourier:
    """``notice`` {"request", "entry", "user"}: tells one person of a change by direct message, and
    where they asked for it."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def deliver(self, act: Act) -> Receipt:
        parts = self._parts
        request, entry = await _request_and_entry(parts, act)
        user = str(act.payload["user"])
        client = await parts.clients.web(request.team)
        message = notice_message(request, entry, await permalink(parts, client, request))
        direct = await slack.direct(client, parts.metrics, user)
        ts = await slack.post(client, parts.metrics, act, message, direct)
        origin = await self._origin(request, user)
        if origin and origin.ts and origin.channel not in (direct, request.channel):
            # Where the bot may not post any more, the direct message has said it.
            with contextlib.suppress(Undeliverable):
                async with slack.already_sent():
                    again = await slack.post(
                        client, parts.metrics, act, message, origin.channel, origin.ts
                    )
                    also = {"channel": origin.channel, "ts": again}
                    return {"channel": direct, "ts": ts, "also": also}
        return {"channel": direct, "ts": ts}

    async def _origin(self, request: InstallRequest, user: str) -> Place | None:
        if user == request.requester:
            return request.origin
        followers = await self._parts.requests.followers(request.id)
        return next((found.origin for found in followers if found.user == user), None)


class AnsweredCourier:
    """``answered`` {"request", "entry"}: takes the buttons from a question that waits for none of
    them any more, wherever it is shown."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def deliver(self, act: Act) -> Receipt:
        parts = self._parts
        request, entry = await _request_and_entry(parts, act)
        client = await parts.clients.web(request.team)
        for place in shown(entry):
            if place["kind"] == "line":
                message = line_message(request, entry, answered=True)
            else:
                link = await permalink(parts, client, request)
                message = notice_message(request, entry, link, answered=True)
            # One that was deleted has no buttons.
            with contextlib.suppress(Undeliverable):
                channel, ts = str(place["channel"]), str(place["ts"])
                await slack.update(client, parts.metrics, message, channel, ts)
        return {}


async def permalink(parts: Parts, client: AsyncWebClient, request: InstallRequest) -> str:
    """The link to a request's card; empty where there is none."""
    if not request.channel or not request.card_ts:
        return ""
    try:
        async with slack.calling(parts.metrics):
            answer = await client.chat_getPermalink(
                channel=request.channel, message_ts=request.card_ts
            )
            return str(answer["permalink"])
    except Undeliverable:
        return ""


async def _request(parts: Parts, act: Act) -> InstallRequest:
    request = await parts.requests.get(str(act.payload["request"]))
    if request is None:
        raise Undeliverable("The request is no longer kept.", final=True)
    return request


async def _request_and_entry(parts: Parts, act: Act) -> tuple[InstallRequest, Entry]:
    entry = await parts.requests.entry(str(act.payload["entry"]))
    if entry is None:
        raise Undeliverable("The entry is no longer kept.", final=True)
    return await _request(parts, act), entry


def _thread(request: InstallRequest) -> tuple[str, str]:
    if not request.channel or not request.card_ts:
        raise Undeliverable("The request's card is not posted.")
    return request.channel, request.card_ts
