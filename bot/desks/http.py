"""HTTP as desks speak it: TLS verified, everything bounded, failures told apart."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from bot.desks.base import DeskUnreachable, NotAllowed, OddAnswer
from bot.desks.trust import is_untrusted, trust
from bot.errors import SettingsError
from bot.text import authority, storable, visible

#: The largest answer that is read, in octets; so is what it is unpacked to.
MAX_ANSWER: Final = 4 << 20
#: How much of an answer is looked through for an excerpt, in octets.
_QUOTED: Final = 16 << 10
_MAX_WAIT_SECONDS: Final = 3600.0
_PROXY: Final = "Check proxy in the desk file, or HTTPS_PROXY in the environment."


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    status: int
    headers: httpx.Headers = field(repr=False)
    body: bytes = field(repr=False)
    secrets: Sequence[str] = field(default=(), repr=False)
    """What was sent to be let in: `excerpt` never shows it."""

    def json(self) -> Any:
        """Its body as JSON; no text in it holds a NUL or half a character. Raises OddAnswer."""
        try:
            given = json.loads(self.body)
            return _cleaned(given) if b"\\u" in self.body else given
        except (ValueError, RecursionError):
            raise OddAnswer(
                f"The desk answered with something that is no JSON (HTTP {self.status}).",
                "Check the address of the desk: a sign-in page may be in between.",
            ) from None

    def excerpt(self, limit: int = 200) -> str:
        """The beginning of its body, made visible."""
        text = self.body[:_QUOTED].decode("utf-8", "replace")
        for secret in self.secrets:
            text = text.replace(secret, "…")
        return visible(text.strip(), limit)


class DeskHttp:
    """A client for one desk at ``base`` (with a slash at its end). ``seconds`` bounds one call.

    ``proxy``: its URL, which may hold a login; `none`: there is none; empty: as the environment says
    (HTTPS_PROXY, ALL_PROXY, NO_PROXY), except to this machine. ``secret``: what is never shown even
    if the desk says it. Raises SettingsError, which quotes no login.
    """

    def __init__(
        self,
        base: str,
        *,
        seconds: float,
        ca_bundle: Path | None = None,
        proxy: str = "",
        secret: str = "",
    ) -> None:
        self._seconds = seconds
        self._secret = secret
        verify = trust(ca_bundle)
        try:
            self._client = httpx.AsyncClient(
                base_url=base,
                verify=verify,
                proxy=proxy if proxy != "none" and proxy else None,
                timeout=seconds,
                follow_redirects=False,
                # That is the environment's proxies; its certificates are not looked at.
                trust_env=not proxy and base.startswith("https:"),
                limits=httpx.Limits(max_connections=10),
                headers={"Accept-Encoding": "gzip"},
            )
        except (ValueError, ImportError, httpx.InvalidURL):
            raise SettingsError(
                "The desk's proxy cannot be used.", f"Write it as http://host:port. {_PROXY}"
            ) from None

    async def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        limit: int = MAX_ANSWER,
        **content: Any,
    ) -> Answer:
        """One call. ``content`` is httpx's (`json`, `content`, `data`, `files`).

        Raises DeskUnreachable: no connection, a time-out, HTTP 429 or 5xx; NotAllowed: the proxy
        refuses the bot; OddAnswer: too large, packed in an unknown way, or a redirect.
        """
        request = self._client.build_request(
            method, path, params=params, headers=headers, **content
        )
        try:
            async with asyncio.timeout(self._seconds):
                answer = await self._read(request, limit)
        except httpx.ProxyError as error:
            raise _proxy_refusal(str(error)[:3]) from None
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            port = request.url.port or (443 if request.url.scheme == "https" else 80)
            place = authority(request.url.host, port)
            why, remedy = _why(error)
            raise DeskUnreachable(
                f"Matrix42 cannot be reached at {place}: {why}.", remedy, maybe_done=False
            ) from None
        except (httpx.TimeoutException, TimeoutError):
            raise DeskUnreachable(
                f"Matrix42 did not answer within {self._seconds:g} seconds.", maybe_done=True
            ) from None
        except httpx.HTTPError as error:
            raise DeskUnreachable(
                f"The connection to Matrix42 broke ({type(error).__name__}).", maybe_done=True
            ) from None
        if answer.status == 407:
            raise _proxy_refusal("407")
        if answer.status == 429 or answer.status == 503:
            raise DeskUnreachable(
                f"Matrix42 asks to wait (HTTP {answer.status}).",
                maybe_done=answer.status != 429,
                seconds=_retry_after(answer),
                status=answer.status,
            )
        if answer.status >= 500:
            raise DeskUnreachable(
                f"Matrix42 is unwell (HTTP {answer.status}).", maybe_done=True, status=answer.status
            )
        if 300 <= answer.status < 400:
            raise OddAnswer(
                f"The desk sends elsewhere (HTTP {answer.status}).",
                "Check the address of the desk: it must be that of the API.",
            )
        return answer

    async def aclose(self) -> None:
        """Closes its connections."""
        await self._client.aclose()

    async def _read(self, request: httpx.Request, limit: int) -> Answer:
        response = await self._client.send(request, stream=True)
        try:
            body = bytearray()
            async for part in response.aiter_raw():
                body += part
                if len(body) > limit:
                    raise _too_large(limit)
            packed = response.headers.get("Content-Encoding", "identity").strip().lower()
            whole = bytes(body) if packed == "identity" else _unpacked(body, packed, limit)
            _, _, token = request.headers.get("Authorization", "").rpartition(" ")
            secrets = tuple(secret for secret in (self._secret, token) if secret)
            return Answer(response.status_code, response.headers, whole, secrets)
        finally:
            await response.aclose()


def _why(error: Exception) -> tuple[str, str]:
    """Why there is no connection, and what to do about it."""
    if is_untrusted(error):
        return (
            "its certificate is not trusted",
            "Set ca_bundle to the company's own roots, and url to a name of the certificate.",
        )
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, socket.gaierror):
            return "its name is not known", "Check url in the desk file."
        if isinstance(cause, ConnectionRefusedError):
            return "nothing listens there", "Check url in the desk file."
        if isinstance(cause, ssl.SSLError):
            return "it does not speak TLS there", "Check url in the desk file."
        cause = cause.__cause__ or cause.__context__
    return "there is no connection", ""


def _unpacked(body: bytearray, how: str, limit: int) -> bytes:
    """At most ``limit`` octets of what is in ``body``, which may be far more."""
    if how not in ("gzip", "x-gzip", "deflate"):
        raise OddAnswer(
            f"The desk's answer is packed as “{visible(how, 40)}”, which was not asked."
        )
    # Either header is known by itself.
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32)
    try:
        found = unpacker.decompress(bytes(body), limit + 1)
    except zlib.error:
        raise OddAnswer("The desk's answer is packed, and damaged.") from None
    if len(found) > limit:
        raise _too_large(limit)
    if body and not unpacker.eof:
        raise OddAnswer("The desk's answer is packed, and not whole.")
    return found


def _too_large(limit: int) -> OddAnswer:
    return OddAnswer(f"The desk's answer is larger than {limit >> 10} KiB.")


def _proxy_refusal(code: str) -> NotAllowed | DeskUnreachable:
    if code in ("401", "403", "407"):
        why = "wants a login, or another one" if code == "407" else "does not let the bot through"
        return NotAllowed(f"The proxy in front of Matrix42 {why} ({code}).", _PROXY)
    shown = f" ({code})" if code.isdecimal() else ""
    return DeskUnreachable(
        f"Matrix42 cannot be reached through the proxy{shown}.", _PROXY, maybe_done=False
    )


def _cleaned(given: Any) -> Any:
    """``given`` without what cannot be kept as text: NUL and halves of a surrogate pair."""
    if isinstance(given, str):
        return storable(given)
    if isinstance(given, list):
        return [_cleaned(value) for value in given]
    if isinstance(given, dict):
        return {_cleaned(name): _cleaned(value) for name, value in given.items()}
    return given


def _retry_after(answer: Answer) -> float | None:
    wait = answer.headers.get("Retry-After", "")
    return min(float(wait), _MAX_WAIT_SECONDS) if wait.isdecimal() and len(wait) < 9 else None
