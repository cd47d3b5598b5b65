"""The estate's certificates: two companies and a cloud provider, made afresh at each start."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import (
    AuthorityInformationAccessOID,
    ExtendedKeyUsageOID,
    NameOID,
)

_ROOT_DAYS = 15 * 365
_INTERMEDIATE_DAYS = 6 * 365
_LEAF_DAYS = 300


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate and its private key. ``where``: the URL at which others may download it, which
    certificates that it issues name in their AIA; empty for none."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    where: str = ""

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def authority(self, name: str, organisation: str, download_folder: str = "") -> Issued:
        """An intermediate CA that this one has issued; to be downloaded from below
        ``download_folder`` if one is given."""
        return _issue(_name(name, organisation), self, download_folder, days=_INTERMEDIATE_DAYS)

    def server(
        self,
        host: str,
        organisation: str,
        *,
        also: Sequence[str] = (),
        starts_in_days: int = -20,
        days: int = _LEAF_DAYS,
    ) -> Issued:
        """A server certificate for ``host`` (its CN and first SAN) and the names ``also``, valid
        from ``starts_in_days`` for ``days`` days."""
        return _issue(
            _name(host, organisation),
            self,
            names=(host, *also),
            starts_in_days=starts_in_days,
            days=days,
        )


def root(name: str, organisation: str) -> Issued:
    """A self-signed root CA."""
    return _issue(_name(name, organisation), None, days=_ROOT_DAYS, starts_in_days=-1000)


def self_signed(host: str, organisation: str) -> Issued:
    """A server certificate that nobody but the server itself has issued."""
    return _issue(_name(host, organisation), None, names=(host,), days=_LEAF_DAYS)


def _issue(
    subject: x509.Name,
    issuer: Issued | None,
    download_folder: str = "",
    *,
    names: Sequence[str] = (),
    starts_in_days: int = -20,
    days: int,
) -> Issued:
    """A certificate: a server's if it has ``names``, else a CA's."""
    key = ec.generate_private_key(ec.SECP256R1())
    signing_key = issuer.key if issuer else key
    start = datetime.datetime.now(datetime.UTC).replace(microsecond=0) + datetime.timedelta(
        days=starts_in_days
    )
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=days))
        .add_extension(identifier, critical=False)
        .add_extension(x509.BasicConstraints(ca=not names, path_length=None), critical=True)
        .add_extension(_key_usage(is_authority=not names), critical=True)
    )
    if issuer is not None:
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key())
        builder = builder.add_extension(authority, critical=False)
    if names:
        sans = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        builder = builder.add_extension(sans, critical=False).add_extension(purpose, critical=False)
    if issuer is not None and issuer.where:
        builder = builder.add_extension(_access(issuer.where), critical=False)
    # The URL differs at each start, so what a client has kept from the last start is not used.
    where = f"{download_folder}{identifier.digest.hex()[:12]}.crt" if download_folder else ""
    return Issued(builder.sign(signing_key, hashes.SHA256()), key, where)


def _access(url: str) -> x509.AuthorityInformationAccess:
    location = x509.UniformResourceIdentifier(url)
    return x509.AuthorityInformationAccess(
        [x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, location)]
    )


def _key_usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str, organisation: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )
