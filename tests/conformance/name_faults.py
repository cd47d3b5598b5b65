"""Oddities of subjects and issuers and of name constraints; see :mod:`tests.conformance.field_faults`."""

from __future__ import annotations

from collections.abc import Callable

from tests.conformance import extensions as ext
from tests.conformance import hierarchies as names
from tests.conformance.der_builder import Attribute, Rdns, StringType, integer, seq
from tests.conformance.drafts import Draft, Scene, pick
from tests.conformance.extensions import General
from tests.conformance.field_faults import Fault

_KINDS: tuple[StringType, ...] = ("utf8", "printable", "teletex", "ia5", "bmp", "universal")


def issuer_spelt_otherwise(scene: Scene, draft: Draft) -> str | None:
    """The issuer field differs from the issuer's subject, in a way that Java may see through."""
    if draft.issuer is None:
        return None
    form = scene.rng.choice(list(_SPELLINGS))
    draft.issuer_rdns = _SPELLINGS[form](scene, draft.issuer.rdns)
    if scene.rng.random() < 0.4:
        draft.aki = "none"
    return f"issuer spelt otherwise: {form}"


def subject_spelt_otherwise(scene: Scene, draft: Draft) -> str | None:
    """Certificates below keep naming the old subject."""
    form = scene.rng.choice(list(_SPELLINGS))
    old = draft.rdns
    for child in scene.everyone():
        if child.issuer is draft and child.issuer_rdns is None:
            child.issuer_rdns = old
    draft.rdns = _SPELLINGS[form](scene, old)
    return f"subject spelt otherwise: {form}"


def _each(change: Callable[[Attribute], Attribute]) -> Callable[[Scene, Rdns], Rdns]:
    def apply(_: Scene, rdns: Rdns) -> Rdns:
        return tuple(tuple(change(attribute) for attribute in rdn) for rdn in rdns)

    return apply


def _text(change: Callable[[str], str]) -> Callable[[Scene, Rdns], Rdns]:
    return _each(lambda old: Attribute(old.oid, change(old.text), old.kind) if old.kind else old)


def _other_kind(scene: Scene, rdns: Rdns) -> Rdns:
    kind = scene.rng.choice(_KINDS)
    return _each(lambda old: Attribute(old.oid, old.text, kind) if old.kind else old)(scene, rdns)


def _utf8(scene: Scene, rdns: Rdns) -> Rdns:
    return _each(lambda old: Attribute(old.oid, old.text) if old.kind else old)(scene, rdns)


def _joined(_: Scene, rdns: Rdns) -> Rdns:
    return (tuple(attribute for rdn in rdns for attribute in rdn),)


def _longer(_: Scene, rdns: Rdns) -> Rdns:
    return (*rdns, (Attribute(names.LOCALITY, "Elsewhere"),))


_SPELLINGS: dict[str, Callable[[Scene, Rdns], Rdns]] = {
    "upper": _text(str.upper),
    "lower": _text(str.lower),
    "double spaces": _text(lambda text: text.replace(" ", "  ")),
    "no spaces": _text(lambda text: text.replace(" ", "")),
    "leading space": _text(lambda text: " " + text),
    "trailing space": _text(lambda text: text + " "),
    "tab": _text(lambda text: text.replace(" ", "\t")),
    "no-break space": _text(lambda text: text.replace(" ", "\u00a0")),
    "decomposed": _text(lambda text: text.replace("ü", "u\u0308").replace("ö", "o\u0308")),
    "full width": _text(lambda text: text.replace("C", "\uff23")),
    "other type": _other_kind,
    "utf8": _utf8,
    "reversed": lambda _, rdns: rdns[::-1],
    "joined": _joined,
    "longer": _longer,
    "shorter": lambda _, rdns: rdns[1:] or (),
    "empty": lambda _, __: (),
}


def odd_name(scene: Scene, draft: Draft) -> str | None:
    """A subject of unusual attributes, types or length, named alike by the certificates below."""
    rng = scene.rng
    form = rng.choice(list(_NAMES))
    draft.rdns = _NAMES[form]
    if form == "empty" and rng.random() < 0.5 and ext.SUBJECT_ALT_NAME in draft.extensions:
        san = draft.extensions[ext.SUBJECT_ALT_NAME]
        draft.set(ext.SUBJECT_ALT_NAME, san.value, critical=True)
    return f"name: {form}"


def _cn(text: str, kind: StringType | None = "utf8") -> tuple[Attribute, ...]:
    return (Attribute(names.COMMON_NAME, text, kind),)


_ORGANIZATION = (Attribute(names.ORGANIZATION, "Example AG"),)

_NAMES: dict[str, Rdns] = {
    "empty": (),
    "empty value": (_cn(""),),
    "empty rdn": ((), _cn("Empty RDN")),
    "teletex": (_cn("Bürö CA", "teletex"),),
    "bmp": (_cn("Bürö CA", "bmp"),),
    "universal": (_cn("Bürö CA", "universal"),),
    "ia5": (_cn("IA5 CA", "ia5"),),
    "numeric": (_cn("12345", "numeric"),),
    "printable with at": (_cn("a@b*c", "printable"),),
    "quotes": (_cn(r'a"b\c,d+e;f<g>h=i#j'),),
    "hash": (_cn("#abc"), _ORGANIZATION),
    "control": (_cn("a\x00b\nc\u202ed"),),
    "integer value": (_cn(integer(5).hex(), None),),
    "sequence value": (_cn(seq(integer(5)).hex(), None),),
    "bit string value": (_cn("030200ff", None),),
    "long": (_cn("x" * 300),),
    "multi-valued": ((Attribute(names.ORGANIZATION, "Example AG"), *_cn("Multi")),),
    "same type twice": ((*_cn("One"), *_cn("Two")), _ORGANIZATION),
    "two cns": (_cn("First"), _ORGANIZATION, _cn("Second")),
    "email": (_cn("Mail"), (Attribute(names.EMAIL, "Someone@Example.COM", "ia5"),)),
    "email utf8": ((Attribute(names.EMAIL, "someone@example.com"),),),
    "unknown attribute": ((Attribute("1.2.3.4.9", "x"),), _cn("Unknown")),
    "rich": (
        (Attribute(names.COUNTRY, "DE", "printable"),),
        (Attribute(names.STATE, "Hessen"),),
        (Attribute(names.LOCALITY, "Frankfurt"),),
        (Attribute(names.STREET, "Straße 1"),),
        (Attribute(names.TITLE, "Dr."),),
        (Attribute(names.GIVEN_NAME, "Given"),),
        (Attribute(names.USER_ID, "uid"),),
        (Attribute(names.SERIAL_NUMBER, "17", "printable"),),
        (Attribute(names.ORGANIZATION_IDENTIFIER, "VATDE-1"),),
        (Attribute(names.UNSTRUCTURED_NAME, "host", "ia5"),),
    ),
    "dc": (
        (Attribute(names.DOMAIN_COMPONENT, "Example", "ia5"),),
        (Attribute(names.DOMAIN_COMPONENT, "corp"),),
        _cn("DC"),
    ),
    "surrogates": (_cn("\U0001f512 CA", "bmp"),),
    "bad utf8": (_cn("0c02c328", None),),
}


def name_constraints(scene: Scene, draft: Draft) -> str | None:
    """Permitted and excluded subtrees that do or do not cover the leaf's names."""
    rng = scene.rng
    if draft is scene.leaf and rng.random() < 0.8 and scene.cas:
        draft = rng.choice(scene.cas)
    permitted, excluded = _subtrees(scene, 0.75), _subtrees(scene, 0.4)
    value = ext.name_constraints(permitted, excluded)
    if rng.random() < 0.03:
        value = rng.choice((b"", seq(seq()), b"\x30\x02\xa0\x00"))
    draft.set(ext.NAME_CONSTRAINTS, value, rng.random() < 0.7)
    if rng.random() < 0.25 and len(scene.cas) > 1:
        other = rng.choice([ca for ca in scene.cas if ca is not draft])
        below = ext.name_constraints(_subtrees(scene, 0.8), _subtrees(scene, 0.3))
        other.set(ext.NAME_CONSTRAINTS, below, rng.random() < 0.7)
    texts = [",".join(map(str, subtrees)) for subtrees in (permitted, excluded)]
    if rng.random() < 0.3:
        _add_constrained_names(scene)
    return f"{draft.label} name constraints permitted {texts[0]} excluded {texts[1]}"


def _subtrees(scene: Scene, chance: float) -> list[General]:
    rng = scene.rng
    if rng.random() > chance:
        return []
    host = scene.host or "www.example.com"
    parent = host.partition(".")[2] or host
    leaf_name = scene.leaf.rdns
    upper = pick(scene.rng, {leaf_name[:1]: 1, leaf_name: 1, names.simple_name("Nobody"): 1})
    pool = [
        *[General("dns", text) for text in (parent, parent, host, "." + parent, parent.upper())],
        *[
            General("dns", text)
            for text in ("other.test", "", "ww.example.com", "com", "*." + parent)
        ],
        *[
            General("email", text)
            for text in ("example.com", "a@example.com", ".example.com", "other.test")
        ],
        *[
            General("ip", text)
            for text in ("192.0.2.0/24", "10.0.0.0/8", "0.0.0.0/0", "2001:db8::/32")
        ],
        General("ip", "#c0000200ff00ff00"),
        General("dir", upper),
        General("dir", upper),
        General("dir", ()),
        *[General("uri", text) for text in ("example.com", ".example.com", "http://x.test/")],
        General("rid", "1.2.3.4"),
        General("other", "user@example.com"),
        General("x400", "x"),
        *[General("ip", text) for text in ("::/0", "192.0.2.7/32", "#c0000207ffffff00")],
    ]
    return rng.sample(pool, pick(rng, {1: 6, 2: 3, 3: 1}))


def _add_constrained_names(scene: Scene) -> None:
    """Gives the leaf names of the kinds that constraints speak of."""
    rng = scene.rng
    pool = [
        General("dns", scene.host or "www.example.com"),
        General("dns", "www.other.test"),
        General("email", "a@example.com"),
        General("email", "b@sub.example.com"),
        General("ip", "192.0.2.7"),
        General("ip", "2001:db8::7"),
        General("dir", scene.leaf.rdns or names.simple_name("Leaf")),
        General("uri", "https://www.example.com/x"),
        General("uri", "urn:x"),
        General("rid", "1.2.3.4.5"),
        General("other", "user@example.com"),
        General("x400", "x"),
        General("rid", "1.2.3.4"),
        General("ip", "192.0.2.8"),
    ]
    chosen = rng.sample(pool, rng.randrange(1, 4))
    scene.leaf.set(ext.SUBJECT_ALT_NAME, ext.general_names(chosen), rng.random() < 0.1)
    if rng.random() < 0.2:
        email = (Attribute(names.EMAIL, rng.choice(("a@example.com", "a@other.test")), "ia5"),)
        scene.leaf.rdns = (*scene.leaf.rdns, email)


NAME_FAULTS: dict[Fault, float] = {
    issuer_spelt_otherwise: 4,
    subject_spelt_otherwise: 3,
    odd_name: 4,
    name_constraints: 10,
}
