"""From what a person types or pastes to the servers that are probed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from bot.errors import TargetError
from bot.probe.endpoint import EXAMPLE, Endpoint, read_endpoint, read_plain
from bot.probe.hostname import read_host
from bot.probe.protocols import (
    DEFAULT_PORTS,
    DIRECT_TLS_PORTS,
    PORTLESS_SCHEMES,
    PORTS,
    SCHEMES,
    WEB_SCHEMES,
    Protocol,
)
from bot.records import record
from bot.redaction import redacted
from bot.text import visible

__all__ = ["Protocol", "Target", "candidates", "parse_target", "parse_targets"]

_MAX_LENGTH = 2_000
_MAX_REPEATED = 10
"""How often each of the servers that are named may be named, on average."""
_DIRECTORY_WORDS = frozenset(
    [
        "dc",
        "rodc",
        "pdc",
        "bdc",
        "ad",
        "ads",
        "adds",
        "adlds",
        "ldap",
        "ldaps",
        "openldap",
        "slapd",
        "gc",
        "kdc",
        "directory",
        "dir",
        "idm",
        "ipa",
        "freeipa",
        "domaincontroller",
    ]
)
_DIRECTORY_SUFFIXES = frozenset(["local", "lan", "corp", "intern", "internal", "ad", "domain"])


@record
class Target:
    """One server to probe.

    ``input``: what was typed, without passwords; ``host``: lower-case A-labels without a trailing dot, or
    an IP address in canonical form without brackets; ``unicode_host``: the same with U-labels;
    ``port``: 1 to 65535; ``port_given``: the text said which port, by number or by scheme (``http://``
    says none: chat clients put it before every name);
    ``protocol``: how TLS begins there; ``is_ip``: the host is an IP address.
    """

    input: str
    host: str
    unicode_host: str
    port: int
    port_given: bool
    protocol: Protocol
    is_ip: bool

    @property
    def address(self) -> str:
        """``host:port``, IPv6 in brackets (RFC 3986 section 3.2.2); with `protocol`,
        `parse_target` reads it as this target again."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def label(self) -> str:
        """The target for a person: ``host:port``, an internationalised name in both forms, and the
        protocol unless it is plain TLS."""
        label = self.address
        if self.unicode_host != self.host:
            label = f"{visible(self.unicode_host, 300)}:{self.port} ({self.host})"
        return label if self.protocol is Protocol.TLS else f"{label}, {self.protocol.display_name}"


def parse_target(text: str, protocol: Protocol | None = None) -> Target:
    """The one server that ``text`` names, however it is written: a host, ``host:port``, a URL, a link
    copied from a chat, a JDBC URL, an ``openssl s_client`` command. Nothing is resolved.

    The protocol is ``protocol`` if given, else by scheme, else by port; the port is the one written,
    else the scheme's, else the protocol's, else 443. ``http://h`` and ``http://h:80`` mean 443: a person who
    pastes a link wants that server's certificate, and plain HTTP has none. ``ldap://h:636`` and its
    kin mean TLS at once, as that port's servers do.

    Raises `TargetError`, whose message quotes ``text`` without passwords and whose remedy shows a right
    example; nothing else, whatever the text.
    """
    endpoint = read_plain(text) or _read(text)
    host = read_host(endpoint.host)
    port, port_given, how = _port_and_protocol(endpoint, protocol)
    return Target(
        input=redacted(text.strip()),
        host=host.name,
        unicode_host=host.unicode_name,
        port=port,
        port_given=port_given,
        protocol=how,
        is_ip=host.is_ip,
    )


def _read(text: str) -> Endpoint:
    _refuse_pem(text)
    if len(text) > _MAX_LENGTH:
        raise TargetError(
            f'"{visible(redacted(text[:_MAX_LENGTH]), 60)}" is {len(text)} characters long, too long for an address.',
            EXAMPLE,
        )
    # Imported only for what is not plain.
    from bot.probe.connection_strings import read_command, read_connection_string
    from bot.probe.pasted import unified, unwrapped

    plain = unwrapped(unified(text))
    plain = re.sub(r"^(?:/[a-z][\w-]*|whichroot check) +", "", plain)
    if not plain:
        raise TargetError("No server is named.", EXAMPLE)
    return read_command(plain) or read_connection_string(plain) or read_endpoint(plain)


def parse_targets(
    text: str, protocol: Protocol | None = None, *, limit: int = 20
) -> list[Target | TargetError]:
    """Every server that ``text`` names, in its order and each once: one per line, or separated by
    spaces, commas or semicolons (``h 636`` and ``h,1433`` are one each).

    An address that cannot be read gives its `TargetError` in its place. After ``limit`` entries a
    `TargetError` says that there were more.
    """
    try:
        _refuse_pem(text)
    except TargetError as error:
        return [error]
    found: dict[object, Target | TargetError] = {}
    # What was read to find out where the pieces end is not read again.
    known: dict[str, Target] = {}

    def is_one(piece: str) -> bool:
        try:
            known[piece] = parse_target(piece, protocol)
        except TargetError:
            return False
        return True

    named: Iterable[str] = (text,)
    if not read_plain(text):
        # Imported only for what is not plain.
        from bot.probe.pasted import pieces

        named = pieces(text[: _MAX_LENGTH * limit], is_one)
    for number, piece in enumerate(named):
        # The same server again costs as much as another.
        if len(found) >= limit or number >= _MAX_REPEATED * limit:
            found[None] = TargetError(
                f"More than {limit} servers are named at once.", f"Write at most {limit} of them."
            )
            break
        try:
            target = known.get(piece) or parse_target(piece, protocol)
        except TargetError as error:
            found.setdefault(str(error), error)
        else:
            found.setdefault((target.host, target.port, target.protocol), target)
    return list(found.values())


def candidates(target: Target) -> tuple[Target, ...]:
    """What to probe: the target, or its ports 443 and 636 when no port was given and the host
    looks like a directory server: by a word in its name (``dc01``, ``srv-ldap``) or by a suffix that
    Active Directory domains bear (``.local``, ``.corp``)."""
    if target.port_given or target.is_ip or target.protocol is not Protocol.TLS:
        return (target,)
    first, *others = target.host.split(".")
    words = {word.rstrip("0123456789") for word in re.split(r"[-_.]", target.host)}
    if (
        words & _DIRECTORY_WORDS
        or re.search(r"dc[0-9]+$", first)
        or (others and others[-1] in _DIRECTORY_SUFFIXES)
    ):
        return (target, replace(target, port=636))
    return (target,)


def _refuse_pem(text: str) -> None:
    """Before anything is quoted: it may be a private key."""
    if re.search(r"BEGIN [A-Z0-9 ]*(?:KEY|CERTIFICATE|CMS|PKCS)", text):
        raise TargetError(
            "This is a certificate or key in PEM form and names no server to connect to.", EXAMPLE
        )


def _port_and_protocol(endpoint: Endpoint, wanted: Protocol | None) -> tuple[int, bool, Protocol]:
    scheme, port = endpoint.scheme, endpoint.port
    if scheme in WEB_SCHEMES and port == 80:
        port = None
    given = port is not None or scheme not in {None, *PORTLESS_SCHEMES}
    written, default = SCHEMES[scheme] if scheme else (None, None)
    if wanted is None:
        how = written or (PORTS.get(port, Protocol.TLS) if port else Protocol.TLS)
        if port in DIRECT_TLS_PORTS.get(how, ()):
            how = Protocol.TLS
        return port or default or DEFAULT_PORTS[how], given, how
    if port is None and wanted is not written:
        # --protocol tls with ldap://h: LDAP's own port for TLS at once, not 443.
        twin = SCHEMES.get(f"{scheme}s") if wanted is Protocol.TLS else None
        default = twin[1] if twin else DEFAULT_PORTS[wanted]
    return port or default or DEFAULT_PORTS[wanted], given or wanted is not Protocol.TLS, wanted
