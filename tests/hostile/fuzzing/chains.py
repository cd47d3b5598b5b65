"""Certificates and chains of them, from their bytes to what a person sees.

Every key in the seeds is the same one, so that a changed certificate is signed again and takes its
place in a path.
"""

from __future__ import annotations

import functools
import json
import random
from collections.abc import Iterator
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from bot import prediction_records, report_building
from bot.desks.markup import as_html, as_text
from bot.errors import WhichrootError
from bot.lookup import Lookup, Question
from bot.pki import pem
from bot.pki.certificate import Certificate
from bot.pki.der import DerError
from bot.pki.java import JDKS, predict
from bot.probe.target import parse_target
from bot.rendering.terminal import render
from bot.report import Report
from bot.settings import Settings
from handlers.blocks.details import details_message
from handlers.blocks.report import report_message
from tests.hostile.fuzzing import der_changes
from tests.hostile.fuzzing.target import FuzzTarget, check_told, driven
from tests.support.authority import Issued, Options, der, make_root, rsa_key

_HOST: Final = "server.example.test"
_MAX_CHAIN: Final = 12


@functools.cache
def shared_key() -> ec.EllipticCurvePrivateKey:
    """The key of every certificate in the seeds, the same in every run."""
    return ec.derive_private_key(0x5EED, ec.SECP256R1())


@functools.cache
def hierarchy() -> tuple[Issued, ...]:
    """A leaf with every extension that is looked at, an intermediate, a root, a cross-certificate."""
    key = shared_key()
    root = make_root("Example Root CA", key=key)
    old = make_root("Old Root CA", key=key)
    cross = old.intermediate("Example Root CA", key=key)
    constraints = x509.NameConstraints([x509.DNSName("example.test")], [x509.DNSName("bad.test")])
    policies = x509.CertificatePolicies(
        [x509.PolicyInformation(x509.ObjectIdentifier("1.2.3"), [])]
    )
    issuing = root.intermediate(
        "Example Issuing CA",
        key=key,
        path_length=0,
        ca_issuers=["http://aia.example.test/root.cer"],
        extensions=[
            (constraints, True),
            (policies, False),
            (x509.PolicyConstraints(0, 0), False),
            (x509.InhibitAnyPolicy(0), False),
        ],
    )
    options: Options = {
        "key": key,
        "names": [_HOST, "*.example.test", "192.0.2.1", "2001:db8::1"],
        "ca_issuers": ["http://aia.example.test/issuing.cer", "ldap:///CN=x"],
        "extended_key_usage": [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH],
        "extensions": [(policies, False)],
    }
    name = x509.Name(
        [
            x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "DE"),
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Exämple & <Sons>"),
            x509.NameAttribute(x509.NameOID.COMMON_NAME, _HOST),
        ]
    )
    return issuing.leaf(_HOST, **options), issuing, root, cross, _with_name(issuing, name, options)


def _with_name(issuer: Issued, name: x509.Name, options: Options) -> Issued:
    from tests.support.authority import make

    return make(name, issuer, **options)


def _chains() -> Iterator[bytes]:
    leaf, issuing, root, cross, other = (issued.der for issued in hierarchy())
    yield leaf
    yield leaf + issuing
    yield leaf + issuing + root
    yield leaf + issuing + root + cross
    yield other + root + cross + issuing
    yield root
    yield root + leaf
    yield leaf + root + leaf + root
    weak = make_root("Weak", key=rsa_key(1024), weak_digest="md5")
    yield weak.leaf(_HOST, key=rsa_key(1024), signed_by=rsa_key(1024), weak_digest="sha1").der


def _certificates() -> Iterator[bytes]:
    for issued in hierarchy():
        yield issued.der
    yield make_root("RSA", key=rsa_key()).der
    yield make_root("PSS", key=rsa_key(), pss=True).der


def _read(data: bytes) -> list[Certificate]:
    """The certificates that ``data`` is made of; those that cannot be read are left out."""
    found: list[Certificate] = []
    for encoded in _pieces(data):
        try:
            found.append(Certificate.from_der(encoded))
        except _EXPECTED:
            continue
    return found


def _pieces(data: bytes) -> list[bytes]:
    pieces: list[bytes] = []
    at = 0
    while len(data) - at >= 4 and len(pieces) < _MAX_CHAIN:
        size = 2
        if data[at + 1] & 0x80:
            count = min(data[at + 1] & 0x7F, 3)
            size += count + int.from_bytes(data[at + 2 : at + 2 + count], "big")
        else:
            size += data[at + 1]
        pieces.append(data[at : at + size])
        at += size
    return pieces


def _certificate(data: bytes) -> None:
    certificate = Certificate.from_der(data)
    at = certificate.not_before
    summary = report_building.summary_of(certificate, at)
    check_told(summary.subject, summary.issuer, str(certificate.public_key))
    check_told(certificate.subject.short, certificate.signature_algorithm)
    repr(certificate)
    for name in _PROPERTIES:
        getattr(certificate, name)
    for jdk in JDKS:
        prediction = predict([certificate], [certificate], host=_HOST, endpoint="https", jdk=jdk)
        check_told(prediction.message)
    assert Certificate.from_der(data) == certificate
    assert pem.encoded(data).startswith("-----BEGIN CERTIFICATE-----\n")


_PROPERTIES: Final = tuple(
    name
    for name in dir(Certificate)
    if not name.startswith("_")
    and isinstance(getattr(Certificate, name), functools.cached_property)
)


@functools.cache
def _lookup() -> Lookup:
    return Lookup(Settings(aia=False))


@functools.cache
def _question() -> Question:
    return Question(parse_target(_HOST), offline=True)


def _chain(data: bytes) -> None:
    from dataclasses import replace

    chain = tuple(_read(data))
    question = replace(_question(), chain=("fuzzed.pem", chain), installed=chain[-1:])
    report = driven(_lookup().answer(question))
    look_at(report)


def look_at(report: Report) -> None:
    """Everything that a report becomes."""
    check_told(report.summary, report.request_text)
    for found in report.findings:
        check_told(found.message, found.remedy)
    check_told(render(report, width=80))
    for message in (report_message(report, "lookup", "U0123456789"), details_message(report)):
        json.dumps(message.blocks)
        assert len(message.blocks) <= 50
    facts = [("Target", report.summary), ("Text", report.request_text or "")]
    check_told(as_html(facts), as_text(facts))
    json.loads(report.to_json())


def _record(data: bytes) -> None:
    answered = prediction_records.answer(data)
    if answered.error is not None and "reference" in answered.error.lower():
        raise AssertionError(answered.error)
    check_told(answered.error, answered.message)
    json.loads(answered.to_json())


def _records() -> Iterator[bytes]:
    leaf, issuing, root, *_ = (pem.encoded(issued.der) for issued in hierarchy())
    for jdk in (11, 25, None):
        for host in (_HOST, None, "192.0.2.1"):
            record = {
                "id": 1,
                "chain": [leaf, issuing],
                "installed": [root],
                "host": host,
                "protocol": "ldaps" if jdk == 11 else "https",
                "at": "2026-01-01T00:00:00Z",
                "jdk": jdk,
            }
            yield json.dumps(record).encode()


def signed_again(data: bytes, source: random.Random) -> bytes:
    """A chain with changes in one or more of its certificates, mostly signed again."""
    pieces = _pieces(data) or [data]
    chance = source.random()
    if chance < 0.1:
        source.shuffle(pieces)
    elif chance < 0.2:
        pieces.insert(source.randrange(len(pieces) + 1), source.choice(_all_pieces()))
    else:
        at = source.randrange(len(pieces))
        pieces[at] = _changed(pieces[at], source)
    return b"".join(pieces)


@functools.cache
def _all_pieces() -> tuple[bytes, ...]:
    return tuple(issued.der for issued in hierarchy())


def _changed(certificate: bytes, source: random.Random) -> bytes:
    elements = der_changes.elements(certificate)
    if not elements or not elements[0].children or source.random() < 0.15:
        return der_changes.changed(certificate, source)
    top = elements[0]
    assert top.children is not None
    for _ in range(source.choice((1, 1, 2, 3))):
        der_changes.change(der_changes.Node(0x30, children=top.children[:1]), source)
    signed = top.children[0].encoded()
    rest = [child.encoded() for child in top.children[1:]]
    if len(rest) == 2:
        signature = shared_key().sign(signed, ec.ECDSA(hashes.SHA256()))
        rest[1] = der(0x03, b"\x00" + signature)
    return der(0x30, b"".join([signed, *rest]))


_EXPECTED: Final = (WhichrootError, DerError)

TARGETS: Final = (
    FuzzTarget("certificate", _certificate, _certificates, mutation=_changed, max_bytes=16_384),
    FuzzTarget("chain", _chain, _chains, mutation=signed_again, max_bytes=16_384),
    FuzzTarget("record", _record, _records, max_bytes=16_384),
)
