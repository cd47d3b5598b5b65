"""One small file over HTTP from a server that nobody trusts."""

from __future__ import annotations

import asyncio
import re
import ssl
from typing import Final

import httpx

from bot.errors import EgressError
from bot.probe.download_limits import DownloadError, DownloadLimits
from bot.probe.egress import UnresolvableError
from bot.text import duration, visible

_MAX_URL: Final = 2_048
#: A name in A-label form or an address; everything else is left to no resolver.
_HOST: Final = re.compile(rb"[A-Za-z0-9._:-]+")
#: What asks for no encoding: a compressed body could grow without bound.
_HEADERS: Final = {"Accept": "*/*", "Accept-Encoding": "identity"}


async def download(client: httpx.AsyncClient, url: str, limits: DownloadLimits) -> bytes:
    """The body at ``url``. ``client`` guards where connections go (``bot.probe.web``). Raises
    DownloadError for everything that can go wrong."""
    shown = visible(url)
    try:
        async with asyncio.timeout(limits.seconds):
            return await _follow(client, url, limits)
    except TimeoutError:
        reason = f"did not answer in full within {duration(limits.seconds)}"
        raise _error("timeout", shown, reason) from None
    except EgressError as error:
        raise DownloadError(
            "denied", f"{shown} was not fetched: {error.message}", error.remedy
        ) from None
    except UnresolvableError as error:
        raise DownloadError(
            "unresolvable", f"{shown} was not fetched: {error.message}", error.remedy
        ) from None
    except (httpx.InvalidURL, UnicodeError):
        raise _error("malformed", shown, "is not a URL that can be fetched") from None
    except httpx.ConnectError as error:
        if _is_tls(error):
            reason = "has no TLS certificate that can be trusted"
            raise _error("tls", shown, reason) from None
        raise _error("unreachable", shown, "cannot be reached") from None
    except httpx.TimeoutException:
        raise _error("timeout", shown, "did not answer in time") from None
    except httpx.HTTPError:
        raise _error("broken", shown, "gave no proper HTTP response") from None


async def _follow(client: httpx.AsyncClient, url: str, limits: DownloadLimits) -> bytes:
    # Redirects are followed here because httpx would read the body of each, whatever its size.
    request: httpx.Request = client.build_request("GET", _checked(url), headers=_HEADERS)
    for _ in range(limits.redirects + 1):
        response = await client.send(request, stream=True, follow_redirects=False)
        try:
            if response.next_request is None:
                return await _body(response, url, limits)
            request = response.next_request
        finally:
            await response.aclose()
        _checked(str(request.url))
    raise _error("redirects", visible(url), f"redirects more than {limits.redirects} times")


async def _body(response: httpx.Response, url: str, limits: DownloadLimits) -> bytes:
    shown = visible(url)
    if response.status_code != httpx.codes.OK:
        raise _error("status", shown, f"answers with status {response.status_code}")
    encoding = response.headers.get("Content-Encoding", "identity")
    if encoding.strip().lower() != "identity":
        raise _error("encoded", shown, f"sends compressed data ({visible(encoding, 40)}) unasked")
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > limits.max_bytes:
            raise _error("too_large", shown, f"sends more than {limits.max_bytes:,} bytes")
    return bytes(body)


def _checked(url: str) -> httpx.URL:
    """``url``, if it is one that may be fetched. Raises DownloadError and httpx.InvalidURL."""
    shown = visible(url)
    if len(url) > _MAX_URL:
        raise _error("malformed", shown, f"is longer than {_MAX_URL:,} characters")
    parsed = httpx.URL(url)
    if parsed.scheme not in ("http", "https"):
        scheme = visible(parsed.scheme, 20) or "(none)"
        raise _error("scheme", shown, f"has the scheme {scheme}, and only http and https are used")
    port = parsed.port
    if (
        parsed.userinfo
        or not _HOST.fullmatch(parsed.raw_host)
        or (port is not None and not 0 < port < 65536)
    ):
        raise _error("malformed", shown, "is not a URL that can be fetched")
    return parsed


def _is_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _error(code: str, shown: str, reason: str) -> DownloadError:
    return DownloadError(
        code,
        f"{shown} {reason}.",
        "Ask the owner of the CA to mend it, or for the certificate itself as Base64 PEM.",
    )
