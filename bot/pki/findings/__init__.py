"""What a person must know about a chain.

Each module yields the findings of one subject; :func:`find` puts them in order.

    chain       order, gaps, surplus     dates   validity           keys   algorithms
    names       the host name            usage   extensions         trust  who vouches
    installed   what is there today      surroundings               signs in names
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from bot.pki.evidence import Evidence
from bot.pki.findings import chain, dates, installed, keys, names, surroundings, trust, usage
from bot.pki.findings.finding import Finding, Severity
from bot.pki.findings.picture import Picture
from bot.pki.java import LATEST_JDK
from bot.pki.options import Advice
from bot.pki.wording import java_phrase

__all__ = ["Finding", "Severity", "find"]

#: More findings than this help nobody.
MAX_FINDINGS = 60
#: What keeps a client from connecting although Java accepts the chain.
_BESIDE_THE_CHAIN = frozenset({"leaf_curve_unsupported"})
_ORDER: dict[Severity, int] = {"error": 0, "warning": 1, "info": 2}
_CHECKS: tuple[Callable[[Picture], Iterator[Finding]], ...] = (
    chain.check,
    names.check,
    dates.check,
    keys.check,
    usage.check,
    surroundings.check,
    trust.check,
)


def find(evidence: Evidence, advice: Advice) -> tuple[Finding, ...]:
    """The findings about the chains of ``evidence``, errors first.

    Where Java accepts every address with what ``advice`` recommends, nothing about the chain is an
    error: what would be one is a warning then.
    """
    picture = Picture(evidence, advice)
    found = [finding for check in _CHECKS for finding in check(picture)]
    accepted = advice.recommended is not None and advice.recommended.is_accepted
    if accepted:
        found = [_softened(f) for f in found]
    elif picture.views and not any(f.severity == "error" for f in found):
        found += _refusal(advice)
    found += installed.check(picture)
    distinct = dict.fromkeys(found)
    return tuple(sorted(distinct, key=lambda f: _ORDER[f.severity])[:MAX_FINDINGS])


def _softened(finding: Finding) -> Finding:
    if finding.severity == "error" and finding.code not in _BESIDE_THE_CHAIN:
        return replace(finding, severity="warning")
    return finding


def _refusal(advice: Advice) -> Iterator[Finding]:
    """Java's own words, where no check has explained them."""
    for option in advice.options[:1]:
        message = option.predictions[LATEST_JDK].message or ""
        yield Finding(
            "java_refuses",
            "error",
            f"Java {LATEST_JDK} refuses the server whatever is installed: {java_phrase(message)}.",
            "Have the server's certificate issued again.",
            "sun.security.validator.PKIXValidator",
        )
