"""The question put to Java and to us, and Java's answer, with their JSON forms."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, Self

Protocol = Literal["https", "ldaps"]

_BEGIN = "-----BEGIN CERTIFICATE-----"
_END = "-----END CERTIFICATE-----"


def pem(der: bytes) -> str:
    """The PEM form of *der*, whatever it holds."""
    return f"{_BEGIN}\n{base64.encodebytes(der).decode()}{_END}\n"


def der_of(text: str) -> bytes:
    """The bytes of the first PEM block in *text*; raises ValueError without one."""
    body = text.split(_BEGIN, 1)[1].split(_END, 1)[0] if _BEGIN in text else ""
    if not body.strip():
        raise ValueError("no CERTIFICATE block")
    return base64.b64decode("".join(body.split()), validate=True)


@dataclass(frozen=True, slots=True)
class Record:
    """One question: would a Java client accept this server?

    ``chain`` is what the server sends, leaf first; ``installed`` what the truststore holds; both DER.
    ``host`` None leaves the name unchecked. ``at`` None means now. ``notes`` says what the generator
    did, for the reader of a disagreement.
    """

    id: str
    chain: tuple[bytes, ...]
    installed: tuple[bytes, ...]
    host: str | None
    protocol: Protocol = "https"
    at: datetime | None = None
    notes: tuple[str, ...] = field(default=(), compare=False)

    def to_json(self) -> dict[str, Any]:
        """The record as ``whichroot predict`` reads it, with ``notes`` besides."""
        return {
            "id": self.id,
            "chain": [pem(der) for der in self.chain],
            "installed": [pem(der) for der in self.installed],
            "host": self.host,
            "protocol": self.protocol,
            "at": self.at.isoformat() if self.at else None,
            "notes": list(self.notes),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """The inverse of :meth:`to_json`; a naive time counts as UTC."""
        at = datetime.fromisoformat(data["at"]) if data.get("at") else None
        return cls(
            id=data["id"],
            chain=tuple(der_of(text) for text in data["chain"]),
            installed=tuple(der_of(text) for text in data["installed"]),
            host=data.get("host"),
            protocol=data.get("protocol") or "https",
            at=at.replace(tzinfo=UTC) if at and at.tzinfo is None else at,
            notes=tuple(data.get("notes") or ()),
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """Java's answer.

    ``accepted``/``message`` with the name check (``full``), ``path_accepted``/``path_message``
    without. A message is the exception and its causes, outermost first, each as
    ``SimpleClassName: message``, joined by `` <- ``. ``refused`` names the certificate that Java's
    ``CertificateFactory`` did not read (``installed[0]``), and the message is the factory's.
    """

    id: str
    accepted: bool
    message: str | None
    path_accepted: bool
    path_message: str | None
    refused: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The verdict as a line of the oracle's output."""
        return {
            "id": self.id,
            "accepted": self.accepted,
            "message": self.message,
            "path": {"accepted": self.path_accepted, "message": self.path_message},
            "refused": self.refused,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """The inverse of :meth:`to_json`."""
        return cls(
            id=data["id"],
            accepted=data["accepted"],
            message=data["message"],
            path_accepted=data["path"]["accepted"],
            path_message=data["path"]["message"],
            refused=data["refused"],
        )
