"""What an error text tells besides its cause: the server, names, dates, algorithms."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from bot.pki.error_text import ErrorText, Span
from bot.redaction import redacted
from bot.text import visible

_DATE = r"\w{3}\s(\w{3})\s(\d{1,2})\s([\d:]{8})\s(\S{1,20})\s(\d{4})"
_HOST = r"[A-Za-z0-9_](?:[\w.-]{0,251}\w)?"
_ENDPOINT = rf"(?:{_HOST}|\[[0-9A-Fa-f:.]+\]):\d{{1,5}}"
_MONTHS: Final = (
    "Jan",
    "Feb",
    "Mar",
    "Apr",
    "May",
    "Jun",
    "Jul",
    "Aug",
    "Sep",
    "Oct",
    "Nov",
    "Dec",
)

_DETAILS: Final[dict[str, tuple[str, ...]]] = {
    "not_after": (rf"NotAfter:\s({_DATE})",),
    "not_before": (rf"NotBefore:\s({_DATE})",),
    "subject": (r'TrustAnchor\swith\ssubject\s"([^"]{1,300})"',),
    "algorithm": (
        r"check\sfailed\son\s(?:disabled\s|signature\s)algorithm:\s([\w/.-]{1,60})",
        r"check\sfailed\son\s([\w/.-]{1,40}?)signature\sand",
        r"anchor\slimits[.:]\s?([\w/.-]{1,60})",
        r"denyAfter\sconstraint\scheck\sfailed:\s([\w/.-]{1,60})",
    ),
    "certificate": (r"used\swith\scertificate:\s([^\n]{1,200}?)(?:\.\s?Usage|\]|\n|$)",),
    "key": (r"keysize\slimits:\s(\w{1,20}\s\d{1,6}\sbit\skey)",),
    "curve": (r"Curve\snot\ssupported:\s([^\n]{1,80})",),
    "algorithm_oid": (r"([\w.]{2,60})\sSignature\snot\savailable",),
    "lacking": (r"KeyUsage\sdoes\snot\sallow\s(digital\ssignatures|key\sencipherment|key\sagreement)",),
    "extensions": (r"critical\sextensions?(?:\(s\))?:?\s\[?((?:\d+\.){2,}\d+(?:,\s?(?:\d+\.){2,}\d+){0,9})",),
    "length": (r"\((\d{1,9})\)\sexceeds\sthe\smaximum\sallowed",),
    "allowed": (r"exceeds\sthe\smaximum\sallowed\s(?:length|size)\s\((\d{1,9})\)",),
    "alert": (r"Received\sfatal\salert:\s(\w{1,40})", r"\balert\s([a-z ]{3,30}?)\s?(?:[:(\n]|$)"),
    "version": (r"selected\sprotocol\sversion\s(\w{1,20})\sis\snot\saccepted",),
    "ad_code": (r"\bdata\s([0-9a-f]{3,4})\b",),
    "proxy_status": (r"(HTTP/1\.\d\s\d{3})\b", r"HTTP\scode\s(\d{3})\sfrom\sproxy"),
    "issued_after": (r"issued\safter\s([\d-]{8,10})\sand",),
    "distrusted": (r"distrusted\slegacy\s\w{1,30}\sroot\sCA:\s([^\n]{1,200})",),
    "names": (r"(?:subject\salternative\snames|subjectAltNames|altnames):\s\[([^\[\]]{1,300})\]",),
    "name": (
        rf"matching\sIP\saddress\s({_HOST}|[0-9A-Fa-f:.]+)\sfound",
        rf"name\smatching\s({_HOST})\sfound",
        rf"Illegal\sgiven\sdomain\sname:\s({_HOST})",
        rf"nsupported\sauthority:\s({_HOST})",
        rf"Certificate\sfor\s<({_HOST})>",
        rf"Hostname\s({_HOST})\snot\sverified",
        rf"(?:not\svalid\sfor|target\shost\sname|doesn't\smatch)\s'({_HOST})'",
        rf"certificate\sis\svalid\sfor\s[^\n]{{1,300}},\snot\s({_HOST})",
        rf"is\snot\sin\sthe\scert's\saltnames|Host:\s({_HOST})\.\sis\snot",
        rf"UnknownHostException:\s({_HOST})",
        rf"(?:resolve\shost:|ENOTFOUND|lookup)\s({_HOST})",
    ),
}  # fmt: skip
_TARGETS: Final = (
    rf"(?:(?:simple|anonymous)\sbind\sfailed|CommunicationException|ServiceUnavailableException):\s({_ENDPOINT})",
    rf"\bConnect\sto\s(?:https?://)?({_ENDPOINT})",
    rf"\b[Ff]ailed\sto\sconnect\sto\s({_HOST})/[\d.]+:(\d{{1,5}})",
    rf"\b[Ff]ailed\sto\sconnect\sto\s({_HOST})\sport\s(\d{{1,5}})",
    rf"Connection\srefused:\s(?:connect:\s)?({_HOST})/[\d.]+:(\d{{1,5}})",
    rf"host='({_HOST})',\sport=(\d{{1,5}})",
    rf"in\sconnection\sto\s({_ENDPOINT})",
    rf"(?:ECONNREFUSED|ETIMEDOUT|ECONNRESET|dial\stcp|lookup)\s({_ENDPOINT})",
    rf"Unsupported\sauthority:\s({_ENDPOINT})",
    rf"\b(?:https|ldaps?|wss|jdbc:\w+)://(?:[^\s/@\"']{{1,200}}@)?({_ENDPOINT})",
    rf"\b(?:https|ldaps?|wss|jdbc:\w+)://(?:[^\s/@\"']{{1,200}}@)?({_HOST})",
)
_DOCUMENTATION: Final = (
    "curl.se",
    "curl.haxx.se",
    "netty.io",
    "microsoft.com",
    "oracle.com",
    "python.org",
    "readthedocs.io",
)
_COMPILED: Final = {
    name: [re.compile(pattern, re.IGNORECASE) for pattern in patterns]
    for name, patterns in {**_DETAILS, "target": _TARGETS}.items()
}


def details(text: ErrorText, span: Span, wanted: Iterable[str]) -> dict[str, str]:
    """What ``text`` says of ``wanted``, nearest to ``span`` first; safe to show."""
    found = {}
    for name in wanted:
        match = _nearest(text, span, name)
        if match is None:
            continue
        value = _date(match) if name in ("not_after", "not_before") else match[1]
        if value:
            found[name] = visible(redacted(" ".join(value.split())))
    return found


def target(text: ErrorText, span: Span) -> str | None:
    """The server that could not be used: ``host:port``, or ``host`` where the text names no port."""
    match = _nearest(text, span, "target")
    if match:
        return ":".join(group for group in match.groups() if group).lower()
    named = _nearest(text, span, "name")
    return named[1].lower() if named and named[1] else None


def _nearest(text: ErrorText, span: Span, name: str) -> re.Match[str] | None:
    near = (max(span.start - 300, 0), span.end + 600)
    for start, end in (near, (0, len(text.plain))):
        for pattern in _COMPILED[name]:
            for match in pattern.finditer(text.plain, start, end):
                if name != "target" or not _is_documentation(match[1]):
                    return match
    return None


def _is_documentation(host: str) -> bool:
    host = host.lower().partition(":")[0]
    return any(host == site or host.endswith(f".{site}") for site in _DOCUMENTATION)


def _date(match: re.Match[str]) -> str:
    """``java.util.Date`` in ISO order, with its time zone as it was written."""
    _, month, day, time, zone, year = match.groups()
    number = _MONTHS.index(month.title()) + 1 if month.title() in _MONTHS else 0
    return f"{year}-{number:02}-{int(day):02} {time} {zone}" if number else match[1]
