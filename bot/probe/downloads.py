"""One small file over HTTP from a server that nobody trusts."""

from __future__ import annotations

import asyncio
from typing import Final
from urllib.parse import urljoin, urlsplit

from bot.errors import EgressError, WhichrootError
from bot.probe.download_limits import DownloadError, DownloadLimits
from bot.probe.egress import UnresolvableError
from bot.probe.stream import ProxyError
from bot.probe.web import (
    BrokenError,
    Connect,
    Exchange,
    Location,
    UnreachableError,
    UntrustedError,
)
from bot.text import duration, visible

_MAX_URL: Final = 2_048
_OK: Final = 200
_REDIRECTS: Final = (301, 302, 303, 307, 308)


async def download(connect: Connect, url: str, limits: DownloadLimits) -> bytes:
    """The body at ``url``. ``connect`` guards where connections go (`bot.probe.web.connecting`).
    Raises DownloadError for everything that can go wrong."""
    shown = visible(url)
    try:
        async with asyncio.timeout(limits.seconds):
            return await _follow(connect, url, limits)
    except TimeoutError:
        reason = f"did not answer in full within {duration(limits.seconds)}"
        raise _error("timeout", shown, reason) from None
    except EgressError as error:
        raise _not_fetched("denied", shown, error) from None
    except UnresolvableError as error:
        raise _not_fetched("unresolvable", shown, error) from None
    except ProxyError as error:
        raise _not_fetched("unreachable", shown, error) from None
    except UntrustedError:
        raise _error("tls", shown, "has no TLS certificate that can be trusted") from None
    except UnreachableError:
        raise _error("unreachable", shown, "cannot be reached") from None
    except BrokenError:
        raise _error("broken", shown, "gave no proper HTTP response") from None


async def _follow(connect: Connect, url: str, limits: DownloadLimits) -> bytes:
    place = url
    for _ in range(limits.redirects + 1):
        location = _location(place)
        connection = await connect(location)
        try:
            exchange = Exchange(connection)
            await exchange.ask(location)
            target = exchange.headers.get("location")
            if exchange.status not in _REDIRECTS or target is None:
                return await _body(exchange, url, limits)
        finally:
            connection.stream.close()
        place = _joined(place, target)
    _location(place)
    raise _error("redirects", visible(url), f"redirects more than {limits.redirects} times")


async def _body(exchange: Exchange, url: str, limits: DownloadLimits) -> bytes:
    shown = visible(url)
    if exchange.status != _OK:
        raise _error("status", shown, f"answers with status {exchange.status}")
    encoding = exchange.headers.get("content-encoding", "identity")
    if encoding.strip().lower() != "identity":
        raise _error("encoded", shown, f"sends compressed data ({visible(encoding, 40)}) unasked")
    body = bytearray()
    async for piece in exchange.body():
        body += piece
        if len(body) > limits.max_bytes:
            raise _error("too_large", shown, f"sends more than {limits.max_bytes:,} bytes")
    return bytes(body)


def _joined(url: str, reference: str) -> str:
    """Where ``reference`` leads from ``url`` (RFC 3986 section 5). Raises DownloadError."""
    try:
        return urljoin(url, reference)
    except ValueError:
        raise _unusable(reference) from None


def _location(url: str) -> Location:
    """Where ``url`` leads, if it is one that may be fetched. Raises DownloadError."""
    shown = visible(url)
    if len(url) > _MAX_URL:
        raise _error("malformed", shown, f"is longer than {_MAX_URL:,} characters")
    try:
        scheme = urlsplit(url).scheme
        if scheme not in ("http", "https"):
            named = visible(scheme, 20) or "(none)"
            reason = f"has the scheme {named}, and only http and https are used"
            raise _error("scheme", shown, reason)
        return Location.of(url)
    except ValueError:
        raise _unusable(url) from None


def _unusable(url: str) -> DownloadError:
    return _error("malformed", visible(url), "is not a URL that can be fetched")


def _not_fetched(code: str, shown: str, error: WhichrootError) -> DownloadError:
    return DownloadError(code, f"{shown} was not fetched: {error.message}", error.remedy)


def _error(code: str, shown: str, reason: str) -> DownloadError:
    return DownloadError(
        code,
        f"{shown} {reason}.",
        "Ask the owner of the CA to mend it, or for the certificate itself as Base64 PEM.",
    )
