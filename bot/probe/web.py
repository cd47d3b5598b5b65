"""HTTP/1.1 under the egress rules: where a URL leads, a connection to it, and one exchange over that.

h11 speaks the protocol. A whole web client would take longer to import than a check takes, and would
have to be kept from following, connecting and decompressing on its own.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, TypeAlias
from urllib.parse import quote, urlsplit

import h11

from bot.probe.egress import Address, Egress, Proxy, UnresolvableError
from bot.probe.stream import Stream, connect_to_proxy, open_stream, open_tunnel
from bot.records import record
from bot.text import authority

#: A name in A-label form or an address; everything else is left to no resolver.
_HOST: Final = re.compile(r"[A-Za-z0-9._:-]+")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
#: What a request may hold as it is written (RFC 3986 section 3.3 and 3.4); the rest is escaped.
_AS_WRITTEN: Final = "!$%&'()*+,-./:;=?@_~[]|"
_PORTS: Final = {"http": 80, "https": 443}
_HEADERS: Final = (
    ("User-Agent", "whichroot"),
    ("Accept", "*/*"),
    # A compressed body could grow without bound.
    ("Accept-Encoding", "identity"),
    ("Connection", "close"),
)
_MAX_INTERIM: Final = 10
"""Responses that announce another one (RFC 9110 section 15.2)."""
_MAX_PIECES: Final = 20_000
"""Pieces of a body: who sends more does so to keep a client busy."""


class UnreachableError(Exception):
    """No connection could be had."""


class UntrustedError(UnreachableError):
    """The server has no TLS certificate that can be trusted."""


class BrokenError(Exception):
    """What comes is no proper HTTP response."""


@record
class Location:
    """Where a URL leads. ``host`` is a name in A-label form, or an address without brackets;
    ``target`` is the path with the query, as a request holds it."""

    scheme: str
    host: str
    port: int
    target: str

    @classmethod
    def of(cls, url: str) -> Location:
        """Raises ValueError for what is no URL of this kind, and for user information in it."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        if not host.isascii():
            # Imported late: a certificate's URLs are ASCII, and so are most that they lead to.
            import idna

            host = idna.encode(host, uts46=True).decode("ascii")
        port = _PORTS[parts.scheme] if parts.port is None else parts.port
        if "@" in parts.netloc or not port or not _HOST.fullmatch(host) or _CONTROL.search(url):
            raise ValueError("no URL that can be fetched")
        query = f"?{parts.query}" if parts.query else ""
        # Bytes that are no UTF-8 are escaped as they came.
        target = quote((parts.path or "/") + query, _AS_WRITTEN, errors="surrogateescape")
        return cls(parts.scheme, host, port, target)

    @property
    def authority(self) -> str:
        """The host as a request names it, with the port unless it is the usual one."""
        named = authority(self.host, self.port)
        return named.rpartition(":")[0] if self.port == _PORTS[self.scheme] else named


@record
class Connection:
    """A connection on which a location can be asked for. ``proxy``: it leads there, and wants the
    whole URL (RFC 9112 section 3.2.2)."""

    stream: Stream
    proxy: Proxy | None = None


#: Raises `EgressError`, `UnresolvableError`, `ProxyError` and `UnreachableError`.
Connect: TypeAlias = Callable[[Location], Awaitable[Connection]]


def connecting(egress: Egress) -> Connect:
    """Connections that ``egress`` allows: a name is resolved once, every address of it is judged, and
    only what was judged is connected to."""

    async def connect(location: Location) -> Connection:
        proxy = egress.proxy
        try:
            resolution = await egress.resolve(location.host, location.port)
        except UnresolvableError:
            if proxy is None or not proxy.resolves_names:
                raise
            return await _by_proxy(location, proxy)
        if resolution.refused:
            raise resolution.refused[0].error
        failures: list[UnreachableError] = []
        for address in resolution.addresses:
            try:
                if proxy is not None and not proxy.is_bypassed(address.ip):
                    return await _by_proxy(location, proxy)
                return await _directly(location, address)
            except UnreachableError as error:
                failures.append(error)
        raise failures[0] if failures else UnreachableError

    return connect


async def _directly(location: Location, address: Address) -> Connection:
    try:
        stream = await open_stream(address, None)
    except OSError as error:
        raise UnreachableError from error
    return Connection(await _protected(stream, location))


async def _by_proxy(location: Location, proxy: Proxy) -> Connection:
    """Through ``proxy``, which is given the name: its addresses have all been judged."""
    if location.scheme == "http":
        return Connection(await connect_to_proxy(proxy), proxy)
    stream = await open_tunnel(proxy, authority(location.host, location.port))
    return Connection(await _protected(stream, location))


async def _protected(stream: Stream, location: Location) -> Stream:
    if location.scheme == "http":
        return stream
    # Imported late: issuers are mostly had over HTTP.
    from bot.probe.verified_tls import NotVerifiedError, public_roots, verified

    try:
        return await verified(stream, location.host, public_roots())
    except NotVerifiedError as error:
        stream.close()
        raise UntrustedError from error
    except OSError as error:
        stream.close()
        raise UnreachableError from error
    except BaseException:
        stream.close()
        raise


class Exchange:
    """A GET over a connection of its own: the response's ``status`` and ``headers`` (names in lower
    case), and then its body."""

    def __init__(self, connection: Connection) -> None:
        self._stream = connection.stream
        self._proxy = connection.proxy
        self._http = h11.Connection(h11.CLIENT)
        self.status = 0
        self.headers: dict[str, str] = {}

    async def ask(self, location: Location) -> None:
        """Sends the request and reads the response up to its body. Raises `BrokenError`."""
        headers = [("Host", location.authority), *_HEADERS]
        target = location.target
        if self._proxy is not None:
            target = f"{location.scheme}://{location.authority}{target}"
            if self._proxy.authorization is not None:
                headers.append(("Proxy-Authorization", self._proxy.authorization))
        request = h11.Request(method="GET", target=target, headers=headers)
        sent = (self._http.send(request) or b"") + (self._http.send(h11.EndOfMessage()) or b"")
        try:
            await self._stream.write(sent)
        except OSError as error:
            raise BrokenError from error
        for _ in range(_MAX_INTERIM):
            event = await self._event()
            if isinstance(event, h11.Response):
                self.status = event.status_code
                self.headers = {
                    name.decode("ascii"): value.decode("utf-8", "surrogateescape")
                    for name, value in event.headers
                }
                return
        raise BrokenError

    async def body(self) -> AsyncIterator[bytes]:
        """The pieces of the body as they come, encoded as they were sent. Raises `BrokenError`."""
        for _ in range(_MAX_PIECES):
            event = await self._event()
            if not isinstance(event, h11.Data):
                return
            yield bytes(event.data)
        raise BrokenError

    async def _event(self) -> h11.Event:
        try:
            while (event := self._http.next_event()) is h11.NEED_DATA:
                self._http.receive_data(await self._stream.read())
        except (OSError, h11.RemoteProtocolError) as error:
            raise BrokenError from error
        if isinstance(event, h11.Event):
            return event
        raise BrokenError
