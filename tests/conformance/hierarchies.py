"""A sound hierarchy to begin with: some levels of CAs, a leaf, and the ways in which sound ones differ."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from tests.conformance import extensions as ext
from tests.conformance.der_builder import Attribute, Rdns, StringType
from tests.conformance.drafts import AkiStyle, Draft, KeyDealer, Scene, SkiStyle, pick
from tests.conformance.extensions import General
from tests.conformance.keys import Digest, pool

COMMON_NAME = "2.5.4.3"
SERIAL_NUMBER = "2.5.4.5"
COUNTRY = "2.5.4.6"
LOCALITY = "2.5.4.7"
STATE = "2.5.4.8"
STREET = "2.5.4.9"
ORGANIZATION = "2.5.4.10"
UNIT = "2.5.4.11"
TITLE = "2.5.4.12"
GIVEN_NAME = "2.5.4.42"
ORGANIZATION_IDENTIFIER = "2.5.4.97"
DOMAIN_COMPONENT = "0.9.2342.19200300.100.1.25"
USER_ID = "0.9.2342.19200300.100.1.1"
EMAIL = "1.2.840.113549.1.9.1"
UNSTRUCTURED_NAME = "1.2.840.113549.1.9.2"

DOMAINS = (
    "example.com",
    "corp.example",
    "ad.corp.example",
    "example.co.uk",
    "a.b.c.example.net",
    "xn--mnchen-3ya.example",
    "example",
)
_HOSTS = ("www", "dc01", "ldap", "srv-7", "mail2", "a", "x1y2", "0cool")

_COMPANIES = (
    "Example AG",
    "ACME Corp.",
    "Contoso, Ltd",
    "Müller & Söhne GmbH",
    "株式会社例",
    "O'Neil",
)


def base_scene(rng: random.Random) -> Scene:
    """A chain that Java accepts: root installed, everything else served in order."""
    keys = KeyDealer(rng, pool())
    moment = datetime(2026, 6, 15, 12, tzinfo=UTC) + timedelta(
        seconds=rng.randrange(-20_000_000, 20_000_000)
    )
    moment = moment.replace(microsecond=0)
    at = None if rng.random() < 0.02 else moment
    host = make_host(rng)
    levels = pick(rng, {0: 3, 1: 16, 2: 46, 3: 22, 4: 9, 5: 4})
    cas = _cas(rng, keys, moment, levels)
    leaf = make_leaf(rng, keys, moment, cas[0] if cas else None, host)
    served = [leaf, *cas[:-1]]
    if cas and rng.random() < 0.25:
        served.append(cas[-1])
    return Scene(
        rng=rng,
        leaf=leaf,
        cas=cas,
        served=served,
        installed=[cas[-1] if cas else leaf],
        host=host,
        protocol=pick(rng, {"https": 7, "ldaps": 3}),
        at=at,
        moment=moment,
        keys=keys,
        notes=[f"{levels} CAs"],
    )


def make_host(rng: random.Random) -> str:
    """A host of one to five labels."""
    return f"{rng.choice(_HOSTS)}.{rng.choice(DOMAINS)}"


def simple_name(text: str, kind: StringType = "utf8") -> Rdns:
    """A name of one CN."""
    return ((Attribute(COMMON_NAME, text, kind),),)


def ca_name(rng: random.Random, text: str) -> Rdns:
    """The name of a CA in one of the usual shapes."""
    kind: StringType = pick(rng, {"utf8": 6, "printable": 4})
    cn = Attribute(COMMON_NAME, text, kind)
    match pick(rng, {"cn": 4, "org": 4, "ad": 2, "rich": 1, "no-cn": 0.5}):
        case "org":
            country = Attribute(COUNTRY, rng.choice(("DE", "US", "JP")), "printable")
            return ((country,), (Attribute(ORGANIZATION, _company(rng)),), (cn,))
        case "ad":
            parts = rng.choice(DOMAINS).split(".")[::-1]
            return (*((Attribute(DOMAIN_COMPONENT, part, "ia5"),) for part in parts), (cn,))
        case "rich":
            unit = Attribute(UNIT, f"Unit {rng.randrange(9)}", kind)
            email = Attribute(EMAIL, "pki@example.com", "ia5")
            return ((Attribute(ORGANIZATION, _company(rng)),), (unit,), (cn, email))
        case "no-cn":
            return ((Attribute(ORGANIZATION, _company(rng)),), (Attribute(UNIT, text, kind),))
        case _:
            return ((cn,),)


def _company(rng: random.Random) -> str:
    return rng.choice(_COMPANIES)


def make_ca(
    rng: random.Random,
    keys: KeyDealer,
    moment: datetime,
    label: str,
    issuer: Draft | None,
    path_len: int | None = None,
) -> Draft:
    """A sound CA certificate under *issuer*, or a root."""
    is_root = issuer is None
    draft = Draft(
        label=label,
        rdns=ca_name(rng, f"{label} {rng.randrange(10_000)}"),
        key=keys.usual(),
        issuer=issuer,
        serial=rng.getrandbits(rng.choice((8, 63, 127, 159))) + 1,
        not_before=moment - timedelta(days=rng.randrange(400, 4000)),
        not_after=moment + timedelta(days=rng.randrange(400, 9000)),
        scheme=_digest(rng),
        ski=_ski(rng),
        aki=pick(rng, {"none": 7, "key": 2, "both": 1}) if is_root else _aki(rng),
    )
    draft.set(ext.BASIC_CONSTRAINTS, ext.basic_constraints(True, path_len), rng.random() < 0.9)
    if rng.random() < 0.85:
        bits = [
            ext.KEY_CERT_SIGN,
            *rng.sample((ext.CRL_SIGN, ext.DIGITAL_SIGNATURE), rng.randrange(3)),
        ]
        draft.set(ext.KEY_USAGE, ext.key_usage(bits), rng.random() < 0.8)
    if rng.random() < 0.1:
        usages = rng.sample((ext.SERVER_AUTH, ext.CLIENT_AUTH, ext.CODE_SIGNING), 2)
        draft.set(ext.EXTENDED_KEY_USAGE, ext.extended_key_usage(usages))
    _decorate(rng, draft)
    return draft


def make_leaf(
    rng: random.Random, keys: KeyDealer, moment: datetime, issuer: Draft | None, host: str
) -> Draft:
    """A sound server certificate for *host*."""
    kind: StringType = pick(rng, {"utf8": 6, "printable": 4})
    cn = Attribute(COMMON_NAME, host if rng.random() < 0.8 else "Some Server", kind)
    organization = Attribute(ORGANIZATION, _company(rng))
    leaf = Draft(
        label="leaf",
        rdns=pick(rng, {((cn,),): 6, ((organization,), (cn,)): 3, ((organization,),): 1}),
        key=keys.usual(),
        issuer=issuer,
        serial=rng.getrandbits(rng.choice((8, 63, 127, 159))) + 1,
        not_before=moment - timedelta(days=rng.randrange(2, 300)),
        not_after=moment + timedelta(days=rng.randrange(2, 390)),
        scheme=_digest(rng),
        ski=_ski(rng),
        aki=_aki(rng),
    )
    if rng.random() < 0.6:
        leaf.set(ext.BASIC_CONSTRAINTS, ext.basic_constraints(False), rng.random() < 0.5)
    if rng.random() < 0.85:
        bits = [
            ext.DIGITAL_SIGNATURE,
            *rng.sample((ext.KEY_ENCIPHERMENT, ext.KEY_AGREEMENT), rng.randrange(2)),
        ]
        leaf.set(ext.KEY_USAGE, ext.key_usage(bits), rng.random() < 0.7)
    if rng.random() < 0.85:
        usages = [ext.SERVER_AUTH, *rng.sample((ext.CLIENT_AUTH,), rng.randrange(2))]
        leaf.set(ext.EXTENDED_KEY_USAGE, ext.extended_key_usage(usages), rng.random() < 0.1)
    names = [General("dns", host)]
    if rng.random() < 0.3:
        names.insert(rng.randrange(2), General("dns", "other." + host))
    leaf.set(ext.SUBJECT_ALT_NAME, ext.general_names(names), rng.random() < 0.05)
    _decorate(rng, leaf)
    return leaf


def _cas(rng: random.Random, keys: KeyDealer, moment: datetime, levels: int) -> list[Draft]:
    cas: list[Draft] = []
    with_lengths = rng.random() < 0.3
    for depth in range(levels):
        below = levels - depth - 1
        label = "Root" if depth == 0 else "Issuing CA" if below == 0 else f"Policy CA {depth}"
        length = below if with_lengths and rng.random() < 0.7 else None
        cas.append(make_ca(rng, keys, moment, label, cas[-1] if cas else None, length))
    return cas[::-1]


def _digest(rng: random.Random) -> Digest:
    return pick(rng, {"sha256": 80, "sha384": 6, "sha512": 6, "sha1": 6, "sha224": 2})


def _ski(rng: random.Random) -> SkiStyle:
    return pick(rng, {"key": 80, "none": 18, "other": 2})


def _aki(rng: random.Random) -> AkiStyle:
    return pick(rng, {"key": 75, "none": 18, "both": 5, "issuer": 2})


def _decorate(rng: random.Random, draft: Draft) -> None:
    """Extensions that do no harm."""
    if rng.random() < 0.3:
        url = "http://pki.example/ca.crt"
        draft.set(ext.AUTHORITY_INFO_ACCESS, ext.information_access(ext.CA_ISSUERS, url))
    if rng.random() < 0.3:
        draft.set(ext.CRL_DISTRIBUTION_POINTS, ext.distribution_points("http://pki.example/1.crl"))
    if rng.random() < 0.2:
        policies = rng.choice((["2.23.140.1.2.2"], [ext.ANY_POLICY], ["1.2.3.4", "1.2.3.5"]))
        draft.set(
            ext.CERTIFICATE_POLICIES,
            ext.certificate_policies(policies, qualified=rng.random() < 0.3),
        )
