"""Where this process may connect to: names, addresses and ports, judged before every connection.

A name is resolved once, every address is judged, and only what was judged is connected to: an
answer that changes between check and connection (DNS rebinding) changes nothing. Explicitly denied
beats explicitly allowed, which beats the defaults. Private ranges are open by default, because that
is where directory servers are.
"""

from __future__ import annotations

import asyncio
import binascii
import fnmatch
import ipaddress
import socket
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final, TypeAlias
from urllib.parse import unquote, urlsplit

from bot.errors import EgressError, SettingsError, WhichrootError
from bot.records import record
from bot.text import duration, visible

IPAddress: TypeAlias = IPv4Address | IPv6Address
IPNetwork: TypeAlias = IPv4Network | IPv6Network

_DENIED: Final[tuple[tuple[IPNetwork, str], ...]] = tuple(
    (ipaddress.ip_network(network), kind)
    for network, kind in (
        ("169.254.169.254/32", "a cloud metadata service"),
        ("100.100.100.200/32", "a cloud metadata service"),
        ("168.63.129.16/32", "a cloud metadata service"),
        ("192.0.0.192/32", "a cloud metadata service"),
        ("fd00:ec2::/32", "a cloud metadata service"),
        ("fd20:ce::254/128", "a cloud metadata service"),
        ("fd00:c1::a9fe:a9fe/128", "a cloud metadata service"),
        ("fd00:42::42/128", "a cloud metadata service"),
        ("0.0.0.0/8", "an unspecified address"),
        ("127.0.0.0/8", "a loopback address"),
        ("169.254.0.0/16", "a link-local address"),
        ("192.0.0.0/24", "a reserved address"),
        ("224.0.0.0/4", "a multicast address"),
        ("240.0.0.0/4", "a reserved address"),
        ("::/128", "an unspecified address"),
        ("::1/128", "a loopback address"),
        ("100::/64", "a reserved address"),
        ("fe80::/10", "a link-local address"),
        ("fec0::/10", "a reserved address"),
        ("ff00::/8", "a multicast address"),
    )
)
"""IANA's special-purpose registries (RFC 6890) and what cloud providers document; first match."""

PRIVATE_NETWORKS: Final[tuple[IPNetwork, ...]] = tuple(
    ipaddress.ip_network(network)
    for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)
"""RFC 1918, RFC 6598 and RFC 4193."""

_LOCAL_NAT64: Final = IPv6Network("64:ff9b:1::/48")


class UnresolvableError(WhichrootError):
    """The name has no address, or the name servers do not answer."""

    def __init__(self, message: str, remedy: str, *, timed_out: bool = False) -> None:
        super().__init__(message, remedy)
        self.timed_out = timed_out


@record
class Address:
    """An address that may be connected to: ``ip`` as text, and the same for ``socket.connect``."""

    ip: str
    port: int
    family: socket.AddressFamily
    sockaddr: tuple[str, int] | tuple[str, int, int, int]

    def __str__(self) -> str:
        return f"[{self.ip}]:{self.port}" if ":" in self.ip else f"{self.ip}:{self.port}"


@record
class Refused:
    """An address of the name that may not be connected to, and the reason."""

    ip: str
    error: EgressError


@record
class Resolution:
    """What a name resolves to: ``addresses`` may be contacted, ``refused`` may not, and
    ``left_out`` counts further addresses that were not looked at."""

    addresses: tuple[Address, ...]
    refused: tuple[Refused, ...] = ()
    left_out: int = 0


@record
class Proxy:
    """An outbound HTTP proxy that allows CONNECT (RFC 9110 section 9.3.6).

    ``bypass`` networks are contacted directly: a proxy is for the internet, and the private ranges
    are inside. The proxy is given checked addresses, never names, unless ``resolves_names`` says
    that names which cannot be resolved here may be left to it, and to its rules.
    """

    host: str
    port: int
    username: str | None = None
    password: str | None = None
    bypass: tuple[IPNetwork, ...] = PRIVATE_NETWORKS
    resolves_names: bool = False

    def __repr__(self) -> str:
        return f"Proxy({self.host!r}, {self.port})"

    @property
    def authorization(self) -> str | None:
        """The credentials as ``Proxy-Authorization`` has them (RFC 7617 section 2)."""
        if self.username is None:
            return None
        credentials = f"{self.username}:{self.password or ''}".encode()
        return "Basic " + binascii.b2a_base64(credentials, newline=False).decode("ascii")

    def is_bypassed(self, ip: str) -> bool:
        """Whether ``ip`` is contacted directly."""
        return _within(ipaddress.ip_address(ip), self.bypass)

    @classmethod
    def from_url(
        cls,
        url: str,
        *,
        bypass: tuple[IPNetwork, ...] = PRIVATE_NETWORKS,
        resolves_names: bool = False,
    ) -> Proxy:
        """The proxy of ``http://[user:password@]host[:port]``. Raises `SettingsError`, whose
        message never quotes the URL: it may hold a password."""
        try:
            parts = urlsplit(url)
            port = parts.port or 3128
        except ValueError:
            parts, port = urlsplit(""), 0
        if parts.scheme != "http" or not parts.hostname or parts.path.strip("/"):
            raise SettingsError(
                "The outbound proxy's URL cannot be used.",
                "Write http://host:port or http://user:password@host:port.",
            )
        return cls(
            parts.hostname,
            port,
            None if parts.username is None else unquote(parts.username),
            None if parts.password is None else unquote(parts.password),
            bypass,
            resolves_names,
        )


@record
class Egress:
    """The rules. Empty ``allow_ports`` or ``allow_hosts`` allow every port or name.

    ``allow`` and ``deny`` are networks; ports are ranges; hosts are shell patterns such as
    ``*.corp.example``, matched against the lower-case name (or the address, when that was typed).
    At most ``max_addresses`` of a name's addresses are used, found within ``resolve_seconds``;
    ``hosts`` are names, lower-case, with the address that each has in place of what resolving
    would give.
    """

    allow: tuple[IPNetwork, ...] = ()
    deny: tuple[IPNetwork, ...] = ()
    allow_ports: tuple[range, ...] = ()
    deny_ports: tuple[range, ...] = ()
    allow_hosts: tuple[str, ...] = ()
    deny_hosts: tuple[str, ...] = ()
    proxy: Proxy | None = None
    resolve_seconds: float = 10.0
    max_addresses: int = 16
    hosts: tuple[tuple[str, str], ...] = ()

    async def resolve(self, host: str, port: int) -> Resolution:
        """Every A and AAAA address of ``host`` (a name in A-label form, or an address), judged.

        Raises `EgressError` when the name or port is not allowed, and `UnresolvableError`. That
        none of the addresses may be contacted is no error: the answer tells it of each.
        """
        self.check_host(host)
        self.check_port(port)
        found = await self._lookup(host, port)
        used = found[: self.max_addresses]
        addresses: list[Address] = []
        refused: list[Refused] = []
        for address in used:
            try:
                self.check_address(address.ip, port)
            except EgressError as error:
                refused.append(Refused(address.ip, error))
            else:
                addresses.append(address)
        return Resolution(tuple(addresses), tuple(refused), len(found) - len(used))

    def check_host(self, host: str) -> None:
        """Raises `EgressError` when the name is not allowed."""
        name = host.lower().rstrip(".")
        denied = any(fnmatch.fnmatchcase(name, pattern.lower()) for pattern in self.deny_hosts)
        allowed = not self.allow_hosts or any(
            fnmatch.fnmatchcase(name, pattern.lower()) for pattern in self.allow_hosts
        )
        if denied or not allowed:
            raise EgressError(
                f'"{visible(host)}" may not be contacted: '
                + (
                    "its name is denied here." if denied else "its name is not among those allowed."
                ),
                "Ask the person who runs this service to allow it.",
            )

    def check_port(self, port: int) -> None:
        """Raises `EgressError` when the port is not allowed."""
        denied = any(port in ports for ports in self.deny_ports)
        if denied or (self.allow_ports and not any(port in ports for ports in self.allow_ports)):
            raise EgressError(
                f"Port {port} may not be contacted from here.",
                "Ask the person who runs this service to allow the port.",
            )

    def check_address(self, ip: str, port: int) -> None:
        """Raises `EgressError` when ``ip`` or ``port`` may not be connected to.

        An IPv6 address that carries an IPv4 address is judged by both.
        """
        self.check_port(port)
        address = ipaddress.ip_address(ip)
        embedded = tuple(_embedded(address))
        if any(_within(form, self.deny) for form in (address, *embedded)):
            kind = "an address denied here"
        elif _within(address, self.allow) or (
            embedded and all(_within(form, self.allow) for form in embedded)
        ):
            return
        else:
            kinds = (_denied_kind(form) for form in (address, *embedded))
            found = next((kind for kind in kinds if kind), None)
            if found is None:
                return
            kind = found
        raise EgressError(
            f"{visible(ip)} may not be contacted: it is {kind}.",
            "If this server is really meant, ask the person who runs this service to allow its network.",
        )

    async def _lookup(self, host: str, port: int) -> list[Address]:
        host = dict(self.hosts).get(host.lower().rstrip("."), host)
        try:
            literal = ipaddress.ip_address(host)
        except ValueError:
            pass
        else:
            if isinstance(literal, IPv4Address):
                return [Address(host, port, socket.AF_INET, (host, port))]
            if literal.scope_id is None:
                return [Address(str(literal), port, socket.AF_INET6, (str(literal), port, 0, 0))]
        loop = asyncio.get_running_loop()
        try:
            # Bytes, because a text would be encoded by the obsolete IDNA 2003 codec.
            name = host.encode("ascii")
            async with asyncio.timeout(self.resolve_seconds):
                answers = await loop.getaddrinfo(name, port, type=socket.SOCK_STREAM)
        except TimeoutError:
            raise UnresolvableError(
                f'The name servers did not answer for "{visible(host)}" within '
                f"{duration(self.resolve_seconds)}.",
                "Check DNS and the VPN.",
                timed_out=True,
            ) from None
        except (OSError, UnicodeError):
            raise UnresolvableError(
                f'"{visible(host)}" cannot be resolved to an address.',
                "Check the spelling, and whether the name is known only inside the company's network (VPN).",
            ) from None
        found: dict[str, Address] = {}
        for family, _, _, _, sockaddr in answers:
            ip = sockaddr[0]
            # A Python built without IPv6 gives (int, bytes) for AF_INET6.
            if isinstance(ip, str) and not isinstance(sockaddr[1], bytes):
                found.setdefault(ip, Address(ip, port, family, sockaddr))
        return list(found.values())


def parse_networks(text: str) -> tuple[IPNetwork, ...]:
    """The networks of a comma-separated list; a bare address is a network of one. Raises
    `SettingsError`."""
    try:
        return tuple(ipaddress.ip_network(item, strict=False) for item in _items(text))
    except ValueError:
        raise SettingsError(
            f'"{visible(text)}" is no list of networks.', "Write 10.0.0.0/8, 192.0.2.7, fd00::/8."
        ) from None


def parse_ports(text: str) -> tuple[range, ...]:
    """The ports of a comma-separated list of ports and ranges. Raises `SettingsError`."""
    ranges = []
    for item in _items(text):
        first, dash, last = item.partition("-")
        ports = [int(port) if port.isdecimal() else -1 for port in (first, last if dash else first)]
        if not 0 < ports[0] <= ports[1] <= 65535:
            raise SettingsError(f'"{visible(item)}" is no port.', "Write 443, 636, 8000-8999.")
        ranges.append(range(ports[0], ports[1] + 1))
    return tuple(ranges)


def _items(text: str) -> Iterator[str]:
    return (item.strip() for item in text.split(",") if item.strip())


def _within(address: IPAddress, networks: Iterable[IPNetwork]) -> bool:
    return any(address in network for network in networks)


def _denied_kind(address: IPAddress) -> str | None:
    return next((kind for network, kind in _DENIED if address in network), None)


def _embedded(address: IPAddress) -> Iterator[IPv4Address]:
    """The IPv4 addresses that an IPv6 address stands for or is tunnelled through."""
    if isinstance(address, IPv4Address):
        return
    packed = address.packed
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    elif address.sixtofour is not None:
        yield address.sixtofour
    elif address.teredo is not None:
        yield from address.teredo
    elif address in _LOCAL_NAT64:
        # RFC 6052 section 2.2: the prefix inside this block may have any of these lengths.
        parts = (packed[6:8] + packed[9:11], packed[7:8] + packed[9:12], packed[9:13], packed[12:])
        # A longer prefix is padded with zeros: 0.x is then no address that anybody meant.
        yield from [IPv4Address(part) for part in parts if part[0]] or [IPv4Address(0)]
    elif packed[:12] in _IPV4_PREFIXES or packed[8:12] in _ISATAP:
        yield IPv4Address(packed[12:])


_IPV4_PREFIXES: Final = frozenset(
    ipaddress.IPv6Address(prefix).packed[:12]
    for prefix in (
        "64:ff9b::",  # NAT64, RFC 6052
        "::ffff:0:0:0",  # IPv4-translated, RFC 2765
        "::",  # IPv4-compatible, RFC 4291 section 2.5.5.1
    )
)
_ISATAP: Final = frozenset((b"\x00\x00\x5e\xfe", b"\x02\x00\x5e\xfe"))
"""Interface identifiers of RFC 5214."""
