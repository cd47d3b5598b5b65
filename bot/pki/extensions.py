"""The X.509 extensions that decide anything (RFC 5280 §4.2), decoded as Java decodes them.

Every ``parse_…`` function takes the octets inside the extension's OCTET STRING and raises DerError
where the JDK's class of the same name (``sun.security.x509.*Extension``) raises IOException.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

from bot.pki import der
from bot.pki.names import Name
from bot.pki.uris import is_uri_constraint, is_uri_name
from bot.records import record
from bot.text import visible

SUBJECT_KEY_IDENTIFIER = "2.5.29.14"
KEY_USAGE = "2.5.29.15"
SUBJECT_ALTERNATIVE_NAME = "2.5.29.17"
BASIC_CONSTRAINTS = "2.5.29.19"
NAME_CONSTRAINTS = "2.5.29.30"
CERTIFICATE_POLICIES = "2.5.29.32"
POLICY_MAPPINGS = "2.5.29.33"
AUTHORITY_KEY_IDENTIFIER = "2.5.29.35"
POLICY_CONSTRAINTS = "2.5.29.36"
EXTENDED_KEY_USAGE = "2.5.29.37"
INHIBIT_ANY_POLICY = "2.5.29.54"
AUTHORITY_INFORMATION_ACCESS = "1.3.6.1.5.5.7.1.1"
NETSCAPE_CERT_TYPE = "2.16.840.1.113730.1.1"

ANY_EXTENDED_KEY_USAGE = "2.5.29.37.0"
SERVER_AUTH = "1.3.6.1.5.5.7.3.1"
CLIENT_AUTH = "1.3.6.1.5.5.7.3.2"
CA_ISSUERS = "1.3.6.1.5.5.7.48.2"

T = TypeVar("T")

#: What is this long in octets, or shorter, is parsed once.
_SHORT = 256

#: Bit numbers of KeyUsage (RFC 5280 §4.2.1.3).
DIGITAL_SIGNATURE, KEY_ENCIPHERMENT, KEY_AGREEMENT, KEY_CERT_SIGN = 0, 2, 4, 5

#: Tag numbers of GeneralName (RFC 5280 §4.2.1.6).
OTHER_NAME, EMAIL, DNS, X400, DIRECTORY, EDI, URI, IP, REGISTERED_ID = range(9)


@record
class Extension:
    """One extension as encoded: ``value`` is what the OCTET STRING holds."""

    oid: str
    critical: bool
    value: bytes


@record
class BasicConstraints:
    """``path_length`` is None where there is no limit; it means nothing where ``ca`` is false."""

    ca: bool
    path_length: int | None


@record
class GeneralName:
    """``kind`` is the tag number of RFC 5280's GeneralName; ``content`` the octets inside."""

    kind: int
    content: bytes

    @property
    def text(self) -> str:
        """The name as sent, not escaped; addresses in their usual form."""
        if self.kind in (EMAIL, DNS, URI):
            return self.content.decode("latin-1")
        if self.kind == IP and len(self.content) in (4, 16):
            return str(ipaddress.ip_address(self.content))
        if self.kind == IP and len(self.content) in (8, 32):
            half = len(self.content) // 2
            return f"{ipaddress.ip_address(self.content[:half])}/{ipaddress.ip_address(self.content[half:])}"
        if self.kind == DIRECTORY:
            return self.directory.text
        return "#" + self.content.hex()

    @property
    def directory(self) -> Name:
        """The X.500 name that a directoryName holds. Raises DerError when malformed."""
        return Name.from_der(self.content)

    def __str__(self) -> str:
        return visible(self.text)


@record
class Subtree:
    """A name-constraints subtree; the bounds are as encoded (RFC 5280 wants 0 and absent)."""

    base: GeneralName
    minimum: int
    maximum: int | None


@record
class NameConstraints:
    """None where the list is absent, which differs from an empty list."""

    permitted: tuple[Subtree, ...] | None
    excluded: tuple[Subtree, ...] | None


@record
class AuthorityKeyIdentifier:
    key_identifier: bytes | None
    issuer: tuple[GeneralName, ...] | None
    serial: int | None


@record
class Policy:
    oid: str
    has_qualifiers: bool


@record
class PolicyConstraints:
    """Numbers of certificates; None where the field is absent."""

    require_explicit: int | None
    inhibit_mapping: int | None


def _kept(parse: Callable[[bytes], T]) -> Callable[[bytes], T]:
    """Remembers what ``parse`` made of short values: most certificates have the same few."""
    remembered = lru_cache(maxsize=256)(parse)

    @wraps(parse)
    def parse_once(value: bytes) -> T:
        return remembered(value) if len(value) <= _SHORT else parse(value)

    return parse_once


@_kept
def parse_extension(data: bytes) -> Extension:
    """One Extension (a SEQUENCE of OID, optional BOOLEAN, OCTET STRING) taken apart."""
    parts = der.children(der.content(data, der.SEQUENCE))
    if len(parts) < 2 or parts[0][0] != der.OID:
        raise der.DerError("a malformed extension")
    critical = False
    value = parts[1]
    if value[0] == der.BOOLEAN:
        critical = der.boolean(value[1])
        if len(parts) < 3:
            raise der.DerError("an extension without a value")
        value = parts[2]
    if value[0] != der.OCTET_STRING:
        raise der.DerError("an extension whose value is not an OCTET STRING")
    return Extension(der.oid(parts[0][1]), critical, value[1])


@_kept
def parse_basic_constraints(value: bytes) -> BasicConstraints:
    parts = list(der.children(der.content(value, der.SEQUENCE)))
    if not parts or parts[0][0] != der.BOOLEAN:
        return BasicConstraints(ca=False, path_length=None)
    ca = der.boolean(parts[0][1])
    if len(parts) == 1:
        return BasicConstraints(ca, None)
    if parts[1][0] != der.INTEGER:
        raise der.DerError("a pathLenConstraint that is not an INTEGER")
    return BasicConstraints(ca, _int32(parts[1][1]))


@_kept
def parse_key_usage(value: bytes) -> frozenset[int]:
    """The numbers of the bits that are set."""
    octets, unused = der.bit_string(der.content(value, der.BIT_STRING))
    bits = len(octets) * 8 - unused
    return frozenset(i for i in range(bits) if octets[i >> 3] & 0x80 >> (i & 7))


@_kept
def parse_extended_key_usage(value: bytes) -> tuple[str, ...]:
    usages = []
    for tag, content in der.children(der.content(value, der.SEQUENCE)):
        if tag != der.OID:
            raise der.DerError("an extended key usage that is not an OBJECT IDENTIFIER")
        usages.append(der.oid(content))
    return tuple(usages)


@_kept
def parse_general_names(value: bytes) -> tuple[GeneralName, ...]:
    """A GeneralNames SEQUENCE, which must not be empty."""
    names = _general_names(der.content(value, der.SEQUENCE))
    if not names:
        raise der.DerError("an empty list of names")
    return names


def parse_key_identifier(value: bytes) -> bytes:
    return der.content(value, der.OCTET_STRING)


@_kept
def parse_authority_key_identifier(value: bytes) -> AuthorityKeyIdentifier:
    fields: dict[int, bytes] = {}
    for tag, content in der.children(der.content(value, der.SEQUENCE)):
        if tag not in (0x80, 0xA1, 0x82) or tag in fields:
            raise der.DerError("a malformed authority key identifier")
        fields[tag] = content
    issuer = None
    if 0xA1 in fields:
        issuer = _general_names(fields[0xA1])
        if not issuer:
            raise der.DerError("an empty list of names")
    serial = der.integer(fields[0x82]) if 0x82 in fields else None
    return AuthorityKeyIdentifier(fields.get(0x80), issuer, serial)


def parse_name_constraints(value: bytes) -> NameConstraints:
    lists: dict[int, tuple[Subtree, ...]] = {}
    for tag, content in der.children(der.content(value, der.SEQUENCE)):
        if tag not in (0xA0, 0xA1) or tag in lists:
            raise der.DerError("malformed name constraints")
        lists[tag] = tuple(_subtree(*child) for child in der.children(content))
    return NameConstraints(lists.get(0xA0), lists.get(0xA1))


@_kept
def parse_certificate_policies(value: bytes) -> tuple[Policy, ...]:
    policies = []
    for tag, content in der.children(der.content(value, der.SEQUENCE)):
        parts = list(der.children(content))
        if tag != der.SEQUENCE or not parts or parts[0][0] != der.OID:
            raise der.DerError("a malformed certificate policy")
        if len(parts) > 1 and (parts[1][0] != der.SEQUENCE or len(parts) > 2):
            raise der.DerError("malformed policy qualifiers")
        has_qualifiers = len(parts) > 1 and bool(parts[1][1])
        policies.append(Policy(der.oid(parts[0][1]), has_qualifiers))
    return tuple(policies)


def parse_policy_mappings(value: bytes) -> tuple[tuple[str, str], ...]:
    """Pairs of (issuer's policy, subject's policy)."""
    pairs = []
    for tag, content in der.children(der.content(value, der.SEQUENCE)):
        parts = list(der.children(content))
        if tag != der.SEQUENCE or [part[0] for part in parts] != [der.OID, der.OID]:
            raise der.DerError("a malformed policy mapping")
        pairs.append((der.oid(parts[0][1]), der.oid(parts[1][1])))
    return tuple(pairs)


def parse_policy_constraints(value: bytes) -> PolicyConstraints:
    fields: dict[int, int] = {}
    for tag, content in der.children(der.content(value, der.SEQUENCE)):
        if tag not in (0x80, 0x81) or tag in fields:
            raise der.DerError("malformed policy constraints")
        fields[tag] = _int32(content)
    return PolicyConstraints(fields.get(0x80), fields.get(0x81))


def parse_inhibit_any_policy(value: bytes) -> int:
    """A number of certificates, at least 0; a larger one than a Java int is the largest int."""
    skip = der.integer(der.content(value, der.INTEGER))
    if skip < 0:
        raise der.DerError("a negative number of certificates")
    return min(skip, 0x7FFFFFFF)


@_kept
def parse_information_access(value: bytes) -> tuple[tuple[str, GeneralName], ...]:
    """Pairs of (access method, location)."""
    pairs = []
    for tag, content in der.children(der.content(value, der.SEQUENCE)):
        parts = list(der.children(content))
        if tag != der.SEQUENCE or len(parts) != 2 or parts[0][0] != der.OID:
            raise der.DerError("a malformed access description")
        pairs.append((der.oid(parts[0][1]), _general_name(*parts[1])))
    return tuple(pairs)


def parse_netscape_cert_type(value: bytes) -> frozenset[int]:
    """The numbers of the bits that are set: 1 is an SSL server, 5 an SSL CA."""
    return parse_key_usage(value)


def _general_names(content: bytes) -> tuple[GeneralName, ...]:
    return tuple(_general_name(*child) for child in der.children(content))


def _general_name(tag: int, content: bytes) -> GeneralName:
    kind = tag & 0x1F
    constructed = kind in (OTHER_NAME, X400, DIRECTORY, EDI)
    if kind > REGISTERED_ID or tag != (0xA0 if constructed else 0x80) | kind:
        raise der.DerError("a malformed general name")
    name = GeneralName(kind, content)
    _CHECKS[kind](content)
    return name


def _check_email(content: bytes) -> None:
    domain = content.rpartition(b"@")[2] if b"@" not in content else content.split(b"@", 1)[1]
    if not domain or domain == b".":
        raise der.DerError("a malformed e-mail address")


def _check_ip(content: bytes) -> None:
    if len(content) not in (4, 8, 16, 32):
        raise der.DerError("an IP address of a wrong length")


def _check_other_name(content: bytes) -> None:
    parts = list(der.children(content))
    if len(parts) < 2 or parts[0][0] != der.OID or parts[1][0] != 0xA0:
        raise der.DerError("a malformed otherName")


def _check_oid(content: bytes) -> None:
    der.oid(content)


def _check_directory(content: bytes) -> None:
    Name.from_der(content)


def _check_uri(content: bytes) -> None:
    if not is_uri_name(content.decode("latin-1")):
        raise der.DerError("an invalid URI")


def _check_edi(content: bytes) -> None:
    if not has_edi_party(content):
        raise der.DerError("an EDI party name without a party")


def has_edi_party(content: bytes) -> bool:
    """Whether an EDIPartyName holds a party as the JDK looks for it: in a primitive [1]."""
    return any(tag == 0x81 for tag, _ in der.children(content))


def _check_nothing(content: bytes) -> None:
    pass


_CHECKS = {
    OTHER_NAME: _check_other_name,
    EMAIL: _check_email,
    DNS: _check_nothing,
    X400: _check_nothing,
    DIRECTORY: _check_directory,
    EDI: _check_edi,
    URI: _check_uri,
    IP: _check_ip,
    REGISTERED_ID: _check_oid,
}


def _subtree(tag: int, content: bytes) -> Subtree:
    parts = list(der.children(content))
    if tag != der.SEQUENCE or not parts:
        raise der.DerError("a malformed subtree")
    minimum, maximum = 0, None
    for bound, number in parts[1:]:
        if bound == 0x80:
            minimum = _int32(number)
        elif bound == 0x81:
            maximum = _int32(number)
        else:
            raise der.DerError("a malformed subtree")
    if parts[0][0] != 0x80 | URI:
        return Subtree(_general_name(*parts[0]), minimum, maximum)
    base = GeneralName(URI, parts[0][1])
    if not is_uri_constraint(base.text):
        raise der.DerError("an invalid URI constraint")
    return Subtree(base, minimum, maximum)


def _int32(content: bytes) -> int:
    value = der.integer(content)
    if not -0x80000000 <= value <= 0x7FFFFFFF:
        raise der.DerError("an INTEGER that is too large")
    return value
