"""The report on one target: data alone, rendered elsewhere, and the ``--json`` output as it stands.

The classes are plain frozen dataclasses, because a report must not cost the import of a validation
library; ``json_schema`` and whoever reads a report back use pydantic on these same classes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import cache
from operator import attrgetter
from typing import Any, ClassVar, Final, Literal, TypeAlias

from bot.records import record

Verdict: TypeAlias = Literal["validated", "unproven", "not_found", "unreachable", "refused"]
Severity: TypeAlias = Literal["error", "warning", "info"]
OptionKind: TypeAlias = Literal["root", "intermediate", "server"]
Timings: TypeAlias = Mapping[str, float]
PathEnd: TypeAlias = Literal["root", "missing", "circle", "limit"]

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


class _Model:
    """What pydantic is told when it makes a schema of these classes."""

    __slots__ = ()
    __pydantic_config__: ClassVar[dict[str, Any]] = {"use_attribute_docstrings": True}


@record
class Target(_Model):
    """The server that was asked for."""

    input: str
    """What was typed, without passwords."""
    host: str | None
    """The name that Java connects to: lower-case A-labels, or an IP address without brackets. null
    where the input names no server."""
    unicode_host: str | None
    """The same with the letters of an internationalised name."""
    port: int | None
    """The port that the report is about."""
    protocol: str | None
    """How TLS begins there: `tls` at once, else the protocol whose prelude comes first."""
    connect: str | None
    """Where the connection went in place of the host's own addresses; null: nowhere else."""


@record
class Source(_Model):
    """Where a certificate came from."""

    kind: Literal["served", "aia", "public", "company", "upload"]
    """`served` by an address, downloaded from an `aia` URL, held by `public` root programmes, found
    in the `company` folder, or an `upload`."""
    detail: str
    """Which address, URL, programme or file."""


@record
class CertificateSummary(_Model):
    """A certificate in few words."""

    subject: str | None
    """The subject as RFC 4514 text; null where the certificate cannot be read, as are the next
    four."""
    issuer: str | None
    """The issuer as RFC 4514 text."""
    not_before: str | None
    """When it begins to be valid, ISO 8601 in UTC."""
    not_after: str | None
    """When it expires, ISO 8601 in UTC."""
    days_left: int | None
    """Whole days until it expires, negative once it has."""
    sha256: str
    """The fingerprint: SHA-256 of the DER in lower-case hexadecimal."""


@record
class Certificate(_Model):
    """A certificate that could be installed."""

    subject: str
    """The subject as RFC 4514 text; control characters are escaped."""
    issuer: str
    """The issuer as RFC 4514 text."""
    serial: str
    """The serial number in lower-case hexadecimal."""
    sha256: str
    """The fingerprint: SHA-256 of the DER in lower-case hexadecimal."""
    not_before: str
    """When it begins to be valid, ISO 8601 in UTC."""
    not_after: str
    """When it expires, ISO 8601 in UTC."""
    days_left: int
    """Whole days until it expires, negative once it has."""
    key: str
    """The public key's algorithm and size or curve, as `RSA 2048`."""
    signature_algorithm: str
    """Java's name of the algorithm that signed it, as `SHA256withRSA`."""
    source: str
    """Where it came from, the best source: its kind, a colon and the detail."""
    sources: tuple[Source, ...]
    """Every place that it came from."""
    pem: str
    """The certificate as PEM that Java reads."""


@record
class Prediction(_Model):
    """What one Java version decides."""

    accepted: bool
    """Whether it accepts the server at every address that was probed."""
    message: str | None
    """The phrases of its exceptions; null where it accepts."""


@record
class Option(_Model):
    """A set of certificates that could be installed, and what comes of it."""

    option: OptionKind
    """`root` (recommended), `intermediate`, or `server` (a fallback, not for production)."""
    certificates: tuple[Certificate, ...]
    """What to install: exactly these, together."""
    predictions: Mapping[str, Prediction]
    """By Java version (11, 17, 21, 25): the worst over all addresses."""
    proven: bool
    """Whether somebody vouches for it: a root programme, or the company."""
    reason: str
    """Why, or why not."""
    warnings: tuple[str, ...]
    """What to know before installing it."""


@record
class MissingIssuer(_Model):
    """A certificate that nobody supplied and that somebody must be asked for."""

    subject: str
    """Its name, as RFC 4514 text."""
    key_identifier: str | None
    """Its key identifier, in upper-case hexadecimal with colons; null: not stated."""
    serial: str | None
    """Its serial number in lower-case hexadecimal; null: not stated."""
    wanted_by: CertificateSummary
    """The certificate that it issued: the last one that there is."""
    urls: tuple[str, ...]
    """Where that certificate says that it can be had."""
    addresses: tuple[str, ...]
    """The addresses that need it."""


@record
class Tls(_Model):
    """What was negotiated."""

    version: str
    """As `TLSv1.3`."""
    cipher: str
    """The cipher suite by its IANA name."""
    group: str | None
    """The key exchange's group by its IANA name; null for static RSA, and where it was not seen."""


@record
class ClientCertificate(_Model):
    """The server asked for a client certificate."""

    required: bool | None
    """Whether it ended the handshake without one; null where it did not say."""
    authorities: tuple[str, ...]
    """The CAs that it accepts; empty where it names none."""


@record
class Finding(_Model):
    """One thing that a person must know."""

    code: str
    """A stable name for programs."""
    severity: Severity
    """An `error` keeps a Java client from connecting, a `warning` will or may do so or is a risk,
    an `info` explains."""
    message: str
    """What is so, in one sentence."""
    remedy: str
    """What to do; empty: nothing."""
    source: str
    """The RFC section, JDK class or the like that says so."""
    java: str | None
    """The phrase of the message that a Java client would show; null: none, or not known."""
    addresses: tuple[str, ...]
    """The addresses that it is about; empty: all of them."""


@record
class Presented(_Model):
    """What one address presented."""

    address: str
    """The IP address, empty where the host could not be resolved; the name of the file where the
    chain was read from one."""
    port: int
    """The port."""
    tls: Tls | None
    """What was negotiated; null where it did not come to that."""
    chain: tuple[str, ...]
    """The certificates as PEM, as the server sent them: order and duplicates kept."""
    certificates: tuple[CertificateSummary, ...]
    """The same certificates in few words."""
    client_certificate: ClientCertificate | None
    """null where none was asked for."""
    error: Finding | None
    """Why there is no chain, or why the handshake ended after it."""


@record
class Path(_Model):
    """A path from a leaf towards a possible trust anchor, each certificate signed by the next."""

    certificates: tuple[CertificateSummary, ...]
    """From the leaf on."""
    end: PathEnd
    """Where it ends: at a self-signed `root`; where the next issuer is `missing`; in a `circle`; at
    the `limit` of its length."""


@record
class Report(_Model):
    """Which certificate to request for one server, and what else is to know about it."""

    target: Target
    """The server that was asked for."""
    verdict: Verdict
    """`validated`: a certificate to request was found, Java will accept the server with it, and
    somebody vouches for it. `unproven`: Java would accept, but nobody vouches for the root.
    `not_found`: there is a chain, and nothing to recommend. `unreachable`: there is no chain.
    `refused`: the input names no server, or the server may not be contacted from here."""
    summary: str
    """The verdict in a sentence or two: what to do."""
    at: str
    """The time for which the report holds, ISO 8601 in UTC."""
    recommended: Option | None
    """What to request; one of the options. null: nothing."""
    options: tuple[Option, ...]
    """The best root, intermediate and server certificate that there are, in this order, accepted or
    not."""
    other_roots: tuple[Option, ...]
    """Roots that would do as well."""
    installed: Mapping[str, Prediction] | None
    """What comes of the certificates that are installed today, by Java version; null: nobody said which
    these are."""
    missing: MissingIssuer | None
    """The issuer that nobody supplied; null where a root is known."""
    request_text: str | None
    """A ready message to whoever can supply the certificate or mend the server; null: nothing is to
    be asked."""
    command: str | None
    """What to run on a machine that reaches the server; null where it was reached from here."""
    presented: tuple[Presented, ...]
    """What each address presented."""
    paths: tuple[Path, ...]
    """The paths that lead from the leaf towards possible trust anchors, the best ones first."""
    findings: tuple[Finding, ...]
    """What a person must know, the most severe first."""
    timings_ms: Timings
    """How long each phase took, in milliseconds: `resolve`, `connect`, `prelude` and `handshake` of
    the slowest address, `issuers` (completing the chain), `analysis`, and `total`."""

    def to_json(self, *, indent: int | None = None) -> str:
        """The report as JSON in ASCII, on one line without ``indent``."""
        return json.dumps(self, indent=indent, default=_plain)


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) that every report conforms to."""
    # Only this needs pydantic, which takes as long to import as a check takes.
    from pydantic import TypeAdapter

    schema = TypeAdapter(Report).json_schema(mode="serialization")
    return {"$schema": _DIALECT, **schema}


def _plain(value: object) -> dict[str, object]:
    """What JSON has no notion of itself: our models, and mappings that are no dict."""
    if isinstance(value, _Model):
        model: Any = type(value)
        names, values = _reader(model)
        return dict(zip(names, values(value), strict=True))
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is no part of a report")


@cache
def _reader(model: Any) -> tuple[tuple[str, ...], Callable[[object], tuple[object, ...]]]:
    """The names of a model's fields, of which each has several, and what gives their values."""
    names = tuple(field.name for field in fields(model))
    return names, attrgetter(*names)
