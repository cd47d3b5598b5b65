"""What a finding is."""

from __future__ import annotations

from typing import Literal, TypeAlias

from bot.records import record

Severity: TypeAlias = Literal["error", "warning", "info"]


@record
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
