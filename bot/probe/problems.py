"""Why an address could not be reached, or why it did not get to TLS: in words, with a remedy, and
with what a Java client says of it."""

from __future__ import annotations

import errno
from typing import Final

from bot.errors import EgressError
from bot.probe.conversation import PreludeError, quoted
from bot.probe.egress import UnresolvableError
from bot.probe.presented import Limits, ProbeFinding
from bot.probe.protocols import Protocol
from bot.probe.stream import ProxyError
from bot.probe.target import Target
from bot.text import duration, visible

_DIRECT_TLS: Final = {
    Protocol.LDAP: "ldaps",
    Protocol.SMTP: "smtps",
    Protocol.IMAP: "imaps",
    Protocol.POP3: "pop3s",
    Protocol.FTP: "ftps",
    Protocol.XMPP: "xmpps",
}
_REQUESTS: Final = {
    Protocol.LDAP: "StartTLS",
    Protocol.SMTP: "STARTTLS",
    Protocol.IMAP: "STARTTLS",
    Protocol.POP3: "STLS",
    Protocol.FTP: "AUTH TLS",
    Protocol.XMPP: "STARTTLS",
    Protocol.POSTGRESQL: "SSLRequest",
    Protocol.MYSQL: "SSLRequest",
    Protocol.MSSQL: "PRELOGIN with encryption",
}
_SOURCES: Final = {
    Protocol.LDAP: "RFC 4511 section 4.14",
    Protocol.SMTP: "RFC 3207",
    Protocol.IMAP: "RFC 9051 section 6.2.1",
    Protocol.POP3: "RFC 2595 section 4",
    Protocol.FTP: "RFC 4217 section 4",
    Protocol.XMPP: "RFC 6120 section 5",
    Protocol.POSTGRESQL: 'PostgreSQL, "SSL Session Encryption"',
    Protocol.MYSQL: 'MySQL, "Connection Phase"',
    Protocol.MSSQL: "MS-TDS section 2.2.6.5",
}
_JAVA_PLAINTEXT: Final = "Unsupported or unrecognized SSL message"


def unresolvable(target: Target, error: UnresolvableError) -> ProbeFinding:
    return ProbeFinding(
        "resolve_timeout" if error.timed_out else "unresolvable",
        "error",
        error.message,
        error.remedy,
        "java.net.InetAddress",
        f"UnknownHostException: {target.host}",
    )


def no_address(target: Target) -> ProbeFinding:
    return ProbeFinding(
        "unresolvable",
        "error",
        f'"{visible(target.host)}" has neither an IPv4 nor an IPv6 address.',
        "Check the spelling and the DNS entry.",
        "java.net.InetAddress",
        f"UnknownHostException: {target.host}",
    )


def egress_denied(error: EgressError) -> ProbeFinding:
    return ProbeFinding(
        "egress_denied", "error", error.message, error.remedy, "the egress settings of this service"
    )


def addresses_left_out(target: Target, used: int, left_out: int) -> ProbeFinding:
    return ProbeFinding(
        "addresses_left_out",
        "info",
        f'"{visible(target.host)}" has {used + left_out} addresses; {used} were probed.',
        "Probe a further address by connecting to it directly.",
        "the egress settings of this service",
    )


def not_connected(where: str, error: OSError | ProxyError, limits: Limits) -> ProbeFinding:
    """No connection to ``where`` (``address:port``)."""
    if isinstance(error, ProxyError):
        return ProbeFinding(
            "proxy_failed", "error", error.message, error.remedy, "RFC 9110 section 9.3.6"
        )
    if isinstance(error, TimeoutError):
        return ProbeFinding(
            "connect_timeout",
            "error",
            f"{where} did not answer within {duration(limits.connect_seconds)}: a firewall drops the connection, or the address is not in use.",
            "Check the firewall, the VPN and the port, or look from a machine inside that network.",
            "RFC 9293 section 3.5",
            "Connect timed out",
        )
    if isinstance(error, ConnectionRefusedError):
        return ProbeFinding(
            "connection_refused",
            "error",
            f"{where} refuses the connection: nothing listens on this port.",
            "Check the port (LDAPS is 636, HTTPS 443) and that the service runs.",
            "RFC 9293 section 3.5.2",
            "Connection refused",
        )
    if isinstance(error, ConnectionResetError):
        return ProbeFinding(
            "connection_reset",
            "error",
            f"{where} resets the connection.",
            "Check the firewall between here and the server.",
            "RFC 9293 section 3.5.2",
            "Connection reset",
        )
    unreachable = error.errno in (errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
    return ProbeFinding(
        "no_route",
        "error",
        f"{where} cannot be reached from here: {visible(error.strerror or type(error).__name__)}.",
        "Check the VPN and the routes"
        + (" (IPv6 may not be available here)." if ":" in where and unreachable else "."),
        "RFC 9293 section 3.9.2.2",
        "Network is unreachable" if unreachable else "No route to host",
    )


def prelude_failed(target: Target, error: PreludeError) -> ProbeFinding:
    """The prelude of the target's protocol did not lead to TLS."""
    protocol, source = target.protocol, _SOURCES[target.protocol]
    request, name = _REQUESTS[protocol], protocol.display_name
    if error.trouble == "refused":
        return ProbeFinding(
            "prelude_refused",
            "error",
            f'The server refuses TLS on port {target.port} ({request}): "{error.said}".',
            _refusal_remedy(target),
            source,
            error.java,
        )
    if error.trouble == "closed":
        return ProbeFinding(
            "prelude_closed",
            "error",
            f"The server closed the connection before TLS began ({name})"
            + (f', after "{error.said}".' if error.said else "."),
            _direct_remedy(target)
            or "Check the port, and whether the server lets this host connect.",
            source,
            "Connection reset" if protocol is Protocol.MYSQL else None,
        )
    if error.trouble == "too_long":
        return ProbeFinding(
            "prelude_too_long",
            "error",
            f'The server says more than {name} does before TLS: "{error.said}".',
            "Check that the port belongs to this protocol.",
            source,
        )
    spoken, scheme = _identify(error.said.encode())
    return ProbeFinding(
        "prelude_unexpected",
        "error",
        f'Port {target.port} does not speak {name}{_but(spoken)}: "{error.said}".',
        f"If that is the server you mean, write {scheme}://{_host(target)}:{target.port}."
        if scheme
        else "Check the port and the protocol.",
        source,
    )


def prelude_timed_out(target: Target, limits: Limits, *, has_heard: bool) -> ProbeFinding:
    name = target.protocol.display_name
    return ProbeFinding(
        "prelude_timeout",
        "error",
        f"Port {target.port} {'went silent' if has_heard else 'said nothing'} before TLS began "
        f"({name}), for {duration(limits.prelude_seconds)}.",
        _direct_remedy(target) or "Check the port and the protocol.",
        _SOURCES[target.protocol],
        "Read timed out",
    )


def prelude_reset(target: Target) -> ProbeFinding:
    return ProbeFinding(
        "connection_reset",
        "error",
        f"The connection was reset before TLS began ({target.protocol.display_name}).",
        _direct_remedy(target)
        or "Check the firewall, and whether the server lets this host connect.",
        _SOURCES[target.protocol],
        "Connection reset",
    )


def tls_without_prelude(target: Target) -> ProbeFinding:
    name, request = target.protocol.display_name, _REQUESTS[target.protocol]
    if target.protocol in _DIRECT_TLS:
        remedy = f"Write {_direct_url(target)}."
    elif target.protocol is Protocol.MSSQL:
        remedy = "Set encrypt=strict in the client's connection (TDS 8)."
    else:
        remedy = "Set up the client for TLS from the first byte."
    return ProbeFinding(
        "tls_without_prelude",
        "warning",
        f"Port {target.port} speaks TLS at once, not {name}: a client that starts with {request} fails.",
        remedy,
        _SOURCES[target.protocol],
    )


def plaintext(target: Target, first_bytes: bytes) -> ProbeFinding:
    """The server does not answer a ClientHello with TLS."""
    spoken, scheme = _identify(first_bytes)
    said = (
        quoted(first_bytes.split(b"\n")[0]) if _is_text(first_bytes) else first_bytes[:16].hex(" ")
    )
    return ProbeFinding(
        "plaintext",
        "error",
        f'Port {target.port} does not speak TLS{_but(spoken)}: "{said}".',
        f"Write {scheme}://{_host(target)}:{target.port}, or use the server's TLS port."
        if scheme
        else "Use the server's TLS port: 443 for HTTPS, 636 for LDAPS.",
        "RFC 8446 section 5.1",
        _JAVA_PLAINTEXT,
    )


def _identify(data: bytes) -> tuple[str, str | None]:
    """Which protocol a server's first words belong to, and the scheme that names it."""
    if data.startswith(b"HTTP/"):
        return "HTTP", None
    if data[:4] in (b"220 ", b"220-"):
        return ("FTP", "ftp") if b"ftp" in data[:200].lower() else ("SMTP", "smtp")
    if data[4:5] == b"\x0a" and data[3:4] == b"\0":
        return "MySQL or MariaDB", "mysql"
    starts = {
        b"* OK": ("IMAP", "imap"),
        b"+OK": ("POP3", "pop3"),
        b"SSH-": ("SSH", None),
        b"\x30": ("LDAP", "ldap"),
        b"<stream": ("XMPP", "xmpp"),
        b"<?xml": ("XMPP", "xmpp"),
        b"RFB ": ("VNC", None),
    }
    return next((found for start, found in starts.items() if data.startswith(start)), ("", None))


def _but(spoken: str) -> str:
    return f" but {spoken}" if spoken else ""


def _is_text(data: bytes) -> bool:
    return all(byte >= 0x20 or byte in b"\t\r\n" for byte in data)


def _refusal_remedy(target: Target) -> str:
    if target.protocol is Protocol.LDAP:
        return (
            "Install a certificate on the directory server (a domain controller needs one for server "
            f"authentication), or use LDAPS: ldaps://{_host(target)}:636."
        )
    return f"Enable TLS on the server. {_direct_remedy(target)}".strip()


def _direct_remedy(target: Target) -> str:
    """How to ask for TLS at once on the same port."""
    if target.protocol not in _DIRECT_TLS:
        return ""
    return f"If the port speaks TLS at once, write {_direct_url(target)}."


def _direct_url(target: Target) -> str:
    return f"{_DIRECT_TLS[target.protocol]}://{_host(target)}:{target.port}"


def _host(target: Target) -> str:
    return f"[{target.host}]" if ":" in target.host else target.host
