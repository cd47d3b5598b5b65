"""What an address presented: the data that the probe gives to the analysis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal, TypeAlias

from bot.records import record

Severity: TypeAlias = Literal["error", "warning", "info"]


@record
class TlsSession:
    """What was negotiated. ``version`` as ``TLSv1.2``, ``cipher`` by its IANA name, ``group`` of
    the key exchange by its IANA name (``None`` for static RSA, and when it was not seen)."""

    version: str
    cipher: str
    group: str | None = None


@record
class ClientCertificate:
    """The server asked for a client certificate.

    ``required``: ``True`` when the server ended the handshake without one, ``False`` when it went
    on, ``None`` when it did not say. ``authorities`` are the CA names it accepts, as RFC 4514 text
    made visible; empty when it names none.
    """

    required: bool | None
    authorities: tuple[str, ...] = ()


@record
class ProbeFinding:
    """One thing that a person should know about how the server was reached.

    ``code`` is stable, ``message`` and ``remedy`` are sentences, ``source`` is the RFC or JDK class
    that says so, ``java`` the phrase of the message that a Java client would show (``None``: none).
    """

    code: str
    severity: Severity
    message: str
    remedy: str
    source: str
    java: str | None = None


@record
class Presented:
    """What one address of a target presented.

    ``address`` is the IP address, empty when the host could not be resolved. ``chain`` holds the
    certificates in DER as the server sent them, order and duplicates kept, also when the handshake
    failed afterwards. ``error`` says why there is no chain, or why the handshake ended after it.
    ``timings_ms`` has the phases ``resolve``, ``connect``, ``prelude`` and ``handshake``, as far as
    they were reached.
    """

    address: str
    port: int
    tls: TlsSession | None = None
    chain: tuple[bytes, ...] = ()
    client_certificate: ClientCertificate | None = None
    findings: tuple[ProbeFinding, ...] = ()
    error: ProbeFinding | None = None
    timings_ms: Mapping[str, float] = field(default_factory=dict)


@record
class Limits:
    """Bounds for what one address may cost: seconds per phase and in total, bytes and counts.

    Java refuses chains of more than 10 certificates and handshake messages of more than 32,768
    bytes; the bounds here are wider, so that such a chain is seen and explained.
    """

    connect_seconds: float = 10.0
    prelude_seconds: float = 10.0
    handshake_seconds: float = 10.0
    total_seconds: float = 30.0
    max_prelude_bytes: int = 64 * 1024
    max_handshake_bytes: int = 512 * 1024
    max_certificates: int = 100
    max_certificate_bytes: int = 128 * 1024
    max_authorities: int = 200


@record
class ConnectTo:
    """Where to connect in place of the target's own addresses; ``port`` ``None`` is the target's.
    The name, SNI and everything else stay the target's."""

    host: str
    port: int | None = None
