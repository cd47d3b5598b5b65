"""Certificates that no authority would issue: absurd fields, made by hand where no library will."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from tests.hostile.fuzzing.der_changes import elements
from tests.support.authority import Issued, der, make, make_root, new_key
from tests.support.probing import HOST

#: Where they stand in a TBSCertificate (RFC 5280 §4.1).
_SERIAL, _ISSUER, _VALIDITY, _SUBJECT, _KEY, _EXTENSIONS = 1, 3, 4, 5, 6, 7
_RSA: Final = bytes.fromhex("300d06092a864886f70d0101010500")
_EC: Final = bytes.fromhex("06072a8648ce3d0201")
_PRIME_FIELD: Final = bytes.fromhex("06072a8648ce3d0101")
_P: Final = (1 << 256) - (1 << 224) + (1 << 192) + (1 << 96) - 1


@functools.cache
def authority() -> Issued:
    """The root that issues them."""
    return make_root("Hostile Root CA", key=new_key())


def _changed(place: int, content: bytes) -> bytes:
    """An ordinary leaf with one part of its TBSCertificate replaced, signed again by `authority`."""
    top = (elements(authority().leaf(HOST).der) or [])[0]
    assert top.children is not None
    signed, algorithm, _ = top.children
    assert signed.children is not None
    parts = [child.encoded() for child in signed.children]
    parts[place] = content
    body = der(0x30, b"".join(parts))
    key = authority().key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    signature = key.sign(body, ec.ECDSA(hashes.SHA256()))
    return der(0x30, body + algorithm.encoded() + der(0x03, b"\0" + signature))


def many_names(count: int) -> bytes:
    """A leaf with so many DNS names; ``count`` of 100,000 make 800 KB."""
    names = b"".join(der(0x82, name.encode()) for name in (HOST, *(f"h{n}" for n in range(count))))
    listed = _extension(bytes([0x55, 0x1D, 17]), der(0x30, names))
    return _changed(_EXTENSIONS, der(0xA3, der(0x30, listed)))


def long_name(size: int) -> bytes:
    """A leaf whose subject's common name has so many characters."""
    text = der(0x0C, b"a" * size)
    name = der(0x30, der(0x31, der(0x30, bytes.fromhex("0603550403") + text)))
    return _changed(_SUBJECT, name)


def negative_serial() -> bytes:
    """RFC 5280 §4.1.2.2 forbids it."""
    return _changed(_SERIAL, der(0x02, b"\xff" * 20))


def giant_serial() -> bytes:
    """Of 64 KiB."""
    return _changed(_SERIAL, der(0x02, b"\x7f" * 65_536))


def impossible_time() -> bytes:
    """The 31st of February, and a year of five digits."""
    times = der(0x17, b"260231000000Z") + der(0x18, b"120260101000000Z")
    return _changed(_VALIDITY, der(0x30, times))


def backward_time() -> bytes:
    """It ends before it begins."""
    return _changed(
        _VALIDITY, der(0x30, der(0x18, b"99991231235959Z") + der(0x17, b"500101000000Z"))
    )


def _extension(oid: bytes, value: bytes, *, critical: bool = False) -> bytes:
    return der(0x30, der(0x06, oid) + (b"\x01\x01\xff" if critical else b"") + der(0x04, value))


def malformed_extensions() -> bytes:
    """Every known extension with a value that is none, and basic constraints twice."""
    standard = [
        bytes([0x55, 0x1D, number]) for number in (14, 15, 17, 18, 19, 30, 32, 35, 36, 37, 54)
    ]
    access = bytes.fromhex("2b06010505070101")
    values = (b"\x30\x84\xff\xff\xff\xff", b"", b"\x05\x00", b"\x30\x03\x02\x01")
    listed = [
        _extension(oid, values[number % len(values)], critical=number % 2 == 0)
        for number, oid in enumerate([*standard, access, standard[4]])
    ]
    return _changed(_EXTENSIONS, der(0xA3, der(0x30, b"".join(listed))))


def many_extensions() -> bytes:
    """8,000 of them."""
    listed = [
        _extension(b"\x2a\x03" + bytes([0x81 + number // 128 % 120, number % 128]), b"\x05\x00")
        for number in range(8000)
    ]
    return _changed(_EXTENSIONS, der(0xA3, der(0x30, b"".join(listed))))


def deep_nesting() -> bytes:
    """An extension of 20,000 sequences in each other."""
    value = b"\x30\x80" * 20_000
    listed = _extension(bytes([0x55, 0x1D, 17]), value)
    return _changed(_EXTENSIONS, der(0xA3, der(0x30, listed)))


def rsa_key_of(bits: int, exponent: int = 65537) -> bytes:
    """A leaf with an RSA key that nobody has: its modulus is just a number."""
    modulus = random.Random(bits).getrandbits(bits) | (1 << (bits - 1)) | 1
    numbers = b"".join(
        der(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))
        for number in (modulus, exponent)
    )
    key = der(0x30, _RSA + der(0x03, b"\0" + der(0x30, numbers)))
    return _changed(_KEY, key)


def explicit_curve() -> bytes:
    """P-256 written out as parameters (RFC 5480 §2.1.1 forbids it; CVE-2020-0601 lived from it)."""
    field = der(0x30, _PRIME_FIELD + der(0x02, b"\0" + _P.to_bytes(32, "big")))
    curve = der(0x30, der(0x04, (_P - 3).to_bytes(32, "big")) + der(0x04, b"\x05" * 32))
    order = b"\0" + b"\xff" * 32
    point = b"\x04" + b"\x07" * 64
    parameters = der(0x30, b"\x02\x01\x01" + field + curve + der(0x04, point) + der(0x02, order))
    key = der(0x30, der(0x30, _EC + parameters) + der(0x03, b"\0" + point))
    return _changed(_KEY, key)


def mesh(count: int) -> tuple[Issued, tuple[Issued, ...], tuple[Issued, ...]]:
    """A leaf, ``count`` roots, and each root's certificate by each other one."""
    roots = tuple(make_root(f"Mesh CA {number}") for number in range(count))
    crosses = tuple(
        issuer.intermediate(f"Mesh CA {number}", key=roots[number].key)
        for issuer in roots
        for number in range(count)
        if roots[number] is not issuer
    )
    return roots[0].leaf(HOST), roots, crosses


def served_mesh(count: int) -> tuple[bytes, ...]:
    """As much of a mesh as is read of a handshake."""
    leaf, _, crosses = mesh(count)
    return (leaf.der, *(issued.der for issued in crosses[:99]))


def twins(count: int) -> tuple[bytes, ...]:
    """A leaf below so many issuers of one name and key, below so many roots of one name and key."""
    key = new_key()
    roots = [make_root("Twin Root", key=key) for _ in range(count)]
    issuers = [roots[0].intermediate("Twin CA", key=key) for _ in range(count)]
    leaf = make(HOST, issuers[0], names=[HOST])
    return (leaf.der, *(issued.der for issued in (*issuers, *roots)))


def constrained(count: int) -> tuple[bytes, ...]:
    """So many permitted names above a leaf with as many names: each is held against each."""
    permitted = [x509.DNSName(f"d{number}.test") for number in range(count)]
    constraints = x509.NameConstraints([*permitted, x509.DNSName("example.test")], None)
    issuing = authority().intermediate("Constrained CA", extensions=[(constraints, True)])
    names = [HOST, *(f"h{number}.example.test" for number in range(count))]
    return (issuing.leaf(HOST, names=names).der, issuing.der)


def policies(count: int) -> tuple[bytes, ...]:
    """So many policies in every certificate of a path."""
    listed = x509.CertificatePolicies(
        [
            x509.PolicyInformation(x509.ObjectIdentifier(f"1.2.3.{number}"), None)
            for number in range(count)
        ]
    )
    first = authority().intermediate("Policy CA 1", extensions=[(listed, False)])
    second = first.intermediate("Policy CA 2", extensions=[(listed, False)])
    leaf = second.leaf(HOST, extensions=[(listed, False)])
    return (leaf.der, second.der, first.der)


#: One certificate each; what is served with it is the root.
ABSURD: Final[dict[str, Callable[[], bytes]]] = {
    "15,000 names": lambda: many_names(15_000),
    "100,000 names": lambda: many_names(100_000),
    "a name of 100 KB": lambda: long_name(100_000),
    "a name of 1 MiB": lambda: long_name(1 << 20),
    "a negative serial": negative_serial,
    "a serial of 64 KiB": giant_serial,
    "impossible times": impossible_time,
    "backward times": backward_time,
    "malformed extensions": malformed_extensions,
    "8,000 extensions": many_extensions,
    "nested 20,000 deep": deep_nesting,
    "RSA of 16,384 bits": lambda: rsa_key_of(16_384),
    "RSA of 16,384 bits, exponent as long": lambda: rsa_key_of(16_384, (1 << 16_383) + 1),
    "RSA of 200,000 bits": lambda: rsa_key_of(200_000),
    "explicit curve": explicit_curve,
}

#: Chains.
PUZZLES: Final[dict[str, Callable[[], tuple[bytes, ...]]]] = {
    "a mesh of 10 CAs": lambda: served_mesh(10),
    "99 namesakes": lambda: (
        authority().leaf(HOST).der,
        *(make_root("Hostile Root CA").der for _ in range(98)),
        authority().der,
    ),
    "49 twins below 49 twins": lambda: twins(49),
    "2,000 names under 2,000 constraints": lambda: constrained(2000),
    "3 x 3,000 policies": lambda: policies(3000),
}
