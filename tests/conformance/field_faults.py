"""Oddities of a certificate's fields: dates, versions, serials, keys, signatures, encodings.

Each function changes one draft and says how, or returns None where the draft does not suit.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from tests.conformance.der_builder import (
    NULL,
    bit_string,
    context,
    generalized_time,
    integer,
    oid,
    seq,
    tlv,
    utc_time,
)
from tests.conformance.drafts import Draft, Scene, pick
from tests.conformance.keys import Pss, Scheme, pss_twin

Fault = Callable[[Scene, Draft], str | None]

_SECP256R1_P = 2**256 - 2**224 + 2**192 + 2**96 - 1


def expired(scene: Scene, draft: Draft) -> str | None:
    """NotAfter lies in the past."""
    draft.not_after = scene.moment - timedelta(seconds=scene.rng.randrange(1, 10_000_000))
    return "expired"


def not_yet_valid(scene: Scene, draft: Draft) -> str | None:
    """NotBefore lies in the future."""
    draft.not_before = scene.moment + timedelta(seconds=scene.rng.randrange(1, 10_000_000))
    return "not yet valid"


def at_boundary(scene: Scene, draft: Draft) -> str | None:
    """One end of the validity is the moment of judging, or a second beside it."""
    scene.at = scene.moment
    offset = scene.rng.choice((-1, 0, 0, 1))
    end = scene.rng.choice(("not_before", "not_after"))
    setattr(draft, end, scene.moment + timedelta(seconds=offset))
    return f"{end} {offset:+} s"


def fractional_moment(scene: Scene, draft: Draft) -> str | None:
    """The moment of judging lies half a second after the end."""
    draft.not_after = scene.moment
    scene.at = scene.moment + timedelta(milliseconds=scene.rng.choice((1, 500, 999)))
    return "judged within the second after not_after"


def swapped_dates(scene: Scene, draft: Draft) -> str | None:
    """NotBefore lies after NotAfter."""
    draft.not_before, draft.not_after = draft.not_after, draft.not_before
    return "dates swapped"


def odd_time_form(scene: Scene, draft: Draft) -> str | None:
    """Dates in forms that RFC 5280 rules out, some of which Java reads."""
    rng = scene.rng
    end = rng.choice(("not_before", "not_after"))
    moment: datetime = getattr(draft, end)
    digits = moment.strftime("%Y%m%d%H%M%S")
    form = pick(
        rng,
        {
            "generalized": 4,
            "far": 3,
            "utc-no-seconds": 2,
            "utc-offset": 2,
            "gt-fraction": 2,
            "gt-offset": 1,
            "gt-no-zone": 1,
            "utc-1950": 1,
            "bad-month": 1,
            "bad-day": 1,
            "bad-hour": 0.5,
            "second-60": 0.5,
            "empty": 0.5,
            "letters": 0.5,
            "gt-no-seconds": 1,
            "as-string": 0.5,
        },
    )
    made = {
        "generalized": lambda: generalized_time(moment),
        "far": lambda: tlv(0x18, b"99991231235959Z" if end == "not_after" else b"00010101000000Z"),
        "utc-no-seconds": lambda: tlv(0x17, digits[2:12].encode() + b"Z"),
        "utc-offset": lambda: tlv(0x17, digits[2:].encode() + rng.choice((b"+0100", b"-0530"))),
        "gt-fraction": lambda: tlv(
            0x18, digits.encode() + rng.choice((b".5Z", b".123Z", b".9999Z", b",5Z"))
        ),
        "gt-offset": lambda: tlv(0x18, digits.encode() + b"+0200"),
        "gt-no-zone": lambda: tlv(0x18, digits.encode()),
        "utc-1950": lambda: tlv(0x17, rng.choice((b"500101000000Z", b"491231235959Z"))),
        "bad-month": lambda: tlv(0x17, b"271301000000Z"),
        "bad-day": lambda: tlv(
            0x17, rng.choice((b"270230000000Z", b"270132000000Z", b"270100000000Z"))
        ),
        "bad-hour": lambda: tlv(0x17, b"270101250000Z"),
        "second-60": lambda: tlv(0x17, b"270101235960Z"),
        "empty": lambda: tlv(0x17),
        "letters": lambda: tlv(0x17, b"27010100000OZ"),
        "gt-no-seconds": lambda: tlv(0x18, digits[:12].encode() + b"Z"),
        "as-string": lambda: tlv(0x16, utc_time(moment)[2:]),
    }[form]()
    setattr(draft, f"{end}_der", made)
    return f"{end} {form}"


def version_one(scene: Scene, draft: Draft) -> str | None:
    """A v1 certificate, without extensions."""
    draft.version = scene.rng.choice((1, None))
    draft.extensions = {}
    return "v1"


def odd_version(scene: Scene, draft: Draft) -> str | None:
    """v1 or v2 with extensions, v2 without, v4, v0."""
    rng = scene.rng
    draft.version = rng.choice((1, None, 2, 2, 4, 0))
    if draft.version == 2 and rng.random() < 0.5:
        draft.extensions = {}
        draft.unique_ids = context(1, b"\x00\x01\x02", constructed=False)
    return f"version {draft.version}, {len(draft.extensions)} extensions"


def unique_ids(scene: Scene, draft: Draft) -> str | None:
    """Issuer and subject unique identifiers."""
    issuer = context(1, b"\x00\xaa", constructed=False)
    subject = context(2, b"\x00\xbb\xcc", constructed=False)
    draft.unique_ids = scene.rng.choice((issuer, subject, issuer + subject, subject + issuer))
    return "unique identifiers"


def odd_serial(scene: Scene, draft: Draft) -> str | None:
    """Zero, negative, huge, padded or empty serial numbers."""
    rng = scene.rng
    form = rng.choice(("zero", "negative", "huge", "padded", "empty", "same"))
    match form:
        case "zero":
            draft.serial = 0
        case "negative":
            draft.serial = -rng.getrandbits(64) - 1
        case "huge":
            draft.serial = rng.getrandbits(8 * 40) | 1 << 320
        case "padded":
            draft.serial_der = tlv(0x02, b"\x00\x00\x05")
        case "empty":
            draft.serial_der = tlv(0x02)
        case _:
            draft.serial = (draft.issuer or draft).serial
    return f"serial {form}"


def weak_digest(scene: Scene, draft: Draft) -> str | None:
    """Signed over MD5, MD2 or SHA-1."""
    rng = scene.rng
    draft.scheme = pick(rng, {"md5": 4, "md2": 1, "sha1": 4})
    issuer = draft.issuer or draft
    if draft.scheme in ("md5", "md2") and issuer.key.kind != "RSA":
        issuer.key = scene.keys.deal(rng.choice(("rsa1024", "rsa2048")))
    return f"signed with {draft.scheme}"


def pss_signature(scene: Scene, draft: Draft) -> str | None:
    """RSASSA-PSS with usual and unusual parameters."""
    rng = scene.rng
    issuer = draft.issuer or draft
    issuer.key = scene.keys.deal(rng.choice(("rsa1024", "rsa2048")))
    draft.scheme = _pss(scene)
    return f"PSS {draft.scheme}"


def pss_key(scene: Scene, draft: Draft) -> str | None:
    """A key under id-RSASSA-PSS, whose signatures are PSS (or, wrongly, not)."""
    rng = scene.rng
    bound = _pss(scene) if rng.random() < 0.6 else None
    draft.key = pss_twin(scene.keys.deal(rng.choice(("rsa1024", "rsa2048"))), bound)
    scheme: Scheme = "sha256" if rng.random() < 0.15 else bound or Pss()
    if isinstance(bound, Pss) and rng.random() < 0.2:
        scheme = Pss("sha384", "sha384", 48)
    for child in scene.everyone():
        if (child.issuer or child) is draft:
            child.scheme = scheme
    return f"PSS key {bound}, signs {scheme}"


def _pss(scene: Scene) -> Pss:
    return scene.rng.choice(
        (
            Pss(),
            Pss("sha384", "sha384", 48),
            Pss("sha512", "sha512", 32),
            Pss("sha1", "sha1", 20),
            Pss("sha1", "sha1", 20, written=False),
            Pss("sha256", "sha1", 32),
            Pss("sha256", "sha256", 0),
            Pss("sha256", "sha256", 20),
            Pss("sha256", "sha512", 32),
            Pss("sha224", "sha224", 28),
            Pss("md5", "md5", 16),
        )
    )


def key_type(scene: Scene, draft: Draft) -> str | None:
    """A key of a less usual kind or size."""
    prefix = pick(
        scene.rng,
        {
            "rsa512": 2,
            "rsa768": 4,
            "rsa1024": 2,
            "rsa4096": 1,
            "secp192r1": 2,
            "secp224r1": 2,
            "secp256k1": 2,
            "brainpoolP256r1": 2,
            "secp384r1": 1,
            "secp521r1": 1,
            "ed25519": 4,
            "ed448": 2,
            "dsa1024": 2,
            "dsa2048": 2,
        },
    )
    draft.key = scene.keys.deal(prefix)
    return prefix


def odd_spki(scene: Scene, draft: Draft) -> str | None:
    """A public key that is broken, unknown or oddly encoded."""
    form = pick(
        scene.rng,
        {
            "explicit-curve": 2,
            "unknown-algorithm": 2,
            "point-off": 1,
            "compressed": 1,
            "rsa-exponent-1": 1,
            "rsa-exponent-3": 1,
            "rsa-no-null": 1,
            "rsa-empty": 1,
            "unknown-curve": 1,
            "x25519": 1,
            "short-ed25519": 1,
            "rsa-negative": 1,
        },
    )
    ec_key, rsa_oid = "1.2.840.10045.2.1", "1.2.840.113549.1.1.1"
    p256 = scene.keys.deal("secp256r1").spki
    point = p256[-65:]
    curve = oid("1.2.840.10045.3.1.7")
    modulus = scene.keys.deal("rsa1024").numbers[0]
    explicit = seq(
        integer(1),
        seq(oid("1.2.840.10045.1.1"), integer(_SECP256R1_P)),
        seq(tlv(4, bytes(31) + b"\x01"), tlv(4, bytes(31) + b"\x02")),
        tlv(4, point),
        integer(2**256 - 5),
    )
    draft.spki = {
        "explicit-curve": lambda: seq(seq(oid(ec_key), explicit), bit_string(point)),
        "unknown-algorithm": lambda: seq(seq(oid("1.2.3.4.5"), NULL), bit_string(b"\x01\x02")),
        "point-off": lambda: seq(
            seq(oid(ec_key), curve), bit_string(b"\x04" + bytes(63) + b"\x07")
        ),
        "compressed": lambda: seq(seq(oid(ec_key), curve), bit_string(b"\x02" + point[1:33])),
        "rsa-exponent-1": lambda: _rsa_spki(modulus, 1),
        "rsa-exponent-3": lambda: _rsa_spki(modulus, 3),
        "rsa-no-null": lambda: seq(
            seq(oid(rsa_oid)), bit_string(seq(integer(modulus), integer(65537)))
        ),
        "rsa-empty": lambda: seq(seq(oid(rsa_oid), NULL), bit_string(b"")),
        "unknown-curve": lambda: seq(
            seq(oid(ec_key), oid("1.3.36.3.3.2.8.1.1.99")), bit_string(point)
        ),
        "x25519": lambda: seq(seq(oid("1.3.101.110")), bit_string(bytes(range(32)))),
        "short-ed25519": lambda: seq(seq(oid("1.3.101.112")), bit_string(bytes(31))),
        "rsa-negative": lambda: _rsa_spki(-modulus, 65537),
    }[form]()
    return f"public key {form}"


def _rsa_spki(modulus: int, exponent: int) -> bytes:
    algorithm = seq(oid("1.2.840.113549.1.1.1"), NULL)
    return seq(algorithm, bit_string(seq(integer(modulus), integer(exponent))))


def bad_signature(scene: Scene, draft: Draft) -> str | None:
    """The signature is damaged, oddly encoded, or by another key."""
    form = pick(
        scene.rng,
        {"other-key": 8, "corrupted": 5, "unsigned": 2, "cut": 1, "tail": 1, "empty": 0.5},
    )
    if form == "other-key":
        draft.signer = scene.keys.usual()
        return "signed by another key"
    draft.resign = _RESIGNED[form]
    return f"signature {form}"


def _without_signs(signature: bytes) -> bytes:
    """An ECDSA or DSA signature whose integers lack the zero octet before a set bit."""
    if signature[:1] != b"\x30":
        return signature
    numbers, rest = [], signature[2 if signature[1] < 0x80 else 3 :]
    while rest:
        numbers.append(tlv(0x02, rest[2 : 2 + rest[1]].lstrip(b"\x00")))
        rest = rest[2 + rest[1] :]
    return seq(*numbers)


_RESIGNED: dict[str, Callable[[bytes], bytes]] = {
    "corrupted": lambda signature: signature[:-1] + bytes((signature[-1] ^ 1,)),
    "unsigned": _without_signs,
    "cut": lambda signature: signature[:-1],
    "tail": lambda signature: signature + b"\x00",
    "empty": lambda _: b"",
}


def algorithm_mismatch(scene: Scene, draft: Draft) -> str | None:
    """The two algorithm fields differ, or name what did not sign."""
    rng = scene.rng
    other = scene.keys.usual().algorithm(rng.choice(("sha256", "sha384", "sha1")))
    where = rng.choice(("inner", "outer", "both"))
    if where != "outer":
        draft.inner_algorithm = other
    if where != "inner":
        draft.outer_algorithm = other
    return f"{where} algorithm changed"


def odd_algorithm(scene: Scene, draft: Draft) -> str | None:
    """Algorithm identifiers with missing, needless or unknown parts."""
    rng = scene.rng
    form = rng.choice(("unknown", "no-null", "ec-null", "garbage-parameters", "inner-no-null"))
    signer = (draft.issuer or draft).key
    rsa_oid = oid("1.2.840.113549.1.1.11")
    match form:
        case "unknown":
            draft.inner_algorithm = draft.outer_algorithm = seq(oid("1.2.3.4.6"))
        case "no-null" if signer.kind == "RSA":
            draft.scheme = "sha256"
            draft.inner_algorithm = draft.outer_algorithm = seq(rsa_oid)
        case "inner-no-null" if signer.kind == "RSA":
            draft.scheme = "sha256"
            draft.inner_algorithm = seq(rsa_oid)
        case "ec-null" if signer.kind == "EC":
            draft.scheme = "sha256"
            draft.inner_algorithm = draft.outer_algorithm = seq(oid("1.2.840.10045.4.3.2"), NULL)
        case "garbage-parameters" if signer.kind == "RSA":
            draft.scheme = "sha256"
            draft.inner_algorithm = draft.outer_algorithm = seq(rsa_oid, integer(5))
        case _:
            return None
    return f"algorithm {form}"


def damaged_encoding(scene: Scene, draft: Draft) -> str | None:
    """The outermost encoding is cut, lengthened, or not DER."""
    form = pick(
        scene.rng,
        {"tail": 3, "cut": 2, "long-length": 2, "indefinite": 1, "tag": 1, "extra-field": 1},
    )
    match form:
        case "tail":
            draft.tail = scene.rng.choice((b"\x00", b"\n", b"\x05\x00", b"tail"))
        case "cut":
            draft.rewrite = lambda der: der[:-1]
        case "long-length":
            draft.rewrite = lambda der: b"\x30\x83\x00" + der[2:] if der[1] == 0x82 else der
        case "indefinite":
            draft.rewrite = lambda der: (
                b"\x30\x80" + der[4:] + b"\x00\x00" if der[1] == 0x82 else der
            )
        case "tag":
            draft.rewrite = lambda der: b"\x31" + der[1:]
        case _:
            draft.rewrite = lambda der: seq(der[4:] + NULL) if der[1] == 0x82 else der
    return f"encoding {form}"


FIELD_FAULTS: dict[Fault, float] = {
    expired: 6,
    not_yet_valid: 3,
    at_boundary: 3,
    fractional_moment: 1,
    swapped_dates: 0.5,
    odd_time_form: 3,
    version_one: 3,
    odd_version: 1,
    unique_ids: 0.5,
    odd_serial: 2,
    weak_digest: 5,
    pss_signature: 3,
    pss_key: 2,
    key_type: 7,
    odd_spki: 1.5,
    bad_signature: 4,
    algorithm_mismatch: 1,
    odd_algorithm: 1,
    damaged_encoding: 0.7,
}
