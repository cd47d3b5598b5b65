"""Delivery to request URLs over HTTP, signed (https://docs.slack.dev/apis/events-api/using-http-request-urls,
https://docs.slack.dev/authentication/verifying-requests-from-slack)."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import secrets
import time
from typing import Any
from urllib.parse import urlencode

import aiohttp

from workspace.apps import App
from workspace.delivery import Acknowledgement, EnvelopeType, Failure
from workspace.faults import Faults
from workspace.feed import Log

_MOST_REDIRECTS = 2
_LARGEST_ANSWER = 1_000_000


class HttpDelivery:
    """Posts each payload to its request URL; a URL for events must first pass the challenge.

    `request_url`, if given, takes the place of every URL of the manifest.
    """

    def __init__(self, app: App, log: Log, faults: Faults, request_url: str | None) -> None:
        self._app = app
        self._log = log
        self._faults = faults
        self._request_url = request_url
        self._session: aiohttp.ClientSession | None = None
        self._verified: set[str] = set()

    async def send(
        self,
        kind: EnvelopeType,
        payload: dict[str, Any],
        *,
        seconds: float,
        url: str | None = None,
        attempt: int = 0,
        reason: str = "",
    ) -> Acknowledgement | Failure:
        """Send to the request URL and wait for the acknowledgement; see `Transport`."""
        target = self._request_url or url
        if not target:
            return Failure("app_missing_action_url", "connection_failed")
        deadline = time.monotonic() + seconds
        if kind == "events_api" and target not in self._verified:
            failure = await self._verify(target, seconds)
            if failure is not None:
                return failure
        headers = {}
        if attempt:
            headers = {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": reason}
        body, content_type = _encoded(kind, payload)
        delivery_id = secrets.token_hex(8)
        self._log.add(
            "envelope",
            at=time.time(),
            connection=target,
            envelope_id=delivery_id,
            type=kind,
            attempt=attempt,
            payload=payload,
        )
        started = time.monotonic()
        answer = await self._post(
            target, body, content_type, headers, max(0.01, deadline - started)
        )
        dropped = isinstance(answer, Acknowledgement) and self._faults.drops_acknowledgement(kind)
        self._log.add(
            "acknowledgement",
            at=time.time(),
            envelope_id=delivery_id,
            payload=answer.payload if isinstance(answer, Acknowledgement) else {},
            seconds=round(time.monotonic() - started, 4),
            error=answer.error if isinstance(answer, Failure) else None,
            dropped=dropped,
        )
        if dropped:
            await asyncio.sleep(max(0.0, deadline - time.monotonic()))
            return Failure("operation_timeout", "http_timeout")
        return answer

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def _verify(self, target: str, seconds: float) -> Failure | None:
        challenge = secrets.token_urlsafe(32)
        body = json.dumps(
            {
                "token": self._app.verification_token,
                "challenge": challenge,
                "type": "url_verification",
            }
        )
        answer = await self._post(target, body, "application/json", {}, seconds)
        if isinstance(answer, Failure):
            return answer
        if challenge not in (answer.payload.get("challenge"), answer.payload.get("text")):
            return Failure("dispatch_failed", "http_error")
        self._verified.add(target)
        return None

    async def _post(
        self, target: str, body: str, content_type: str, headers: dict[str, str], seconds: float
    ) -> Acknowledgement | Failure:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        signed = headers | {
            "Content-Type": content_type,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            **signature(self._app.signing_secret, body, int(time.time())),
        }
        try:
            async with self._session.post(
                target,
                data=body.encode(),
                headers=signed,
                timeout=aiohttp.ClientTimeout(total=seconds),
                max_redirects=_MOST_REDIRECTS,
            ) as answer:
                text = (await answer.content.read(_LARGEST_ANSWER)).decode("utf-8", "replace")
                no_retry = answer.headers.get("X-Slack-No-Retry") == "1"
                if 400 <= answer.status < 500:
                    return Failure("http_client_error", "http_error", no_retry)
                if not 200 <= answer.status < 300:
                    return Failure("http_service_error", "http_error", no_retry)
                return Acknowledgement(_decoded(text, answer.content_type))
        except TimeoutError:
            return Failure("operation_timeout", "http_timeout")
        except aiohttp.TooManyRedirects:
            return Failure("dispatch_failed", "too_many_redirects")
        except (aiohttp.ClientError, OSError):
            return Failure("dispatch_failed", "connection_failed")


def signature(secret: str, body: str, timestamp: int) -> dict[str, str]:
    """The headers that prove a request to be Slack's; `timestamp` in Unix seconds."""
    signed = hmac.new(secret.encode(), f"v0:{timestamp}:{body}".encode(), hashlib.sha256)
    return {
        "X-Slack-Request-Timestamp": str(timestamp),
        "X-Slack-Signature": f"v0={signed.hexdigest()}",
    }


def _encoded(kind: EnvelopeType, payload: dict[str, Any]) -> tuple[str, str]:
    if kind == "events_api":
        return json.dumps(payload), "application/json"
    form = {"payload": json.dumps(payload)} if kind == "interactive" else payload
    return urlencode(form), "application/x-www-form-urlencoded"


def _decoded(text: str, content_type: str) -> dict[str, Any]:
    if not text.strip():
        return {}
    if content_type == "application/json":
        try:
            payload = json.loads(text)
        except ValueError:
            return {}
        return payload if isinstance(payload, dict) else {}
    return {"text": text}
