"""What a person must know about a chain."""

from __future__ import annotations

from bot.pki.findings.finding import Finding, Severity

__all__ = ["Finding", "Severity"]
