"""What a row of the table of causes is."""

from __future__ import annotations

from enum import StrEnum

from bot.records import record


class Question(StrEnum):
    """What a look at the server must answer to make an explanation specific."""

    ISSUER = "issuer"
    """Which root does the served chain need, is the chain complete, what is installed instead?"""
    VALIDITY = "validity"
    """Which certificate of the served chain is outside its validity?"""
    NAME = "name"
    """Which names does the server's certificate hold?"""
    CONTENT = "content"
    """Which certificate of the served chain has the fault?"""
    TLS = "tls"
    """Which TLS versions, cipher suites and key exchanges does the server offer?"""
    CLIENT_CERTIFICATE = "client_certificate"
    """Does the server demand a client certificate, and from which CAs?"""
    ADDRESS = "address"
    """Does the port answer at all, and with TLS?"""
    NONE = "none"
    """Nothing that the server presents would tell."""


@record
class Cause:
    """One cause and the error texts by which it is known.

    ``phrases``: any of them in the text means this cause; letters' case, white
    space, hyphens and underscores are ignored, and ``…`` stands for up to 400 other characters. ``cause`` and ``remedy`` are sentences;
    a part in brackets is said only when its details are known. ``source``: the JDK class or RFC
    behind it. ``truststore_helps``: whether installing another certificate can mend it, None if that
    depends. ``details``: what to read from the text around the phrase. ``general``: the text only
    says that something failed; any other cause in it says more. ``covers``: codes of causes whose
    texts this error also produces.
    """

    code: str
    phrases: tuple[str, ...]
    cause: str
    remedy: str
    source: str
    truststore_helps: bool | None
    question: Question
    details: tuple[str, ...] = ()
    general: bool = False
    covers: tuple[str, ...] = ()
