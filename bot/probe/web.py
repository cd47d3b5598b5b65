"""HTTP under the egress rules: every hop is resolved once, judged, and its judged address used."""

from __future__ import annotations

import ipaddress
import ssl
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

from bot.probe.egress import Address, Egress, Proxy, UnresolvableError
from bot.text import visible


def http_client(
    egress: Egress, *, timeout_seconds: float = 10.0, max_redirects: int = 3
) -> httpx.AsyncClient:
    """A client that can reach only what ``egress`` allows, redirects included.

    It keeps no cookies and no connections, reads no environment variables and no ``.netrc``.
    ``timeout_seconds`` bounds each connect, read and write; the caller bounds the total time and
    reads the body in chunks up to a limit of its own. Requests raise `EgressError`,
    `UnresolvableError` and ``httpx.HTTPError``.
    """
    return httpx.AsyncClient(
        transport=_EgressTransport(egress),
        timeout=timeout_seconds,
        follow_redirects=True,
        max_redirects=max_redirects,
        trust_env=False,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        headers={"User-Agent": "whichroot"},
    )


class _EgressTransport(httpx.AsyncBaseTransport):
    """Sends each request to a checked address; ``Host``, SNI and the name check keep the name."""

    def __init__(self, egress: Egress) -> None:
        self._egress = egress
        self._made: dict[str, _Transports] = {}

    def _transports(self, request: httpx.Request) -> _Transports:
        """Made for each scheme when it is first needed: to read the roots that HTTPS trusts takes
        longer than a download, and issuers are mostly had over HTTP."""
        scheme = request.url.scheme
        if scheme not in self._made:
            self._made[scheme] = _Transports(self._egress.proxy, is_secure=scheme != "http")
        return self._made[scheme]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host = request.url.raw_host.decode("ascii")
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        try:
            resolution = await self._egress.resolve(host, port)
        except UnresolvableError:
            if self._egress.proxy is None or not self._egress.proxy.resolves_names:
                raise
            return await self._transports(request).proxied.handle_async_request(request)
        if resolution.refused:
            raise resolution.refused[0].error
        failures: list[httpx.TransportError] = []
        for address in resolution.addresses:
            try:
                return await self._send(request, host, address)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failures.append(error)
        raise (
            failures[0]
            if failures
            else httpx.ConnectError(f'"{visible(host)}" has no address.', request=request)
        )

    async def aclose(self) -> None:
        for transports in self._made.values():
            await transports.direct.aclose()
            await transports.proxied.aclose()

    async def _send(self, request: httpx.Request, host: str, address: Address) -> httpx.Response:
        proxy = self._egress.proxy
        if proxy is not None and not proxy.is_bypassed(address.ip):
            # A proxy takes the Host from the URL (RFC 9112 section 3.2.2), so it needs the name,
            # whose addresses have all been judged.
            return await self._transports(request).proxied.handle_async_request(request)
        pinned = httpx.Request(
            request.method,
            request.url.copy_with(host=address.ip),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": host},
        )
        return await self._transports(request).direct.handle_async_request(pinned)


class _Transports:
    """To an address itself, and through the outbound proxy where there is one."""

    def __init__(self, proxy: Proxy | None, *, is_secure: bool) -> None:
        # A context as it is made trusts nobody.
        verify = (
            httpx.create_ssl_context(trust_env=False)
            if is_secure
            else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        )
        # A connection to an address must not serve another name: none is kept.
        limits = httpx.Limits(max_keepalive_connections=0)
        self.direct = httpx.AsyncHTTPTransport(verify=verify, limits=limits, trust_env=False)
        self.proxied = _proxied_transport(proxy, verify, limits) if proxy else self.direct


def _proxied_transport(
    proxy: Proxy, verify: ssl.SSLContext, limits: httpx.Limits
) -> httpx.AsyncHTTPTransport:
    host = f"[{proxy.host}]" if _is_ipv6(proxy.host) else proxy.host
    auth = None if proxy.username is None else (proxy.username, proxy.password or "")
    return httpx.AsyncHTTPTransport(
        verify=verify,
        limits=limits,
        trust_env=False,
        proxy=httpx.Proxy(f"http://{host}:{proxy.port}", auth=auth),
    )


def _is_ipv6(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).version == 6
    except ValueError:
        return False
