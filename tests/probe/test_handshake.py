"""Handshakes with real servers: versions, ciphers, curves, the chain as served, SNI."""

from __future__ import annotations

import asyncio

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from bot.probe.presented import TlsSession
from bot.probe.tls import java_server_name
from tests.support.authority import Issued, make, make_root, new_key, rsa_key
from tests.support.daemons import openssl
from tests.support.probing import HOST, ask, codes, ders
from tests.support.servers import (
    alert,
    answering,
    dh_key_exchange,
    raw_server,
    recorded_flight,
    server_context,
    tls_server,
)

Chain = tuple[Issued, ...]


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
async def test_current_versions_take_one_connection(chain: Chain, version: str) -> None:
    async with tls_server(server_context(chain, versions=[version])) as server:
        presented = await ask(server)
    assert presented.tls is not None
    assert presented.tls.version == version
    assert presented.chain == ders(chain)
    assert codes(presented) == []
    assert presented.client_certificate is None
    assert server.connections == 1
    assert set(presented.timings_ms) == {"resolve", "connect", "handshake"}
    assert (presented.address, presented.port) == ("127.0.0.1", server.port)


@pytest.mark.parametrize(
    ("version", "title"), [("TLSv1", "TLS 1.0"), ("TLSv1.1", "TLS 1.1")], ids=["1.0", "1.1"]
)
async def test_old_versions_show_their_chain_and_are_told(
    chain: Chain, version: str, title: str
) -> None:
    async with tls_server(server_context(chain, versions=[version])) as server:
        presented = await ask(server)
    assert presented.chain == ders(chain)
    assert presented.tls is not None
    assert presented.tls.version == version
    assert codes(presented) == ["tls_too_old"]
    (finding,) = presented.findings
    assert finding.severity == "error"
    assert title in finding.message
    assert finding.java == "Received fatal alert: protocol_version"


@pytest.mark.parametrize(
    ("ciphers", "suite", "code"),
    [
        ("kRSA+AESGCM", "TLS_RSA_WITH_AES_256_GCM_SHA384", "tls_rsa_only"),
        ("ECDHE+CAMELLIA", "TLS_ECDHE_RSA_WITH_CAMELLIA_256_CBC_SHA384", "cipher_not_in_java"),
        ("eNULL", "TLS_ECDHE_RSA_WITH_NULL_SHA", "cipher_not_in_java"),
        ("DHE+AESGCM", "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", None),
        ("ECDHE+AES128+SHA1", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", None),
    ],
)
async def test_ciphers_that_java_lacks_are_told(
    chain: Chain, ciphers: str, suite: str, code: str | None
) -> None:
    context = server_context(chain, versions=["TLSv1.2"], ciphers=ciphers)
    async with tls_server(context) as server:
        presented = await ask(server)
    assert presented.chain == ders(chain)
    assert presented.tls is not None
    assert presented.tls.cipher == suite
    assert codes(presented) == ([code] if code else [])
    if code:
        assert presented.findings[0].java == "Received fatal alert: handshake_failure"


@pytest.mark.parametrize("suite", ["TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_8_SHA256"])
async def test_suites_of_tls_13_that_java_lacks_are_told(chain: Chain, suite: str) -> None:
    with openssl(chain, "-tls1_3", "-ciphersuites", suite) as server:
        presented = await ask(server)
    assert presented.chain == ders(chain)
    assert presented.tls is not None
    assert presented.tls.cipher == suite
    assert codes(presented) == ["cipher_not_in_java"]


@pytest.mark.parametrize(
    ("suite", "name"),
    [(0x000A, "TLS_RSA_WITH_3DES_EDE_CBC_SHA"), (0x0005, "TLS_RSA_WITH_RC4_128_SHA")],
)
async def test_a_server_with_nothing_but_a_forgotten_cipher_shows_its_chain(
    chain: Chain, suite: int, name: str
) -> None:
    """No library offers these any more: only a hello written by hand does."""
    flight = recorded_flight(ders(chain), suite=suite, after=b"\x0e\0\0\0")

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        offered = await reader.read(4096)
        knows = suite.to_bytes(2, "big") in offered[44:400] and len(offered) < 600
        writer.write(flight if knows else alert(40))
        await reader.read()

    async with raw_server(script) as server:
        presented = await ask(server)
    assert presented.chain == ders(chain)
    assert presented.tls == TlsSession("TLSv1.2", name)
    assert codes(presented) == ["cipher_not_in_java"]


@pytest.mark.parametrize(
    ("curve", "group"),
    [
        ("P-192", "secp192r1"),
        ("secp256k1", "secp256k1"),
        ("brainpoolP256r1", "brainpoolP256r1"),
    ],
)
async def test_curves_that_java_lacks_are_told(chain: Chain, curve: str, group: str) -> None:
    options = ("-tls1_2", "-named_curve", curve, "-cipher", "ECDHE:@SECLEVEL=0")
    with openssl(chain, *options) as server:
        presented = await ask(server)
    assert presented.chain == ders(chain)
    assert presented.tls is not None
    assert presented.tls.group == group
    assert codes(presented) == ["group_not_in_java"]
    assert group in presented.findings[0].message


@pytest.mark.parametrize(
    "curve", [ec.SECP192R1(), ec.SECP256K1(), ec.BrainpoolP256R1()], ids=lambda curve: curve.name
)
async def test_a_key_on_an_odd_curve_is_seen_all_the_same(
    chain: Chain, curve: ec.EllipticCurve
) -> None:
    odd = (chain[1].leaf(HOST, key=ec.generate_private_key(curve)), chain[1])
    with openssl(odd, "-tls1_2") as server:
        presented = await ask(server)
    assert presented.chain == ders(odd)
    assert codes(presented) == ["handshake_failure"]
    assert presented.error is not None
    assert "certificate was seen" in presented.error.message
    assert "P-256" in presented.error.remedy
    assert presented.error.java == "Received fatal alert: handshake_failure"


@pytest.mark.parametrize(
    ("key", "group"),
    [("p256", "secp256r1"), ("p384", "secp384r1"), ("p521", "secp521r1")],
)
async def test_curves_that_java_has_are_nothing_to_tell(chain: Chain, key: str, group: str) -> None:
    curves = {"p256": ec.SECP256R1(), "p384": ec.SECP384R1(), "p521": ec.SECP521R1()}
    good = (chain[1].leaf(HOST, key=new_key(key)), chain[1])
    context = server_context(good, versions=["TLSv1.2"], curve=curves[key])
    async with tls_server(context) as server:
        presented = await ask(server)
    assert presented.chain == ders(good)
    assert presented.tls is not None
    assert presented.tls.group == group
    assert codes(presented) == []


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
async def test_an_ed25519_server_is_understood(chain: Chain, version: str) -> None:
    key = new_key("ed25519")
    assert isinstance(key, ed25519.Ed25519PrivateKey)
    good = (chain[1].leaf(HOST, key=key, key_usage=["digital_signature"]), chain[1])
    async with tls_server(server_context(good, versions=[version])) as server:
        presented = await ask(server)
    assert presented.chain == ders(good)
    assert codes(presented) == []


async def test_handshake_signatures_with_sha1_only_are_told(chain: Chain) -> None:
    with openssl(chain, "-tls1_2", "-sigalgs", "RSA+SHA1") as server:
        presented = await ask(server)
    assert presented.chain == ders(chain)
    assert codes(presented) == ["sha1_handshake"]
    assert presented.findings[0].severity == "warning"


async def test_handshake_signatures_with_sha1_are_no_matter_beside_better_ones(
    chain: Chain,
) -> None:
    with openssl(chain, "-tls1_2", "-sigalgs", "RSA+SHA1:RSA+SHA256") as server:
        presented = await ask(server)
    assert presented.chain == ders(chain)
    assert codes(presented) == []


@pytest.mark.parametrize(("bits", "code"), [(512, "dh_too_small"), (768, "dh_too_small")])
async def test_a_small_diffie_hellman_group_is_told(chain: Chain, bits: int, code: str) -> None:
    flight = recorded_flight(ders(chain), suite=0x009E, after=dh_key_exchange(bits))
    async with raw_server(answering(flight + alert(0, level=1))) as server:
        presented = await ask(server)
    assert presented.chain == ders(chain)
    assert code in codes(presented)
    assert f"{bits} bits" in next(f for f in presented.findings if f.code == code).message


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
async def test_the_chain_is_kept_as_it_is_served(chain: Chain, version: str) -> None:
    """In a wrong order, with copies, with the root and with what does not belong there."""
    leaf, intermediate = chain
    stray, root = make_root("Stray"), make_root("Probe Root")
    served = (leaf, stray, root, intermediate, intermediate, leaf, stray)
    async with tls_server(server_context(served, versions=[version])) as server:
        presented = await ask(server)
    assert presented.chain == ders(served)
    assert codes(presented) == []


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
async def test_a_single_certificate_is_a_chain(version: str) -> None:
    alone = make(HOST, names=[HOST], key=rsa_key())
    async with tls_server(server_context([alone], versions=[version])) as server:
        presented = await ask(server)
    assert presented.chain == (alone.der,)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("server.example.test", b"server.example.test"),
        ("SERVER.Example.test.", b"server.example.test"),
        ("bücher.example", b"xn--bcher-kva.example"),
        ("127.0.0.1", None),
        ("[::1]:443", None),
        ("localhost", None),
        ("dc_1.example.test", None),
    ],
)
async def test_sni_is_what_java_sends(chain: Chain, text: str, name: bytes | None) -> None:
    async with tls_server(chain) as server:
        presented = await ask(server, text)
    assert server.server_names == [name]
    assert presented.chain == ders(chain)


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("a.example", "a.example"),
        ("a.example.", "a.example"),
        ("127.1", None),
        ("1.2.3.4.example", "1.2.3.4.example"),
        ("::ffff:1.2.3.4", None),
        ("-a.example", None),
        ("a..example", None),
        (f"{'a' * 64}.example", None),
        ("", None),
    ],
)
def test_names_that_java_puts_into_sni(host: str, name: str | None) -> None:
    assert java_server_name(host) == name


async def test_a_server_that_knows_several_names_gives_the_one_asked_for(chain: Chain) -> None:
    other = (chain[1].leaf("other.example.test", key=rsa_key(2048, 1)), chain[1])
    context, other_context = server_context(chain), server_context(other)
    async with tls_server(context) as server:
        context.set_tlsext_servername_callback(
            lambda connection: (
                connection.set_context(other_context)
                if connection.get_servername() == b"other.example.test"
                else None
            )
        )
        first = await ask(server, "server.example.test")
        second = await ask(server, "other.example.test")
    assert first.chain[0] == chain[0].der
    assert second.chain[0] == other[0].der
