"""Whether the certificate is for the host (RFC 6125, RFC 9525; ``HostnameChecker``)."""

from __future__ import annotations

from collections.abc import Iterator

from bot import patterns
from bot.pki import extensions
from bot.pki.certificate import Certificate
from bot.pki.findings.finding import Finding
from bot.pki.findings.picture import Picture
from bot.pki.java import JDKS, LATEST_JDK
from bot.pki.java.hostnames import check_host, is_address, matches
from bot.pki.java.rejection import Rejected
from bot.pki.names import COMMON_NAME
from bot.pki.wording import java_versions, lowered, shortened
from bot.text import visible

_JDK = "sun.security.util.HostnameChecker"
#: ``*.com``, ``*.co.uk``: a wildcard over names that belong to many (the public suffixes in use).
_BROAD = patterns.lazy(r"\*\.(?:[^.*]+|(?:ac|co|com|edu|go|gov|ne|net|or|org)\.[A-Za-z]{2})")


def check(picture: Picture) -> Iterator[Finding]:
    for leaf in dict.fromkeys(view.leaf for view in picture.views):
        yield from _wildcards(leaf)
        host = picture.evidence.host
        if host is None:
            continue
        if message := _refusal(picture, leaf, host):
            yield _mismatch(picture, leaf, host, message)
        elif not leaf.dns_names and not is_address(host):
            yield Finding(
                "common_name_only",
                "warning",
                f"{picture.named('leaf', leaf)} has no DNS name in its SAN, only the common name; "
                "Java still accepts that, other clients no longer do.",
                f'Have it issued again with "{visible(host)}" in the SAN.',
                f"RFC 9525 §2; {_JDK}.matchDNS",
            )


def usable_names(leaf: Certificate) -> tuple[str, ...]:
    """The names by which Java could connect and find this certificate valid, as text that is
    safe to show."""
    names = leaf.dns_names or tuple(leaf.subject.all(COMMON_NAME)[-1:])
    return tuple(dict.fromkeys(visible(name, 100) for name in (*names, *leaf.ip_addresses)))


def _refusal(picture: Picture, leaf: Certificate, host: str, jdk: int = LATEST_JDK) -> str | None:
    try:
        check_host(leaf, host, picture.evidence.endpoint, jdk)
    except Rejected as rejected:
        return str(rejected)
    return None


def _mismatch(picture: Picture, leaf: Certificate, host: str, message: str) -> Finding:
    name, shown = picture.named("leaf", leaf), visible(host)
    names = usable_names(leaf)
    usable = shortened([f'"{n}"' for n in names], 6) if names else "no name at all"
    if message.startswith("Illegal given domain name"):
        return Finding(
            "host_name_not_allowed",
            "error",
            f'Java does not take "{shown}" for a host name'
            + (" because of the underscore." if "_" in host else "."),
            f"Use a name of letters, digits and hyphens; {lowered(name)} is for {usable}.",
            f"RFC 1123 §2.1; javax.net.ssl.SNIHostName; {_JDK}",
        )
    if is_address(host):
        return Finding(
            "address_not_in_certificate",
            "error",
            f"{name} is for {usable}, not for the address {shown}.",
            "Connect by one of these names, or have it issued again with this IP address in the SAN "
            "(a DNS entry with the address in it does not count).",
            f"RFC 9525 §6.5; {_JDK}.matchIP",
        )
    if leaf.extension(extensions.SUBJECT_ALTERNATIVE_NAME) and not leaf.subject_alternative_names:
        return Finding(
            "unreadable_names",
            "error",
            f"{name} has a SAN that Java {LATEST_JDK} cannot read.",
            "Have it issued again with a well-formed SAN.",
            f"RFC 5280 §4.2.1.6; {_JDK}",
        )
    if any(_would_match_anywhere(host, dns) for dns in leaf.dns_names):
        refusing = [jdk for jdk in JDKS if _refusal(picture, leaf, host, jdk)]
        older = [jdk for jdk in JDKS if jdk not in refusing]
        return Finding(
            "wildcard_in_wrong_place",
            "error",
            f"{name} is for {usable}; {java_versions(refusing)} let a wildcard stand in the first "
            f'label only, so it is not for "{shown}"'
            + (f", though {java_versions(older)} take it." if older else "."),
            "Have it issued again with the host name in full in its SAN.",
            f"RFC 9525 §6.3; {_JDK}.matchLeftmostWildcard",
        )
    return Finding(
        "name_mismatch",
        "error",
        f'{name} is for {usable}, not for "{shown}".',
        f"Connect by one of these names{_domain_hint(names, host)}, or have it issued again with "
        f'"{shown}" in its SAN; never switch the name check off.',
        f"RFC 9525 §6.3; {_JDK}.matchDNS",
    )


def _domain_hint(names: tuple[str, ...], host: str) -> str:
    """A domain controller's certificate names the server, and people type the domain."""
    below = f".{host.lower()}"
    if any(name.lower().endswith(below) for name in names):
        return " (that of one server instead of the domain's)"
    return ""


def _would_match_anywhere(host: str, pattern: str) -> bool:
    labels, wanted = host.lower().split("."), pattern.lower().split(".")
    return len(labels) == len(wanted) and all(
        w in ("*", label) for w, label in zip(wanted, labels, strict=True)
    )


def _wildcards(leaf: Certificate) -> Iterator[Finding]:
    for name in leaf.dns_names:
        shown = visible(name, 100)
        if name.startswith("*.") and _BROAD.fullmatch(name):
            yield Finding(
                "wildcard_too_broad",
                "warning",
                f'The server\'s certificate is for "{shown}", every name of a whole domain ending; '
                "Java accepts that, other clients do not.",
                "Have it issued again for the names that the server has.",
                f"RFC 9525 §6.3; {_JDK}",
            )
        elif "*" in name and not matches(name.replace("*", "x"), name):
            yield Finding(
                "wildcard_not_usable",
                "warning",
                f'The server\'s certificate is for "{shown}", and Java does not let a wildcard '
                "stand there.",
                "Have it issued again with a wildcard in the first label, or with full names.",
                f"RFC 9525 §6.3; {_JDK}.matchLeftmostWildcard",
            )
