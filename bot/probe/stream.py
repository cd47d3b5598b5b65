"""A connection to one address: bytes in and out, directly or through the outbound proxy."""

from __future__ import annotations

import asyncio
import socket
from typing import Final, Protocol

from bot.errors import WhichrootError
from bot.probe.egress import Address, Proxy
from bot.text import visible

CHUNK: Final = 64 * 1024
_MAX_PROXY_ANSWER: Final = 16 * 1024


class ProxyError(WhichrootError):
    """The outbound proxy could not be reached or does not connect to the address."""


class Stream(Protocol):
    """Bytes to and from a peer. ``read`` gives ``b""`` at the end; both raise `OSError`."""

    async def read(self) -> bytes: ...

    async def write(self, data: bytes) -> None: ...

    def close(self) -> None: ...


class SocketStream:
    """A connected socket. Bytes put back with ``unread`` are read first."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._loop = asyncio.get_running_loop()
        self._unread = b""

    async def read(self) -> bytes:
        if self._unread:
            data, self._unread = self._unread, b""
            return data
        return await self._loop.sock_recv(self._socket, CHUNK)

    async def write(self, data: bytes) -> None:
        await self._loop.sock_sendall(self._socket, data)

    def unread(self, data: bytes) -> None:
        self._unread = data + self._unread

    def close(self) -> None:
        self._socket.close()


async def open_stream(address: Address, proxy: Proxy | None) -> SocketStream:
    """A connection to ``address``, by CONNECT unless the proxy is bypassed for it.

    Raises `OSError` as the system gives it, and `ProxyError`. The caller bounds the time.
    """
    if proxy is None or proxy.is_bypassed(address.ip):
        return await _connect(address.family, address.sockaddr)
    return await open_tunnel(proxy, str(address))


async def open_tunnel(proxy: Proxy, authority: str) -> SocketStream:
    """A connection to ``authority`` (``host:port``) through ``proxy``, RFC 9110 section 9.3.6.

    Raises `ProxyError`, whose message never holds the proxy's credentials.
    """
    stream = await connect_to_proxy(proxy)
    try:
        await _request_tunnel(stream, proxy, authority)
    except BaseException:
        stream.close()
        raise
    return stream


async def connect_to_proxy(proxy: Proxy) -> SocketStream:
    """A connection to ``proxy`` itself. Raises `ProxyError`."""
    try:
        return await _connect_by_name(proxy.host, proxy.port)
    except OSError as error:
        raise ProxyError(
            f"The outbound proxy {visible(proxy.host)}:{proxy.port} cannot be reached: "
            f"{visible(error.strerror or type(error).__name__)}.",
            "Check the proxy setting of this service.",
        ) from None


async def _connect_by_name(host: str, port: int) -> SocketStream:
    loop = asyncio.get_running_loop()
    answers = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    failures: list[OSError] = []
    for family, _, _, _, sockaddr in answers:
        try:
            return await _connect(family, sockaddr)
        except OSError as error:
            failures.append(error)
    raise failures[0] if failures else OSError("no address")


async def _connect(
    family: int, sockaddr: tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]
) -> SocketStream:
    connecting = socket.socket(family, socket.SOCK_STREAM)
    try:
        connecting.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connecting, sockaddr)
    except BaseException:
        connecting.close()
        raise
    return SocketStream(connecting)


async def _request_tunnel(stream: SocketStream, proxy: Proxy, authority: str) -> None:
    lines = [f"CONNECT {authority} HTTP/1.1", f"Host: {authority}"]
    if proxy.authorization is not None:
        lines.append(f"Proxy-Authorization: {proxy.authorization}")
    answer = bytearray()
    try:
        await stream.write("\r\n".join([*lines, "", ""]).encode("ascii"))
        while b"\r\n\r\n" not in answer and len(answer) <= _MAX_PROXY_ANSWER:
            data = await stream.read()
            if not data:
                break
            answer += data
    except OSError:
        answer.clear()
    head, end, rest = bytes(answer).partition(b"\r\n\r\n")
    status = head.split(b"\r\n", 1)[0].decode("latin-1")
    parts = status.split(" ", 2)
    if not end or not parts[0].startswith("HTTP/") or len(parts) < 2:
        raise ProxyError(
            f"The outbound proxy {visible(proxy.host)}:{proxy.port} gave no HTTP answer.",
            "Check that the proxy setting of this service names an HTTP proxy.",
        )
    if not (len(parts[1]) == 3 and parts[1].startswith("2")):
        raise ProxyError(
            f'The outbound proxy does not connect to {visible(authority)}: "{visible(status)}".',
            "Ask the person who runs the proxy to allow CONNECT to this address and port.",
        )
    if rest:
        stream.unread(rest)
