"""HTTP under the egress rules: redirects, pinned addresses, proxies."""

from __future__ import annotations

import asyncio
import base64
import socket
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest

from bot.errors import EgressError
from bot.probe.egress import Egress, Proxy, UnresolvableError, parse_networks
from bot.probe.web import http_client
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


async def test_fetches_and_follows_a_redirect() -> None:
    site = _Site([_page(b"issuer")])
    async with raw_server(site.script) as server, http_client(_ONE_ADDRESS) as client:
        first = _Site([_redirect(f"http://{server.address}/ca.cer")])
        async with raw_server(first.script) as other:
            response = await client.get(f"http://{other.address}/")
    assert response.content == b"issuer"
    assert site.requests[0].startswith("GET /ca.cer HTTP/1.1\r\n")
    assert "User-Agent: whichroot" in site.requests[0]


@pytest.mark.parametrize("host", ["127.0.0.2", "169.254.169.254", "[::1]", "[::ffff:127.0.0.2]"])
async def test_judges_every_redirect(host: str) -> None:
    site = _Site([_redirect(f"http://{host}/latest/meta-data")])
    async with raw_server(site.script) as server, http_client(_ONE_ADDRESS) as client:
        with pytest.raises(EgressError, match="may not be contacted"):
            await client.get(f"http://{server.address}/")


async def test_bounds_the_number_of_redirects() -> None:
    site = _Site([_redirect("/again")])
    async with (
        raw_server(site.script) as server,
        http_client(_ONE_ADDRESS, max_redirects=3) as client,
    ):
        with pytest.raises(httpx.TooManyRedirects):
            await client.get(f"http://{server.address}/")
    assert len(site.requests) == 4


async def test_keeps_no_cookies() -> None:
    site = _Site([_page(b"", "Set-Cookie: id=1")])
    async with raw_server(site.script) as server, http_client(_ONE_ADDRESS) as client:
        await client.get(f"http://{server.address}/")
        await client.get(f"http://{server.address}/")
    assert "cookie" not in site.requests[1].lower()


async def test_ignores_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    site = _Site([_page(b"direct")])
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    async with raw_server(site.script) as server, http_client(_ONE_ADDRESS) as client:
        assert (await client.get(f"http://{server.address}/")).content == b"direct"


async def test_connects_to_the_address_that_was_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = _rebinding_resolver(monkeypatch, "127.0.0.1", "127.0.0.2")
    site = _Site([_page(b"pinned")])
    async with raw_server(site.script) as server, http_client(_ONE_ADDRESS) as client:
        response = await client.get(f"http://aia.example.test:{server.port}/ca.cer")
    assert response.content == b"pinned"
    assert f"Host: aia.example.test:{server.port}" in site.requests[0]
    assert asked == ["aia.example.test"]


async def test_tries_the_next_address_when_one_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    _rebinding_resolver(monkeypatch, ("127.0.0.2", "127.0.0.1"))
    site = _Site([_page(b"second")])
    egress = Egress(allow=parse_networks("127.0.0.0/8"))
    async with raw_server(site.script) as server, http_client(egress) as client:
        response = await client.get(f"http://aia.example.test:{server.port}/")
    assert response.content == b"second"


async def test_denies_a_name_with_a_denied_address(monkeypatch: pytest.MonkeyPatch) -> None:
    _rebinding_resolver(monkeypatch, ("127.0.0.1", "127.0.0.2"))
    async with http_client(_ONE_ADDRESS) as client:
        with pytest.raises(EgressError, match=r"127\.0\.0\.2"):
            await client.get("http://aia.example.test/")


async def test_tells_of_a_name_that_cannot_be_resolved() -> None:
    async with http_client(_ONE_ADDRESS) as client:
        with pytest.raises(UnresolvableError, match=r"does-not-exist\.invalid"):
            await client.get("http://does-not-exist.invalid/")


async def test_verifies_https_by_name(
    monkeypatch: pytest.MonkeyPatch, chain: tuple[Issued, Issued]
) -> None:
    _rebinding_resolver(monkeypatch, "127.0.0.1")
    async with tls_server(chain) as server, http_client(_ONE_ADDRESS) as client:
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            await client.get(f"https://server.example.test:{server.port}/")
    assert server.server_names == [b"server.example.test"]


async def test_asks_the_proxy_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    _rebinding_resolver(monkeypatch, "8.8.8.8")
    site = _Site([_page(b"proxied")])
    async with raw_server(site.script) as server:
        proxy = Proxy.from_url(f"http://user:secret@{server.address}")
        async with http_client(replace(_ONE_ADDRESS, proxy=proxy)) as client:
            response = await client.get("http://aia.example.test/ca.cer")
    assert response.content == b"proxied"
    assert site.requests[0].startswith("GET http://aia.example.test/ca.cer HTTP/1.1\r\n")
    credentials = base64.b64encode(b"user:secret").decode()
    assert f"Proxy-Authorization: Basic {credentials}" in site.requests[0]


async def test_judges_before_it_asks_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    _rebinding_resolver(monkeypatch, "169.254.169.254")
    proxy = Proxy.from_url("http://127.0.0.1:9")
    async with http_client(replace(_ONE_ADDRESS, proxy=proxy)) as client:
        with pytest.raises(EgressError, match="metadata"):
            await client.get("http://aia.example.test/")


async def test_bypasses_the_proxy_for_private_networks() -> None:
    site = _Site([_page(b"direct")])
    async with raw_server(site.script) as server:
        proxy = Proxy("127.0.0.1", 9, bypass=parse_networks("127.0.0.0/8"))
        async with http_client(replace(_ONE_ADDRESS, proxy=proxy)) as client:
            assert (await client.get(f"http://{server.address}/")).content == b"direct"


async def test_leaves_unknown_names_to_a_proxy_that_resolves_them() -> None:
    site = _Site([_page(b"proxied")])
    async with raw_server(site.script) as server:
        proxy = Proxy.from_url(f"http://{server.address}", resolves_names=True)
        async with http_client(replace(_ONE_ADDRESS, proxy=proxy)) as client:
            response = await client.get("http://does-not-exist.invalid/")
    assert response.content == b"proxied"


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
