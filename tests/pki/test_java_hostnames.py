"""The name check, case by case; ``tests/conformance`` holds it to the real JVMs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.pki.certificate import Certificate
from bot.pki.java.hostnames import (
    Endpoint,
    check_host,
    is_address,
    is_match,
    is_plainly_other,
    matches,
)
from bot.pki.java.rejection import Rejected
from tests.support.authority import make


def certificate(common_name: str, *names: str) -> Certificate:
    return Certificate.from_der(make(common_name, names=names).der)


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("www.example.com", "www.example.com"),
        ("WWW.example.com", "www.EXAMPLE.com"),
        ("www.example.com", "*.example.com"),
        ("foo.example.com", "f*.example.com"),
        ("foobar.example.com", "f*b*r.example.com"),
        ("example.com", "*.com"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
    ],
)
def test_names_that_match(host: str, name: str) -> None:
    assert matches(host, name)


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("www.example.com", "example.com"),
        ("a.b.example.com", "*.example.com"),
        ("www.example.com", "*"),
        ("www.example.com", "*com"),
        ("bar.example.com", "f*.example.com"),
        ("a.b.example.com", "a.*.example.com"),
        ("www.example.com", "www.example.com."),
    ],
)
def test_names_that_do_not_match(host: str, name: str) -> None:
    assert not matches(host, name)


@pytest.mark.parametrize(("endpoint", "accepted"), [("https", True), ("ldaps", False)])
def test_java_17_lets_a_wildcard_stand_anywhere_for_https_only(
    endpoint: Endpoint, accepted: bool
) -> None:
    leaf = certificate("x", "a.*.example.com")
    try:
        check_host(leaf, "a.b.example.com", endpoint, 17)
    except Rejected:
        assert not accepted
    else:
        assert accepted


@pytest.mark.parametrize(
    ("leaf", "host", "message"),
    [
        (
            certificate("x", "b.test"),
            "a.test",
            "No subject alternative DNS name matching a.test found.",
        ),
        (certificate("b.test"), "a.test", "No name matching a.test found"),
        (
            certificate("a.test", "b.test"),
            "a.test",
            "No subject alternative DNS name matching a.test",
        ),
        (
            certificate("x", "a.test"),
            "192.0.2.1",
            "No subject alternative names matching IP address",
        ),
        (certificate("192.0.2.1"), "192.0.2.1", "No subject alternative names present"),
        (certificate("x", "a_b.test"), "a_b.test", "Illegal given domain name: a_b.test"),
    ],
)
def test_what_java_says(leaf: Certificate, host: str, message: str) -> None:
    with pytest.raises(Rejected, match=message):
        check_host(leaf, host, "https", 25)


@pytest.mark.parametrize(
    ("leaf", "host"),
    [
        (certificate("a.test"), "a.test"),
        (certificate("a.test", "192.0.2.1"), "a.test"),
        (certificate("x", "2001:db8::1"), "2001:DB8:0::1"),
        (certificate("x", "192.0.2.1"), "::ffff:192.0.2.1"),
    ],
)
def test_names_without_a_dns_entry_and_addresses(leaf: Certificate, host: str) -> None:
    check_host(leaf, host, "https", 25)


@pytest.mark.parametrize("host", ["192.0.2.1", "127.1", "1", "::1", "fe80::1%eth0"])
def test_what_java_takes_for_an_address(host: str) -> None:
    assert is_address(host)


@pytest.mark.parametrize("host", ["1.2.3.256", "1.2.3.4.5", "a.b", "dead", "1.2.x"])
def test_what_java_takes_for_a_name(host: str) -> None:
    assert not is_address(host)


_NAMES = st.text("aAb*.-", max_size=7) | st.sampled_from(["xn--a-ecp.b", "ä.b", "A-b.a", "a。b"])


@given(_NAMES, _NAMES, st.sampled_from(["https", "ldaps"]), st.sampled_from([11, 17, 21, 25]))
def test_names_that_are_plainly_other_do_not_match(
    host: str, name: str, endpoint: Endpoint, jdk: int
) -> None:
    if is_plainly_other(host, name):
        assert not is_match(host, name, endpoint, jdk)


def test_a_common_name_that_is_no_formal_name_is_told_visibly() -> None:
    with pytest.raises(Rejected) as refused:
        check_host(certificate("[\x06\u02b3\u202e"), "www.example.com", "https", 25)
    assert str(refused.value) == r"Not a formal name [\x06ʳ\u{202e}"
