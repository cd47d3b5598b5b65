"""One certificate, described (RFC 5280 §4.1).

The reader is our own because Java is the judge: it reads certificates that OpenSSL and
``cryptography`` refuse, and refuses some that they read (see ``bot.pki.java.parsing``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import lru_cache
from operator import mul
from typing import Literal, TypeVar

from bot.computed import cached_property
from bot.errors import FormatError
from bot.pki import der, digests, extensions
from bot.pki.extensions import (
    AuthorityKeyIdentifier,
    BasicConstraints,
    Extension,
    GeneralName,
    NameConstraints,
)
from bot.pki.keys import AlgorithmIdentifier, PublicKey, verifies
from bot.pki.names import Name
from bot.records import record

T = TypeVar("T")

#: A certificate larger than this is refused unread, in octets.
MAX_SIZE = 1 << 20

#: Certificates up to this size in octets are kept once parsed: they come again and again.
_SMALL = 1 << 13


#: Java's hash codes multiply by 31 for each octet; so many are taken at a time.
_HASHED_TOGETHER = 64
_POWERS = tuple(pow(31, exponent, 1 << 32) for exponent in range(_HASHED_TOGETHER + 1))


@record
class Source:
    """Where a certificate came from.

    ``kind``: ``served`` by an address, downloaded from an ``aia`` URL, held by ``public`` root
    programmes, put into the ``company`` folder, or an ``upload``. ``detail`` names which.
    """

    kind: Literal["served", "aia", "public", "company", "upload"]
    detail: str


@record(slots=False, eq=False)
class Certificate:
    """An X.509 certificate. Equal to another exactly when their DER is equal.

    ``version`` is 1, 2 or 3 as people count; ``inner_algorithm`` is the signature algorithm that
    the signed part names, ``outer_algorithm`` the one beside the signature; ``tbs`` the signed
    octets; ``has_extensions`` says that there is a list of extensions, which may be empty,
    ``unique_identifiers`` that it has some.
    """

    der: bytes
    version: int
    serial: int
    inner_algorithm: AlgorithmIdentifier
    outer_algorithm: AlgorithmIdentifier
    issuer: Name
    subject: Name
    not_before: datetime
    not_after: datetime
    public_key: PublicKey
    extensions: tuple[Extension, ...]
    has_extensions: bool
    tbs: bytes
    signature: bytes
    unique_identifiers: bool

    @staticmethod
    def from_der(data: bytes) -> Certificate:
        """The certificate that ``data`` encodes. Raises FormatError when it is none."""
        if len(data) > MAX_SIZE:
            raise FormatError(
                f"The certificate is {len(data):,} bytes long; more than {MAX_SIZE:,} are not read.",
                "A real certificate has a few thousand bytes: check which file this is.",
            )
        try:
            indefinite = data[1:2] == b"\x80"
            data = der.definite(data) if indefinite else bytes(data)
            return _parse_small(data) if len(data) <= _SMALL else _parse(data)
        except der.DerError as error:
            raise FormatError(
                f"These {len(data):,} bytes are not an X.509 certificate: {error}.",
                "Export the certificate again as Base64 PEM.",
            ) from None

    @cached_property
    def sha256(self) -> str:
        """The fingerprint: SHA-256 of the DER, 64 lower-case hexadecimal digits."""
        return digests.sha256(self.der)

    @cached_property
    def java_hash(self) -> int:
        """``java.security.cert.Certificate.hashCode`` as an unsigned number of 32 bits."""
        code = 1
        octets = memoryview(self.der).cast("b")
        for start in range(0, len(octets), _HASHED_TOGETHER):
            part = octets[start : start + _HASHED_TOGETHER]
            code = code * _POWERS[len(part)] + sum(map(mul, reversed(part), _POWERS))
            code &= 0xFFFFFFFF
        return code

    @property
    def fingerprint(self) -> str:
        """The fingerprint as people compare it: upper case, a colon after each octet."""
        return ":".join(self.sha256[i : i + 2].upper() for i in range(0, 64, 2))

    @property
    def signature_algorithm(self) -> str:
        """Java's name of the algorithm that signed this certificate, such as ``SHA256withRSA``."""
        return self.outer_algorithm.signature_name

    @cached_property
    def _first_extensions(self) -> dict[str, Extension]:
        return {extension.oid: extension for extension in reversed(self.extensions)}

    def extension(self, oid: str) -> Extension | None:
        """The first extension of type ``oid`` as encoded."""
        return self._first_extensions.get(oid)

    @cached_property
    def basic_constraints(self) -> BasicConstraints | None:
        return self.decoded(extensions.BASIC_CONSTRAINTS, extensions.parse_basic_constraints)

    @cached_property
    def key_usage(self) -> frozenset[int] | None:
        """The numbers of the bits that are set (``extensions.KEY_CERT_SIGN`` …), None if absent."""
        return self.decoded(extensions.KEY_USAGE, extensions.parse_key_usage)

    @cached_property
    def extended_key_usage(self) -> tuple[str, ...] | None:
        """The dotted OIDs of the purposes, None where the extension is absent."""
        return self.decoded(extensions.EXTENDED_KEY_USAGE, extensions.parse_extended_key_usage)

    @cached_property
    def subject_alternative_names(self) -> tuple[GeneralName, ...]:
        """Empty where the extension is absent or unreadable."""
        oid = extensions.SUBJECT_ALTERNATIVE_NAME
        return self.decoded(oid, extensions.parse_general_names) or ()

    @cached_property
    def name_constraints(self) -> NameConstraints | None:
        return self.decoded(extensions.NAME_CONSTRAINTS, extensions.parse_name_constraints)

    @cached_property
    def subject_key_identifier(self) -> bytes | None:
        return self.decoded(extensions.SUBJECT_KEY_IDENTIFIER, extensions.parse_key_identifier)

    @cached_property
    def authority_key(self) -> AuthorityKeyIdentifier | None:
        oid = extensions.AUTHORITY_KEY_IDENTIFIER
        return self.decoded(oid, extensions.parse_authority_key_identifier)

    @property
    def authority_key_identifier(self) -> bytes | None:
        return self.authority_key.key_identifier if self.authority_key else None

    @cached_property
    def ca_issuers(self) -> tuple[str, ...]:
        """The URLs where the issuer's certificate can be had (AIA, RFC 5280 §4.2.2.1), as sent."""
        oid = extensions.AUTHORITY_INFORMATION_ACCESS
        access = self.decoded(oid, extensions.parse_information_access) or ()
        return tuple(
            location.text
            for method, location in access
            if method == extensions.CA_ISSUERS and location.kind == extensions.URI
        )

    @property
    def dns_names(self) -> tuple[str, ...]:
        """The DNS names that the certificate is for, as sent."""
        return tuple(n.text for n in self.subject_alternative_names if n.kind == extensions.DNS)

    @property
    def ip_addresses(self) -> tuple[str, ...]:
        """The IP addresses that the certificate is for."""
        return tuple(n.text for n in self.subject_alternative_names if n.kind == extensions.IP)

    @property
    def is_ca(self) -> bool:
        """Whether it may issue certificates: CA:TRUE, or of a version that cannot say so and
        issued by itself."""
        if self.basic_constraints is not None:
            return self.basic_constraints.ca
        return self.version < 3 and self.is_self_issued

    @property
    def is_self_issued(self) -> bool:
        """Whether subject and issuer are the same name."""
        return self.subject == self.issuer

    @property
    def is_self_signed(self) -> bool:
        """Whether it is signed with its own key."""
        return self.is_self_issued and self.is_signed_by(self)

    def is_signed_by(self, issuer: Certificate) -> bool:
        """Whether ``issuer``'s key made this certificate's signature. Names are not compared."""
        return self.is_signed_with(issuer.public_key)

    def is_signed_with(self, key: PublicKey) -> bool:
        """Whether ``key`` made this certificate's signature."""
        found = self._verified.get(key)
        if found is None:
            found = verifies(key, self.outer_algorithm, self.signature, self.tbs)
            self._verified[key] = found
        return found

    @cached_property
    def _verified(self) -> dict[PublicKey, bool]:
        """The keys that the signature was verified with. Here, because whoever keeps this elsewhere
        keeps the certificate as well."""
        return {}

    def decoded(self, oid: str, parse: Callable[[bytes], T]) -> T | None:
        """What ``parse`` makes of the extension ``oid``; None where it is absent or unreadable,
        which Java takes for the same in an extension that is not critical."""
        extension = self.extension(oid)
        if extension is None:
            return None
        try:
            return parse(extension.value)
        except der.DerError:
            return None

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Certificate) and self.der == other.der)

    def __hash__(self) -> int:
        return hash(self.der)

    def __repr__(self) -> str:
        return f"<Certificate {self.subject.text!r} {self.sha256[:16]}>"


@lru_cache(maxsize=256)
def _parse_small(data: bytes) -> Certificate:
    return _parse(data)


def _fields(tbs: bytes) -> tuple[Iterator[bytes], der.DerError | None]:
    """The fields of a TBSCertificate up to the first malformed one, and what is wrong with that.

    ``X509CertInfo`` reads no further than the extensions, or than what stands in their place.
    """
    try:
        return iter(der.elements(tbs)), None
    except der.DerError as error:
        return iter(der.leading_elements(tbs)), error


def _parse(data: bytes) -> Certificate:
    outer = list(der.elements(der.content(data, der.SEQUENCE)))
    if len(outer) != 3:
        raise der.DerError("it does not have the three parts of one")
    tbs = outer[0]
    fields, malformed = _fields(der.content(tbs, der.SEQUENCE))
    try:
        field = next(fields)
        version = 1
        if field[0] == 0xA0:
            version = der.integer(der.first_content(der.content(field, 0xA0), der.INTEGER)) + 1
            field = next(fields)
        serial = der.integer(der.content(field, der.INTEGER))
        inner = AlgorithmIdentifier.from_content(der.content(next(fields), der.SEQUENCE))
        issuer = Name.from_der(next(fields))
        validity = list(der.children(der.content(next(fields), der.SEQUENCE)))
        subject = Name.from_der(next(fields))
        public_key = PublicKey.from_der(next(fields))
    except StopIteration:
        raise (malformed or der.DerError("it ends too early")) from None
    if len(validity) != 2:
        raise der.DerError("its validity does not have two dates")
    rest = list(fields)
    after_key = len(rest)
    if rest and rest[0][0] in (0x81, 0xA1):
        rest.pop(0)
    if rest and rest[0][0] in (0x82, 0xA2):
        rest.pop(0)
    unique_identifiers = len(rest) < after_key
    found: tuple[Extension, ...] = ()
    if malformed and not rest:
        raise malformed
    has_extensions = bool(rest) and rest[0][0] == 0xA3
    if has_extensions:
        sequence = der.first_content(der.content(rest[0], 0xA3), der.SEQUENCE)
        found = tuple(map(extensions.parse_extension, der.elements(sequence)))
    signature, _ = der.bit_string(der.content(outer[2], der.BIT_STRING))
    return Certificate(
        der=data,
        version=version,
        serial=serial,
        inner_algorithm=inner,
        outer_algorithm=AlgorithmIdentifier.from_content(der.content(outer[1], der.SEQUENCE)),
        issuer=issuer,
        subject=subject,
        not_before=der.time(*validity[0]),
        not_after=der.time(*validity[1]),
        public_key=public_key,
        extensions=found,
        has_extensions=has_extensions,
        tbs=tbs,
        signature=signature,
        unique_identifiers=unique_identifiers,
    )
