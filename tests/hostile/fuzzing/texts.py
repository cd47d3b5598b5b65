"""Text that people type or paste: servers, commands, mentions, error messages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bot.errors import TargetError
from bot.pki.causes import CAUSES
from bot.pki.errors import Explanation, explain
from bot.probe.target import Target, candidates, parse_target, parse_targets
from handlers.blocks.help import explanation_message
from handlers.blocks.markup import unescaped
from handlers.thread import is_error
from handlers.words import Check, Explain, parse_command, parse_mention
from tests.hostile.fuzzing.target import FuzzTarget, Untidy, as_text, check_told

_SERVERS: Final = (
    "dc01.corp.example:636",
    "https://www.example.test/path?q=1#f",
    "ldaps://[2001:db8::1]:3269/dc=corp",
    "<http://dc01.corp.example:636|dc01.corp.example:636>",
    "jdbc:sqlserver://sql01;databaseName=x;encrypt=strict;serverName=h;portNumber=1",
    "jdbc:oracle:thin:@tcps://db01:2484/svc",
    "Server=tcp:sql01\\inst,1433;Database=x;User Id=a;Password=b;",
    "host=db01 port=5432 dbname=x sslmode=require",
    "openssl s_client -connect dc01:389 -starttls ldap -servername dc01",
    "curl -v https://user:secret@h.example/ | head",
    "ldapsearch -H ldaps://dc01 -D cn=x -w secret",
    "müller.example, bücher.example; xn--bcher-kva.example",
    "srv-ldap and dc02.corp.local 636\n10.0.0.1\t[::1]:8443",
    "Test-NetConnection -ComputerName dc01 -Port 636",
    "`dc01`, „dc02“ (dc03) [dc04](https://dc04/)",
    "a,b,c,d,1,2,3",
    "http://１２７．０．０．１：４４３/",
    "smtp://mail:25 imap://mail pop3://mail ftp://f xmpp://x mysql://m",
    "127.1 0x7f.1 017700000001 ::ffff:127.0.0.1",
)
_COMMANDS: Final = (
    "help",
    "mine",
    "explain PKIX path building failed: unable to find valid certification path",
    "check dc01.corp.example:636 --private",
    "recheck h",
    "chain h:1",
    "status",
    *_SERVERS,
)
_WORDS: Final = tuple(
    word.encode()
    for word in (
        "://",
        "jdbc:",
        "https://",
        "ldap://",
        "<http://",
        "|",
        ">",
        "&lt;",
        "&amp;",
        "-connect ",
        "-starttls ",
        "Server=",
        "host=",
        "port=",
        "encrypt=strict",
        "xn--",
        "\u200b",
        "\u202e",
        "\u3002",
        "\uff0e",
        "[::1]",
        "%25eth0",
        ":636",
        "\\",
        "a,",
        "--private",
        "password=",
        "@",
        "…",
    )
)


def _target(data: bytes) -> None:
    text = as_text(data)
    for found in parse_targets(text):
        _look_at(found)
    _look_at(parse_target(text))


def _look_at(found: Target | TargetError) -> None:
    if isinstance(found, TargetError):
        check_told(found.message, found.remedy)
        return
    check_told(found.label, found.address)
    again = parse_target(found.address, found.protocol)
    if (again.host, again.port, again.protocol) != (found.host, found.port, found.protocol):
        raise Untidy(f"{found} is read as {again}")
    candidates(found)


def _command(data: bytes) -> None:
    text = as_text(data)
    for asked in (parse_command(text), parse_mention(unescaped(text))):
        if isinstance(asked, Check):
            for target in asked.targets:
                _look_at(target)
        elif isinstance(asked, Explain):
            check_told(explain(asked.text).matched)


def _error(data: bytes) -> None:
    text = as_text(data)
    found = explain(text)
    _look_at_explanation(found)
    for each in found.also:
        _look_at_explanation(each)
    message = explanation_message(found)
    check_told(message.text)
    is_error(text)


def _look_at_explanation(found: Explanation) -> None:
    check_told(found.matched, found.cause, found.remedy, found.target, *found.details.values())


def _errors() -> Iterator[bytes]:
    for cause in CAUSES:
        for phrase in cause.phrases[:3]:
            yield f"javax.net.ssl.SSLHandshakeException: {phrase.replace('…', ' x ')}: h:636".encode()
    yield (
        b'Exception in thread "main" javax.naming.CommunicationException: simple bind failed: '
        b"dc01:636 [Root exception is java.security.cert.CertificateExpiredException: NotAfter: "
        b"Sun Nov 01 00:00:00 CET 2020]\n\tat sun.security.x509.A.b(A.java:1)\n... 12 more\n"
        b"Caused by: PKIX path validation failed\n-----BEGIN CERTIFICATE-----\nMIIB\n"
    )
    yield b"No subject alternative DNS name matching h.example found.<br>\\n&lt;b&gt;"


TARGETS: Final = (
    FuzzTarget(
        "target_text",
        _target,
        lambda: (text.encode() for text in _SERVERS),
        words=_WORDS,
        max_bytes=6000,
    ),
    FuzzTarget(
        "command_text",
        _command,
        lambda: (text.encode() for text in _COMMANDS),
        words=_WORDS,
        max_bytes=20_000,
    ),
    FuzzTarget("error_text", _error, _errors, max_bytes=8000),
)
