"""An install request and its audit trail, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias

from bot.report import OptionKind
from bot.requests.states import State

Environment: TypeAlias = Literal["test", "production"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever does something. A requester or follower is known by the request; whether somebody is
    support staff, whoever calls has found out (user group, listed users, members of the channel)."""

    team: str
    """The workspace in which it happens: the one that installed the bot, also for an external member
    of a shared channel."""
    user: str
    """Slack's id of the person."""
    name: str
    """As it is shown. Untrusted."""
    is_supporter: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """A message in Slack: ``channel`` and ``ts``; ``ts`` None is the channel itself."""

    channel: str
    ts: str | None = None


@dataclass(frozen=True, slots=True)
class RequestedCertificate:
    """A certificate to be installed."""

    pem: str
    sha256: str
    """SHA-256 of the DER in lower-case hexadecimal."""
    subject: str
    issuer: str
    not_after: str
    """ISO 8601 in UTC."""
    source: str
    """Where it came from, as in `bot.report.Certificate.source`."""


@dataclass(frozen=True, slots=True)
class Installation:
    """What is to be installed."""

    option: OptionKind
    """`root`, `intermediate`, or `server`, which needs a ``reason``."""
    certificates: tuple[RequestedCertificate, ...]
    """Exactly these, together."""
    predictions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By Java version: `accepted` and `message`, as in `bot.report.Prediction`."""
    provenance_confirmed: bool = False
    """Somebody said that the system's owner confirmed the fingerprint."""
    reason: str = ""
    """Why the server's own certificate, where it is that."""


@dataclass(frozen=True, slots=True)
class TargetSystem:
    """The server for which it is."""

    host: str
    port: int
    protocol: str


@dataclass(frozen=True, slots=True)
class Draft:
    """What a requester submits."""

    target: TargetSystem
    environment: Environment
    installation: Installation
    connector: str = ""
    contact: str = ""
    note: str = ""
    lookup_id: str | None = None
    origin: Place | None = None
    """Where the requester asked, and wants to hear of it besides the direct message."""


@dataclass(frozen=True, slots=True)
class InstallRequest:
    """An install request as it stands."""

    id: str
    short_id: str
    """What people call it: `R-7K3M`."""
    team: str
    requester: str
    requester_name: str
    target: TargetSystem
    environment: Environment
    installation: Installation
    connector: str
    contact: str
    note: str
    lookup_id: str | None
    origin: Place | None
    state: State
    taken_by: str | None
    taken_by_name: str | None
    ticket: Mapping[str, Any] | None
    """The Matrix42 ticket: `id`, `number`, `url`; null while there is none."""
    channel: str | None
    """The support channel, once the card is posted."""
    card_ts: str | None
    """The card's ts, which is the thread's."""
    pem_file: str | None
    """Slack's id of the PEM file that is in the thread."""
    version: int
    """One more with every change."""
    created_at: datetime
    changed_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Follower:
    """Somebody who asked for the same and joined."""

    user: str
    name: str
    origin: Place | None
    since: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the audit trail."""

    id: str
    request_id: str
    number: int
    """1 for the first."""
    at: datetime
    who: str
    """The user's id; empty: the bot itself."""
    who_name: str
    what: str
    """The `Action`, or `submitted`, `joined`, `posted`, `attached` (the PEM is in the thread),
    `ticket`, `undelivered` (an act was given up: ``data`` has its id and kind)."""
    text: str
    """The reason, question, answer, error text or note that came with it. Untrusted."""
    state: State
    """The state after it."""
    data: Mapping[str, Any]
    """What else it changed."""
