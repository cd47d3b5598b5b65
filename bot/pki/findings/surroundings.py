"""Signs in names: test against production, placeholders, intercepted connections."""

from __future__ import annotations

from collections.abc import Iterator

from bot.pki import signs
from bot.pki.certificate import Certificate
from bot.pki.findings.finding import Finding
from bot.pki.findings.picture import Picture, View
from bot.pki.java.hostnames import matches
from bot.pki.paths import is_root
from bot.pki.wording import quoted, shortened
from bot.text import visible


def check(picture: Picture) -> Iterator[Finding]:
    for view in picture.views:
        if signs.is_placeholder(view.leaf):
            yield Finding(
                "placeholder_certificate",
                "warning",
                f"{picture.named('leaf', view.leaf)} is one that a product makes before anybody "
                "configures it.",
                "Check the host name and have the server's real certificate installed there.",
                "RFC 9525 §1; the vendors' documentation",
            )
        if not _is_public(picture, view):
            yield from _interception(picture, view)
            yield from _environments(picture, view)


def _is_public(picture: Picture, view: View) -> bool:
    return any(
        picture.evidence.describe(c).has_source("public") or picture.evidence.public_root(c)
        for c in view.path.certificates
    )


def _interception(picture: Picture, view: View) -> Iterator[Finding]:
    product = None if is_root(view.leaf) else signs.inspection_product(view.path.certificates)
    host = picture.evidence.host
    source = "RFC 8446 §E.6; NSA, Managing Risk from TLS Inspection (2019)"
    if product:
        yield Finding(
            "intercepted",
            "warning",
            f"The connection looks inspected: {product} issued the certificate that arrived, not "
            "the server's own CA.",
            "Find out whether the connector's traffic passes the same product: only then its root "
            "is the one to install; else look again from the connector's network.",
            source,
        )
        return
    if host is None or not signs.is_public_name(host):
        return
    certificate = view.path.last
    is_service = signs.is_public_service(host)
    exposed = any(map(signs.is_global_address, view.addresses))
    is_own = picture.evidence.describe(certificate).is_vouched_for
    if is_service or (exposed and not is_own and view.path.end == "root"):
        what = "a well-known service" if is_service else "a public name with a public address"
        yield Finding(
            "private_root_for_public_name",
            "warning",
            f'"{visible(host)}" is {what}, and its certificate leads to the private '
            f"{quoted(certificate)}: the connection may be inspected on the way.",
            "Look again from the connector's network and ask whether a proxy opens TLS; a company's "
            "own server may well have a private root.",
            source,
        )


def _environments(picture: Picture, view: View) -> Iterator[Finding]:
    host = picture.evidence.host or next(iter(view.leaf.dns_names), None)
    if host is None:
        return
    said = signs.host_environment(host)
    issuers = _issuer_signs(view)
    others = _other_names(view.leaf, host)
    other_signs = [signs.host_environment(name) for name in others]
    for name, (kind, word) in issuers:
        here = said[0] if said else "production"
        if kind != here:
            if kind == "production" and said is None:
                continue
            yield Finding(
                "environment_mismatch",
                "warning",
                f'The CA {name} speaks of {kind} ("{word}"), and the host "{visible(host)}" '
                + (f'of {said[0]} ("{said[1]}").' if said else "does not."),
                "Check that this is the right system and the right CA: test and production are "
                "easily mixed up.",
                "Matrix42, Native Connector certificates: common mistakes",
            )
            return
    if others and all(other and other[0] == "test" for other in other_signs) and said is None:
        yield Finding(
            "environment_mismatch",
            "warning",
            f"The other names of {quoted(view.leaf)} are a test system's "
            f"({shortened([visible(name) for name in others], 3)}), and the host "
            f'"{visible(host)}" is none by its name.',
            "Check that this is the right system: test and production are easily mixed up.",
            "Matrix42, Native Connector certificates: common mistakes",
        )
    elif said is not None and said[0] == "test":
        yield Finding(
            "test_environment",
            "info",
            f'The host "{visible(host)}" looks like a test system ("{said[1]}").',
            "Production may need another root: check its server too.",
            "Matrix42, Native Connector certificates: common mistakes",
        )


def _issuer_signs(view: View) -> list[tuple[str, tuple[signs.Environment, str]]]:
    """The CAs above the leaf that speak of an environment, by their quoted names."""
    found = []
    for certificate in view.path.certificates:
        short = certificate.issuer.short
        sign = signs.authority_environment(short)
        if sign is not None and certificate.issuer != view.leaf.subject:
            found.append((f'"{visible(short, 100)}"', sign))
    return list(dict.fromkeys(found))


def _other_names(leaf: Certificate, host: str) -> list[str]:
    return [name for name in leaf.dns_names if not matches(host, name)]
