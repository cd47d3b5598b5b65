"""The host that a client asks for against the names that the certificate bears."""

from __future__ import annotations

from collections.abc import Callable

from tests.conformance import extensions as ext
from tests.conformance import hierarchies as names
from tests.conformance.der_builder import Attribute, Rdns, StringType
from tests.conformance.drafts import Scene, pick
from tests.conformance.extensions import General

HostFault = Callable[[Scene], str | None]


def exact(scene: Scene) -> str | None:
    """Letters of either case, a final dot, one name among several."""
    rng = scene.rng
    host = scene.host or "www.example.com"
    form = rng.choice(
        ("upper host", "upper name", "dot host", "dot name", "both dots", "two dots", "many")
    )
    name = host
    match form:
        case "upper host":
            scene.host = host.upper()
        case "upper name":
            name = host.title()
        case "dot host":
            scene.host = host + "."
        case "dot name":
            name = host + "."
        case "both dots":
            scene.host = name = host + "."
        case "two dots":
            scene.host = host + ".."
        case _:
            _set_san(
                scene, *(General("dns", f"n{i}.{host}") for i in range(20)), General("dns", host)
            )
            return "many names"
    _set_san(scene, General("dns", name))
    return f"{form}: {scene.host}"


def mismatch(scene: Scene) -> str | None:
    """The certificate is for another host."""
    rng = scene.rng
    host = scene.host or "www.example.com"
    other = rng.choice(
        (
            "other.example.org",
            "x." + host,
            host.partition(".")[2] or "localhost",
            host + ".de",
            "w" + host,
        )
    )
    _set_san(scene, General("dns", other))
    return f"named {other}"


def wildcard(scene: Scene) -> str | None:
    """A name with asterisks that may cover the host."""
    rng = scene.rng
    host = rng.choice(
        (scene.host or "www.example.com", "www.example.com", "example.com", "foo.bar.example.com")
    )
    first, _, rest = host.partition(".")
    second, _, tail = rest.partition(".")
    pattern = rng.choice(
        (
            f"*.{rest}",
            f"*.{rest}",
            f"*.{rest}",
            f"{first[:1]}*.{rest}",
            f"*{first[-1:]}.{rest}",
            f"{first[:1]}*{first[-1:]}.{rest}",
            f"{first}*.{rest}",
            f"*{first}*.{rest}",
            f"{first}.*.{tail}",
            f"*.*.{tail}",
            f"*.{tail}",
            f"*.{host}",
            f"*{host}",
            f"{first}.{second[:1]}*.{tail}",
            "*",
            "*.",
            "*.*",
            "*com",
            f"**.{rest}",
            f"*.{rest.upper()}",
            f"*.{rest}.",
            f"xn--*.{rest}",
        )
    )
    scene.host = host
    if rng.random() < 0.2:
        scene.leaf.drop(ext.SUBJECT_ALT_NAME)
        scene.leaf.rdns = names.simple_name(pattern)
        return f"CN {pattern} for {host}"
    _set_san(scene, General("dns", pattern))
    return f"{pattern} for {host}"


def international(scene: Scene) -> str | None:
    """Names beyond ASCII, as A-labels and U-labels, on either side."""
    rng = scene.rng
    a_label, u_label = rng.choice(
        (
            ("xn--mnchen-3ya.example", "münchen.example"),
            ("xn--bcher-kva.example", "BÜCHER.example"),
            ("xn--strae-oqa.example", "straße.example"),
            ("strasse.example", "straße.example"),
            ("xn--fiq228c.example", "中文.example"),
            ("xn--n3h.example", "☃.example"),
            ("xn--4dbrk0ce.example", "ישראל.example"),
            ("xn--ls8h.example", "💩.example"),
            ("xn--a.example", "xn--a.example"),
            ("a-b.example", "a‐b.example"),
        )
    )
    forms = (
        a_label,
        a_label,
        u_label,
        "www." + a_label,
        "*." + a_label,
        a_label.upper(),
        "*" + a_label,
        "x*.example",
    )
    scene.host = rng.choice(
        (a_label, a_label, u_label, "www." + a_label, "www." + u_label, a_label.upper())
    )
    name = rng.choice(forms)
    if rng.random() < 0.25:
        scene.leaf.drop(ext.SUBJECT_ALT_NAME)
        scene.leaf.rdns = names.simple_name(name, rng.choice(("utf8", "bmp", "teletex")))
    else:
        _set_san(scene, General("dns", name))
    return f"{name} for {scene.host}"


def address(scene: Scene) -> str | None:
    """The client connects by address, in any notation."""
    rng = scene.rng
    v4, v6 = "192.0.2.7", "2001:db8::7"
    scene.host = rng.choice(
        (
            v4,
            v4,
            v4,
            v6,
            v6,
            "2001:DB8:0:0:0:0:0:7",
            "2001:0db8:0000:0000:0000:0000:0000:0007",
            f"[{v6}]",
            "::ffff:192.0.2.7",
            "192.0.519",
            "192.519",
            "3221225991",
            "192.0.2.007",
            "192.0.2.256",
            "::1",
            "fe80::1%eth0",
            "2001:db8::192.0.2.7",
            v4 + ".",
            "0xC0.0.2.7",
        )
    )
    form = rng.choice(
        (
            "ip",
            "ip",
            "ip",
            "both",
            "dns text",
            "uri",
            "cn",
            "other ip",
            "mapped",
            "odd length",
            "none",
        )
    )
    sans = {
        "ip": [General("ip", v4), General("ip", v6)],
        "both": [General("dns", "www.example.com"), General("ip", v6), General("ip", v4)],
        "dns text": [General("dns", scene.host.strip("[]"))],
        "uri": [General("uri", f"https://{v4}/")],
        "other ip": [General("ip", "192.0.2.8")],
        "mapped": [General("ip", "#00000000000000000000ffffc0000207")],
        "odd length": [
            General("ip", rng.choice(("#", "#c00002", "#c000020700", "#c0000207ffffffff"))),
            General("ip", v4),
        ],
    }.get(form)
    if sans is None:
        scene.leaf.drop(ext.SUBJECT_ALT_NAME)
        if form == "cn":
            scene.leaf.rdns = names.simple_name(scene.host)
    else:
        _set_san(scene, *sans)
    return f"address {scene.host}, SAN {form}"


def common_name(scene: Scene) -> str | None:
    """No DNS name in the SAN: the CN decides."""
    rng = scene.rng
    host = scene.host or "www.example.com"
    form = rng.choice(list(_COMMON_NAMES))
    scene.leaf.rdns = _COMMON_NAMES[form](host)
    rest = pick(rng, {"none": 5, "email": 2, "ip": 2, "uri": 1, "other": 1, "dns": 1})
    if rest == "none":
        scene.leaf.drop(ext.SUBJECT_ALT_NAME)
    else:
        others = {
            "email": General("email", "a@example.com"),
            "ip": General("ip", "192.0.2.9"),
            "uri": General("uri", "https://www.example.com/"),
            "other": General("other", "user@example.com"),
            "dns": General("dns", "elsewhere.example"),
        }
        _set_san(scene, others[rest])
    return f"CN {form}, SAN {rest}"


def _cn(text: str, kind: StringType = "utf8") -> tuple[Attribute, ...]:
    return (Attribute(names.COMMON_NAME, text, kind),)


_UNIT = (Attribute(names.UNIT, "Unit"),)

_COMMON_NAMES: dict[str, Callable[[str], Rdns]] = {
    "exact": lambda host: (_cn(host),),
    "upper": lambda host: (_cn(host.upper()),),
    "printable": lambda host: (_cn(host, "printable"),),
    "teletex": lambda host: (_cn(host, "teletex"),),
    "bmp": lambda host: (_cn(host, "bmp"),),
    "universal": lambda host: (_cn(host, "universal"),),
    "ia5": lambda host: (_cn(host, "ia5"),),
    "other": lambda _: (_cn("other.example"),),
    "first of two": lambda host: (_cn(host), _UNIT, _cn("other.example")),
    "last of two": lambda host: (_cn("other.example"), _cn(host)),
    "in one rdn": lambda host: ((*_cn(host), *_UNIT),),
    "two in one rdn": lambda host: ((*_cn(host), *_cn("zzz.example")),),
    "not last": lambda host: (_cn(host), _UNIT),
    "trailing space": lambda host: (_cn(host + " "),),
    "leading space": lambda host: (_cn(" " + host),),
    "sentence": lambda host: (_cn(f"Server {host}"),),
    "empty": lambda _: (_cn(""),),
    "none": lambda _: (_UNIT,),
    "full width": lambda host: (_cn(host.replace("w", "\uff57")),),
    "ligature": lambda host: (_cn(host + "\ufb01"),),
    "nul": lambda host: (_cn(host + "\x00.evil.example"),),
    "url": lambda host: (_cn(f"https://{host}"),),
    "wildcard": lambda host: (_cn("*." + host.partition(".")[2]),),
}


def odd_host(scene: Scene) -> str | None:
    """Hosts that are no proper host names, certified as they are."""
    rng = scene.rng
    scene.host = rng.choice(
        (
            "foo_bar.example.com",
            "_ldap._tcp.example.com",
            "localhost",
            "dc01",
            "-a.example.com",
            "a-.example.com",
            "a--b.example.com",
            "a" * 63 + ".example.com",
            "a" * 64 + ".example.com",
            ".".join(["abcdefghi"] * 26) + ".com",
            "123",
            "1.2.3",
            "4.example",
            "a b.example.com",
            "a..example.com",
            ".example.com",
            "example.com:443",
            "exa*mple.com",
            "*.example.com",
            "a@example.com",
            "",
            "ex%61mple.com",
        )
    )
    if rng.random() < 0.8:
        name = rng.choice((scene.host, scene.host, "*." + scene.host.partition(".")[2]))
        _set_san(scene, General("dns", name))
    return f"host {scene.host!r}"


def odd_san(scene: Scene) -> str | None:
    """A SAN with other kinds of names, or with names that are none, besides the right one or not."""
    rng = scene.rng
    host = scene.host or "www.example.com"
    odd = rng.choice(
        (
            General("dns", ""),
            General("dns", " "),
            General("dns", "." + host),
            General("dns", "a_b.example.com"),
            General("dns", "1a.example.com"),
            General("dns", "-a.example.com"),
            General("dns", "a..example.com"),
            General("dns", "a b.example.com"),
            General("dns", "münchen.example"),
            General("dns", host + "\x00.evil.example"),
            General("dns", "*"),
            General("dns", "a" * 300),
            General("email", ""),
            General("email", "no at sign"),
            General("email", "a@b@c"),
            General("email", "a@"),
            General("email", "@b"),
            General("uri", ""),
            General("uri", "not a uri"),
            General("uri", "//host/path"),
            General("uri", "ldap:///cn=x"),
            General("uri", "https://[2001:db8::7]/"),
            General("uri", "https://a_b.example/"),
            General("uri", "urn:uuid:1"),
            General("ip", "#"),
            General("ip", "#01020304050607080910"),
            General("rid", "1.2.3.4"),
            General("other", "user@example.com"),
            General("x400", "x"),
            General("edi", "x"),
            General("dir", names.simple_name("Directory")),
            General("dir", ()),
        )
    )
    chosen = [odd] if rng.random() < 0.3 else [odd, General("dns", host)]
    rng.shuffle(chosen)
    _set_san(scene, *chosen, critical=rng.random() < 0.15)
    return f"SAN with {odd.kind} {odd.value!r}"[:80]


def empty_san(scene: Scene) -> str | None:
    """An empty SAN."""
    _set_san(scene, critical=scene.rng.random() < 0.3)
    return "empty SAN"


def no_subject(scene: Scene) -> str | None:
    """An empty subject, its SAN critical or not or absent."""
    rng = scene.rng
    scene.leaf.rdns = ()
    if rng.random() < 0.15:
        scene.leaf.drop(ext.SUBJECT_ALT_NAME)
        return "no subject, no SAN"
    critical = rng.random() < 0.6
    _set_san(scene, General("dns", scene.host or "www.example.com"), critical=critical)
    return f"no subject, SAN critical {critical}"


def unchecked(scene: Scene) -> str | None:
    """A client that checks no name."""
    scene.host = None
    return "no host"


def _set_san(scene: Scene, *sans: General, critical: bool = False) -> None:
    scene.leaf.set(ext.SUBJECT_ALT_NAME, ext.general_names(sans), critical)


HOST_FAULTS: dict[HostFault, float] = {
    exact: 4,
    mismatch: 3,
    wildcard: 6,
    international: 3,
    address: 4,
    common_name: 5,
    odd_host: 2,
    odd_san: 3,
    empty_san: 0.3,
    no_subject: 1.5,
    unchecked: 1.5,
}
