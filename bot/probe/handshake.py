"""Probes a target: what does each of its addresses present?

Every address is probed at once. An ordinary server costs one connection and one handshake; further
attempts are made only where the first was not understood, or was one that Java could not have made.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Container
from dataclasses import replace
from typing import Final

from bot.errors import EgressError
from bot.probe import handshake_problems, problems
from bot.probe.conversation import Conversation, PreludeError
from bot.probe.egress import Address, Egress, Resolution, UnresolvableError
from bot.probe.flight import VERSIONS
from bot.probe.presented import (
    ClientCertificate,
    ConnectTo,
    Limits,
    Presented,
    ProbeFinding,
    TlsSession,
)
from bot.probe.protocols import Protocol
from bot.probe.stream import ProxyError, SocketStream, Stream, open_stream, open_tunnel
from bot.probe.suites import group_name, suite_name
from bot.probe.target import Target
from bot.probe.tls import Attempt, Ending, Offer, distinguished_name, java_server_name, shake_hands
from bot.records import record
from bot.text import visible

_TDS8: Final = b"tds/8.0"
_NAME_ALERTS: Final = frozenset({112, 120})
"""unrecognized_name and no_application_protocol: another offer would not change these."""


async def probe(
    target: Target,
    egress: Egress,
    *,
    connect: ConnectTo | None = None,
    limits: Limits = Limits(),  # noqa: B008  frozen: nobody can change the shared one
) -> tuple[Presented, ...]:
    """What ``target`` presents, one answer per address, in the resolver's order.

    With ``connect`` a single address is used: the first that it resolves to and that is allowed;
    the name that is asked for by SNI stays the target's. A host that cannot be resolved, or a name or
    port that is not allowed, gives one answer without an address. Raises nothing but cancellation.
    """
    host = connect.host if connect else target.host
    port = connect.port or target.port if connect else target.port
    loop = asyncio.get_running_loop()
    started = loop.time()
    try:
        resolution = await egress.resolve(host, port)
    except EgressError as error:
        return (Presented("", port, error=problems.egress_denied(error)),)
    except UnresolvableError as error:
        if egress.proxy is None or not egress.proxy.resolves_names:
            return (Presented("", port, error=problems.unresolvable(target, error)),)
        route = _Route.by_name(host, port, egress)
        return (await _Probe(target, route, limits).run(),)
    resolve_ms = _milliseconds(loop.time() - started)
    if connect:
        resolution = replace(resolution, addresses=resolution.addresses[:1], left_out=0)
    routes = [_Route.to_address(address, egress) for address in resolution.addresses]
    probes = [_Probe(target, route, limits, {"resolve": resolve_ms}).run() for route in routes]
    presented = [await probes[0]] if len(probes) == 1 else list(await asyncio.gather(*probes))
    return _with_refused(target, port, resolution, presented)


def _with_refused(
    target: Target, port: int, resolution: Resolution, presented: list[Presented]
) -> tuple[Presented, ...]:
    """The answers, together with those that follow from the resolution alone."""
    if resolution.left_out and presented:
        note = problems.addresses_left_out(target, len(presented), resolution.left_out)
        presented[0] = replace(presented[0], findings=(*presented[0].findings, note))
    answers = [
        *presented,
        *(
            Presented(refused.ip, port, error=problems.egress_denied(refused.error))
            for refused in resolution.refused
        ),
    ]
    if any(one.chain for one in answers):
        # Where another address answered, these are no faults: there may be no IPv6 here.
        answers = [_softened(one, ("no_route", "egress_denied")) for one in answers]
    return tuple(answers) or (Presented("", port, error=problems.no_address(target)),)


def _softened(presented: Presented, codes: Container[str]) -> Presented:
    if presented.error is None or presented.error.code not in codes:
        return presented
    return replace(presented, error=replace(presented.error, severity="info"))


@record
class _Route:
    """How one address is reached."""

    ip: str
    port: int
    label: str
    open: Callable[[], Awaitable[SocketStream]]

    @classmethod
    def to_address(cls, address: Address, egress: Egress) -> _Route:
        async def opened() -> SocketStream:
            return await open_stream(address, egress.proxy)

        return cls(address.ip, address.port, str(address), opened)

    @classmethod
    def by_name(cls, host: str, port: int, egress: Egress) -> _Route:
        proxy = egress.proxy
        if proxy is None:
            raise ValueError("only a proxy can be given a name")

        async def opened() -> SocketStream:
            return await open_tunnel(proxy, f"{host}:{port}")

        return cls("", port, f"{visible(host)}:{port}", opened)


class _Failed(Exception):
    """An attempt did not get as far as TLS. ``may_be_tls``: the port may speak TLS at once."""

    def __init__(self, finding: ProbeFinding, *, may_be_tls: bool = False) -> None:
        super().__init__(finding.code)
        self.finding = finding
        self.may_be_tls = may_be_tls


class _Probe:
    """One address: attempts until it is understood, then what they showed."""

    def __init__(
        self, target: Target, route: _Route, limits: Limits, timings: dict[str, float] | None = None
    ) -> None:
        self._target = target
        self._route = route
        self._limits = limits
        self._timings = timings or {}
        self._loop = asyncio.get_running_loop()
        self._deadline = self._loop.time() + limits.total_seconds
        self._findings: list[ProbeFinding] = []

    async def run(self) -> Presented:
        try:
            attempt = await self._attempt(Offer.EVERYTHING)
        except _Failed as failed:
            found = await self._try_direct_tls() if failed.may_be_tls else None
            if found is None:
                return self._presented(error=failed.finding)
            attempt = found
        error = handshake_problems.attempt_failed(self._target, attempt, self._limits)
        first = attempt
        if not attempt.chain and not attempt.flight.has_certificate:
            attempt, error = await self._try_other_offers(first, error)
        if handshake_problems.is_strange_to_java(attempt):
            attempt = await self._try_as_java(attempt, first)
            if attempt.offer is Offer.JAVA:
                error = handshake_problems.attempt_failed(self._target, attempt, self._limits)
            elif attempt.offer is Offer.ANCIENT:
                # What Java lacks has been told; it is what the first attempt lacked, too.
                error = None
        self._findings += handshake_problems.attempt_findings(self._target, attempt)
        return self._presented(attempt, error)

    async def _try_direct_tls(self) -> Attempt | None:
        """After a prelude that led nowhere: an attempt as if the port spoke TLS at once."""
        original = self._target
        is_mssql = original.protocol is Protocol.MSSQL
        direct = Protocol.MSSQL_STRICT if is_mssql else Protocol.TLS
        self._target = replace(original, protocol=direct)
        try:
            attempt = await self._attempt(Offer.EVERYTHING)
        except _Failed:
            return None
        if not attempt.chain:
            return None
        self._findings.append(problems.tls_without_prelude(original))
        return attempt

    async def _try_other_offers(
        self, first: Attempt, error: ProbeFinding | None
    ) -> tuple[Attempt, ProbeFinding | None]:
        """Offers for a server that gave no certificate in answer to everything."""
        for offer in _other_offers(first):
            try:
                attempt = await self._attempt(offer)
            except _Failed:
                break
            if not attempt.chain:
                continue
            if offer is Offer.ANCIENT:
                return attempt, handshake_problems.seen_by_old_hello(error)
            self._findings.append(handshake_problems.large_hello_refused())
            return attempt, handshake_problems.attempt_failed(self._target, attempt, self._limits)
        return first, error

    async def _try_as_java(self, attempt: Attempt, first: Attempt) -> Attempt:
        """The attempt as Java would make it, if that one works; else the finding that it does not.
        A server that would have nothing of the ``first`` offer will not have Java's, which is less."""
        as_java: Attempt | None = first
        if attempt.offer is not Offer.ANCIENT:
            try:
                as_java = await self._attempt(Offer.JAVA)
            except _Failed:
                as_java = None
        if as_java and as_java.chain and not handshake_problems.is_strange_to_java(as_java):
            return as_java
        self._findings.append(handshake_problems.java_cannot(attempt, as_java))
        return attempt

    async def _attempt(self, offer: Offer) -> Attempt:
        """Connects, says the prelude and attempts a handshake. Raises `_Failed`."""
        raw = await self._connect()
        try:
            stream = await self._prelude(raw)
            started = self._loop.time()
            attempt = await shake_hands(
                stream,
                offer,
                java_server_name(self._target.host),
                _TDS8 if self._target.protocol is Protocol.MSSQL_STRICT else None,
                self._limits,
                self._until(self._limits.handshake_seconds),
            )
            self._note("handshake", started)
            return attempt
        finally:
            raw.close()

    async def _connect(self) -> SocketStream:
        started = self._loop.time()
        try:
            async with asyncio.timeout_at(self._until(self._limits.connect_seconds)):
                return await self._route.open()
        except (OSError, ProxyError) as error:
            raise _Failed(problems.not_connected(self._route.label, error, self._limits)) from None
        finally:
            self._note("connect", started)

    async def _prelude(self, raw: SocketStream) -> Stream:
        target = self._target
        if target.protocol is Protocol.TLS:
            return raw
        # Imported only for those that may have one.
        from bot.probe.prelude import PRELUDES

        prelude = PRELUDES.get(target.protocol)
        if prelude is None:
            return raw
        started = self._loop.time()
        conversation = Conversation(raw, self._limits.max_prelude_bytes)
        try:
            async with asyncio.timeout_at(self._until(self._limits.prelude_seconds)):
                return await prelude(conversation, target.host)
        except TimeoutError:
            has_heard = conversation.has_heard
            finding = problems.prelude_timed_out(target, self._limits, has_heard=has_heard)
            raise _Failed(finding, may_be_tls=not has_heard) from None
        except OSError:
            may_be_tls = not conversation.has_heard
            raise _Failed(problems.prelude_reset(target), may_be_tls=may_be_tls) from None
        except PreludeError as error:
            finding = problems.prelude_failed(target, error)
            may_be_tls = error.trouble == "tls" or (
                error.trouble == "closed" and not conversation.has_heard
            )
            raise _Failed(finding, may_be_tls=may_be_tls) from None
        finally:
            self._note("prelude", started)

    def _until(self, seconds: float) -> float:
        return min(self._loop.time() + seconds, self._deadline)

    def _note(self, phase: str, started: float) -> None:
        """The first attempt's timings count: it is the one that every server gets."""
        self._timings.setdefault(phase, _milliseconds(self._loop.time() - started))

    def _presented(
        self, attempt: Attempt | None = None, error: ProbeFinding | None = None
    ) -> Presented:
        return Presented(
            self._route.ip,
            self._route.port,
            _session(attempt) if attempt else None,
            attempt.chain if attempt else (),
            _client_certificate(attempt) if attempt and attempt.asked else None,
            tuple(self._findings),
            error,
            self._timings,
        )


def _other_offers(attempt: Attempt) -> tuple[Offer, ...]:
    if attempt.ending in (Ending.CLOSED, Ending.RESET) and not attempt.first_bytes:
        return (Offer.SMALL, Offer.ANCIENT)
    if attempt.ending is Ending.TIMED_OUT and not attempt.first_bytes:
        return (Offer.SMALL,)
    if attempt.ending is Ending.FAILED:
        return (Offer.ANCIENT,)
    if attempt.ending is Ending.ALERT and not any(c in _NAME_ALERTS for _, c in attempt.alerts):
        return (Offer.ANCIENT,)
    return ()


def _session(attempt: Attempt) -> TlsSession | None:
    flight = attempt.flight
    if flight.version is None or flight.suite is None:
        return None
    return TlsSession(
        VERSIONS.get(flight.version, f"0x{flight.version:04X}"),
        suite_name(flight.suite),
        None if flight.group is None else group_name(flight.group),
    )


def _client_certificate(attempt: Attempt) -> ClientCertificate:
    names = tuple(visible(distinguished_name(name)) for name in attempt.authorities)
    return ClientCertificate(attempt.is_required, names)


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 1)
