"""Lookups as they are kept → what is asked of the engine, and back."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from bot.lookup import Question
from bot.pki.certificate import Certificate
from bot.pki.formats import read
from bot.probe.protocols import Protocol
from bot.probe.target import Target
from bot.report import Report
from bot.requests.request import InstallRequest
from bot.store.lookups import KeptLookup

if TYPE_CHECKING:
    from pydantic import TypeAdapter

#: The verdict of a lookup that stands for several.
SEVERAL: Final = "several"


def target_data(target: Target) -> dict[str, Any]:
    """A target as JSON."""
    return {**asdict(target), "protocol": str(target.protocol)}


def question_from(extra: Mapping[str, Any]) -> Question:
    """What a kept lookup asks, from its ``extra``."""
    data = dict(extra["target"])
    return Question(Target(**{**data, "protocol": Protocol(data["protocol"])}))


def target_of_request(request: InstallRequest) -> Target:
    """A request's target, to be probed again."""
    found = request.target
    try:
        ipaddress.ip_address(found.host)
        is_ip = True
    except ValueError:
        is_ip = False
    protocol = Protocol(found.protocol)
    return Target(found.host, found.host, found.host, found.port, True, protocol, is_ip)


def installed_of_request(request: InstallRequest) -> tuple[Certificate, ...]:
    """The certificates that a request is about."""
    return certificates_of("".join(c.pem for c in request.installation.certificates))


def certificates_of(pem: str) -> tuple[Certificate, ...]:
    """The certificates in PEM that the bot wrote itself."""
    return tuple(found.certificate for found in read(pem.encode()).certificates)


def report_of(lookup: KeptLookup) -> Report | None:
    """The report of a kept lookup; None while it waits, and where it stands for several."""
    if lookup.report is None or lookup.verdict == SEVERAL:
        return None
    return _adapter().validate_python(lookup.report)


def warm_up() -> None:
    """Makes what reads reports back."""
    _adapter()


def _adapter() -> TypeAdapter[Report]:
    with _MAKING:
        return _made()


#: It is made by one thread alone: whoever is in a hurry meanwhile waits for that. Two that read the
#: source of the same classes at once can break each other's syntax trees (CPython issue 106905).
_MAKING: Final = threading.Lock()


@cache
def _made() -> TypeAdapter[Report]:
    # Imported late: the bot has begun by the time that a report is read back.
    from pydantic import TypeAdapter

    return TypeAdapter(Report)
