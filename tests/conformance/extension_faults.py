"""Oddities of a certificate's extensions. Same form as :mod:`tests.conformance.field_faults`."""

from __future__ import annotations

from datetime import timedelta

from tests.conformance import extensions as ext
from tests.conformance.der_builder import (
    NULL,
    TRUE,
    Extension,
    context,
    integer,
    octets,
    oid,
    seq,
    set_of,
    string,
    tlv,
)
from tests.conformance.drafts import Draft, Scene, pick
from tests.conformance.extensions import General
from tests.conformance.field_faults import Fault

_ALL_BITS = range(9)


def basic_constraints(scene: Scene, draft: Draft) -> str | None:
    """Absent, CA or not, path lengths, criticality, broken forms."""
    rng = scene.rng
    form = pick(
        rng,
        {
            "absent": 4,
            "not-ca": 4,
            "path-len-0": 4,
            "path-len-1": 3,
            "path-len-2": 2,
            "ca": 3,
            "written-false": 1,
            "len-without-ca": 1,
            "negative-len": 0.5,
            "huge-len": 0.5,
            "empty": 0.3,
            "not-sequence": 0.3,
            "extra": 0.3,
        },
    )
    if form == "absent":
        draft.drop(ext.BASIC_CONSTRAINTS)
        return "no basicConstraints"
    value = {
        "not-ca": ext.basic_constraints(False),
        "path-len-0": ext.basic_constraints(True, 0),
        "path-len-1": ext.basic_constraints(True, 1),
        "path-len-2": ext.basic_constraints(True, 2),
        "ca": ext.basic_constraints(True),
        "written-false": ext.basic_constraints(False, write_false=True),
        "len-without-ca": ext.basic_constraints(False, 0),
        "negative-len": ext.basic_constraints(True, -1),
        "huge-len": ext.basic_constraints(True, 2**31 + 5),
        "empty": b"",
        "not-sequence": TRUE,
        "extra": seq(TRUE, integer(3), NULL),
    }[form]
    draft.set(ext.BASIC_CONSTRAINTS, value, rng.random() < 0.7)
    return f"basicConstraints {form}"


def key_usage(scene: Scene, draft: Draft) -> str | None:
    """Absent, any bits, broken forms."""
    rng = scene.rng
    form = pick(
        rng,
        {
            "absent": 3,
            "without-one": 6,
            "one": 4,
            "none": 1,
            "random": 3,
            "padded": 1,
            "broken": 0.4,
        },
    )
    if form == "absent":
        draft.drop(ext.KEY_USAGE)
        return "no keyUsage"
    is_ca = draft is not scene.leaf
    important = ext.KEY_CERT_SIGN if is_ca else ext.DIGITAL_SIGNATURE
    bits = {
        "without-one": [bit for bit in _ALL_BITS if bit != important],
        "one": [rng.choice(_ALL_BITS)],
        "none": [],
    }.get(form, rng.sample(_ALL_BITS, rng.randrange(1, 5)))
    value = ext.key_usage(bits)
    if form == "padded":
        value = tlv(
            0x03, b"\x00", bytes((rng.choice((0x80, 0x04, 0x84, 0xA0)), rng.choice((0, 0x80))))
        )
    elif form == "broken":
        value = rng.choice((b"", tlv(0x03), integer(4), tlv(0x03, b"\x09\x80")))
    draft.set(ext.KEY_USAGE, value, rng.random() < 0.7)
    return f"keyUsage {form} {bits}"


def extended_key_usage(scene: Scene, draft: Draft) -> str | None:
    """Absent, any usages, broken forms."""
    rng = scene.rng
    choices: tuple[list[str] | None, ...] = (
        None,
        [ext.SERVER_AUTH],
        [ext.CLIENT_AUTH],
        [ext.CLIENT_AUTH, ext.SERVER_AUTH],
        [ext.ANY_USAGE],
        [ext.CLIENT_AUTH, ext.ANY_USAGE],
        [ext.MS_SGC],
        [ext.NETSCAPE_SGC],
        [ext.CODE_SIGNING],
        [ext.OCSP_SIGNING],
        [ext.OCSP_SIGNING, ext.SERVER_AUTH],
        ["1.2.3.4.5"],
        [],
    )
    usages = rng.choice(choices)
    if usages is None:
        draft.drop(ext.EXTENDED_KEY_USAGE)
        return "no extendedKeyUsage"
    value = ext.extended_key_usage(usages)
    if rng.random() < 0.04:
        value = rng.choice(
            (b"", oid(ext.SERVER_AUTH), set_of(oid(ext.SERVER_AUTH)), seq(integer(1)))
        )
    draft.set(ext.EXTENDED_KEY_USAGE, value, rng.random() < 0.4)
    return f"extendedKeyUsage {usages}"


def netscape_cert_type(scene: Scene, draft: Draft) -> str | None:
    """Netscape's own usages."""
    rng = scene.rng
    bits = rng.choice(([0], [1], [0, 1], [5], [0, 5], [2], [1, 5, 6], [7], []))
    draft.set(ext.NETSCAPE_CERT_TYPE, ext.netscape_cert_type(bits), rng.random() < 0.4)
    if rng.random() < 0.3:
        draft.drop(ext.EXTENDED_KEY_USAGE)
    if rng.random() < 0.3:
        draft.drop(ext.BASIC_CONSTRAINTS)
    return f"Netscape type {bits}"


def key_identifiers(scene: Scene, draft: Draft) -> str | None:
    """Every style of SKI and AKI."""
    rng = scene.rng
    draft.ski = rng.choice(("none", "key", "other", "empty"))
    draft.aki = rng.choice(
        ("none", "key", "both", "issuer", "wrong", "wrong", "wrong-serial", "wrong-issuer", "empty")
    )
    return f"SKI {draft.ski}, AKI {draft.aki}"


def broken_key_identifiers(scene: Scene, draft: Draft) -> str | None:
    """SKI and AKI that are not what their names say."""
    rng = scene.rng
    if rng.random() < 0.5:
        draft.set(
            ext.SUBJECT_KEY_IDENTIFIER, rng.choice((b"", b"\x01\x02", seq(), octets(octets(b"x"))))
        )
        return "broken SKI"
    values = (
        b"",
        octets(b"key"),
        seq(context(0, octets(b"key"))),
        seq(context(2, b"\x05", constructed=False)),
        seq(context(1, General("dns", "issuer.example").der())),
        seq(context(3, b"", constructed=False)),
    )
    draft.set(ext.AUTHORITY_KEY_IDENTIFIER, rng.choice(values), rng.random() < 0.2)
    return "broken AKI"


def policies(scene: Scene, draft: Draft) -> str | None:
    """Certificate policies along the line, with constraints and mappings."""
    rng = scene.rng
    one, two = "1.2.3.4", "1.2.3.5"
    kind = pick(rng, {"constraints": 4, "inhibit": 2, "mapping": 2, "policies": 3, "broken": 0.4})
    match kind:
        case "constraints":
            require = rng.choice((0, 0, 1, 2, None))
            inhibit = rng.choice((0, 1, None)) if require is not None else 0
            value = ext.policy_constraints(require, inhibit)
            draft.set(ext.POLICY_CONSTRAINTS, value, rng.random() < 0.7)
            note = f"policyConstraints {require} {inhibit}"
        case "inhibit":
            skip = rng.choice((0, 1, 2))
            draft.set(ext.INHIBIT_ANY_POLICY, integer(skip), rng.random() < 0.7)
            note = f"inhibitAnyPolicy {skip}"
        case "mapping":
            pairs = rng.choice(([(one, two)], [(ext.ANY_POLICY, one)], [(one, ext.ANY_POLICY)], []))
            draft.set(ext.POLICY_MAPPINGS, ext.policy_mappings(pairs), rng.random() < 0.5)
            note = f"policyMappings {pairs}"
        case "policies":
            note = ""
        case _:
            value = rng.choice((b"", seq(seq()), seq(oid(one)), seq(integer(1))))
            draft.set(ext.CERTIFICATE_POLICIES, value, rng.random() < 0.3)
            return "broken policies"
    for other in (scene.leaf, *scene.cas):
        asserted = rng.choice((None, [one], [two], [one, two], [ext.ANY_POLICY], [one], [one]))
        if asserted is None:
            other.drop(ext.CERTIFICATE_POLICIES)
        else:
            qualified = rng.random() < 0.2
            value = ext.certificate_policies(asserted, qualified=qualified)
            other.set(ext.CERTIFICATE_POLICIES, value, rng.random() < 0.3)
    if rng.random() < 0.15:
        draft.set(ext.CERTIFICATE_POLICIES, ext.certificate_policies([one, one]))
        note += " repeated"
    return f"policies {note}"


def unknown_extension(scene: Scene, draft: Draft) -> str | None:
    """An extension that Java does not know, mostly critical."""
    rng = scene.rng
    critical = rng.random() < 0.75
    value = rng.choice((NULL, b"", b"\xff\xff garbage", seq(integer(1))))
    draft.set("1.2.3.4.5.6", value, critical)
    return f"unknown extension, critical {critical}"


def known_extension_critical(scene: Scene, draft: Draft) -> str | None:
    """An extension that is seldom or never critical, critical or not."""
    rng = scene.rng
    point = ext.distribution_points("http://pki.example/1.crl")
    options = {
        ext.AUTHORITY_INFO_ACCESS: ext.information_access(ext.OCSP, "http://ocsp.example/"),
        ext.SUBJECT_INFO_ACCESS: ext.information_access("1.3.6.1.5.5.7.48.5", "http://x.example/"),
        ext.CRL_DISTRIBUTION_POINTS: point,
        ext.FRESHEST_CRL: point,
        ext.OCSP_NO_CHECK: NULL,
        ext.TLS_FEATURE: seq(integer(5)),
        ext.NETSCAPE_COMMENT: string("ia5", "comment"),
        ext.MS_TEMPLATE: seq(oid("1.3.6.1.4.1.311.21.8.1"), integer(100)),
        ext.CT_POISON: NULL,
        ext.ISSUER_ALT_NAME: ext.general_names([General("email", "ca@example.com")]),
        ext.SUBJECT_KEY_IDENTIFIER: octets(draft.key.identifier),
        ext.CERTIFICATE_POLICIES: ext.certificate_policies(["1.2.3.4"]),
        ext.INHIBIT_ANY_POLICY: integer(1),
    }
    chosen = rng.choice(list(options))
    draft.set(chosen, options[chosen], rng.random() < 0.8)
    return f"{chosen} critical"


def key_usage_period(scene: Scene, draft: Draft) -> str | None:
    """Private key usage period, passed, running or to come."""
    rng = scene.rng
    start = scene.moment + timedelta(days=rng.choice((-300, 30)))
    end = scene.moment + timedelta(days=rng.choice((-30, 300)))
    value = ext.private_key_usage_period(
        start if rng.random() < 0.7 else None, end if rng.random() < 0.7 else None
    )
    draft.set(ext.PRIVATE_KEY_USAGE_PERIOD, value, rng.random() < 0.5)
    return "private key usage period"


def duplicate_extension(scene: Scene, draft: Draft) -> str | None:
    """One extension twice."""
    if not draft.extensions:
        return None
    extension = scene.rng.choice(list(draft.extensions.values()))
    draft.repeated = (extension,)
    return f"{extension.oid} twice"


def malformed_extension(scene: Scene, draft: Draft) -> str | None:
    """A known extension that holds garbage or has a tail."""
    rng = scene.rng
    known = (
        ext.BASIC_CONSTRAINTS,
        ext.KEY_USAGE,
        ext.EXTENDED_KEY_USAGE,
        ext.SUBJECT_ALT_NAME,
        ext.ISSUER_ALT_NAME,
        ext.NAME_CONSTRAINTS,
        ext.CERTIFICATE_POLICIES,
        ext.POLICY_CONSTRAINTS,
        ext.AUTHORITY_KEY_IDENTIFIER,
        ext.SUBJECT_KEY_IDENTIFIER,
        ext.AUTHORITY_INFO_ACCESS,
        ext.CRL_DISTRIBUTION_POINTS,
        ext.PRIVATE_KEY_USAGE_PERIOD,
        ext.NETSCAPE_CERT_TYPE,
    )
    chosen = rng.choice(known)
    old = draft.extensions.get(chosen)
    if old is not None and rng.random() < 0.4:
        draft.set(chosen, old.value + rng.choice((b"\x00", NULL)), old.critical)
        return f"{chosen} with a tail"
    draft.set(
        chosen,
        rng.choice((b"", b"\x04", b"\x30\x05\x01", NULL, b"\xde\xad\xbe\xef")),
        rng.random() < 0.3,
    )
    return f"{chosen} malformed"


def odd_extensions_field(scene: Scene, draft: Draft) -> str | None:
    """An empty list of extensions, or an explicit ``critical FALSE``."""
    if scene.rng.random() < 0.3:
        draft.extensions, draft.empty_extensions = {}, True
        draft.ski = draft.aki = "none"
        return "empty extensions"
    for key, extension in draft.extensions.items():
        draft.extensions[key] = Extension(
            key, extension.value, extension.critical, explicit_false=True
        )
    return "critical FALSE written"


EXTENSION_FAULTS: dict[Fault, float] = {
    basic_constraints: 8,
    key_usage: 7,
    extended_key_usage: 6,
    netscape_cert_type: 2,
    key_identifiers: 6,
    broken_key_identifiers: 1,
    policies: 6,
    unknown_extension: 3,
    known_extension_critical: 3,
    key_usage_period: 1,
    duplicate_extension: 1,
    malformed_extension: 2,
    odd_extensions_field: 1,
}
