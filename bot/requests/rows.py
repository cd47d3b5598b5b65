"""Install requests and their audit entries as rows of the database."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import Row

from bot.requests.request import (
    Entry,
    Follower,
    Installation,
    InstallRequest,
    Place,
    RequestedCertificate,
    TargetSystem,
)
from bot.requests.states import State


def open_key(team: str, target: TargetSystem, environment: str, installation: Installation) -> str:
    """What at most one open request of a workspace may ask for: these certificates, for this server,
    in this environment."""
    fingerprints = sorted(certificate.sha256 for certificate in installation.certificates)
    parts = [team, target.host.lower(), target.port, environment, fingerprints]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def installation_data(installation: Installation) -> dict[str, Any]:
    """The installation as JSON."""
    return {
        "option": installation.option,
        "certificates": [asdict(certificate) for certificate in installation.certificates],
        "predictions": {java: dict(given) for java, given in installation.predictions.items()},
        "provenance_confirmed": installation.provenance_confirmed,
        "reason": installation.reason,
    }


def installation_of(data: Mapping[str, Any]) -> Installation:
    """The installation that `installation_data` wrote."""
    return Installation(
        option=data["option"],
        certificates=tuple(RequestedCertificate(**given) for given in data["certificates"]),
        predictions=data["predictions"],
        provenance_confirmed=data["provenance_confirmed"],
        reason=data["reason"],
    )


def request_of(row: Row[Any]) -> InstallRequest:
    """The request of a row of the table."""
    return InstallRequest(
        id=row.id,
        short_id=row.short_id,
        team=row.team,
        requester=row.requester,
        requester_name=row.requester_name,
        target=TargetSystem(row.host, row.port, row.protocol),
        environment=row.environment,
        installation=installation_of(dict(row._mapping)),
        connector=row.connector,
        contact=row.contact,
        note=row.note,
        lookup_id=row.lookup_id,
        origin=_place(row),
        state=State(row.state),
        taken_by=row.taken_by,
        taken_by_name=row.taken_by_name,
        ticket=row.ticket,
        channel=row.channel,
        card_ts=row.card_ts,
        pem_file=row.pem_file,
        version=row.version,
        created_at=row.created_at,
        changed_at=row.changed_at,
        closed_at=row.closed_at,
    )


def entry_of(row: Row[Any]) -> Entry:
    """The audit entry of a row of the table."""
    return Entry(
        id=row.id,
        request_id=row.request_id,
        number=row.number,
        at=row.at,
        who=row.who,
        who_name=row.who_name,
        what=row.what,
        text=row.text,
        state=State(row.state),
        data=row.data,
    )


def follower_of(row: Row[Any]) -> Follower:
    """The follower of a row of the table."""
    return Follower(user=row.user, name=row.name, origin=_place(row), since=row.since)


def _place(row: Row[Any]) -> Place | None:
    return Place(row.origin_channel, row.origin_ts) if row.origin_channel is not None else None
