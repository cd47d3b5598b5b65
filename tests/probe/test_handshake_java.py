"""What the probe says of Java is what Java does: its TLS client against the same servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec

from tests.conformance.java_client import JavaClient
from tests.support.authority import Issued, make_root, new_key, rsa_key
from tests.support.daemons import openssl
from tests.support.probing import HOST, Listening, ask, codes, ders, waiting
from tests.support.servers import (
    Script,
    alert,
    answering,
    closing,
    leaving,
    raw_server,
    recorded_flight,
    resetting,
    saying,
    server_context,
    tls_server,
)

Opened: TypeAlias = Callable[[], AbstractAsyncContextManager[Listening]]

ROOT = make_root("Handshake Root")
ISSUING = ROOT.intermediate("Handshake Issuing CA")
CHAIN = (ISSUING.leaf(HOST, key=rsa_key()), ISSUING)
EDWARDS = (ISSUING.leaf(HOST, key=new_key("ed25519"), key_usage=["digital_signature"]), ISSUING)
CLIENT_CA = make_root("Client CA")


@dataclass(frozen=True)
class Case:
    """The server ``opened`` and the codes of what keeps Java from connecting."""

    name: str
    opened: Opened
    obstacles: tuple[str, ...] = ()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    if (await reader.read(4096)).startswith(b"GET"):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()


def served(version: str, ciphers: str = "ALL", chain: tuple[Issued, ...] = CHAIN) -> Opened:
    return lambda: tls_server(
        server_context(chain, versions=[version], ciphers=ciphers), script=_answer
    )


def wishing() -> AbstractAsyncContextManager[Listening]:
    context = server_context(CHAIN, client_cas=[CLIENT_CA], demands_certificate=False)
    return tls_server(context, script=_answer)


def by_openssl(*options: str, key: ec.EllipticCurve | None = None) -> Opened:
    chain = CHAIN
    if key is not None:
        chain = (ISSUING.leaf(HOST, key=ec.generate_private_key(key)), ISSUING)

    @asynccontextmanager
    async def opened() -> AsyncIterator[Listening]:
        with openssl(chain, *options) as server:
            yield server

    return opened


def curve(name: str) -> Opened:
    return by_openssl("-tls1_2", "-named_curve", name, "-cipher", "ECDHE:@SECLEVEL=0")


def scripted(script: Script) -> Opened:
    return lambda: raw_server(script)


CASES = [
    Case("TLS 1.0", served("TLSv1"), ("tls_too_old",)),
    Case("TLS 1.1", served("TLSv1.1"), ("tls_too_old",)),
    Case("TLS 1.2", served("TLSv1.2")),
    Case("TLS 1.3", served("TLSv1.3")),
    Case("TLS_RSA only", served("TLSv1.2", "kRSA+AESGCM"), ("tls_rsa_only",)),
    Case("Camellia", served("TLSv1.2", "ECDHE+CAMELLIA"), ("cipher_not_in_java",)),
    Case("CCM", served("TLSv1.2", "AESCCM"), ("cipher_not_in_java",)),
    Case("ARIA", served("TLSv1.2", "ARIA"), ("cipher_not_in_java",)),
    Case("DHE", served("TLSv1.2", "DHE+AESGCM")),
    Case("CBC", served("TLSv1.2", "ECDHE+AES128+SHA1")),
    Case("ChaCha20", served("TLSv1.2", "ECDHE+CHACHA20")),
    Case("P-192", curve("P-192"), ("group_not_in_java",)),
    Case("secp256k1", curve("secp256k1"), ("group_not_in_java",)),
    Case("brainpool", curve("brainpoolP256r1"), ("group_not_in_java",)),
    Case("P-521", curve("P-521")),
    Case("x448", by_openssl("-named_curve", "X448")),
    Case("ffdhe2048", by_openssl("-tls1_3", "-groups", "ffdhe2048")),
    Case("SHA-1", by_openssl("-tls1_2", "-sigalgs", "RSA+SHA1"), ("sha1_handshake",)),
    Case("SHA-224", by_openssl("-tls1_2", "-sigalgs", "RSA+SHA224")),
    Case("a P-192 key", by_openssl("-tls1_2", key=ec.SECP192R1()), ("handshake_failure",)),
    Case("a secp256k1 key", by_openssl("-tls1_2", key=ec.SECP256K1()), ("handshake_failure",)),
    Case(
        "a brainpool key", by_openssl("-tls1_2", key=ec.BrainpoolP256R1()), ("handshake_failure",)
    ),
    Case("an Ed25519 key", served("TLSv1.3", chain=EDWARDS)),
    Case("a wish for a client certificate", wishing),
    Case("no certificate", scripted(answering(recorded_flight([]))), ("no_certificate",)),
    Case("HTTP", scripted(answering(b"HTTP/1.1 400 Bad\r\n\r\n", then=closing)), ("plaintext",)),
    Case("SMTP", scripted(saying(b"220 mail\r\n")), ("plaintext",)),
    Case("closed", scripted(closing), ("handshake_closed",)),
    Case("reset", scripted(resetting), ("handshake_reset",)),
    Case(
        "another name",
        scripted(answering(alert(112), then=leaving)),
        ("unrecognized_name",),
    ),
    Case("no version", scripted(answering(alert(70), then=leaving)), ("protocol_version",)),
    Case("an unknown alert", scripted(answering(alert(211), then=leaving)), ("alert_unknown",)),
    Case(
        "closed after the certificate",
        scripted(answering(recorded_flight(ders(CHAIN)), then=leaving)),
        ("handshake_closed",),
    ),
    Case(
        "an alert after the certificate",
        scripted(answering(recorded_flight(ders(CHAIN)), then=saying(alert(80)))),
        ("alert_internal_error",),
    ),
]


async def test_java_connects_where_nothing_stands_in_its_way_and_else_says_so(
    tmp_path: Path,
) -> None:
    wrong = []
    async with JavaClient(25, [ROOT.der], [HOST], tmp_path) as java:
        for case in CASES:
            async with case.opened() as server:
                presented = await ask(server, limits=waiting(3))
                connection = await java.connect("https", HOST, server.port)
            found = (*presented.findings, *([presented.error] if presented.error else []))
            obstacles = [finding for finding in found if finding.severity != "info"]
            said = all((o.java or "?") in (connection.message or "") for o in obstacles)
            if (
                tuple(o.code for o in obstacles) != case.obstacles
                or connection.connected is bool(obstacles)
                or not said
            ):
                wrong.append(f"{case.name}: {codes(presented)}, but {connection}")
    assert wrong == []
