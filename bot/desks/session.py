"""Calls to a desk by a bot that is signed in there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from bot.desks.base import (
    FileRefused,
    MappingRejected,
    MissingRole,
    OddAnswer,
    SignInRefused,
    TicketGone,
    TokenNotExchanged,
)
from bot.desks.http import Answer, DeskHttp

#: A token is renewed this long before it ends.
_RENEW: Final = timedelta(seconds=60)
#: What a token lives where the desk does not say so.
LIFE: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Token:
    """What a sign-in gave. ``headers`` go with every call, until ``ends``."""

    headers: Mapping[str, str] = field(repr=False)
    ends: datetime


@dataclass(frozen=True, slots=True)
class Remedies:
    """What is to be done where the desk refuses the bot."""

    sign_in: str
    role: str
    address: str


class Session:
    """Signs in with ``sign_in`` whenever a token is needed: at first, before the last one ends, and
    once where the desk says 401."""

    def __init__(
        self,
        http: DeskHttp,
        sign_in: Callable[[DeskHttp], Awaitable[Token]],
        remedies: Remedies,
    ) -> None:
        self._http = http
        self._sign_in = sign_in
        self._remedies = remedies
        self._token: Token | None = None
        self._signing_in = asyncio.Lock()

    async def sign_in(self) -> None:
        """Signs in anew. Raises DeskError."""
        async with self._signing_in:
            self._token = await self._sign_in(self._http)

    async def call(
        self,
        method: str,
        path: str,
        *,
        file: bool = False,
        headers: Mapping[str, str] | None = None,
        **content: Any,
    ) -> Answer:
        """A call that is answered with success. ``file``: a refusal is one of a file; the rest is as
        in `DeskHttp.call`. Raises DeskError."""
        token = await self._valid_token()
        answer = await self._call(token, method, path, headers, content)
        if answer.status == 401:
            if self._token is token:
                self._token = None
            token = await self._valid_token()
            answer = await self._call(token, method, path, headers, content)
        if answer.status >= 300:
            raise _refusal(answer, self._remedies, file=file)
        return answer

    async def aclose(self) -> None:
        """Closes its connections."""
        await self._http.aclose()

    async def _call(
        self,
        token: Token,
        method: str,
        path: str,
        headers: Mapping[str, str] | None,
        content: Mapping[str, Any],
    ) -> Answer:
        every = {**token.headers, **(headers or {})}
        return await self._http.call(method, path, headers=every, **content)

    async def _valid_token(self) -> Token:
        async with self._signing_in:
            if self._token is None or datetime.now(UTC) >= self._token.ends - _RENEW:
                self._token = await self._sign_in(self._http)
            return self._token


def signed_in(answer: Answer, remedies: Remedies) -> Answer:
    """``answer``, that of a sign-in, if it is one of success. Raises DeskError."""
    if answer.status in (404, 405):
        raise OddAnswer(
            f"There is no such API of Matrix42 at that address ({answer.status}).", remedies.address
        )
    if answer.status >= 300:
        raise _refusal(answer, remedies, file=False)
    return answer


def _refusal(
    answer: Answer, remedies: Remedies, *, file: bool
) -> SignInRefused | MissingRole | FileRefused | TicketGone | MappingRejected:
    """The error that the status stands for."""
    status = answer.status
    if status == 401:
        return SignInRefused("Matrix42 does not accept the bot's sign-in (401).", remedies.sign_in)
    if status == 403:
        return MissingRole(
            "Matrix42 knows the bot's user, which lacks a role (403).", remedies.role
        )
    if status == 406:
        return TokenNotExchanged(
            "Matrix42 was sent an API token where it wants an access token (406).",
            "Check url in the desk file: it must be that of the API.",
        )
    if file and status in (400, 413, 415, 422):
        why = "it is too large" if status == 413 else "its name or kind is not allowed"
        return FileRefused(f"Matrix42 does not take the file: {why} (HTTP {status}).")
    if status == 404:
        return TicketGone(
            "Matrix42 does not have that (404).", "Check the address in the desk file."
        )
    said = answer.excerpt()
    return MappingRejected(
        f"Matrix42 rejects this (HTTP {status}){f': {said}' if said else ''}.",
        "Check the desk file with “whichroot desk check”.",
    )
