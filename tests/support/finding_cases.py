"""Every finding, with a chain that really has what it tells of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from bot.pki.evidence import Evidence
from tests.support.authority import make, make_root, new_key, rsa_key
from tests.support.evidence import DAY, HOST, NOW, certificate, evidence
from tests.support.flawed_chains import (
    ISSUING,
    LEAF,
    ROOT,
    RSA_ROOT,
    assembled,
    below,
    constrained,
    cross_that_expired,
    dated_intermediate,
    dated_root,
    demanding_policy,
    dropped_root,
    expired,
    healthy,
    installed,
    large_chain,
    leaf_with_ip_name,
    long_chain,
    out_of_order,
    outdated_intermediate,
    root_of_jdk_only,
    subject,
    too_deep,
    unrecognized,
    with_san,
)


@dataclass(frozen=True)
class Case:
    """``code`` with ``severity`` is found, and its message and remedy hold ``texts``."""

    code: str
    severity: str
    made: Callable[[], Evidence]
    texts: tuple[str, ...] = ()
    note: str = ""

    def __str__(self) -> str:
        return f"{self.code} {self.note}".strip().replace(" ", "_")


ERROR, WARNING, INFO = "error", "warning", "info"

CASES = [
    # The chain as served.
    Case("chain_too_long", ERROR, long_chain, ("11 certificates", "10 at most")),
    Case("chain_too_large", ERROR, large_chain, ("32,768 at most",)),
    Case("leaf_not_first", ERROR, lambda: healthy(ISSUING, LEAF), ("Corp Issuing CA", HOST)),
    Case("chain_misordered", INFO, lambda: out_of_order(3)),
    Case(
        "intermediate_missing",
        WARNING,
        lambda: evidence([LEAF], company=[ROOT], aia=[ISSUING]),
        ('"Corp Issuing CA"', 'root "Corp Root CA"'),
    ),
    Case("issuer_unknown", ERROR, lambda: healthy(LEAF, company=[]), ('"Corp Issuing CA"',)),
    Case(
        "issuer_has_other_key",
        ERROR,
        lambda: healthy(LEAF, ISSUING, company=[make_root("Corp Root CA")]),
        ('"Corp Root CA"', "Test and production may be mixed up"),
    ),
    Case(
        "duplicate_certificate", INFO, lambda: healthy(LEAF, ISSUING, ISSUING), ("Corp Issuing CA",)
    ),
    Case("root_served", INFO, lambda: healthy(LEAF, ISSUING, ROOT), ('"Corp Root CA"',)),
    Case(
        "superfluous_certificate",
        INFO,
        lambda: healthy(LEAF, ISSUING, make_root("Stray CA")),
        ('"Stray CA"',),
    ),
    Case(
        "expired_certificate_served",
        INFO,
        cross_that_expired,
        ("expired 9 days ago", "Java goes another way"),
    ),
    Case(
        "expired_certificate_served",
        INFO,
        outdated_intermediate,
        ("and not what replaces it", "Put the current certificate in its place"),
        "in place of the current one",
    ),
    Case(
        "addresses_differ",
        INFO,
        lambda: evidence([LEAF, ISSUING], [ISSUING.leaf(HOST), ISSUING], company=[ROOT]),
        ("10.0.0.1", "10.0.0.2", "the same root"),
        "same root",
    ),
    Case(
        "addresses_differ",
        WARNING,
        lambda: evidence([LEAF, ISSUING], [RSA_ROOT.leaf(HOST)], company=[ROOT, RSA_ROOT]),
        ("different roots",),
        "other root",
    ),
    # Names.
    Case(
        "name_mismatch",
        ERROR,
        lambda: healthy(LEAF, ISSUING, host="crm.corp.example"),
        (f'is for "{HOST}", not for "crm.corp.example"', "never switch the name check off"),
    ),
    Case(
        "name_mismatch",
        ERROR,
        lambda: healthy(LEAF, ISSUING, host="corp.example"),
        ("that of one server instead of the domain's",),
        "of a domain",
    ),
    Case(
        "common_name_only",
        WARNING,
        lambda: healthy(make(HOST, ISSUING), ISSUING),
        (f'"{HOST}" in the SAN',),
    ),
    Case(
        "address_not_in_certificate",
        ERROR,
        lambda: healthy(LEAF, ISSUING, host="10.0.0.1"),
        (HOST, "not for the address 10.0.0.1"),
    ),
    Case(
        "address_not_in_certificate",
        ERROR,
        lambda: healthy(leaf_with_ip_name(), ISSUING, host="10.0.0.1"),
        ("a DNS entry with the address in it does not count",),
        "but a DNS name",
    ),
    Case(
        "host_name_not_allowed",
        ERROR,
        lambda: healthy(with_san("*.corp.example"), ISSUING, host="erp_1.corp.example"),
        ("underscore",),
    ),
    Case(
        "unreadable_names",
        ERROR,
        lambda: healthy(
            make(HOST, ISSUING, extensions=[(unrecognized("2.5.29.17", b"\x30\x00"), False)]),
            ISSUING,
        ),
    ),
    Case(
        "wildcard_in_wrong_place",
        ERROR,
        lambda: healthy(with_san("erp.*.example"), ISSUING),
        ('"erp.*.example"', "Java 21 and 25 let", "first label only", "though Java 11 and 17 take"),
    ),
    Case("wildcard_not_usable", WARNING, lambda: healthy(with_san(HOST, "erp.*.example"), ISSUING)),
    Case(
        "wildcard_too_broad",
        WARNING,
        lambda: healthy(with_san("*.co.uk"), ISSUING, host="erp.co.uk"),
        ('"*.co.uk"',),
    ),
    # Dates.
    Case(
        "leaf_expired",
        ERROR,
        lambda: healthy(expired(), ISSUING),
        ("expired 3 days ago", "another root does not help"),
    ),
    Case(
        "leaf_not_yet_valid",
        ERROR,
        lambda: healthy(
            ISSUING.leaf(HOST, not_before=NOW + 2 * DAY, not_after=NOW + 365 * DAY), ISSUING
        ),
        ("2 days to go",),
    ),
    Case(
        "leaf_expires_soon",
        WARNING,
        lambda: healthy(
            ISSUING.leaf(HOST, not_before=NOW - 300 * DAY, not_after=NOW + 20 * DAY), ISSUING
        ),
        ("(20 days left)",),
    ),
    Case(
        "intermediate_expired", WARNING, lambda: dated_intermediate(-900, -9), ("Corp Issuing CA",)
    ),
    Case("intermediate_not_yet_valid", WARNING, lambda: dated_intermediate(9, 900)),
    Case(
        "intermediate_expires_soon",
        WARNING,
        lambda: dated_intermediate(-900, 9),
        ("(9 days left)",),
    ),
    Case(
        "anchor_expired", WARNING, lambda: dated_root(-900, -9), ("Java accepts it all the same",)
    ),
    Case("anchor_not_yet_valid", WARNING, lambda: dated_root(9, 900)),
    Case("anchor_expires_soon", INFO, lambda: dated_root(-900, 100), ("(100 days left)",), "later"),
    Case("anchor_expires_soon", WARNING, lambda: dated_root(-900, 20), ("(20 days left)",), "soon"),
    # Keys and signatures.
    Case(
        "key_too_short",
        ERROR,
        lambda: evidence(assembled("rsa768-0")[:1], company=assembled("rsa768-0")[1:]),
        ("RSA 768 bit",),
    ),
    Case("weak_key", WARNING, lambda: healthy(ISSUING.leaf(HOST, key=rsa_key(1024)), ISSUING)),
    Case(
        "weak_key",
        WARNING,
        lambda: below(weak := make_root("Weak Root", key=rsa_key(1024)), weak.leaf(HOST)),
        ('The root "Weak Root"', "The CA needs a new root"),
        "of a root",
    ),
    Case(
        "unsupported_curve",
        ERROR,
        lambda: below(odd := make_root("Odd Root", key=new_key("secp256k1")), odd.leaf(HOST)),
        ("secp256k1",),
    ),
    Case(
        "leaf_curve_unsupported",
        ERROR,
        lambda: healthy(ISSUING.leaf(HOST, key=new_key("secp256k1")), ISSUING),
        ("secp256k1", "no Java client can complete a handshake"),
    ),
    Case(
        "broken_signature_algorithm",
        ERROR,
        lambda: below(RSA_ROOT, RSA_ROOT.leaf(HOST, weak_digest="md5")),
        ("MD5withRSA",),
    ),
    Case(
        "sha1_signature",
        WARNING,
        lambda: below(RSA_ROOT, RSA_ROOT.leaf(HOST, weak_digest="sha1")),
        ("still accepts below a private root",),
        "private",
    ),
    Case(
        "sha1_signature",
        ERROR,
        lambda: evidence(
            [RSA_ROOT.leaf(HOST, weak_digest="sha1")], company=[RSA_ROOT], jdk_roots=[RSA_ROOT]
        ),
        ("refuses below a public root",),
        "public",
    ),
    Case(
        "unknown_signature_algorithm",
        WARNING,
        lambda: below(ed := make_root("Ed Root", key=new_key("ed25519")), ed.leaf(HOST)),
        ("Java 11 cannot verify", "Java 17, 21 and 25"),
    ),
    # Extensions.
    Case(
        "unreadable_certificate",
        ERROR,
        lambda: healthy(make(x509.Name([]), ISSUING, names=[HOST]), ISSUING),
        ("MUST be marked critical",),
    ),
    Case(
        "key_usage_forbids_signing",
        ERROR,
        lambda: healthy(ISSUING.leaf(HOST, key_usage=["key_encipherment"]), ISSUING),
    ),
    Case(
        "not_for_servers",
        ERROR,
        lambda: healthy(
            ISSUING.leaf(HOST, extended_key_usage=[ExtendedKeyUsageOID.CLIENT_AUTH]), ISSUING
        ),
        ("for client authentication",),
    ),
    Case("leaf_is_ca", WARNING, lambda: below(ROOT, ROOT.intermediate(HOST, names=[HOST]))),
    Case(
        "not_a_ca",
        ERROR,
        lambda: healthy((plain := ROOT.leaf("No CA")).leaf(HOST), plain),
        ('"No CA"',),
        "an intermediate",
    ),
    Case(
        "not_a_ca",
        ERROR,
        lambda: below(plain := make_root("No CA", ca=False), plain.leaf(HOST)),
        ("CA:TRUE and installed in place of this one",),
        "a root",
    ),
    Case(
        "may_not_sign_certificates",
        ERROR,
        lambda: healthy(
            (mute := ROOT.intermediate("Mute CA", key_usage=["crl_sign"])).leaf(HOST), mute
        ),
        ('"Mute CA"', "keyCertSign"),
        "an intermediate",
    ),
    Case(
        "may_not_sign_certificates",
        ERROR,
        lambda: below(mute := make_root("Mute CA", key_usage=["crl_sign"]), mute.leaf(HOST)),
        ("keyCertSign",),
        "a root",
    ),
    Case("path_too_long", WARNING, too_deep, ('"Upper CA" allows 0 further CAs', "there are 1")),
    Case("name_constraints_violated", WARNING, constrained, ('"Bound CA"',)),
    Case("policy_not_allowed", WARNING, demanding_policy),
    Case(
        "unknown_critical_extension",
        ERROR,
        lambda: healthy(
            ISSUING.leaf(HOST, extensions=[(unrecognized("1.2.3.4", b"\x05\x00"), True)]), ISSUING
        ),
        ("1.2.3.4",),
    ),
    # Signs in names.
    Case(
        "intercepted",
        WARNING,
        lambda: below(
            ROOT,
            (box := ROOT.intermediate("Zscaler Intermediate Root CA (zscloud.net)")).leaf(HOST),
            box,
        ),
        ("Zscaler issued the certificate that arrived",),
    ),
    Case(
        "private_root_for_public_name",
        WARNING,
        lambda: healthy(ISSUING.leaf("corp.service-now.com"), ISSUING, host="corp.service-now.com"),
        ("a well-known service",),
        "of a service",
    ),
    Case(
        "private_root_for_public_name",
        WARNING,
        lambda: evidence(
            [ROOT.leaf("erp.contoso.com"), ROOT],
            host="erp.contoso.com",
            addresses=["93.184.215.14"],
        ),
        ("a public name with a public address",),
        "by address",
    ),
    Case(
        "environment_mismatch",
        WARNING,
        lambda: below(test := make_root("Corp Test Root CA"), test.leaf(HOST)),
        ('"Corp Test Root CA" speaks of test ("test")', "does not"),
        "test CA",
    ),
    Case(
        "environment_mismatch",
        WARNING,
        lambda: below(
            production := make_root("CorpProdRootCA"),
            production.leaf("erp-tst.corp.example"),
            host="erp-tst.corp.example",
        ),
        ("production", 'of test ("tst")'),
        "production CA",
    ),
    Case(
        "environment_mismatch",
        WARNING,
        lambda: healthy(with_san(HOST, "erp-qa.corp.example"), ISSUING),
        ("erp-qa.corp.example",),
        "other names",
    ),
    Case(
        "environment_mismatch",
        WARNING,
        lambda: below(
            staging := make_root("(STAGING) Pretend Pear X1"),
            staging.leaf("www.corp.com"),
            host="www.corp.com",
        ),
        ("staging",),
        "staging",
    ),
    Case(
        "test_environment",
        INFO,
        lambda: healthy(ISSUING.leaf("erp.qa.corp.example"), ISSUING, host="erp.qa.corp.example"),
        ('("qa")',),
    ),
    Case(
        "placeholder_certificate",
        WARNING,
        lambda: evidence(
            [
                make(
                    subject(o="Acme Co", cn="Kubernetes Ingress Controller Fake Certificate"),
                    names=["ingress.local"],
                )
            ]
        ),
    ),
    # Trust.
    Case("self_signed", WARNING, lambda: evidence([make(HOST, names=[HOST])]), ("its own root",)),
    Case(
        "pinned_leaf",
        WARNING,
        lambda: evidence([LEAF], company=[LEAF]),
        ("in 365 days at the latest",),
    ),
    Case(
        "short_lived_leaf", INFO, lambda: healthy(ISSUING.leaf(HOST), ISSUING), ("lives 91 days",)
    ),
    Case(
        "root_not_proven",
        WARNING,
        lambda: healthy(LEAF, ISSUING, ROOT, company=[]),
        ("the server itself (10.0.0.1)", certificate(ROOT).fingerprint),
    ),
    Case("root_removed", WARNING, dropped_root, ("certifi 2024.7.4", "the site will move")),
    Case("root_of_jdk_only", INFO, root_of_jdk_only),
    Case("root_refused", WARNING, lambda: out_of_order(7), ('"Corp Root CA"',)),
    Case(
        "java_versions_differ",
        WARNING,
        lambda: below(ed := make_root("Ed Root", key=new_key("ed25519")), ed.leaf(HOST)),
        ("Java 17, 21 and 25 connect, but Java 11 does not",),
    ),
    Case(
        "java_refuses",
        ERROR,
        lambda: healthy(
            ISSUING.leaf(
                HOST,
                extensions=[(unrecognized("2.16.840.1.113730.1.1", b"\x03\x02\x07\x80"), False)],
            ),
            ISSUING,
        ),
        ("Netscape cert type",),
    ),
    # What is installed.
    Case("installed_suffices", INFO, lambda: installed(ROOT), ("Java 11, 17, 21 and 25",)),
    Case("installed_belongs_to_chain", INFO, lambda: installed(ROOT), ('"Corp Root CA"',)),
    Case(
        "installed_does_not_suffice",
        ERROR,
        lambda: installed(make_root("Other Root")),
        ("unable to find valid certification path", 'Install "Corp Root CA"'),
    ),
    Case(
        "installed_unrelated",
        WARNING,
        lambda: installed(make_root("Other Root")),
        ('"Other Root"',),
    ),
    Case(
        "installed_unrelated", INFO, lambda: installed(ROOT, make_root("Other Root")), (), "beside"
    ),
    Case("installed_is_leaf", WARNING, lambda: installed(LEAF), ("in 365 days at the latest",)),
    Case(
        "installed_leaf_renewed",
        ERROR,
        lambda: installed(ISSUING.leaf(HOST, key=LEAF.key)),
        ("with the same key", 'Install "Corp Root CA"'),
    ),
    Case(
        "installed_has_other_key",
        ERROR,
        lambda: installed(make_root("Corp Root CA")),
        ("another key", "Test and production may be mixed up"),
    ),
    Case(
        "installed_has_other_key",
        ERROR,
        lambda: evidence([LEAF, ISSUING], installed=[make_root("Corp Root CA")]),
        ("another key", "Mend what the other findings name"),
        "of a missing root",
    ),
    Case(
        "installed_belongs_to_chain",
        INFO,
        lambda: installed(make_root("Corp Root CA", key=ROOT.key)),
        ('"Corp Root CA"',),
        "reissued",
    ),
    Case(
        "installed_expired",
        WARNING,
        lambda: evidence(
            [(old := make_root("Old", not_before=NOW - 99 * DAY, not_after=NOW - DAY)).leaf(HOST)],
            installed=[old],
        ),
        ("Java does not mind",),
    ),
]
