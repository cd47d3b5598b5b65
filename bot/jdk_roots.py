"""Which certificates are in a JDK's own ``cacerts``: below those Java allows no SHA-1."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from bot.pki.roots import public_roots


@cache
def jdk_roots(jdk: int) -> frozenset[str]:
    """The SHA-256 fingerprints of the certificates in that JDK's ``cacerts``. Reads every public
    root the first time."""
    return frozenset(
        root.certificate.sha256
        for root in public_roots().all()
        if any(membership.programme == f"jdk-{jdk}" for membership in root.programmes)
    )


@cache
def jdk_root_test(jdk: int) -> Callable[[str], bool]:
    """Tells by its fingerprint whether a certificate is in that JDK's ``cacerts``; always the same
    function for the same JDK. The roots are read when it is first asked."""
    return lambda sha256: sha256 in jdk_roots(jdk)
