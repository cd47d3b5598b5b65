"""HTTP as desks speak it: TLS verified, everything bounded, failures told apart."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from bot.desks.base import DeskUnreachable, OddAnswer
from bot.desks.trust import is_untrusted, trust
from bot.text import visible

#: The largest answer that is read, in octets.
MAX_ANSWER: Final = 4 << 20
_MAX_WAIT_SECONDS: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    status: int
    headers: httpx.Headers
    body: bytes

    def json(self) -> Any:
        """Its body as JSON. Raises OddAnswer."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise OddAnswer(
                f"The desk answered with something that is no JSON (HTTP {self.status}).",
                "Check the address of the desk: a sign-in page may be in between.",
            ) from None

    def excerpt(self, limit: int = 200) -> str:
        """The beginning of its body, made visible."""
        return visible(self.body[: 4 * limit].decode("utf-8", "replace").strip(), limit)


class DeskHttp:
    """A client for one desk at ``base`` (with a slash at its end). ``seconds`` bounds one call.

    Raises SettingsError where the CA bundle cannot be read.
    """

    def __init__(
        self, base: str, *, seconds: float, ca_bundle: Path | None = None, proxy: str = ""
    ) -> None:
        self._seconds = seconds
        self._client = httpx.AsyncClient(
            base_url=base,
            verify=trust(ca_bundle),
            proxy=proxy or None,
            timeout=seconds,
            follow_redirects=False,
            trust_env=False,
            limits=httpx.Limits(max_connections=10),
        )

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

        Raises DeskUnreachable: no connection, a time-out, HTTP 429 or 5xx; OddAnswer: too large, or
        a redirect.
        """
        request = self._client.build_request(
            method, path, params=params, headers=headers, **content
        )
        try:
            async with asyncio.timeout(self._seconds):
                answer = await self._read(request, limit)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as e:
            why = "its certificate is not trusted" if is_untrusted(e) else "there is no connection"
            remedy = "Set ca_bundle to the company's own roots." if is_untrusted(e) else ""
            raise DeskUnreachable(
                f"Matrix42 cannot be reached: {why}.", remedy, maybe_done=False
            ) from None
        except (httpx.TimeoutException, TimeoutError):
            raise DeskUnreachable(
                f"Matrix42 did not answer within {self._seconds:g} seconds.", maybe_done=True
            ) from None
        except httpx.HTTPError as error:
            raise DeskUnreachable(
                f"The connection to Matrix42 broke ({type(error).__name__}).", maybe_done=True
            ) from None
        if answer.status == 429 or answer.status == 503:
            raise DeskUnreachable(
                f"Matrix42 asks to wait (HTTP {answer.status}).",
                maybe_done=answer.status != 429,
                seconds=_retry_after(answer),
            )
        if answer.status >= 500:
            raise DeskUnreachable(f"Matrix42 is unwell (HTTP {answer.status}).", maybe_done=True)
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
            async for part in response.aiter_bytes():
                body += part
                if len(body) > limit:
                    raise OddAnswer(f"The desk's answer is larger than {limit >> 10} KiB.")
            return Answer(response.status_code, response.headers, bytes(body))
        finally:
            await response.aclose()


def _retry_after(answer: Answer) -> float | None:
    wait = answer.headers.get("Retry-After", "")
    return min(float(wait), _MAX_WAIT_SECONDS) if wait.isdecimal() and len(wait) < 9 else None
