"""Questions about a request that need a look at its server: does what is installed still do, what
does this error mean, what is this file? Each is a ``lookup`` act with ``do``."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from bot.errors import FormatError
from bot.lookup import Question
from bot.lookup_runner import Busy
from bot.pki.certificate import Certificate
from bot.pki.errors import explain
from bot.report import Report
from bot.requests.courier import Later, Receipt, Undeliverable
from bot.requests.request import InstallRequest
from bot.requests.states import Action, Refused
from bot.store import outbox
from bot.store.database import Unit
from bot.store.outbox import Act
from handlers.blocks.card import target_of
from handlers.blocks.certificates import finding_line, prediction_line
from handlers.blocks.elements import Block, context, section, top_text
from handlers.blocks.files import Compared, compared_message, private_key_message
from handlers.blocks.help import error_message, explanation_message
from handlers.blocks.markup import Markup, code, fill, joined, user
from handlers.blocks.message import Message
from handlers.couriers.files import delete
from handlers.parts import Parts
from handlers.questions import installed_of_request, target_of_request
from handlers.saying import say
from handlers.submission import uploaded_installation
from handlers.uploads import read_certificates, read_file

_BUSY_SECONDS: Final = 0.5
_MAX_ERROR_TEXT: Final = 20_000
_MAX_FINDINGS: Final = 3


async def put_explanation(unit: Unit, request: InstallRequest, text: str, *, key: str) -> None:
    """Has an error text explained in the request's thread, for its target."""
    payload = {"do": "explain", "request": request.id, "text": text[:_MAX_ERROR_TEXT]}
    await outbox.put(unit, f"explain:{key}", "lookup", payload, key=f"explain:{key}")


class InquiryCourier:
    """``lookup`` {"do": "verify" | "explain" | "file" | "use", "request", …}."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def deliver(self, act: Act) -> Receipt:
        request = await self._parts.requests.get(str(act.payload["request"]))
        if request is None:
            raise Undeliverable("The request is no longer kept.", final=True)
        if act.payload["do"] == "use":
            message = await self._use(act, request)
            if message is None:
                return {}
        else:
            message = await self._message(act, request)
        async with self._parts.database.begin() as unit:
            await say(
                unit,
                request.team,
                message,
                channel=request.channel or "",
                thread_ts=request.card_ts,
                user=None if request.channel else request.requester,
                key=f"inquiry:{act.id}",
            )
        return {}

    async def _message(self, act: Act, request: InstallRequest) -> Message:
        if act.payload["do"] == "verify":
            return await self._verify(request, str(act.payload["user"]))
        if act.payload["do"] == "explain":
            return await self._explain(request, str(act.payload["text"]))
        return await self._compare(act, request)

    async def _verify(self, request: InstallRequest, who: str) -> Message:
        report = await look(self._parts, request, installed_of_request(request), who)
        return verified_message(request, report, who)

    async def _explain(self, request: InstallRequest, text: str) -> Message:
        report = await look(self._parts, request, installed_of_request(request))
        return explanation_message(explain(text), about=_now(request, report))

    async def _compare(self, act: Act, request: InstallRequest) -> Message:
        file = str(act.payload["file"])
        try:
            name, reading = await read_file(self._parts, request.team, file)
        except FormatError as error:
            return error_message(error)
        if reading.refusal:
            client = await self._parts.clients.web(request.team)
            return private_key_message(reading.refusal, await delete(client, file))
        certificates = tuple(dict.fromkeys(found.certificate for found in reading.certificates))
        report = await look(self._parts, request, certificates)
        return compared_message(
            name,
            compare(request, report, certificates),
            dict(report.installed) if report.installed else None,
            [certificate.sha256 for certificate in request.installation.certificates],
            request.id,
            file,
        )

    async def _use(self, act: Act, request: InstallRequest) -> Message | None:
        """Exchanges the certificate for the file's, if that anchors what is served; None: done, and
        the thread hears of it by the change itself."""
        parts, payload = self._parts, act.payload
        client = await parts.clients.web(request.team)
        user_id, name = str(payload["user"]), str(payload["name"])
        actor = await parts.people.actor(client, request.team, user_id, name)
        try:
            _, certificates = await read_certificates(parts, request.team, str(payload["file"]))
            report = await look(parts, request, certificates)
            installation = uploaded_installation(report, certificates)
            if isinstance(installation, str):
                return error_message(FormatError(installation))
            # The button asked whoever pressed it.
            installation = replace(installation, provenance_confirmed=True)
            if installation.option == "server":
                reason = f"Chosen in the thread by {name}."
                installation = replace(installation, reason=reason)
            await parts.requests.act(
                request.id, Action.REPLACE, actor, installation=installation, key=f"use:{act.id}"
            )
        except FormatError as error:
            return error_message(error)
        except Refused as refusal:
            changed = await parts.requests.get(request.id)
            if changed and installed_of_request(changed) == certificates:
                # Pressed twice, as one does where Slack says that the first time failed.
                return None
            return error_message(refusal)
        return None


async def look(
    parts: Parts,
    request: InstallRequest,
    installed: tuple[Certificate, ...],
    asked_by: str | None = None,
) -> Report:
    """Probes a request's target now, with these certificates installed, as one of the lookups of
    ``asked_by`` (None: of the requester). Raises Later while enough lookups run."""
    question = Question(target_of_request(request), installed=installed)
    try:
        return await parts.runner.run(
            question, team=request.team, user=asked_by or request.requester, fresh=True
        )
    except Busy:
        raise Later(_BUSY_SECONDS, "Others are before it.", maybe_delivered=False) from None


def compare(
    request: InstallRequest, report: Report, certificates: tuple[Certificate, ...]
) -> list[Compared]:
    """How each certificate stands to what is requested and to what is served."""
    requested = installed_of_request(request)
    leaves = {p.certificates[0].sha256 for p in report.presented if p.certificates}
    known = {c.sha256 for path in report.paths for c in path.certificates}
    return [Compared(found, _relation(found, requested, leaves, known)) for found in certificates]


def _relation(
    found: Certificate, requested: tuple[Certificate, ...], leaves: set[str], known: set[str]
) -> str:
    if found in requested:
        return "same"
    if any(found.public_key == other.public_key for other in requested):
        return "same_key"
    if any(found.subject == other.subject for other in requested):
        return "other_key"
    if found.sha256 in leaves:
        return "leaf"
    return "chain" if found.sha256 in known else "unrelated"


def verified_message(request: InstallRequest, report: Report, who: str) -> Message:
    """What *Verify now* found."""
    text = _verdict(request, report)
    blocks: list[Block] = [section(text)]
    if report.installed:
        blocks.append(context(fill("{}", prediction_line(report.installed))))
    told = [found for found in report.findings if found.severity == "error"]
    blocks += [section(finding_line(finding)) for finding in told[:_MAX_FINDINGS]]
    blocks.append(
        context(fill("{} asked for this at {} UTC.", user(who), report.at[:16].replace("T", " ")))
    )
    return Message(top_text(text), tuple(blocks))


def _verdict(request: InstallRequest, report: Report) -> Markup:
    where = code(target_of(request))
    if report.installed is None:
        return fill("❌ {} cannot be verified now: {}", where, report.summary)
    if all(prediction.accepted for prediction in report.installed.values()):
        return fill("✅ What is requested anchors what {} presents now: Java accepts it.", where)
    said = next((p.message for p in report.installed.values() if p.message), "")
    return fill(
        "❌ What is requested does not do for what {} presents now. Java says: {} {}",
        where,
        code(said or ""),
        report.summary,
    )


def _now(request: InstallRequest, report: Report) -> Markup:
    """What the server presents now against what was requested."""
    told = [found for found in report.findings if found.severity == "error"]
    lines = [fill("*For this request*  {}", _verdict(request, report))]
    lines += [finding_line(finding) for finding in told[:_MAX_FINDINGS]]
    if report.installed and all(p.accepted for p in report.installed.values()):
        lines.append(
            Markup(
                "If the connector still shows the error, the certificate is not in the truststore "
                "that it uses, or the connector was not restarted since."
            )
        )
    return joined(lines)
