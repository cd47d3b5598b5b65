"""A small certificate authority: roots, intermediates and leaves with any extension.

    root = make_root("Example Root")
    issuing = root.intermediate("Example Issuing CA")
    leaf = issuing.leaf("www.example.test", ca_issuers=["http://aia.example.test/issuing.cer"])
    chain = [leaf.der, issuing.der]

Every maker takes the options of :func:`make`. Keys are P-256 unless a ``key`` is given, so making a
certificate costs well under a millisecond.
"""

from __future__ import annotations

import datetime
import functools
import ipaddress
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, TypedDict, Unpack

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import (
    CertificateIssuerPrivateKeyTypes,
    CertificatePublicKeyTypes,
)
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import (
    AuthorityInformationAccessOID,
    ExtendedKeyUsageOID,
    NameOID,
    ObjectIdentifier,
)

CA_KEY_USAGE = ("key_cert_sign", "crl_sign")
LEAF_KEY_USAGE = ("digital_signature", "key_encipherment")
_RSA_ALGORITHM = bytes.fromhex("300d06092a864886f70d0101")
_KEY_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


class Options(TypedDict, total=False):
    """What may differ from an ordinary certificate. Whatever is left out is as a good CA makes it.

    ``key`` the subject's key; ``names`` DNS names and IP addresses of the SAN; ``ca`` the basic
    constraints (``None``: no such extension); ``key_usage`` and ``extended_key_usage`` (``None``:
    no such extension); ``ca_issuers`` AIA URLs; ``digest`` of the signature (``weak_digest``: an
    RSA signer signs as nobody should today); ``extensions`` are added, in place of a default of the
    same OID; ``without`` are OIDs to leave out. ``signed_by`` signs in place of the issuer, whose
    name and key identifier stay.
    """

    key: CertificateIssuerPrivateKeyTypes
    names: Sequence[str]
    ca: bool | None
    path_length: int | None
    key_usage: Sequence[str] | None
    extended_key_usage: Sequence[ObjectIdentifier] | None
    ca_issuers: Sequence[str]
    not_before: datetime.datetime
    not_after: datetime.datetime
    serial: int
    digest: hashes.SHA256 | hashes.SHA384 | hashes.SHA512
    weak_digest: Literal["sha1", "md5"]
    pss: bool
    extensions: Sequence[tuple[x509.ExtensionType, bool]]
    without: Collection[ObjectIdentifier]
    signed_by: CertificateIssuerPrivateKeyTypes


@dataclass(frozen=True, slots=True, eq=False)
class Issued:
    """A certificate together with its private key."""

    certificate: x509.Certificate
    key: CertificateIssuerPrivateKeyTypes

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def intermediate(self, subject: str | x509.Name, **options: Unpack[Options]) -> Issued:
        """A CA certificate issued by this one."""
        chosen: Options = {"ca": True, **options}
        return make(subject, self, **chosen)

    def leaf(self, name: str, **options: Unpack[Options]) -> Issued:
        """A server certificate issued by this one; ``name`` is its CN and its only SAN."""
        chosen: Options = {"names": [name], **options}
        return make(name, self, **chosen)


def make_root(subject: str | x509.Name = "Example Root CA", **options: Unpack[Options]) -> Issued:
    """A self-signed CA certificate."""
    chosen: Options = {"ca": True, **options}
    return make(subject, None, **chosen)


def make(
    subject: str | x509.Name, issuer: Issued | None = None, **options: Unpack[Options]
) -> Issued:
    """A certificate for ``subject`` (a text is its CN), self-signed without an ``issuer``."""
    key = options.get("key") or new_key()
    signer = options.get("signed_by") or (issuer.key if issuer else key)
    issuer_public = issuer.certificate.public_key() if issuer else key.public_key()
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    ca = options.get("ca", False)
    subject_name = _name(subject)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject_name)
        .issuer_name(issuer.certificate.subject if issuer else subject_name)
        .public_key(key.public_key())
        .serial_number(options.get("serial") or x509.random_serial_number())
        .not_valid_before(options.get("not_before") or now - datetime.timedelta(days=1))
        .not_valid_after(
            options.get("not_after") or now + datetime.timedelta(days=3650 if ca else 90)
        )
    )
    for extension, critical in _extensions(options, key, issuer_public):
        builder = builder.add_extension(extension, critical)
    return Issued(_sign(builder, signer, options), key)


def _sign(
    builder: x509.CertificateBuilder, signer: CertificateIssuerPrivateKeyTypes, options: Options
) -> x509.Certificate:
    if isinstance(signer, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey):
        return builder.sign(signer, None)
    digest = options.get("digest") or hashes.SHA256()
    if options.get("pss"):
        pss = padding.PSS(padding.MGF1(digest), padding.PSS.DIGEST_LENGTH)
        return builder.sign(signer, digest, rsa_padding=pss)
    weak = options.get("weak_digest")
    if weak is None:
        return builder.sign(signer, digest)
    assert isinstance(signer, rsa.RSAPrivateKey), "weak_digest needs an RSA signer"
    return _sign_weakly(builder.sign(signer, hashes.SHA256()), signer, weak)


def _sign_weakly(
    certificate: x509.Certificate, signer: rsa.RSAPrivateKey, digest: Literal["sha1", "md5"]
) -> x509.Certificate:
    """``cryptography`` refuses to, so the algorithm is exchanged in the DER and signed again."""
    strong = _RSA_ALGORITHM + b"\x0b\x05\x00"
    algorithm = _RSA_ALGORITHM + (b"\x05" if digest == "sha1" else b"\x04") + b"\x05\x00"
    to_be_signed = certificate.tbs_certificate_bytes.replace(strong, algorithm, 1)
    signature = signer.sign(
        to_be_signed, padding.PKCS1v15(), hashes.SHA1() if digest == "sha1" else hashes.MD5()
    )
    return x509.load_der_x509_certificate(
        der(0x30, to_be_signed + algorithm + der(0x03, b"\x00" + signature))
    )


def der(tag: int, content: bytes) -> bytes:
    """One DER element: tag, length, content."""
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def new_key(kind: str = "p256") -> CertificateIssuerPrivateKeyTypes:
    """A fresh key: ``p256``, ``p384``, ``p521``, ``secp256k1``, ``ed25519``; :func:`rsa_key` for RSA."""
    curves: dict[str, ec.EllipticCurve] = {
        "p256": ec.SECP256R1(),
        "p384": ec.SECP384R1(),
        "p521": ec.SECP521R1(),
        "secp256k1": ec.SECP256K1(),
    }
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key(curves[kind])


@functools.cache
def rsa_key(bits: int = 2048, number: int = 0) -> rsa.RSAPrivateKey:
    """An RSA key, made once per process: the same ``number`` gives the same key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def _extensions(
    options: Options,
    key: CertificateIssuerPrivateKeyTypes,
    issuer_public: CertificatePublicKeyTypes,
) -> list[tuple[x509.ExtensionType, bool]]:
    issuer_identifier = x509.SubjectKeyIdentifier.from_public_key(issuer_public)
    ca = options.get("ca", False)
    usages = options.get("key_usage", CA_KEY_USAGE if ca else LEAF_KEY_USAGE)
    purposes = options.get("extended_key_usage", None if ca else [ExtendedKeyUsageOID.SERVER_AUTH])
    defaults: list[tuple[x509.ExtensionType, bool]] = [
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
        (x509.AuthorityKeyIdentifier(issuer_identifier.digest, None, None), False),
    ]
    if ca is not None:
        defaults.append((x509.BasicConstraints(ca, options.get("path_length")), True))
    if usages is not None:
        defaults.append((key_usage(*usages), True))
    if purposes is not None:
        defaults.append((x509.ExtendedKeyUsage(purposes), False))
    if names := options.get("names"):
        defaults.append(
            (x509.SubjectAlternativeName([_general_name(name) for name in names]), False)
        )
    if urls := options.get("ca_issuers"):
        access = [
            x509.AccessDescription(
                AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(url)
            )
            for url in urls
        ]
        defaults.append((x509.AuthorityInformationAccess(access), False))
    chosen = {extension.oid: (extension, critical) for extension, critical in defaults}
    for extension, critical in options.get("extensions", ()):
        chosen[extension.oid] = (extension, critical)
    for oid in options.get("without", ()):
        chosen.pop(oid, None)
    return list(chosen.values())


def key_usage(*usages: str) -> x509.KeyUsage:
    """A key usage extension with exactly these bits."""
    return x509.KeyUsage(**{usage: usage in usages for usage in _KEY_USAGES})


def _name(subject: str | x509.Name) -> x509.Name:
    if isinstance(subject, x509.Name):
        return subject
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
