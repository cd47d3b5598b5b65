"""Validity: expired, ending soon, not yet begun (RFC 5280 §4.1.2.5)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from bot.pki.certificate import Certificate
from bot.pki.findings.finding import Finding, Severity
from bot.pki.findings.picture import Picture
from bot.pki.wording import counted, day, days_left, valid_until

_RFC = "RFC 5280 §4.1.2.5"
_JDK = "sun.security.provider.certpath.BasicChecker"
_ANCHOR = "sun.security.provider.certpath.PKIXCertPathValidator: an anchor's dates are not checked"

#: A server or intermediate certificate with fewer days left than this is worth a warning; one that
#: lives only months is renewed later, so there it is this part of its life.
SOON_DAYS = 30
SOON_PART = 5
#: An anchor must be exchanged by hand in advance.
ANCHOR_NOTICE_DAYS = 180
#: Certificates that live no longer are renewed by a machine.
SHORT_LIVED = timedelta(days=100)


def check(picture: Picture) -> Iterator[Finding]:
    for role, certificate in picture.each():
        name = picture.named(role, certificate)
        if role == "root":
            yield from _anchor(picture, name, certificate)
        else:
            yield from _below(picture, role, name, certificate)


def _below(picture: Picture, role: str, name: str, certificate: Certificate) -> Iterator[Finding]:
    at = picture.at
    renew = (
        "Renew it on the server; another root does not help."
        if role == "leaf"
        else "Have the CA renew it and the server send the new one; another root does not help."
    )
    if at > certificate.not_after:
        yield Finding(
            f"{role}_expired",
            "error",
            f"{name} was valid until {valid_until(certificate, at)}.",
            renew,
            f"{_RFC}; {_JDK}",
        )
    elif at < certificate.not_before:
        yield Finding(
            f"{role}_not_yet_valid",
            "error",
            f"{name} is not valid before {day(certificate.not_before)} "
            f"({counted((certificate.not_before - at).days, 'day')} to go).",
            "Check the clocks; else wait, or have it issued again.",
            f"{_RFC}; {_JDK}",
        )
    elif certificate.not_after - at < _soon(certificate):
        yield Finding(
            f"{role}_expires_soon",
            "warning",
            f"{name} is valid until {valid_until(certificate, at)}.",
            renew.partition(";")[0] + " before that day.",
            _RFC,
        )


def _anchor(picture: Picture, name: str, certificate: Certificate) -> Iterator[Finding]:
    at = picture.at
    left = days_left(certificate, at)
    source = f"{_RFC}; {_ANCHOR}"
    if at > certificate.not_after:
        yield Finding(
            "anchor_expired",
            "warning",
            f"{name} was valid until {valid_until(certificate, at)}, and Java accepts it "
            "all the same.",
            "Ask the CA for the successor of this root.",
            source,
        )
    elif at < certificate.not_before:
        yield Finding(
            "anchor_not_yet_valid",
            "warning",
            f"{name} is not valid before {day(certificate.not_before)}, and Java accepts it "
            "all the same.",
            "Check the clocks, and that this is the right root.",
            source,
        )
    elif left <= ANCHOR_NOTICE_DAYS:
        severity: Severity = "warning" if left <= SOON_DAYS else "info"
        yield Finding(
            "anchor_expires_soon",
            severity,
            f"{name} is valid until {valid_until(certificate, at)}; Java will not warn.",
            "Ask the CA for its successor and have that installed beside it in time.",
            source,
        )


def _soon(certificate: Certificate) -> timedelta:
    lifetime = certificate.not_after - certificate.not_before
    usual = timedelta(days=SOON_DAYS)
    return min(usual, lifetime / SOON_PART) if lifetime <= SHORT_LIVED else usual
