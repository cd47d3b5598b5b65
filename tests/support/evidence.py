"""Evidence about chains that the tests make."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from bot.pki.certificate import Certificate, Source
from bot.pki.evidence import Evidence, Served, merged, with_roots
from bot.pki.java.algorithms import IsJdkRoot
from bot.pki.roots import Root, Roots
from tests.support.authority import Issued

HOST = "erp.corp.example"
NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)

Given = Issued | Certificate | bytes


def certificate(given: Given) -> Certificate:
    """Whatever a test has in hand, as the analysis reads it."""
    if isinstance(given, Issued):
        return Certificate.from_der(given.der)
    return Certificate.from_der(given) if isinstance(given, bytes) else given


def evidence(
    *chains: Sequence[Given],
    host: str | None = HOST,
    company: Sequence[Given] = (),
    aia: Sequence[Given] = (),
    public: Roots | None = None,
    installed: Sequence[Given] = (),
    addresses: Sequence[str] = ("10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"),
    at: datetime = NOW,
    jdk_roots: Sequence[Given] = (),
) -> Evidence:
    """Each of ``chains`` as one address serves it, leaf first. ``company`` lies in the company's
    folder, ``aia`` was downloaded, ``public`` roots complete what they can, ``jdk_roots`` are in
    every JDK's cacerts."""
    served = tuple(
        Served(address, tuple(map(certificate, chain)))
        for address, chain in zip(addresses, chains, strict=False)
    )
    known = merged(
        (
            *((c, Source("served", s.address)) for s in served for c in s.chain),
            *((certificate(c), Source("company", "corp.pem")) for c in company),
            *((certificate(c), Source("aia", "http://aia.corp.example/ca.cer")) for c in aia),
        )
    )
    fingerprints = {certificate(c).sha256 for c in jdk_roots}

    def is_jdk_root(jdk: int) -> IsJdkRoot:
        return fingerprints.__contains__

    def no_root(found: Certificate) -> Root | None:
        return None

    find: Callable[[Certificate], Root | None] = public.find if public else no_root
    return Evidence(
        host=host,
        endpoint="https",
        at=at,
        chains=served,
        known=with_roots(known, public) if public else known,
        installed=tuple(map(certificate, installed)),
        is_jdk_root=is_jdk_root,
        public_root=find,
    )
