"""Where the probe may connect to, and that it connects only to what was judged."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.errors import EgressError, SettingsError
from bot.probe.egress import (
    Egress,
    Proxy,
    UnresolvableError,
    parse_networks,
    parse_ports,
)


def _is_allowed(egress: Egress, ip: str, port: int = 443) -> bool:
    try:
        egress.check_address(ip, port)
    except EgressError:
        return False
    return True


def _forms(ip: ipaddress.IPv4Address) -> list[str]:
    """The IPv6 addresses that stand for ``ip``."""
    number = int(ip)
    return [
        f"::ffff:{ip}",
        f"::{ip}" if number >> 16 else "::1",
        f"::ffff:0:{ip}",
        f"64:ff9b::{ip}",
        f"64:ff9b:1::{ip}",
        str(
            ipaddress.IPv6Address(
                (0x0064FF9B0001 << 80) | ((number >> 16) << 64) | ((number & 0xFFFF) << 40)
            )
        ),
        str(ipaddress.IPv6Address((0x2002 << 112) | (number << 80) | 1)),
        str(ipaddress.IPv6Address((0x20010000 << 96) | (number << 64) | 0xF7F7_F7F7)),
        str(
            ipaddress.IPv6Address((0x20010000 << 96) | (0x08080808 << 64) | (number ^ 0xFFFF_FFFF))
        ),
        f"2001:db8::5efe:{ip}",
    ]


@pytest.mark.parametrize(
    ("ip", "kind"),
    [
        ("127.0.0.1", "loopback"),
        ("127.255.255.254", "loopback"),
        ("::1", "loopback"),
        ("169.254.10.20", "link-local"),
        ("fe80::1", "link-local"),
        ("169.254.169.254", "metadata"),
        ("169.254.170.23", "link-local"),
        ("fd00:ec2::254", "metadata"),
        ("fd20:ce::254", "metadata"),
        ("100.100.100.200", "metadata"),
        ("168.63.129.16", "metadata"),
        ("192.0.0.192", "metadata"),
        ("224.0.0.1", "multicast"),
        ("ff02::1", "multicast"),
        ("0.0.0.0", "unspecified"),
        ("0.1.2.3", "unspecified"),
        ("::", "unspecified"),
        ("240.0.0.1", "reserved"),
        ("255.255.255.255", "reserved"),
        ("fec0::1", "reserved"),
    ],
)
def test_denies_by_default_and_says_why(ip: str, kind: str) -> None:
    with pytest.raises(EgressError, match=kind) as caught:
        Egress().check_address(ip, 443)
    assert ip in caught.value.message


@pytest.mark.parametrize(
    "ip",
    [
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "fd00::1",
        "8.8.8.8",
        "2606:4700::1111",
    ],
)
def test_allows_public_and_private_addresses(ip: str) -> None:
    Egress().check_address(ip, 636)


@given(
    st.sampled_from(["127.0.0.1", "169.254.169.254", "224.0.0.9", "240.1.2.3"]), st.integers(0, 9)
)
def test_denies_the_ipv6_forms_of_a_denied_address(ip: str, form: int) -> None:
    assert not _is_allowed(Egress(), _forms(ipaddress.IPv4Address(ip))[form])


@given(st.ip_addresses(v=4), st.integers(0, 9))
def test_judges_an_ipv6_form_at_least_as_strictly_as_its_address(
    ip: ipaddress.IPv4Address, form: int
) -> None:
    # In a prefix of any length 0.x looks like zeros of the prefix: it is read as what follows them.
    assume(ip.packed[0])
    if not _is_allowed(Egress(), str(ip)):
        assert not _is_allowed(Egress(), _forms(ip)[form])


def test_allows_the_ipv6_forms_of_an_allowed_address() -> None:
    assert all(_is_allowed(Egress(), form) for form in _forms(ipaddress.IPv4Address("8.8.4.4")))


def test_explicit_allow_beats_the_defaults() -> None:
    egress = Egress(allow=parse_networks("127.0.0.0/8"))
    assert _is_allowed(egress, "127.0.0.1")
    assert _is_allowed(egress, "::ffff:127.0.0.1")
    assert not _is_allowed(egress, "169.254.169.254")


def test_explicit_deny_beats_explicit_allow() -> None:
    egress = Egress(
        allow=parse_networks("10.0.0.0/8"), deny=parse_networks("10.1.0.0/16, fd00::/8")
    )
    assert _is_allowed(egress, "10.2.0.1")
    assert not _is_allowed(egress, "10.1.0.1")
    assert not _is_allowed(egress, "::ffff:10.1.0.1")
    assert not _is_allowed(egress, "fd00::1")


def test_judges_ports() -> None:
    egress = Egress(allow_ports=parse_ports("443, 8000-8999"), deny_ports=parse_ports("8080"))
    allowed = [
        port for port in (22, 443, 8000, 8080, 8999, 9000) if _is_allowed(egress, "8.8.8.8", port)
    ]
    assert allowed == [443, 8000, 8999]


def test_judges_names() -> None:
    egress = Egress(allow_hosts=("*.corp.example", "10.*"), deny_hosts=("secret.*",))
    for name in ("dc01.corp.example", "DC01.CORP.EXAMPLE.", "10.1.2.3"):
        egress.check_host(name)
    for name in ("corp.example", "www.example.com", "secret.corp.example"):
        with pytest.raises(EgressError, match=name):
            egress.check_host(name)


@pytest.mark.parametrize("host", ["0x7f.1", "2130706433", "0177.0.0.1", "127.1", "localhost"])
async def test_judges_what_a_name_resolves_to(host: str) -> None:
    resolution = await Egress().resolve(host, 443)
    assert not resolution.addresses
    assert "127.0.0.1" in [refused.ip for refused in resolution.refused]


async def test_resolves_an_address_without_a_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    _resolver(monkeypatch)
    for ip in ("192.0.2.7", "2001:db8::7"):
        resolution = await Egress().resolve(ip, 636)
        assert [str(address) for address in resolution.addresses] == [
            f"[{ip}]:636" if ":" in ip else f"{ip}:636"
        ]


async def test_keeps_every_allowed_address_once_and_tells_of_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _resolver(monkeypatch, "192.0.2.1", "127.0.0.1", "2001:db8::1", "192.0.2.1")
    resolution = await Egress().resolve("dc.example.test", 636)
    assert [address.ip for address in resolution.addresses] == ["192.0.2.1", "2001:db8::1"]
    assert [refused.ip for refused in resolution.refused] == ["127.0.0.1"]
    assert resolution.left_out == 0


async def test_bounds_the_number_of_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    _resolver(monkeypatch, *(f"192.0.2.{number}" for number in range(1, 41)))
    resolution = await Egress().resolve("many.example.test", 443)
    assert len(resolution.addresses) == 16
    assert resolution.left_out == 24


async def test_bounds_the_time_to_resolve(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: Any, **__: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", never)
    with pytest.raises(UnresolvableError, match="did not answer") as caught:
        await Egress(resolve_seconds=0.01).resolve("slow.example.test", 443)
    assert caught.value.timed_out


@pytest.mark.parametrize(
    "host", ["does-not-exist.invalid", "x" * 70 + ".example", "a..b", "ü.example"]
)
async def test_explains_what_cannot_be_resolved(host: str) -> None:
    with pytest.raises(UnresolvableError, match="cannot be resolved") as caught:
        await Egress().resolve(host, 443)
    assert not caught.value.timed_out


def test_reads_networks_and_ports() -> None:
    assert [str(network) for network in parse_networks("10.1.2.3/8, 192.0.2.7,, fd00::/8")] == [
        "10.0.0.0/8",
        "192.0.2.7/32",
        "fd00::/8",
    ]
    assert parse_ports("443, 8000-8002") == (range(443, 444), range(8000, 8003))


@pytest.mark.parametrize("text", ["10.0.0.0/33", "corp", "10.0.0.0/8;10.1.0.0/16"])
def test_refuses_what_is_no_network(text: str) -> None:
    with pytest.raises(SettingsError, match="list of networks"):
        parse_networks(text)


@pytest.mark.parametrize("text", ["https", "1-", "-5", "1-2-3", "65536", "9-8"])
def test_refuses_what_is_no_port(text: str) -> None:
    with pytest.raises(SettingsError, match="no port"):
        parse_ports(text)


def test_reads_a_proxy() -> None:
    proxy = Proxy.from_url("http://us%40er:pass@proxy.corp.example:8080")
    assert (proxy.host, proxy.port, proxy.username, proxy.password) == (
        "proxy.corp.example",
        8080,
        "us@er",
        "pass",
    )
    assert proxy.is_bypassed("10.1.2.3")
    assert not proxy.is_bypassed("8.8.8.8")


def test_never_shows_the_credentials_of_a_proxy() -> None:
    assert "secret" not in repr(Egress(proxy=Proxy.from_url("http://user:secret@proxy:8080")))
    for url in (
        "https://user:secret@proxy:8080",
        "user:secret@proxy",
        "http://user:secret@proxy:port",
    ):
        with pytest.raises(SettingsError) as caught:
            Proxy.from_url(url)
        assert "secret" not in str(caught.value)


def _resolver(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """A resolver that answers with ``addresses``, and that must not be asked when there are none."""

    async def answer(_: object, port: int, **__: Any) -> list[Any]:
        assert addresses, "the resolver was asked"
        return [
            (
                socket.AF_INET6 if ":" in ip else socket.AF_INET,
                socket.SOCK_STREAM,
                6,
                "",
                (ip, port, 0, 0) if ":" in ip else (ip, port),
            )
            for ip in addresses
        ]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", answer)
