"""Chains with one flaw each, as evidence."""

from __future__ import annotations

from collections.abc import Iterable

from cryptography import x509

from bot.pki.certificate import Source
from bot.pki.company_roots import CompanyRoots
from bot.pki.evidence import Evidence
from bot.pki.roots import MOZILLA, Membership, Root
from tests.conformance.der_builder import Attribute, Parts, integer, name
from tests.conformance.der_builder import certificate as assemble
from tests.conformance.der_builder import time as encoded_time
from tests.conformance.keys import pool
from tests.support.authority import Issued, make_root, rsa_key
from tests.support.evidence import DAY, HOST, NOW, Given, certificate, evidence

ROOT = make_root("Corp Root CA")
ISSUING = ROOT.intermediate("Corp Issuing CA")
LEAF = ISSUING.leaf(HOST, not_after=NOW + 365 * DAY)
#: The root under which the tests make deviating certificates, with a key that signs weakly too.
RSA_ROOT = make_root("RSA Root", key=rsa_key())


def healthy(*chain: Given, host: str = HOST, company: Iterable[Given] = (ROOT,)) -> Evidence:
    return evidence(chain, host=host, company=list(company))


def below(root: Issued, *chain: Given, host: str = HOST) -> Evidence:
    return evidence(chain, host=host, company=[root])


def unrecognized(oid: str, value: bytes) -> x509.UnrecognizedExtension:
    return x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), value)


def assembled(key_label: str) -> list[Given]:
    """A leaf with a key that libraries do not make any more, and its root."""
    issuer_key, key = pool()["rsa2048-0"], pool()[key_label]
    issuer = name(((Attribute("2.5.4.3", "Assembled Root"),),))
    made: list[Given] = []
    for subject, spki in ((HOST, key.spki), ("Assembled Root", issuer_key.spki)):
        parts = Parts(
            version=1,
            serial=integer(len(made) + 1),
            algorithm=issuer_key.algorithm("sha256"),
            issuer=issuer,
            not_before=encoded_time(NOW - 100 * DAY),
            not_after=encoded_time(NOW + 365 * DAY),
            subject=name(((Attribute("2.5.4.3", subject),),)),
            spki=spki,
        )
        signature = issuer_key.sign(parts.tbs(), "sha256")
        made.append(assemble(parts.tbs(), parts.algorithm, signature))
    return made


def long_chain() -> Evidence:
    extra = [make_root(f"Other {number}") for number in range(9)]
    return healthy(LEAF, ISSUING, *extra)


def large_chain() -> Evidence:
    many = [f"host-{number:04}.a-rather-long-domain-name.corp.example" for number in range(700)]
    return healthy(ISSUING.leaf(HOST, names=[HOST, *many]), ISSUING)


def expired() -> Issued:
    return ISSUING.leaf(HOST, not_before=NOW - 399 * DAY, not_after=NOW - 3 * DAY)


def dated_intermediate(begin: int, end: int) -> Evidence:
    """The issuing CA has these dates, in days from now."""
    issuing = ROOT.intermediate(
        "Corp Issuing CA", not_before=NOW + begin * DAY, not_after=NOW + end * DAY
    )
    return healthy(issuing.leaf(HOST), issuing)


def dated_root(begin: int, end: int) -> Evidence:
    root = make_root("Dated Root", not_before=NOW + begin * DAY, not_after=NOW + end * DAY)
    return below(root, root.leaf(HOST, not_after=NOW + 300 * DAY))


def constrained() -> Evidence:
    constraints = x509.NameConstraints([x509.DNSName("other.example")], None)
    bound = ROOT.intermediate("Bound CA", extensions=[(constraints, True)])
    return healthy(bound.leaf(HOST), bound)


def demanding_policy() -> Evidence:
    demand = x509.PolicyConstraints(require_explicit_policy=0, inhibit_policy_mapping=None)
    strict = ROOT.intermediate("Strict CA", extensions=[(demand, True)])
    return healthy(strict.leaf(HOST), strict)


def too_deep() -> Evidence:
    upper = ROOT.intermediate("Upper CA", path_length=0)
    lower = upper.intermediate("Lower CA")
    return healthy(lower.leaf(HOST), lower, upper)


def out_of_order(count: int) -> Evidence:
    """More intermediates than the JDK's builder follows, in reverse."""
    chain = [ROOT]
    for number in range(count):
        chain.append(chain[-1].intermediate(f"CA {number}"))
    return healthy(chain[-1].leaf(HOST), *chain[1:])


def public(root: Issued, *programmes: Membership) -> CompanyRoots:
    return CompanyRoots([Root(certificate(root), Source("public", "Mozilla"), programmes)])


def dropped_root() -> Evidence:
    store = public(ROOT, Membership(MOZILLA, "2015.4.28", "2024.6.2", "2024.7.4"))
    return evidence([LEAF, ISSUING], public=store)


def root_of_jdk_only() -> Evidence:
    store = public(ROOT, Membership("jdk-17", "Temurin-17.0.9+9", "Temurin-17.0.9+9"))
    return evidence([LEAF, ISSUING], public=store)


def cross_that_expired() -> Evidence:
    old = make_root("Old Root")
    cross = old.intermediate(
        "Corp Root CA", key=ROOT.key, not_before=NOW - 900 * DAY, not_after=NOW - 9 * DAY
    )
    return healthy(LEAF, ISSUING, cross, company=[ROOT, old])


def outdated_intermediate() -> Evidence:
    """The server still sends the certificate that its CA has renewed, with the same key."""
    old = ROOT.intermediate(
        "Corp Issuing CA", key=ISSUING.key, not_before=NOW - 900 * DAY, not_after=NOW - 9 * DAY
    )
    return evidence([LEAF, old], company=[ROOT], aia=[ISSUING])


def installed(*now_there: Given) -> Evidence:
    return evidence([LEAF, ISSUING], company=[ROOT], installed=now_there)


def subject(**attributes: str) -> x509.Name:
    oids = {"cn": x509.NameOID.COMMON_NAME, "o": x509.NameOID.ORGANIZATION_NAME}
    return x509.Name([x509.NameAttribute(oids[key], text) for key, text in attributes.items()])


def leaf_with_ip_name() -> Issued:
    """An address as a DNS name, as people do who know no better."""
    return ISSUING.leaf(
        HOST, extensions=[(x509.SubjectAlternativeName([x509.DNSName("10.0.0.1")]), False)]
    )


def with_san(*names: str) -> Issued:
    return ISSUING.leaf(HOST, names=names)
