"""HTTP under the egress rules: redirects, pinned addresses, proxies."""

from __future__ import annotations

import asyncio
import base64
import re
import socket
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.probe.download_limits import DownloadError, DownloadLimits
from bot.probe.downloads import download
from bot.probe.egress import Egress, Proxy, parse_networks
from bot.probe.web import Location, connecting
from tests.support.authority import Issued
from tests.support.servers import Script, raw_server, tls_server

#: Only this one loopback address, so that another stands for what is denied.
_ONE_ADDRESS = Egress(allow=parse_networks("127.0.0.1/32"))


@dataclass
class _Site:
    """Answers each request with the next of ``answers`` and remembers what was asked."""

    answers: list[bytes]
    requests: list[str] = field(default_factory=list)

    @property
    def script(self) -> Script:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.requests.append((await reader.readuntil(b"\r\n\r\n")).decode())
            writer.write(self.answers[min(len(self.requests), len(self.answers)) - 1])
            await writer.drain()
            writer.close()

        return script


def _page(body: bytes, *headers: str) -> bytes:
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def _redirect(url: str) -> bytes:
    return f"HTTP/1.1 302 Found\r\nLocation: {url}\r\nContent-Length: 0\r\n\r\n".encode()


async def _fetched(egress: Egress, url: str) -> bytes:
    return await download(connecting(egress), url, DownloadLimits())


async def test_fetches_and_follows_a_redirect() -> None:
    site = _Site([_page(b"issuer")])
    async with raw_server(site.script) as server:
        first = _Site([_redirect(f"http://{server.address}/ca.cer")])
        async with raw_server(first.script) as other:
            assert await _fetched(_ONE_ADDRESS, f"http://{other.address}/") == b"issuer"
    assert site.requests[0].startswith("GET /ca.cer HTTP/1.1\r\n")
    assert f"Host: {server.address}\r\n" in site.requests[0]
    assert "User-Agent: whichroot" in site.requests[0]


@pytest.mark.parametrize(
    ("reference", "target"),
    [
        ("/root.cer?v=2#part", "/root.cer?v=2"),
        ("root.cer", "/certs/root.cer"),
        ("../a b/%C3%A9.cer", "/a%20b/%C3%A9.cer"),
        ("?é=<x>", "/certs/?%C3%A9=%3Cx%3E"),
        ("", "/certs/"),
    ],
)
async def test_a_redirect_may_be_relative(reference: str, target: str) -> None:
    site = _Site([_redirect(reference), _page(b"there")])
    async with raw_server(site.script) as server:
        assert await _fetched(_ONE_ADDRESS, f"http://{server.address}/certs/") == b"there"
    assert site.requests[1].startswith(f"GET {target} HTTP/1.1\r\n")


@pytest.mark.parametrize("host", ["127.0.0.2", "169.254.169.254", "[::1]", "[::ffff:127.0.0.2]"])
async def test_judges_every_redirect(host: str) -> None:
    site = _Site([_redirect(f"http://{host}/latest/meta-data")])
    async with raw_server(site.script) as server:
        with pytest.raises(DownloadError, match="may not be contacted") as caught:
            await _fetched(_ONE_ADDRESS, f"http://{server.address}/")
    assert caught.value.code == "denied"


async def test_bounds_the_number_of_redirects() -> None:
    site = _Site([_redirect("/again")])
    async with raw_server(site.script) as server:
        with pytest.raises(DownloadError, match="more than 3 times"):
            await _fetched(_ONE_ADDRESS, f"http://{server.address}/")
    assert len(site.requests) == 4


async def test_what_announces_a_response_is_passed_over() -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    site = _Site([hints * 2 + _page(b"final"), hints * 50 + _page(b"never")])
    async with raw_server(site.script) as server:
        assert await _fetched(_ONE_ADDRESS, f"http://{server.address}/") == b"final"
        with pytest.raises(DownloadError, match="no proper HTTP"):
            await _fetched(_ONE_ADDRESS, f"http://{server.address}/")


async def test_a_body_in_countless_pieces_is_given_up() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    pieces = [head + b"1\r\nx\r\n" * count + b"0\r\n\r\n" for count in (500, 50_000)]
    site = _Site(pieces)
    async with raw_server(site.script) as server:
        assert await _fetched(_ONE_ADDRESS, f"http://{server.address}/") == b"x" * 500
        with pytest.raises(DownloadError, match="no proper HTTP"):
            await _fetched(_ONE_ADDRESS, f"http://{server.address}/")


async def test_a_body_that_is_cut_off_is_not_used() -> None:
    site = _Site([b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"])
    async with raw_server(site.script) as server:
        with pytest.raises(DownloadError, match="no proper HTTP"):
            await _fetched(_ONE_ADDRESS, f"http://{server.address}/")


async def test_ignores_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    site = _Site([_page(b"direct")])
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    async with raw_server(site.script) as server:
        assert await _fetched(_ONE_ADDRESS, f"http://{server.address}/") == b"direct"


async def test_connects_to_the_address_that_was_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = _rebinding_resolver(monkeypatch, "127.0.0.1", "127.0.0.2")
    site = _Site([_page(b"pinned")])
    async with raw_server(site.script) as server:
        url = f"http://aia.example.test:{server.port}/ca.cer"
        assert await _fetched(_ONE_ADDRESS, url) == b"pinned"
    assert f"Host: aia.example.test:{server.port}" in site.requests[0]
    assert asked == ["aia.example.test"]


async def test_tries_the_next_address_when_one_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    _rebinding_resolver(monkeypatch, ("127.0.0.2", "127.0.0.1"))
    site = _Site([_page(b"second")])
    egress = Egress(allow=parse_networks("127.0.0.0/8"))
    async with raw_server(site.script) as server:
        assert await _fetched(egress, f"http://aia.example.test:{server.port}/") == b"second"


async def test_denies_a_name_with_a_denied_address(monkeypatch: pytest.MonkeyPatch) -> None:
    _rebinding_resolver(monkeypatch, ("127.0.0.1", "127.0.0.2"))
    with pytest.raises(DownloadError, match=r"127\.0\.0\.2") as caught:
        await _fetched(_ONE_ADDRESS, "http://aia.example.test/")
    assert caught.value.code == "denied"


async def test_tells_of_a_name_that_cannot_be_resolved() -> None:
    with pytest.raises(DownloadError, match=r"does-not-exist\.invalid") as caught:
        await _fetched(_ONE_ADDRESS, "http://does-not-exist.invalid/")
    assert caught.value.code == "unresolvable"


async def test_verifies_https_by_name(
    monkeypatch: pytest.MonkeyPatch, chain: tuple[Issued, Issued]
) -> None:
    _rebinding_resolver(monkeypatch, "127.0.0.1")
    async with tls_server(chain) as server:
        with pytest.raises(DownloadError, match="no TLS certificate that can be trusted"):
            await _fetched(_ONE_ADDRESS, f"https://server.example.test:{server.port}/")
    assert server.server_names == [b"server.example.test"]


async def test_asks_the_proxy_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    _rebinding_resolver(monkeypatch, "8.8.8.8")
    site = _Site([_page(b"proxied")])
    async with raw_server(site.script) as server:
        proxy = Proxy.from_url(f"http://user:secret@{server.address}")
        egress = replace(_ONE_ADDRESS, proxy=proxy)
        assert await _fetched(egress, "http://aia.example.test/ca.cer") == b"proxied"
    assert site.requests[0].startswith("GET http://aia.example.test/ca.cer HTTP/1.1\r\n")
    credentials = base64.b64encode(b"user:secret").decode()
    assert f"Proxy-Authorization: Basic {credentials}" in site.requests[0]


async def test_asks_the_proxy_for_a_tunnel_to_https(monkeypatch: pytest.MonkeyPatch) -> None:
    _rebinding_resolver(monkeypatch, "8.8.8.8")
    site = _Site([b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"])
    async with raw_server(site.script) as server:
        egress = replace(_ONE_ADDRESS, proxy=Proxy.from_url(f"http://{server.address}"))
        with pytest.raises(DownloadError, match="403 Forbidden") as caught:
            await _fetched(egress, "https://aia.example.test/ca.cer")
    assert caught.value.code == "unreachable"
    assert site.requests[0].startswith("CONNECT aia.example.test:443 HTTP/1.1\r\n")


async def test_tells_of_a_proxy_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    _rebinding_resolver(monkeypatch, "8.8.8.8")
    egress = replace(_ONE_ADDRESS, proxy=Proxy.from_url("http://user:secret@127.0.0.1:1"))
    for scheme in ("http", "https"):
        with pytest.raises(
            DownloadError, match=r"proxy 127\.0\.0\.1:1 cannot be reached"
        ) as caught:
            await _fetched(egress, f"{scheme}://aia.example.test/")
        assert "secret" not in str(caught.value)


async def test_judges_before_it_asks_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    _rebinding_resolver(monkeypatch, "169.254.169.254")
    egress = replace(_ONE_ADDRESS, proxy=Proxy.from_url("http://127.0.0.1:9"))
    with pytest.raises(DownloadError, match="metadata"):
        await _fetched(egress, "http://aia.example.test/")


async def test_bypasses_the_proxy_for_private_networks() -> None:
    site = _Site([_page(b"direct")])
    async with raw_server(site.script) as server:
        proxy = Proxy("127.0.0.1", 9, bypass=parse_networks("127.0.0.0/8"))
        egress = replace(_ONE_ADDRESS, proxy=proxy)
        assert await _fetched(egress, f"http://{server.address}/") == b"direct"


async def test_leaves_unknown_names_to_a_proxy_that_resolves_them() -> None:
    site = _Site([_page(b"proxied")])
    async with raw_server(site.script) as server:
        proxy = Proxy.from_url(f"http://{server.address}", resolves_names=True)
        egress = replace(_ONE_ADDRESS, proxy=proxy)
        assert await _fetched(egress, "http://does-not-exist.invalid/") == b"proxied"


@pytest.mark.parametrize(
    ("url", "authority", "target"),
    [
        ("http://PKI.corp.example", "pki.corp.example", "/"),
        ("http://pki.corp.example:80/a?b#c", "pki.corp.example", "/a?b"),
        ("https://pki.corp.example:80/", "pki.corp.example:80", "/"),
        ("http://B\u00fccher.example/", "xn--bcher-kva.example", "/"),
        ("https://[2001:DB8::1]/", "[2001:db8::1]", "/"),
        ("http://[2001:db8::1]:8080/", "[2001:db8::1]:8080", "/"),
        ("http://h/%zz/ü\udcff", "h", "/%zz/%C3%BC%FF"),
    ],
)
def test_a_url_is_taken_apart(url: str, authority: str, target: str) -> None:
    location = Location.of(url)
    assert (location.authority, location.target) == (authority, target)


@given(
    st.from_regex(r"https?://[a-z0-9.\[\]:@%-]{1,20}", fullmatch=True),
    st.text(max_size=30) | st.from_regex(r"/[!-~]{0,30}", fullmatch=True),
)
def test_whatever_a_url_says_a_request_stays_one(host: str, rest: str) -> None:
    try:
        location = Location.of(host + rest)
    except ValueError:
        return
    assert 0 < location.port < 65536
    assert re.fullmatch(r"[!-~]+", location.target)
    assert re.fullmatch(r"[a-z0-9._:\[\]-]+", location.authority)


def _rebinding_resolver(
    monkeypatch: pytest.MonkeyPatch, *answers: str | tuple[str, ...]
) -> list[str]:
    """A resolver that gives each of ``answers`` once, the last for ever; the list that is returned
    fills with the names asked for. Addresses are resolved by the system as ever."""
    asked: list[str] = []
    loop = asyncio.get_running_loop()
    system = loop.getaddrinfo

    async def answer(host: Any, port: int, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if not name.endswith(".test"):
            return await system(host, port, **options)
        found = answers[min(len(asked), len(answers) - 1)]
        asked.append(name)
        ips = [found] if isinstance(found, str) else found
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in ips]

    monkeypatch.setattr(loop, "getaddrinfo", answer)
    return asked
