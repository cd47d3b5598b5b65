"""The table of causes: every error text that is known, from the most specific to the least."""

from __future__ import annotations

from typing import Final

from bot.pki.causes.cause import Cause, Question
from bot.pki.causes.certificates import CERTIFICATE_CAUSES
from bot.pki.causes.connections import CONNECTION_CAUSES
from bot.pki.causes.files import FILE_CAUSES
from bot.pki.causes.general import GENERAL_CAUSES
from bot.pki.causes.trust import TRUST_CAUSES

__all__ = ["CAUSES", "Cause", "Question"]

CAUSES: Final[tuple[Cause, ...]] = (
    *TRUST_CAUSES,
    *CERTIFICATE_CAUSES,
    *CONNECTION_CAUSES,
    *FILE_CAUSES,
    *GENERAL_CAUSES,
)
