"""What a finding is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Severity: TypeAlias = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a person must know about a chain.

    ``code`` is stable; ``severity``: an ``error`` keeps a Java client from connecting, a
    ``warning`` will or may do so or is a risk, an ``info`` explains; ``message`` is one sentence,
    ``remedy`` says what to do (empty: nothing), ``source`` names the RFC section or JDK class that
    says so.
    """

    code: str
    severity: Severity
    message: str
    remedy: str
    source: str
