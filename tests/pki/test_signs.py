"""Signs in names: whole words, and the products that vendors document."""

from __future__ import annotations

import pytest

from bot.pki import signs
from tests.support.authority import make, make_root
from tests.support.evidence import certificate


@pytest.mark.parametrize(
    ("name", "environment"),
    [
        ("Corp Test Root CA", "test"),
        ("CorpTESTRootCA", "test"),
        ("Corp Root CA QA2", "test"),
        ("DEV-CA01", "test"),
        ("(STAGING) Ersatz Edamame E1", "test"),
        ("Fake LE Intermediate X1", "test"),
        ("Corp PreProd CA", "test"),
        ("Corp non-prod CA", "test"),
        ("Corp Pre-Production CA", "test"),
        ("Corp Production CA", "production"),
        ("PRD Root", "production"),
        ("Contoso Issuing CA", None),
        ("Contest Latest Attestation CA", None),
        ("Device Lablatory Developers CA", None),
        ("Corp Int CA 1", None),
        ("Intermediate CA", None),
        ("Products CA", None),
        ("", None),
    ],
)
def test_the_environment_of_a_ca(name: str, environment: str | None) -> None:
    sign = signs.authority_environment(name)
    assert (sign and sign[0]) == environment


@pytest.mark.parametrize(
    ("host", "environment"),
    [
        ("erp-tst.corp.example", "test"),
        ("test01.corp.example", "test"),
        ("erp.qa.corp.example", "test"),
        ("api-int.corp.example", "test"),
        ("sandbox.corp.example", "test"),
        ("erp-prod.corp.example", "production"),
        ("erp.corp.test", None),
        ("web.dev", None),
        ("contest.corp.example", None),
        ("intranet.corp.example", None),
        ("www.corp.example", None),
        ("10.0.0.1", None),
        ("test", "test"),
    ],
)
def test_the_environment_of_a_host(host: str, environment: str | None) -> None:
    sign = signs.host_environment(host)
    assert (sign and sign[0]) == environment


@pytest.mark.parametrize(
    ("issuer", "product"),
    [
        ("Zscaler Intermediate Root CA (zscloud.net)", "Zscaler"),
        ("ca.acme.goskope.com", "Netskope"),
        ("Symantec Web Security Service Root", "Symantec (Blue Coat) ProxySG"),
        ("Blue Coat ProxySG CA", "Symantec (Blue Coat) ProxySG"),
        ("Palo Alto Networks Decryption CA", "Palo Alto Networks"),
        ("FortiGate CA", "Fortinet FortiGate"),
        ("Fortinet_CA_SSL", "Fortinet FortiGate"),
        ("Sophos SSL CA_C12345", "Sophos"),
        ("McAfee Web Gateway", "Skyhigh (McAfee) Web Gateway"),
        ("Cisco Umbrella Secondary SubCA", "Cisco Umbrella"),
        ("Check Point HTTPS Inspection", "Check Point"),
        ("Barracuda Networks SSL Inspection", "Barracuda"),
        ("Forcepoint Cloud CA", "Forcepoint"),
        ("Gateway CA - Cloudflare Managed G1", "Cloudflare Gateway"),
        ("Kaspersky Anti-Virus Personal Root Certificate", "Kaspersky"),
        ("avast! Web/Mail Shield Root", "Avast or AVG"),
        ("AVG Web/Mail Shield Root", "Avast or AVG"),
        ("ESET SSL Filter CA", "ESET"),
        ("Bitdefender Personal CA.Net-Defender", "Bitdefender"),
        ("mitmproxy", "mitmproxy"),
        ("Charles Proxy CA (1 Jan 2026, laptop)", "Charles Proxy"),
        ("DO_NOT_TRUST_FiddlerRoot", "Fiddler"),
        ("PortSwigger CA", "Burp Suite"),
        ("Squid Proxy CA", "Squid"),
        ("Corp Root CA", None),
        ("Basset Tracking CA", None),
        ("Reset CA", None),
    ],
)
def test_inspection_products_are_known_by_their_issuer(issuer: str, product: str | None) -> None:
    leaf = make_root(issuer).leaf("www.example.com")
    assert signs.inspection_product([certificate(leaf)]) == product


@pytest.mark.parametrize(
    ("name", "is_public"),
    [
        ("www.contoso.com", True),
        ("a.b.co.uk", True),
        ("dc01.corp.local", False),
        ("dc01.contoso.internal", False),
        ("erp.corp.example", False),
        ("dc01", False),
        ("10.0.0.1", False),
        ("2001:db8::1", False),
    ],
)
def test_public_names_by_their_ending(name: str, is_public: bool) -> None:
    assert signs.is_public_name(name) is is_public


@pytest.mark.parametrize(
    ("host", "is_service"),
    [
        ("corp.service-now.com", True),
        ("Service-Now.com", True),
        ("notservice-now.com", False),
        ("service-now.com.evil.example", False),
    ],
)
def test_services_by_their_domain(host: str, is_service: bool) -> None:
    assert signs.is_public_service(host) is is_service


def test_addresses_of_the_internet() -> None:
    assert signs.is_global_address("93.184.215.14")
    assert not signs.is_global_address("10.0.0.1")
    assert not signs.is_global_address("chain.pem")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("TRAEFIK DEFAULT CERT", True),
        ("ssl-cert-snakeoil", True),
        ("localhost", True),
        ("localhost.localdomain", True),
        ("erp.corp.example", False),
        ("plesksupport.corp.example", False),
    ],
)
def test_placeholders(name: str, expected: bool) -> None:
    assert signs.is_placeholder(certificate(make(name))) is expected
