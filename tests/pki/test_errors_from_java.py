"""What Java 11, 17, 21 and 25 say over real connections, explained."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.x509 import (
    DNSName,
    Name,
    NameConstraints,
    ObjectIdentifier,
    UnrecognizedExtension,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from bot.pki.errors import explain
from tests.conformance.java_client import JavaClient
from tests.support.authority import Issued, make, make_root, new_key, rsa_key
from tests.support.servers import (
    Server,
    alert,
    answering,
    closing,
    raw_server,
    recorded_flight,
    resetting,
    saying,
    server_context,
    tls_server,
)

HOST = "dc01.corp.example"
ROOT = make_root("Corp Root")
NO_CA = make("Not A CA", ca=False)
NO_SIGNER = make_root("Not A Signer", key_usage=("crl_sign",))
RSA_ROOT = make_root("RSA Root", key=rsa_key())
SECP_ROOT = make_root("Koblitz Root", key=new_key("secp256k1"))
INSTALLED = [issued.der for issued in (ROOT, NO_CA, NO_SIGNER, RSA_ROOT, SECP_ROOT)]
LEAF = ROOT.leaf(HOST)
NOW = datetime.now(UTC)


def tls(*chain: object, **options: object) -> AbstractAsyncContextManager[Server]:
    return tls_server(server_context(list(chain), **options))  # type: ignore[arg-type]  # as the catalogue says


def sent(*chain: Issued) -> AbstractAsyncContextManager[Server]:
    """A chain that OpenSSL would not serve."""
    return raw_server(answering(recorded_flight([issued.der for issued in chain])))


def catalogue() -> dict[str, tuple[AbstractAsyncContextManager[Server], str]]:
    """Code → a server that makes Java say it, and the host to ask for."""
    shallow = ROOT.intermediate("Shallow", path_length=0)
    deep = shallow.intermediate("Deep")
    no_signer = ROOT.intermediate("No Signer", key_usage=("crl_sign",))
    v1_like = make("No CA", ROOT, ca=None, key_usage=None)
    other = make_root("Other Root")
    namesake = make_root("Corp Root")
    no_key_identifier = [ExtensionOID.AUTHORITY_KEY_IDENTIFIER]
    no_san = [ExtensionOID.SUBJECT_ALTERNATIVE_NAME]
    padding = [make_root(f"Superfluous {number}") for number in range(11)]
    bound = ROOT.intermediate(
        "Bound", extensions=[(NameConstraints([DNSName("other.example")], None), True)]
    )
    unknown = UnrecognizedExtension(ObjectIdentifier("1.2.3.4"), b"\5\0")
    nameless = make(Name([]), ROOT, names=[HOST])
    servers = {
        "issuer_unknown": tls(other.leaf(HOST)),
        "same_name_other_key": tls(namesake.leaf(HOST)),
        "issuer_has_other_key": tls(namesake.leaf(HOST, without=no_key_identifier)),
        "certificate_expired": tls(ROOT.leaf(HOST, not_before=NOW - timedelta(9), not_after=NOW - timedelta(2))),
        "certificate_not_yet_valid": tls(ROOT.leaf(HOST, not_before=NOW + timedelta(9), not_after=NOW + timedelta(19))),
        "anchor_not_a_ca": tls(make(HOST, NO_CA, names=[HOST])),
        "anchor_may_not_sign_certificates": tls(NO_SIGNER.leaf(HOST)),
        "not_a_ca": tls(v1_like.leaf(HOST), v1_like),
        "path_too_long": tls(deep.leaf(HOST), deep, shallow),
        "may_not_sign_certificates": tls(no_signer.leaf(HOST), no_signer),
        "not_for_servers": tls(ROOT.leaf(HOST, extended_key_usage=[ExtendedKeyUsageOID.CLIENT_AUTH])),
        "key_usage_forbids_signing": tls(ROOT.leaf(HOST, key_usage=("key_encipherment",))),
        "name_mismatch": tls(ROOT.leaf("other.example")),
        "name_not_in_common_name": tls(ROOT.leaf("other.example", without=no_san)),
        "address_not_in_certificate": tls(LEAF),
        "name_constraints_violated": tls(bound.leaf(HOST), bound),
        "unknown_critical_extension": tls(ROOT.leaf(HOST, extensions=[(unknown, True)])),
        "broken_signature_algorithm": sent(RSA_ROOT.leaf(HOST, weak_digest="md5")),
        "unsupported_curve": sent(SECP_ROOT.leaf(HOST)),
        "unreadable_certificate": sent(nameless),
        "chain_too_long": tls(LEAF, *padding),
        "connection_reset": raw_server(resetting),
        "handshake_closed": raw_server(closing),
        "plaintext": raw_server(saying(b"220 mail ESMTP\r\n")),
        "tls_too_old": tls(LEAF, versions=["TLSv1"]),
        "handshake_failure": raw_server(answering(alert(40))),
        "client_certificate_rejected": raw_server(answering(alert(42))),
        "unrecognized_name": raw_server(answering(alert(112))),
        "client_certificate_required": raw_server(answering(alert(116))),
        "alert_received": raw_server(answering(alert(80))),
    }  # fmt: skip
    hosts = {"address_not_in_certificate": "127.0.0.1"}
    return {code: (server, hosts.get(code, HOST)) for code, server in servers.items()}


@pytest.fixture
async def servers() -> AsyncIterator[dict[str, tuple[str, int]]]:
    async with AsyncExitStack() as stack:
        yield {
            code: (host, (await stack.enter_async_context(server)).port)
            for code, (server, host) in catalogue().items()
        }


@pytest.mark.parametrize("jdk", [11, 17, 21, 25])
async def test_java_is_understood(
    jdk: int, servers: dict[str, tuple[str, int]], tmp_path: Path
) -> None:
    async with JavaClient(jdk, INSTALLED, [HOST], tmp_path) as java:
        for code, (host, port) in servers.items():
            for protocol in ("https", "ldaps"):
                connection = await java.connect(protocol, host, port)
                assert connection.message is not None, code
                explanation = explain(connection.message)
                assert (explanation.code, explanation.also) == (code, ()), connection.message
                if protocol == "ldaps":
                    assert explanation.target == f"{host}:{port}"


@pytest.mark.parametrize("jdk", [17, 25])
async def test_mutual_tls_is_suspected_whatever_java_shows(jdk: int, tmp_path: Path) -> None:
    """Java may see an alert, a reset or a closed connection: that is a matter of time."""
    async with JavaClient(jdk, INSTALLED, [HOST], tmp_path) as java:
        for version in ("TLSv1.2", "TLSv1.3"):
            async with tls(LEAF, versions=[version], client_cas=[ROOT]) as server:
                for protocol in ("https", "ldaps"):
                    connection = await java.connect(protocol, HOST, server.port)
                    assert connection.message is not None
                    explanation = explain(connection.message)
                    assert explanation.truststore_helps is False, connection.message
                    assert "client certificate" in f"{explanation.cause} {explanation.remedy}"


async def test_an_empty_truststore_an_unknown_name_and_a_closed_port_are_understood(
    tmp_path: Path,
) -> None:
    async with tls(LEAF) as server, JavaClient(25, [], [HOST], tmp_path) as java:
        empty = await java.connect("https", HOST, server.port)
        unknown = await java.connect("ldaps", "dc02.corp.example", server.port)
    async with JavaClient(17, [], [HOST], tmp_path) as java:
        refused = await java.connect("ldaps", HOST, server.port)
    found = [explain(connection.message or "").code for connection in (empty, unknown, refused)]
    assert found == ["truststore_empty", "unresolvable", "connection_refused"]
