"""A catalogue of odd certificates, one oddity each: what random chains meet too seldom.

Keys that Java cannot load, extensions of every known type with broken content, names that a SAN
cannot hold, versions, serial numbers, basic constraints and key usages. ``edge_cases()`` gives them
as records whose id says what is odd.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from tests.conformance import der_builder as build
from tests.conformance.der_builder import Extension
from tests.conformance.keys import Digest, Key, pool
from tests.conformance.records import Record

HOST = "a.test"
_AT = datetime(2026, 1, 1, tzinfo=UTC)
_KEYS = pool()
_ROOT_KEY, _CA_KEY, _LEAF_KEY = (_KEYS[f"secp256r1-{i}"] for i in range(3))

_SAN = Extension("2.5.29.17", build.seq(build.tlv(0x82, HOST.encode())))
_CA = Extension("2.5.29.19", build.seq(build.TRUE), critical=True)
_CERT_SIGN = Extension("2.5.29.15", build.enumerated_bits(5, 6), critical=True)

_EXTENSION_OIDS = {
    "subject-key-identifier": "2.5.29.14",
    "key-usage": "2.5.29.15",
    "private-key-usage-period": "2.5.29.16",
    "subject-alternative-name": "2.5.29.17",
    "issuer-alternative-name": "2.5.29.18",
    "basic-constraints": "2.5.29.19",
    "crl-number": "2.5.29.20",
    "reason-code": "2.5.29.21",
    "delta-crl-indicator": "2.5.29.27",
    "issuing-distribution-point": "2.5.29.28",
    "certificate-issuer": "2.5.29.29",
    "name-constraints": "2.5.29.30",
    "crl-distribution-points": "2.5.29.31",
    "certificate-policies": "2.5.29.32",
    "policy-mappings": "2.5.29.33",
    "authority-key-identifier": "2.5.29.35",
    "policy-constraints": "2.5.29.36",
    "extended-key-usage": "2.5.29.37",
    "freshest-crl": "2.5.29.46",
    "inhibit-any-policy": "2.5.29.54",
    "authority-information-access": "1.3.6.1.5.5.7.1.1",
    "subject-information-access": "1.3.6.1.5.5.7.1.11",
    "tls-feature": "1.3.6.1.5.5.7.1.24",
    "ocsp-no-check": "1.3.6.1.5.5.7.48.1.5",
    "certificate-transparency": "1.3.6.1.4.1.11129.2.4.2",
    "netscape-cert-type": "2.16.840.1.113730.1.1",
    "unknown": "1.2.3.4",
}
_BROKEN_VALUES = {
    "garbage": b"\x99garbage",
    "empty-sequence": b"\x30\x00",
    "nothing": b"",
    "null": build.NULL,
    "trailing": b"\x30\x00\x00",
}


def _name(text: str) -> bytes:
    return build.name(((build.Attribute("2.5.4.3", text),),))


def _issue(
    subject: str,
    issuer: str,
    key: Key,
    signer: Key,
    *extensions: Extension,
    digest: Digest = "sha256",
    spki: bytes | None = None,
    serial: int = 5,
    version: int = 3,
    outer: bytes | None = None,
) -> bytes:
    algorithm = signer.algorithm(digest)
    tbs = build.Parts(
        version=version if version > 1 else None,
        serial=build.integer(serial),
        algorithm=algorithm,
        issuer=_name(issuer),
        not_before=build.time(datetime(2025, 1, 1, tzinfo=UTC)),
        not_after=build.time(datetime(2030, 1, 1, tzinfo=UTC)),
        subject=_name(subject),
        spki=spki or key.spki,
        extensions=extensions,
    ).tbs()
    return build.certificate(tbs, outer or algorithm, signer.sign(tbs, digest))


def _authority(key: Key) -> bytes:
    return _issue("Root", "Root", key, key, _CA, _CERT_SIGN)


_ROOT = _authority(_ROOT_KEY)


def _record(name: str, *chain: bytes, installed: bytes = _ROOT) -> Record:
    return Record(name, chain, (installed,), HOST, at=_AT)


def edge_cases() -> Iterator[Record]:
    """The catalogue, always the same."""
    yield from _keys()
    yield from _malformed_keys()
    yield from _fields()
    yield from _malformed_extensions()
    yield from _alternative_names()
    yield from _authorities()
    yield from _usages()


def _keys() -> Iterator[Record]:
    for label, key in _KEYS.items():
        if not label.endswith("-0"):
            continue
        root = _authority(key)
        below = _issue(HOST, "Root", _LEAF_KEY, key, _SAN)
        yield _record(f"root key {label}", below, installed=root)
        yield _record(f"leaf key {label}", _issue(HOST, "Root", key, _ROOT_KEY, _SAN))
        leaf = _issue(HOST, "CA", _LEAF_KEY, key, _SAN)
        authority = _issue("CA", "Root", key, _ROOT_KEY, _CA, _CERT_SIGN)
        yield _record(f"intermediate key {label}", leaf, authority)
        yield _record(f"intermediate key {label}, misordered", leaf, _ROOT, authority)
    digests: tuple[Digest, ...] = ("md2", "md5", "sha1", "sha224", "sha384", "sha512")
    for label in ("rsa2048-0", "secp256r1-0", "dsa2048-0"):
        key = _KEYS[label]
        for digest in digests:
            leaf = _issue(HOST, "Root", _LEAF_KEY, key, _SAN, digest=digest)
            yield _record(f"{digest} with {label}", leaf, installed=_authority(key))


def _malformed_keys() -> Iterator[Record]:
    def rsa(modulus: int, exponent: int) -> bytes:
        numbers = build.seq(build.integer(modulus), build.integer(exponent))
        algorithm = build.seq(build.oid("1.2.840.113549.1.1.1"), build.NULL)
        return build.seq(algorithm, build.bit_string(numbers))

    def ec(curve: str, point: bytes) -> bytes:
        algorithm = build.seq(build.oid("1.2.840.10045.2.1"), build.oid(curve))
        return build.seq(algorithm, build.bit_string(point))

    def plain(algorithm: str, octets: bytes) -> bytes:
        return build.seq(build.seq(build.oid(algorithm)), build.bit_string(octets))

    p256 = "1.2.840.10045.3.1.7"
    modulus = 2**2047 + 1
    keys = {
        "RSA without numbers": plain("1.2.840.113549.1.1.1", b"x" * 32),
        "RSA negative": rsa(-5, 65537),
        "RSA exponent 1": rsa(modulus, 1),
        "RSA exponent 3": rsa(modulus, 3),
        "RSA exponent even": rsa(modulus, 4),
        "RSA 16400 bit": rsa(2**16399 + 1, 65537),
        "RSA 4096 bit, exponent of 70 bit": rsa(2**4095 + 1, 2**70 + 1),
        "RSASSA-PSS without parameters": plain(
            "1.2.840.113549.1.1.10", build.seq(build.integer(modulus), build.integer(65537))
        ),
        "EC unknown curve": ec("1.2.3", b"\x04" + b"x" * 64),
        "EC point off the curve": ec(p256, b"\x04" + b"x" * 64),
        "EC compressed point": ec(p256, b"\x02" + b"x" * 32),
        "EC short point": ec(p256, b"\x04" + b"x" * 60),
        "Ed25519 short": plain("1.3.101.112", b"x" * 31),
        "X25519": plain("1.3.101.110", b"x" * 32),
        "ML-DSA-44": plain("2.16.840.1.101.3.4.3.17", b"x" * 1312),
        "unknown algorithm": plain("1.2.3.4", b"x" * 32),
    }
    for name, spki in keys.items():
        yield _record(name, _issue(HOST, "Root", _LEAF_KEY, _ROOT_KEY, _SAN, spki=spki))


def _fields() -> Iterator[Record]:
    def leaf(serial: int = 5, version: int = 3, outer: bytes | None = None) -> bytes:
        return _issue(
            HOST, "Root", _LEAF_KEY, _ROOT_KEY, _SAN, serial=serial, version=version, outer=outer
        )

    yield _record("another algorithm outside", leaf(outer=_ROOT_KEY.algorithm("sha384")))
    for serial in (0, -7):
        yield _record(f"serial {serial}", leaf(serial=serial))
    for version in (1, 2, 4):
        yield _record(f"version {version} with extensions", leaf(version=version))


def _malformed_extensions() -> Iterator[Record]:
    for critical in (False, True):
        for extension, oid in _EXTENSION_OIDS.items():
            for kind, value in _BROKEN_VALUES.items():
                odd = Extension(oid, value, critical)
                others = () if oid == _SAN.oid else (_SAN,)
                name = f"{'critical ' if critical else ''}{extension}: {kind}"
                yield _record(name, _issue(HOST, "Root", _LEAF_KEY, _ROOT_KEY, *others, odd))
    twice = {
        "SAN": (_SAN, _SAN),
        "unknown": (_SAN, Extension("1.2.3.4", b"x"), Extension("1.2.3.4", b"y")),
        "unreadable": (_SAN, Extension("2.5.29.35", b"\x99"), Extension("2.5.29.35", b"\x99")),
    }
    for name, pair in twice.items():
        yield _record(f"twice: {name}", _issue(HOST, "Root", _LEAF_KEY, _ROOT_KEY, *pair))


def _alternative_names() -> Iterator[Record]:
    def uri(text: str) -> bytes:
        return build.tlv(0x86, text.encode())

    names = {
        "e-mail": build.tlv(0x81, b"x@y"),
        "e-mail without domain": build.tlv(0x81, b"x@"),
        "e-mail without user": build.tlv(0x81, b"xy"),
        "URI": uri("http://h.test/x"),
        "URI without scheme": uri("h.test/x"),
        "URI with a space": uri("http://h.test/a b"),
        "URI with an underscore in its host": uri("http://h_t.test/a"),
        "URI with a final dot in its host": uri("http://h.test./a"),
        "URN": uri("urn:x:y"),
        "LDAP URI": uri("ldap:///CN=x,DC=y?a"),
        "LDAP URI with a space": uri("ldap:///CN=x y,DC=y?a"),
        "URI empty": uri(""),
        "URI of an IPv4 address": uri("http://1.2.3.4/"),
        "URI of an IPv6 address": uri("http://[::1]/"),
        "URI of no address": uri("http://1.2.3.400/"),
        "address of 3 octets": build.tlv(0x87, b"abc"),
        "address of 8 octets": build.tlv(0x87, b"abcdefgh"),
        "registered id": build.tlv(0x88, b"\x2a\x03"),
        "registered id malformed": build.tlv(0x88, b"\x80"),
        "other name": build.tlv(0xA0, build.oid("1.2.3"), build.tlv(0xA0, build.NULL)),
        "other name without value": build.tlv(0xA0, build.oid("1.2.3")),
        "directory name": build.tlv(0xA4, _name("x")),
        "directory name malformed": build.tlv(0xA4, b"\x02\x01\x00"),
        "X.400 address": build.tlv(0xA3, b"\x02\x01\x00"),
        "EDI party": build.tlv(0xA5, build.tlv(0x81, b"\x0c\x01x")),
        "DNS name empty": build.tlv(0x82, b""),
        "DNS name blank": build.tlv(0x82, b" "),
        "DNS name not ASCII": build.tlv(0x82, b"\xe4.test"),
        "DNS name with NUL": build.tlv(0x82, b"a.test\0.b"),
        "DNS name constructed": build.tlv(0xA2, b"a.test"),
        "unknown kind": build.tlv(0x89, b""),
    }
    for name, encoded in names.items():
        for order in ((encoded, build.tlv(0x82, b"a.test")), (build.tlv(0x82, b"a.test"), encoded)):
            san = Extension(_SAN.oid, build.seq(*order))
            place = "first" if order[0] == encoded else "last"
            leaf = _issue(HOST, "Root", _LEAF_KEY, _ROOT_KEY, san)
            yield _record(f"SAN with {name} {place}", leaf)


def _authorities() -> Iterator[Record]:
    constraints = {
        "path length -1": build.seq(build.TRUE, build.integer(-1)),
        "path length 0": build.seq(build.TRUE, build.integer(0)),
        "path length of 41 bits": build.seq(build.TRUE, build.integer(2**40)),
        "only a path length": build.seq(build.integer(0)),
        "false": build.seq(build.FALSE),
        "false with path length": build.seq(build.FALSE, build.integer(3)),
        "more than two parts": build.seq(build.TRUE, build.integer(3), build.integer(3)),
        "true as 1": build.seq(b"\x01\x01\x01"),
    }
    for name, value in constraints.items():
        for critical in (True, False):
            yield _below(
                f"{'critical ' if critical else ''}basic constraints: {name}",
                Extension(_CA.oid, value, critical),
            )


def _usages() -> Iterator[Record]:
    for bit in (None, *range(9)):
        bits = () if bit is None else (bit,)
        usage = Extension("2.5.29.15", build.enumerated_bits(*bits), critical=True)
        leaf = _issue(HOST, "Root", _LEAF_KEY, _ROOT_KEY, _SAN, usage)
        yield _record(f"key usage {bit} of the leaf", leaf)
        yield _below(f"key usage {bit} of the intermediate", _CA, usage)
    for bits in ((0,), (1,), (5,), ()):
        for critical in (False, True):
            types = Extension("2.16.840.1.113730.1.1", build.enumerated_bits(*bits), critical)
            leaf = _issue(HOST, "Root", _LEAF_KEY, _ROOT_KEY, _SAN, types)
            yield _record(f"{'critical ' if critical else ''}Netscape type {bits}", leaf)


def _below(name: str, *extensions: Extension) -> Record:
    """A record whose intermediate has just these extensions."""
    leaf = _issue(HOST, "CA", _LEAF_KEY, _CA_KEY, _SAN)
    return _record(name, leaf, _issue("CA", "Root", _CA_KEY, _ROOT_KEY, *extensions))
