"""What is wrong or odd about the chain as served (RFC 8446 §4.4.2, RFC 5246 §7.4.2)."""

from __future__ import annotations

from collections.abc import Iterator

from bot.pki.findings.finding import Finding
from bot.pki.findings.picture import Picture, View
from bot.pki.java import MAX_CHAIN_LENGTH, MAX_HANDSHAKE_MESSAGE
from bot.pki.wording import counted, listed, quoted, quoted_all, shortened, valid_until

_TLS = "RFC 8446 §4.4.2, RFC 5246 §7.4.2"


def check(picture: Picture) -> Iterator[Finding]:
    for view in picture.views:
        yield from _size(view)
        yield from _order(view)
        yield from _completeness(picture, view)
        yield from _surplus(picture, view)
    yield from _differences(picture)


def _size(view: View) -> Iterator[Finding]:
    if len(view.chain) > MAX_CHAIN_LENGTH:
        yield Finding(
            "chain_too_long",
            "error",
            f"The server sends {len(view.chain)} certificates, and Java takes {MAX_CHAIN_LENGTH} "
            "at most.",
            "Send only the server's certificate and the intermediates between it and the root.",
            "jdk.tls.maxCertificateChainLength (sun.security.ssl.SSLConfiguration)",
        )
    size = 3 + sum(3 + len(certificate.der) for certificate in view.chain)
    if size > MAX_HANDSHAKE_MESSAGE:
        yield Finding(
            "chain_too_large",
            "error",
            f"The server sends {size:,} bytes of certificates, and Java takes "
            f"{MAX_HANDSHAKE_MESSAGE:,} at most.",
            "Send fewer certificates, or have the largest issued again with fewer names.",
            "jdk.tls.maxHandshakeMessageSize (sun.security.ssl.SSLConfiguration)",
        )


def _order(view: View) -> Iterator[Finding]:
    chain = view.chain
    if chain[0] != view.leaf:
        yield Finding(
            "leaf_not_first",
            "error",
            f"The server sends the CA certificate {quoted(chain[0])} first instead of its own "
            f"certificate {quoted(view.leaf)}.",
            "Put the server's certificate first in its chain file.",
            _TLS,
        )
        return
    places = {certificate: place for place, certificate in enumerate(dict.fromkeys(chain))}
    sent = [places[c] for c in view.path.certificates if c in places]
    if sent != sorted(sent):
        yield Finding(
            "chain_misordered",
            "info",
            "The server sends its intermediates out of order; Java sorts them, other clients "
            "may not.",
            "Order the chain file: the server's certificate, then each one's issuer.",
            f"{_TLS}; sun.security.validator.PKIXValidator",
        )


def _completeness(picture: Picture, view: View) -> Iterator[Finding]:
    lacking = [c for c in view.intermediates if c not in view.chain]
    if view.root is not None and lacking:
        yield Finding(
            "intermediate_missing",
            "error",
            f"The server does not send the intermediate {quoted_all(lacking)}, and Java does not "
            "fetch it.",
            "The server's owner adds it to the chain; until then install it together with "
            f"the root {quoted(view.root)}.",
            f"{_TLS}; com.sun.security.enableAIAcaIssuers is off by default",
        )
    if view.path.end == "root":
        return
    last = view.path.last
    impostors = [
        certificate
        for authority in picture.evidence.issuers.of_name(last.issuer)
        if not last.is_signed_with(authority.key)
        for certificate in authority.certificates
    ]
    issuer = f'"{last.issuer.short}"'
    if impostors:
        fingerprints = shortened([c.fingerprint for c in impostors], 2)
        yield Finding(
            "issuer_has_other_key",
            "error",
            f"The issuer {issuer} of {quoted(last)} is known only with another key (SHA-256 "
            f"{fingerprints}), which did not sign it.",
            "Test and production may be mixed up, or the CA has a new key: ask for the certificate "
            "of the CA with the key that signed.",
            "RFC 5280 §6.1.3; sun.security.provider.certpath.BasicChecker",
        )
    yield Finding(
        "issuer_unknown",
        "error",
        f"The root could not be found: {quoted(last)} was issued by {issuer}, which the server does "
        "not send and nobody else supplied.",
        "Ask the IT team for it with the ready message.",
        "RFC 5280 §6.1",
    )


def _surplus(picture: Picture, view: View) -> Iterator[Finding]:
    distinct = list(dict.fromkeys(view.chain))
    twice = [c for c in distinct if view.chain.count(c) > 1]
    if twice:
        yield Finding(
            "duplicate_certificate",
            "info",
            f"The server sends {quoted_all(twice[:3])} more than once; Java does not mind.",
            "Remove the copies from the chain file.",
            _TLS,
        )
    if view.root in distinct:
        yield Finding(
            "root_served",
            "info",
            f"The server sends the root {quoted(view.root)} too, which proves nothing: trust "
            "comes from what is installed.",
            "",
            _TLS,
        )
    needed = {c for path in picture.evidence.paths[view.leaf] for c in path.certificates}
    surplus = [c for c in distinct if c not in needed and c != view.leaf]
    if surplus:
        yield Finding(
            "superfluous_certificate",
            "info",
            f"The server sends {shortened([quoted(c) for c in surplus], 3)}, which has no part in "
            "its chain; Java does not mind.",
            "Remove it from the chain file.",
            _TLS,
        )
    expired = [
        c
        for c in distinct
        if c.not_after < picture.at and c not in surplus and c not in view.path.certificates
    ]
    if expired:
        shown = [f"{quoted(c)}, valid until {valid_until(c, picture.at)}" for c in expired[:3]]
        lacks = any(c not in view.chain for c in view.intermediates)
        yield Finding(
            "expired_certificate_served",
            "info",
            f"The server still sends {listed(shown)}"
            + (", and not what replaces it." if lacks else "; Java goes another way."),
            "Put the current certificate in its place."
            if lacks
            else "Remove it from the chain file: older clients stumble over it.",
            "RFC 4158 §2.4.2",
        )


def _differences(picture: Picture) -> Iterator[Finding]:
    views = picture.views
    if len(views) < 2:
        return
    served = [
        f"{listed(list(view.addresses[:3]))}: {quoted(view.leaf)} ({view.leaf.sha256[:16]}), "
        f"{counted(len(view.chain), 'certificate')}"
        for view in views
    ]
    differ = len({view.path.last.subject for view in views}) > 1
    yield Finding(
        "addresses_differ",
        "warning" if differ else "info",
        f"The addresses present different chains: {'; '.join(served[:4])}"
        f"{'; …' if len(served) > 4 else ''}.",
        "They lead to different roots: have all of them installed, or every address mended."
        if differ
        else "They lead to the same root, which is enough; check that the difference is intended.",
        "RFC 8446 §4.4.2",
    )
