"""The TLS client of the JVM connects exactly where we predict it: HTTPS and JNDI LDAPS, the name
check on, one PKCS#12 truststore that holds only what is installed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID

from bot.pki.certificate import Certificate
from bot.pki.java import predict
from tests.conformance.java_client import JavaClient
from tests.conformance.records import Protocol
from tests.support.authority import Issued, make, make_root, rsa_key
from tests.support.servers import server_context, tls_server

HOST = "directory.example.test"
_HTTP_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_NOW = datetime.now(UTC).replace(microsecond=0)


@dataclass(frozen=True, slots=True)
class Case:
    """A server with this ``chain``, a client with ``installed``."""

    name: str
    chain: tuple[Issued, ...]
    installed: tuple[Issued, ...]
    host: str = HOST


def _catalogue() -> list[Case]:
    root = make_root("Handshake Root")
    other = make_root("Handshake Root")
    issuing = root.intermediate("Handshake Issuing CA")
    leaf = issuing.leaf(HOST)
    cross = make("Handshake Root", make_root("Older Root"), ca=True, key=root.key)
    expired_root = make_root(
        "Expired Root", not_before=_NOW - timedelta(days=9), not_after=_NOW - timedelta(days=2)
    )
    expired = issuing.leaf(
        HOST, not_before=_NOW - timedelta(days=9), not_after=_NOW - timedelta(days=2)
    )
    client = issuing.leaf(HOST, extended_key_usage=[ExtendedKeyUsageOID.CLIENT_AUTH])
    encipherment = issuing.leaf(HOST, key=rsa_key(), key_usage=("key_encipherment",))
    not_ca = root.intermediate("No CA", ca=False)
    self_signed = make(HOST, names=[HOST])
    weak_root = make_root("Weak Root", key=rsa_key(2048, 1))
    weak = weak_root.leaf(HOST, weak_digest="sha1")
    edwards = make_root("RSA Root", key=rsa_key(2048, 2))
    return [
        Case("complete chain, root", (leaf, issuing), (root,)),
        Case("root sent too", (leaf, issuing, root), (root,)),
        Case("intermediate missing, root", (leaf,), (root,)),
        Case("intermediate missing, root and intermediate", (leaf,), (root, issuing)),
        Case("intermediate missing, intermediate", (leaf,), (issuing,)),
        Case("leaf installed", (leaf, issuing), (leaf,)),
        Case("renewed leaf installed", (leaf, issuing), (issuing.leaf(HOST),)),
        Case("root of the same name with another key", (leaf, issuing), (other,)),
        Case("misordered with an unrelated certificate", (leaf, other, issuing), (root,)),
        Case("cross-certificate sent, new root installed", (leaf, issuing, cross), (root,)),
        Case("leaf expired", (expired, issuing), (root,)),
        Case("root expired", (expired_root.leaf(HOST),), (expired_root,)),
        Case("another name", (issuing.leaf("other.example.test"), issuing), (root,)),
        Case("wildcard", (issuing.leaf("x", names=["*.example.test"]), issuing), (root,)),
        Case("common name only", (issuing.leaf(HOST, names=[]), issuing), (root,)),
        Case("address without IP SAN", (leaf, issuing), (root,), host="127.0.0.1"),
        Case(
            "address with IP SAN",
            (issuing.leaf("x", names=["127.0.0.1"]), issuing),
            (root,),
            host="127.0.0.1",
        ),
        Case("client certificate on a server", (client, issuing), (root,)),
        Case("keyEncipherment only", (encipherment, issuing), (root,)),
        Case("an intermediate that is no CA", (not_ca.leaf(HOST), not_ca), (root,)),
        Case("self-signed", (self_signed,), (self_signed,)),
        Case("SHA-1", (weak,), (weak_root,)),
        Case("RSA", (edwards.leaf(HOST, key=rsa_key(2048, 3)),), (edwards,)),
        Case(
            "P-384",
            (issuing.leaf(HOST, key=ec.generate_private_key(ec.SECP384R1())), issuing),
            (root,),
        ),
        Case(
            "P-224",
            (issuing.leaf(HOST, key=ec.generate_private_key(ec.SECP224R1())), issuing),
            (root,),
        ),
        Case(
            "secp256k1",
            (issuing.leaf(HOST, key=ec.generate_private_key(ec.SECP256K1())), issuing),
            (root,),
        ),
        Case(
            "brainpool",
            (issuing.leaf(HOST, key=ec.generate_private_key(ec.BrainpoolP256R1())), issuing),
            (root,),
        ),
        Case(
            "Ed25519",
            (issuing.leaf(HOST, key=ed25519.Ed25519PrivateKey.generate()), issuing),
            (root,),
        ),
        Case(
            "eleven certificates", (leaf, issuing, *(make_root(f"R{i}") for i in range(9))), (root,)
        ),
    ]


@pytest.mark.parametrize("jdk", [11, 17, 21, 25])
async def test_java_connects_exactly_where_we_predict_it(jdk: int, tmp_path: Path) -> None:
    # A JVM reads its truststore once: the cases with one truststore share one.
    stores: dict[tuple[Issued, ...], list[Case]] = {}
    for case in _catalogue():
        stores.setdefault(case.installed, []).append(case)
    gate = asyncio.Semaphore(3)

    async def judge(index: int, installed: tuple[Issued, ...]) -> list[str]:
        folder = tmp_path / str(index)
        folder.mkdir()
        async with (
            gate,
            JavaClient(jdk, [issued.der for issued in installed], [HOST], folder) as client,
        ):
            found = [await _disagreements(case, jdk, client) for case in stores[installed]]
        return [line for lines in found for line in lines]

    found = await asyncio.gather(*(judge(i, store) for i, store in enumerate(stores)))
    assert [line for lines in found for line in lines] == []


async def _disagreements(case: Case, jdk: int, client: JavaClient) -> list[str]:
    chain = [Certificate.from_der(issued.der) for issued in case.chain]
    installed = [Certificate.from_der(issued.der) for issued in case.installed]
    lines = []
    protocols: tuple[Protocol, ...] = ("https", "ldaps")
    async with tls_server(server_context(case.chain), _answer) as server:
        for protocol in protocols:
            prediction = predict(chain, installed, host=case.host, endpoint=protocol, jdk=jdk)
            connection = await client.connect(protocol, case.host, server.port)
            if connection.connected != prediction.accepted:
                lines.append(f"{case.name}, {protocol}: {connection} but {prediction}")
    return lines


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers HTTP; of LDAP nothing more is wanted than its TLS connection."""
    request = await reader.read(4096)
    if request.startswith(b"GET"):
        writer.write(_HTTP_OK)
        await writer.drain()
