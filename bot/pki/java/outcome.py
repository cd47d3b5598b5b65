"""What the parts of the Java judge hand to each other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.pki.certificate import Certificate
from bot.pki.extensions import GeneralName
from bot.pki.java.algorithms import IsJdkRoot
from bot.pki.java.distrust import is_blocked
from bot.pki.java.rejection import PathInvalid


@dataclass(frozen=True, slots=True)
class Situation:
    """The Java client: what is installed, its clock, its version and its own roots."""

    anchors: tuple[Certificate, ...]
    at: datetime
    jdk: int
    is_jdk_root: IsJdkRoot

    def check_blocked(self, certificate: Certificate) -> None:
        """``UntrustedChecker``. Raises PathInvalid."""
        if is_blocked(certificate):
            raise PathInvalid(f"Untrusted certificate: {certificate.subject.text}")


@dataclass(frozen=True, slots=True)
class ValidPath:
    """A path that Java accepts: from the leaf to the anchor, both included. ``added_names`` are
    those that its name constraints appended to the leaf's SAN."""

    certificates: tuple[Certificate, ...]
    added_names: tuple[GeneralName, ...] = ()
