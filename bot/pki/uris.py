"""URIs and host names as ``java.net.URI`` and ``sun.security.x509.URIName`` take them."""

from __future__ import annotations

import ipaddress
import re

from bot import patterns

# Compiled when they are first used: few certificates hold URIs.
_URI = r"[A-Za-z][A-Za-z0-9+.\-]*:(?:[^\s\"<>\\^`{|}%\x00-\x20\x7f]|%[0-9A-Fa-f]{2})+"
_AUTHORITY = r"(?:[^/?#@]*@)?(\[[^\]/?#]*\]|[^:/?#]*)(?::\d*)?"
_DNS_NAME = patterns.lazy(r"[A-Za-z0-9][A-Za-z0-9-]*(\.[A-Za-z0-9][A-Za-z0-9-]*)*")
_SERVER_NAME = (
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)*[A-Za-z](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.?"
)


def is_uri_name(text: str) -> bool:
    """Whether ``URIName`` accepts ``text`` as a subject alternative name."""
    if not re.fullmatch(_URI, text) or text.count("#") > 1:
        return False
    host = _host(text)
    if host is None:
        return True
    if host.startswith("["):
        return _is_address(host[1:-1])
    return not host.endswith(".") or _is_address(host)


def is_uri_constraint(text: str) -> bool:
    """Whether ``URIName`` accepts ``text`` as a constraint: a host, or a domain after a dot."""
    return is_dns_name(text.removeprefix("."))


def is_dns_name(text: str) -> bool:
    """Whether the JDK's ``DNSName`` takes it: labels of ASCII letters, digits and hyphens that
    begin with a letter or digit."""
    return _DNS_NAME.fullmatch(text) is not None


def uri_host(text: str) -> str | None:
    """The host of a URI or of a URI constraint, which is a host or a domain beginning with a dot."""
    if ":" not in text:
        return text
    return _host(text)


def _host(text: str) -> str | None:
    _, _, rest = text.partition(":")
    if not rest.startswith("//"):
        return None
    match = re.match(_AUTHORITY, rest[2:])
    if match is None:
        return None
    host = match[1]
    if host.startswith("[") or _is_address(host) or re.fullmatch(_SERVER_NAME, host):
        return host
    return None


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
