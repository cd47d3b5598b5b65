"""How Java says no."""

from __future__ import annotations

from datetime import UTC, datetime

VALIDATION_FAILED = "PKIX path validation failed: "
BUILDING_FAILED = (
    "PKIX path building failed: sun.security.provider.certpath.SunCertPathBuilderException: "
    "unable to find valid certification path to requested target"
)


class Rejected(Exception):
    """Java rejects. ``message`` is what its exceptions say, ``cause`` what the nested one adds."""

    def __init__(self, message: str, cause: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.cause = cause

    def __str__(self) -> str:
        return f"{self.message}; caused by: {self.cause}" if self.cause else self.message


class PathInvalid(Rejected):
    """One certificate of a path fails a check (``java.security.cert.CertPathValidatorException``)."""


class Breakdown(Rejected):
    """A ``RuntimeException`` leaves the trust manager: no other anchor and no other path is tried."""


def java_date(moment: datetime) -> str:
    """A time as ``java.util.Date.toString`` prints it in UTC."""
    return moment.astimezone(UTC).strftime("%a %b %d %H:%M:%S UTC %Y")
