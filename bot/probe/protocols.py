"""The protocols under which TLS is met, their URL schemes and their ports."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Protocol(StrEnum):
    """How TLS begins on a port: at once (``TLS``), or after another protocol's own prelude."""

    TLS = "tls"
    LDAP = "ldap"
    """StartTLS extended operation, RFC 4511 section 4.14."""
    SMTP = "smtp"
    """STARTTLS, RFC 3207."""
    IMAP = "imap"
    """STARTTLS, RFC 9051 section 6.2.1."""
    POP3 = "pop3"
    """STLS, RFC 2595 section 4."""
    FTP = "ftp"
    """AUTH TLS, RFC 4217."""
    XMPP = "xmpp"
    """STARTTLS, RFC 6120 section 5."""
    POSTGRESQL = "postgresql"
    """SSLRequest, PostgreSQL's frontend/backend protocol."""
    MYSQL = "mysql"
    """SSLRequest after the server's greeting, MySQL and MariaDB."""
    MSSQL = "mssql"
    """TLS inside TDS 7 PRELOGIN packets, MS-TDS 2.2.6.5."""
    MSSQL_STRICT = "mssql-strict"
    """TDS 8: TLS at once with ALPN ``tds/8.0`` (a client's ``encrypt=strict``)."""

    @property
    def display_name(self) -> str:
        """The protocol's name for a person, with what its prelude is called."""
        return _TITLES[self]


_TITLES: Final = {
    Protocol.TLS: "TLS",
    Protocol.LDAP: "LDAP with StartTLS",
    Protocol.SMTP: "SMTP with STARTTLS",
    Protocol.IMAP: "IMAP with STARTTLS",
    Protocol.POP3: "POP3 with STLS",
    Protocol.FTP: "FTP with AUTH TLS",
    Protocol.XMPP: "XMPP with STARTTLS",
    Protocol.POSTGRESQL: "PostgreSQL",
    Protocol.MYSQL: "MySQL or MariaDB",
    Protocol.MSSQL: "SQL Server",
    Protocol.MSSQL_STRICT: "SQL Server with strict encryption",
}

DEFAULT_PORTS: Final = {
    Protocol.TLS: 443,
    Protocol.LDAP: 389,
    Protocol.SMTP: 25,
    Protocol.IMAP: 143,
    Protocol.POP3: 110,
    Protocol.FTP: 21,
    Protocol.XMPP: 5222,
    Protocol.POSTGRESQL: 5432,
    Protocol.MYSQL: 3306,
    Protocol.MSSQL: 1433,
    Protocol.MSSQL_STRICT: 1433,
}

SCHEMES: Final[dict[str, tuple[Protocol, int]]] = {
    **{str(protocol): (protocol, port) for protocol, port in DEFAULT_PORTS.items()},
    "ssl": (Protocol.TLS, 443),
    "https": (Protocol.TLS, 443),
    "http": (Protocol.TLS, 443),
    "wss": (Protocol.TLS, 443),
    "ws": (Protocol.TLS, 443),
    "grpcs": (Protocol.TLS, 443),
    "ldaps": (Protocol.TLS, 636),
    "smtps": (Protocol.TLS, 465),
    "submissions": (Protocol.TLS, 465),
    "submission": (Protocol.SMTP, 587),
    "imaps": (Protocol.TLS, 993),
    "pop3s": (Protocol.TLS, 995),
    "pops": (Protocol.TLS, 995),
    "pop": (Protocol.POP3, 110),
    "ftps": (Protocol.TLS, 990),
    "ftpes": (Protocol.FTP, 21),
    "xmpps": (Protocol.TLS, 5223),
    "postgres": (Protocol.POSTGRESQL, 5432),
    "mariadb": (Protocol.MYSQL, 3306),
    "sqlserver": (Protocol.MSSQL, 1433),
    "amqps": (Protocol.TLS, 5671),
    "mqtts": (Protocol.TLS, 8883),
    "rediss": (Protocol.TLS, 6379),
    "mongodb": (Protocol.TLS, 27017),
    "tcps": (Protocol.TLS, 2484),
    "sips": (Protocol.TLS, 5061),
    "nntps": (Protocol.TLS, 563),
    "ircs": (Protocol.TLS, 6697),
    "t3s": (Protocol.TLS, 7002),
}
"""URL scheme → protocol and default port."""

WEB_SCHEMES: Final = frozenset({"http", "ws"})
"""Plain HTTP, which has no certificate: the HTTPS server of the same host is meant."""

PORTLESS_SCHEMES: Final = frozenset({"http", "ws", "tls", "ssl"})
"""Schemes that do not say which port is meant."""

PORTS: Final = {
    21: Protocol.FTP,
    25: Protocol.SMTP,
    110: Protocol.POP3,
    143: Protocol.IMAP,
    389: Protocol.LDAP,
    587: Protocol.SMTP,
    1433: Protocol.MSSQL,
    2525: Protocol.SMTP,
    3268: Protocol.LDAP,
    3306: Protocol.MYSQL,
    5222: Protocol.XMPP,
    5432: Protocol.POSTGRESQL,
    6432: Protocol.POSTGRESQL,
}
"""Ports where TLS follows a prelude (3268: Active Directory's global catalog; 6432: PgBouncer).
On every other port TLS is taken to begin at once."""

DIRECT_TLS_PORTS: Final = {
    Protocol.LDAP: frozenset({636, 3269}),
    Protocol.SMTP: frozenset({465}),
    Protocol.IMAP: frozenset({993}),
    Protocol.POP3: frozenset({995}),
    Protocol.FTP: frozenset({990}),
    Protocol.XMPP: frozenset({5223}),
}
"""Ports where the protocol itself is spoken inside TLS from the first byte: ``ldap://h:636`` is a
common slip for ``ldaps://h:636``."""
