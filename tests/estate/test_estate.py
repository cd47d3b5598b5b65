"""Every server of the demonstration shows what it says."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL

from bot.lookup import Lookup, Question
from bot.probe.egress import parse_networks
from bot.probe.target import parse_target
from bot.settings import Settings
from workspace.estate import Estate, Place

EXPECTED = {
    # name: the verdict, and findings that are among those shown
    "dc01.corp.example": ("validated", set()),
    "ldap.corp.example": ("validated", set()),
    "crm.cloud.example": ("validated", set()),
    "erp.partner.example": ("unproven", {"root_served", "root_not_proven"}),
    "hr.corp.example": ("validated", {"intermediate_missing"}),
    "wiki.corp.example": ("not_found", {"issuer_unknown"}),
    "portal.corp.example": ("not_found", {"leaf_expired"}),
    "payroll.corp.example": ("not_found", {"leaf_not_yet_valid"}),
    "erp-prod.corp.example": ("validated", {"environment_mismatch"}),
    "erp-test.corp.example": ("validated", {"environment_mismatch"}),
    "api.corp.example": ("validated", {"client_certificate_required"}),
    "printer.corp.example": ("unproven", {"self_signed"}),
    "intranet.corp.example": ("not_found", {"name_mismatch"}),
}
"""What the bot's own engine says of each."""


@pytest.fixture
async def estate() -> AsyncIterator[Estate]:
    async with Estate() as estate:
        yield estate


def presented(place: Place) -> list[bytes]:
    """The chain that OpenSSL is shown, DER."""
    with socket.create_connection((place.address, place.port), timeout=10) as connection:
        if place.protocol == "ldap":
            name = b"1.3.6.1.4.1.1466.20037"
            request = b"\x77" + bytes([len(name) + 2]) + b"\x80" + bytes([len(name)]) + name
            message = b"\x02\x01\x01" + request
            connection.sendall(b"\x30" + bytes([len(message)]) + message)
            assert connection.recv(100) == bytes.fromhex("300c0201017807 0a0100 0400 0400")
        connection.settimeout(None)
        client = SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD), connection)
        client.set_tlsext_host_name(place.name.encode())
        client.set_connect_state()
        client.do_handshake()
        chain = client.get_peer_cert_chain(as_cryptography=True) or []
        return [certificate.public_bytes(Encoding.DER) for certificate in chain]


async def test_each_server_presents_the_chain_that_it_names(estate: Estate) -> None:
    assert {place.name for place in estate.places} == set(EXPECTED)
    for place in estate.places:
        assert await asyncio.to_thread(presented, place) == list(place.chain), place.name


async def test_each_line_names_its_server(estate: Estate) -> None:
    for place in estate.places:
        target = parse_target(place.line)
        assert (target.host, target.port) == (place.name, place.port)
        assert target.protocol == place.protocol
        assert estate.hosts[place.name] == place.address
        assert ipaddress.ip_address(place.address).is_loopback


async def test_the_missing_intermediate_can_be_downloaded(estate: Estate) -> None:
    hr = next(place for place in estate.places if place.name == "hr.corp.example")
    leaf = x509.load_der_x509_certificate(hr.chain[0])
    access = leaf.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    url = httpx.URL(access[0].access_location.value)
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(url.copy_with(host=estate.hosts[url.host]))
        assert answer.status_code == 200
        leaf.verify_directly_issued_by(x509.load_der_x509_certificate(answer.content))
        missing = await client.get(url.copy_with(host=estate.hosts[url.host], path="/other"))
    assert missing.status_code == 404


def shake_hands(place: Place) -> None:
    """As a client that has no certificate of its own. TLS 1.2 tells it within the handshake."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        socket.create_connection((place.address, place.port), timeout=10) as connection,
        context.wrap_socket(connection, server_hostname=place.name),
    ):
        pass


async def test_one_server_demands_a_client_certificate(estate: Estate) -> None:
    places = {place.name: place for place in estate.places}
    await asyncio.to_thread(shake_hands, places["portal.corp.example"])
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await asyncio.to_thread(shake_hands, places["api.corp.example"])


async def test_the_engine_sees_what_each_server_shows(estate: Estate, tmp_path: Path) -> None:
    roots = tmp_path / "roots"
    roots.mkdir()
    estate.write_roots(roots)
    settings = Settings(
        egress_allow=parse_networks("127.0.0.0/8"),
        company_roots=roots,
        cache_dir=tmp_path / "cache",
        hosts=tuple(f"{name}={address}" for name, address in estate.hosts.items()),
    )
    seen = {}
    lookup = Lookup(settings)
    for place in estate.places:
        report = await lookup.answer(Question(parse_target(place.line)))
        codes = {finding.code for finding in report.findings}
        seen[place.name] = (report.verdict, codes)
    for name, (verdict, codes) in EXPECTED.items():
        assert seen[name][0] == verdict, (name, seen[name])
        assert codes <= seen[name][1], (name, seen[name])


async def test_two_estates_stand_side_by_side(estate: Estate) -> None:
    async with Estate() as other:
        first, second = estate.places[0], other.places[0]
        assert (first.address, first.port) != (second.address, second.port)
        assert first.chain != second.chain
        assert await asyncio.to_thread(presented, second) == list(second.chain)


async def test_one_loopback_address_is_enough() -> None:
    async with Estate(networks=()) as estate:
        assert set(estate.hosts.values()) == {"127.0.0.1"}
        assert len({place.port for place in estate.places}) == len(estate.places)
        for place in estate.places:
            assert parse_target(place.line).port == place.port
            assert await asyncio.to_thread(presented, place) == list(place.chain), place.name
