"""From what a person types or pastes to the server that is probed."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, replace
from enum import StrEnum

from bot.errors import TargetError
from bot.text import visible


class Protocol(StrEnum):
    """How TLS begins on the port: at once, or after a protocol's own prelude."""

    TLS = "tls"
    LDAP = "ldap"
    SMTP = "smtp"
    IMAP = "imap"
    POP3 = "pop3"
    FTP = "ftp"
    XMPP = "xmpp"
    POSTGRESQL = "postgresql"
    MYSQL = "mysql"
    MSSQL = "mssql"
    MSSQL_STRICT = "mssql-strict"


@dataclass(frozen=True, slots=True)
class Target:
    """One server to probe."""

    input: str
    host: str
    unicode_host: str
    port: int
    port_given: bool
    protocol: Protocol
    is_ip: bool

    @property
    def address(self) -> str:
        """``host:port``, IPv6 in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def label(self) -> str:
        """The target for a person."""
        return self.address if self.protocol is Protocol.TLS else f"{self.address} ({self.protocol})"


_SCHEMES = {
    "https": (Protocol.TLS, 443),
    "ldaps": (Protocol.TLS, 636),
    "ldap": (Protocol.LDAP, 389),
    "smtp": (Protocol.SMTP, 25),
    "imap": (Protocol.IMAP, 143),
    "pop3": (Protocol.POP3, 110),
    "ftp": (Protocol.FTP, 21),
    "xmpp": (Protocol.XMPP, 5222),
    "postgresql": (Protocol.POSTGRESQL, 5432),
    "mysql": (Protocol.MYSQL, 3306),
    "mssql": (Protocol.MSSQL, 1433),
    "mssql-strict": (Protocol.MSSQL_STRICT, 1433),
}
_PORTS = {port: protocol for protocol, port in reversed(_SCHEMES.values()) if port != 636}
_DIRECTORY = re.compile(r"(?:^|[-_.])(?:dc|ad|ldaps?|gc)\d*(?:[-_.]|$)")


def parse_target(text: str, protocol: Protocol | None = None) -> Target:
    """The one server that ``text`` names. Raises `TargetError`."""
    match = re.fullmatch(
        r"\s*(?:([a-z0-9-]+)://)?(\[[0-9a-f:.]+\]|[^\s:/\[\]]+)(?::([0-9]{1,5}))?(?:/\S*)?\s*",
        text[:2000],
        re.I,
    )
    if match is None:
        raise TargetError(f"{visible(text)} names no server.", "Write host:port.")
    scheme, host, port_text = match.groups()
    if scheme is not None and scheme.lower() not in _SCHEMES:
        raise TargetError(f"{visible(text)} has an unknown scheme.", "Write host:port.")
    known = _SCHEMES[scheme.lower()] if scheme else None
    host = host.strip("[]").rstrip(".").lower()
    try:
        host, is_ip = str(ipaddress.ip_address(host)), True
    except ValueError:
        is_ip = False
    port = int(port_text) if port_text else 0
    if protocol is None:
        protocol = known[0] if known else _PORTS.get(port, Protocol.TLS)
    if not port:
        port = known[1] if known else 443 if protocol is Protocol.TLS else _SCHEMES[protocol][1]
    return Target(text, host, host, port, bool(port_text or scheme), protocol, is_ip)


def candidates(target: Target) -> tuple[Target, ...]:
    """What to probe: the target, or its ports 443 and 636 when no port was given and the name
    looks like a directory server's."""
    if target.port_given or target.is_ip or not _DIRECTORY.search(target.host):
        return (target,)
    return (target, replace(target, port=636))
