"""What the parts of the Java judge hand to each other."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime

from bot.pki.certificate import Certificate
from bot.pki.extensions import GeneralName
from bot.pki.java.algorithms import IsJdkRoot
from bot.pki.java.distrust import is_blocked
from bot.pki.java.rejection import PathInvalid
from bot.pki.java.releases import Jdk
from bot.records import record


@record
class Situation:
    """The Java client: what is installed, its clock, its version and its own roots.

    ``added_names`` are those that name constraints have appended to the leaf's SAN so far: they
    stay in Java's object, whatever becomes of the path that was tried.
    """

    anchors: tuple[Certificate, ...]
    at: datetime
    jdk: Jdk
    is_jdk_root: IsJdkRoot
    added_names: list[GeneralName] = field(default_factory=list)

    def check_blocked(self, certificate: Certificate) -> None:
        """``UntrustedChecker``. Raises PathInvalid."""
        if is_blocked(certificate):
            raise PathInvalid(f"Untrusted certificate: {certificate.subject.text}")


#: A path that Java accepts: from the leaf to the anchor, both included.
ValidPath = tuple[Certificate, ...]
