"""The people and drafts of these tests."""

from __future__ import annotations

from typing import Final

from bot.requests.request import (
    Actor,
    Draft,
    Environment,
    Installation,
    Place,
    RequestedCertificate,
    TargetSystem,
)

RITA: Final = Actor("T1", "URITA", "Rita")
SAM: Final = Actor("T1", "USAM", "Sam", is_supporter=True)
TOM: Final = Actor("T1", "UTOM", "Tom", is_supporter=True)
BEA: Final = Actor("T1", "UBEA", "Bea")
FAY: Final = Actor("T1", "UFAY", "Fay")
OTHER_TEAM: Final = Actor("T2", "USAM", "Sam", is_supporter=True)


def certificate(number: int = 1) -> RequestedCertificate:
    """A certificate with a fingerprint of its own."""
    return RequestedCertificate(
        pem=f"-----BEGIN CERTIFICATE-----\n{number}\n-----END CERTIFICATE-----\n",
        sha256=f"{number:064x}",
        subject=f"CN=Root {number}",
        issuer=f"CN=Root {number}",
        not_after="2036-01-01T00:00:00Z",
        source="served: 10.0.0.1",
    )


def installation(number: int = 1) -> Installation:
    """One root to be installed."""
    predictions = {"21": {"accepted": True, "message": None}}
    return Installation("root", (certificate(number),), predictions)


def draft(
    number: int = 1, *, host: str = "dc01.corp.example", environment: Environment = "production"
) -> Draft:
    """What Rita or somebody else submits."""
    return Draft(
        target=TargetSystem(host, 636, "tls"),
        environment=environment,
        installation=installation(number),
        connector="AD connector",
        contact="ad-team@corp.example",
        note="For the new connector.",
        lookup_id="L1",
        origin=Place("C1", "100.1"),
    )
