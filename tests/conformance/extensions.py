"""Values of the X.509 extensions, each encoded as its OCTET STRING holds it (RFC 5280 section 4.2)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from tests.conformance.der_builder import (
    TRUE,
    Rdns,
    context,
    enumerated_bits,
    generalized_time,
    integer,
    name,
    oid,
    seq,
    string,
    tlv,
)

SUBJECT_KEY_IDENTIFIER = "2.5.29.14"
KEY_USAGE = "2.5.29.15"
PRIVATE_KEY_USAGE_PERIOD = "2.5.29.16"
SUBJECT_ALT_NAME = "2.5.29.17"
ISSUER_ALT_NAME = "2.5.29.18"
BASIC_CONSTRAINTS = "2.5.29.19"
NAME_CONSTRAINTS = "2.5.29.30"
CRL_DISTRIBUTION_POINTS = "2.5.29.31"
CERTIFICATE_POLICIES = "2.5.29.32"
POLICY_MAPPINGS = "2.5.29.33"
AUTHORITY_KEY_IDENTIFIER = "2.5.29.35"
POLICY_CONSTRAINTS = "2.5.29.36"
EXTENDED_KEY_USAGE = "2.5.29.37"
FRESHEST_CRL = "2.5.29.46"
INHIBIT_ANY_POLICY = "2.5.29.54"
AUTHORITY_INFO_ACCESS = "1.3.6.1.5.5.7.1.1"
SUBJECT_INFO_ACCESS = "1.3.6.1.5.5.7.1.11"
TLS_FEATURE = "1.3.6.1.5.5.7.1.24"
OCSP_NO_CHECK = "1.3.6.1.5.5.7.48.1.5"
NETSCAPE_CERT_TYPE = "2.16.840.1.113730.1.1"
NETSCAPE_COMMENT = "2.16.840.1.113730.1.13"
MS_TEMPLATE = "1.3.6.1.4.1.311.21.7"
CT_POISON = "1.3.6.1.4.1.11129.2.4.3"

SERVER_AUTH = "1.3.6.1.5.5.7.3.1"
CLIENT_AUTH = "1.3.6.1.5.5.7.3.2"
CODE_SIGNING = "1.3.6.1.5.5.7.3.3"
OCSP_SIGNING = "1.3.6.1.5.5.7.3.9"
ANY_USAGE = "2.5.29.37.0"
MS_SGC = "1.3.6.1.4.1.311.10.3.3"
NETSCAPE_SGC = "2.16.840.1.113730.4.1"

ANY_POLICY = "2.5.29.32.0"
CA_ISSUERS = "1.3.6.1.5.5.7.48.2"
OCSP = "1.3.6.1.5.5.7.48.1"

DIGITAL_SIGNATURE, NON_REPUDIATION, KEY_ENCIPHERMENT, DATA_ENCIPHERMENT = 0, 1, 2, 3
KEY_AGREEMENT, KEY_CERT_SIGN, CRL_SIGN, ENCIPHER_ONLY, DECIPHER_ONLY = 4, 5, 6, 7, 8

GeneralKind = Literal["other", "email", "dns", "x400", "dir", "edi", "uri", "ip", "rid"]
_GENERAL_TAGS: dict[GeneralKind, int] = {
    "other": 0,
    "email": 1,
    "dns": 2,
    "x400": 3,
    "dir": 4,
    "edi": 5,
    "uri": 6,
    "ip": 7,
    "rid": 8,
}


@dataclass(frozen=True, slots=True)
class General:
    """One GeneralName.

    ``value`` is text (``ip``: an address, ``address/prefix`` in constraints, or hex after ``#``;
    ``other``: the UTF-8 text of a Microsoft UPN), or the Rdns of a ``dir``.
    """

    kind: GeneralKind
    value: str | Rdns

    def der(self) -> bytes:
        """GeneralName."""
        tag = _GENERAL_TAGS[self.kind]
        match self.kind, self.value:
            case "dir", tuple() as rdns:
                return context(tag, name(rdns))
            case "other", str() as text:
                upn = oid("1.3.6.1.4.1.311.20.2.3")
                return context(tag, upn, context(0, string("utf8", text)))
            case "ip", str() as text:
                return context(tag, _address(text), constructed=False)
            case "rid", str() as text:
                return tlv(0x80 | tag, oid(text)[2:])
            case "x400" | "edi", str() as text:
                return context(tag, seq(string("utf8", text)))
            case _, str() as text:
                return context(tag, text.encode(), constructed=False)
        raise ValueError(f"{self.kind} does not go with {self.value!r}")

    def __str__(self) -> str:
        return f"{self.kind}:{self.value if isinstance(self.value, str) else 'name'}"


def _address(text: str) -> bytes:
    if text.startswith("#"):
        return bytes.fromhex(text[1:])
    if "/" in text:
        network = ipaddress.ip_network(text)
        return network.network_address.packed + network.netmask.packed
    return ipaddress.ip_address(text).packed


def basic_constraints(ca: bool, path_len: int | None = None, *, write_false: bool = False) -> bytes:
    """BasicConstraints; ``write_false`` writes the default that DER leaves out."""
    flag = TRUE if ca else b"\x01\x01\x00" if write_false else b""
    return seq(flag, b"" if path_len is None else integer(path_len))


def key_usage(bits: Iterable[int]) -> bytes:
    """KeyUsage."""
    return enumerated_bits(*bits)


def extended_key_usage(usages: Iterable[str]) -> bytes:
    """ExtKeyUsageSyntax."""
    return seq(*(oid(usage) for usage in usages))


def general_names(names: Iterable[General]) -> bytes:
    """GeneralNames, as in a SAN."""
    return seq(*(general.der() for general in names))


def name_constraints(permitted: Sequence[General], excluded: Sequence[General]) -> bytes:
    """NameConstraints; an empty list is left out."""
    parts = [
        context(tag, *(seq(general.der()) for general in names))
        for tag, names in enumerate((permitted, excluded))
        if names
    ]
    return seq(*parts)


def authority_key_identifier(
    key: bytes | None, issuer: bytes | None = None, serial: int | None = None
) -> bytes:
    """AuthorityKeyIdentifier; *issuer* is an encoded Name."""
    return seq(
        b"" if key is None else context(0, key, constructed=False),
        b"" if issuer is None else context(1, context(4, issuer)),
        b"" if serial is None else tlv(0x82, integer(serial)[2:]),
    )


def certificate_policies(policies: Iterable[str], *, qualified: bool = False) -> bytes:
    """CertificatePolicies, each with a CPS qualifier if *qualified*."""
    cps = seq(seq(oid("1.3.6.1.5.5.7.2.1"), string("ia5", "http://cps.example/")))
    return seq(*(seq(oid(policy), cps if qualified else b"") for policy in policies))


def policy_mappings(pairs: Iterable[tuple[str, str]]) -> bytes:
    """PolicyMappings."""
    return seq(*(seq(oid(ours), oid(theirs)) for ours, theirs in pairs))


def policy_constraints(require_explicit: int | None, inhibit_mapping: int | None) -> bytes:
    """PolicyConstraints."""
    return seq(
        *(
            tlv(0x80 | tag, integer(skip)[2:])
            for tag, skip in enumerate((require_explicit, inhibit_mapping))
            if skip is not None
        )
    )


def private_key_usage_period(start: datetime | None, end: datetime | None) -> bytes:
    """PrivateKeyUsagePeriod."""
    return seq(
        *(
            tlv(0x80 | tag, generalized_time(moment)[2:])
            for tag, moment in enumerate((start, end))
            if moment is not None
        )
    )


def information_access(method: str, url: str) -> bytes:
    """AuthorityInfoAccessSyntax with one entry."""
    return seq(seq(oid(method), General("uri", url).der()))


def distribution_points(url: str) -> bytes:
    """CRLDistributionPoints with one entry."""
    return seq(seq(context(0, context(0, General("uri", url).der()))))


def netscape_cert_type(bits: Iterable[int]) -> bytes:
    """Netscape certificate type: bit 0 SSL client, 1 SSL server, 5 SSL CA."""
    return enumerated_bits(*bits)
