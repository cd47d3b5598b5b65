"""Completing a chain from where its certificates say that their issuers are."""

from __future__ import annotations

import asyncio
import base64
import gzip
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from ipaddress import ip_network

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    pkcs7,
    pkcs12,
)

from bot.pki.certificate import Certificate, Source
from bot.probe.download_limits import DownloadError, DownloadLimits
from bot.probe.egress import Egress
from bot.probe.issuers import Completion, CompletionLimits, IssuerFinder
from tests.support import aia as pages
from tests.support.aia import AiaServer, aia_server, page
from tests.support.authority import Issued, make_root, rsa_key
from tests.support.servers import Script

LOOPBACK = Egress(allow=(ip_network("127.0.0.0/8"),))
LIMITS = CompletionLimits()


@pytest.fixture
async def aia() -> AsyncIterator[AiaServer]:
    async with aia_server() as server:
        yield server


def read(issued: Issued) -> Certificate:
    return Certificate.from_der(issued.der)


async def complete(
    leaf: Issued,
    *others: Issued,
    egress: Egress = LOOPBACK,
    limits: CompletionLimits = LIMITS,
    is_rooted: Callable[[Certificate], bool] = lambda certificate: False,
) -> Completion:
    finder = IssuerFinder(egress, limits=limits)
    return await finder.complete(read(leaf), map(read, others), is_rooted=is_rooted)


def found(completion: Completion) -> list[Certificate]:
    return [certificate for certificate, _ in completion.found]


def codes(completion: Completion) -> list[tuple[str, str]]:
    return [(problem.code, problem.severity) for problem in completion.problems]


def leaf_naming(issuer: Issued, *urls: str) -> Issued:
    return issuer.leaf("www.example.test", ca_issuers=urls)


def p7(*certificates: Issued, encoding: Encoding = Encoding.DER) -> bytes:
    """PKCS#7 with the certificates in exactly this order (a real SET OF is sorted by its bytes)."""
    return pkcs7.serialize_certificates([c.certificate for c in certificates], encoding)


FORMATS: dict[str, Callable[[Issued], bytes]] = {
    "DER": lambda issued: issued.der,
    "PEM": lambda issued: issued.pem,
    "PEM with CRLF": lambda issued: issued.pem.replace(b"\n", b"\r\n"),
    "Base64 alone": lambda issued: base64.b64encode(issued.der),
    "PKCS#7 in DER": p7,
    "PKCS#7 in PEM": lambda issued: p7(issued, encoding=Encoding.PEM),
}


@pytest.mark.parametrize("content_type", ["application/pkix-cert", "text/html; charset=utf-8"])
@pytest.mark.parametrize("form", FORMATS)
async def test_every_format_is_read_whatever_its_content_type(
    aia: AiaServer, form: str, content_type: str
) -> None:
    root = make_root()
    aia.pages["/ca"] = page(FORMATS[form](root), content_type)

    completion = await complete(leaf_naming(root, aia.url("/ca")))

    assert completion == Completion(((read(root), Source("aia", aia.url("/ca"))),))


async def test_the_chain_is_climbed_up_to_the_root(aia: AiaServer) -> None:
    root = make_root()
    policy = root.intermediate("Policy CA", ca_issuers=[aia.url("/root.cer")])
    issuing = policy.intermediate("Issuing CA", ca_issuers=[aia.url("/policy.cer")])
    aia.pages["/root.cer"] = page(root.der)
    aia.pages["/policy.cer"] = page(policy.der)
    aia.pages["/issuing.cer"] = page(issuing.der)

    completion = await complete(leaf_naming(issuing, aia.url("/issuing.cer")))

    assert found(completion) == [read(issuing), read(policy), read(root)]
    assert completion.problems == ()
    assert aia.requests == ["/issuing.cer", "/policy.cer", "/root.cer"]


async def test_only_what_is_missing_above_the_leaf_is_downloaded(aia: AiaServer) -> None:
    root, stranger = make_root(), make_root("Stranger")
    issuing = root.intermediate("Issuing CA", ca_issuers=[aia.url("/root.cer")])
    aia.pages["/root.cer"] = page(root.der)
    unrelated = leaf_naming(stranger, aia.url("/stranger.cer"))
    leaf = leaf_naming(issuing, aia.url("/issuing.cer"))

    completion = await complete(leaf, unrelated, issuing, leaf)

    assert found(completion) == [read(root)]
    assert aia.requests == ["/root.cer"]


async def test_nothing_is_downloaded_for_a_complete_chain_or_above_a_known_root(
    aia: AiaServer,
) -> None:
    root = make_root()
    cross = make_root("Old Root").intermediate(
        "New Root", key=root.key, ca_issuers=[aia.url("/old")]
    )
    leaf = leaf_naming(root, aia.url("/root.cer"))
    assert await complete(leaf, root) == Completion()

    below_cross = leaf_naming(Issued(cross.certificate, cross.key), aia.url("/cross.cer"))
    rooted = [read(cross)]
    assert await complete(below_cross, cross, is_rooted=rooted.__contains__) == Completion()
    assert aia.requests == []


async def test_no_url_means_no_download_and_no_problem() -> None:
    assert await complete(make_root().leaf("www.example.test")) == Completion()


async def test_a_bundle_gives_the_issuer_by_signature_and_keeps_the_rest(aia: AiaServer) -> None:
    root = make_root()
    issuing = root.intermediate("Issuing CA")
    namesake = root.intermediate("Issuing CA")
    aia.pages["/bundle.p7c"] = page(p7(root, namesake, issuing))

    completion = await complete(leaf_naming(issuing, aia.url("/bundle.p7c")))

    assert found(completion)[0] == read(issuing)
    assert set(found(completion)) == {read(root), read(issuing), read(namesake)}
    assert completion.problems == ()
    assert aia.requests == ["/bundle.p7c"]


async def test_every_url_is_asked_and_a_failure_beside_a_success_is_only_information(
    aia: AiaServer,
) -> None:
    root = make_root()
    renewed = make_root(key=root.key)
    aia.pages["/root.cer"] = page(root.der)
    aia.pages["/renewed.cer"] = page(renewed.der)
    urls = [aia.url(path) for path in ("/gone.cer", "/root.cer", "/renewed.cer")]

    completion = await complete(leaf_naming(root, *urls))

    assert found(completion) == [read(root), read(renewed)]
    assert codes(completion) == [("aia_status", "info")]
    assert "status 404" in completion.problems[0].message


async def test_a_namesake_with_another_key_is_no_issuer(aia: AiaServer) -> None:
    root, impostor = make_root(), make_root()
    aia.pages["/root.cer"] = page(impostor.der)

    completion = await complete(leaf_naming(root, aia.url("/root.cer")))

    assert codes(completion) == [("aia_not_issuer", "warning")]
    assert "holds no certificate that signed www.example.test" in completion.problems[0].message


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (page(b"<html><body>Login</body></html>", "text/html"), "aia_unreadable", "no certificate"),
        (page(b""), "aia_unreadable", "empty"),
        (page(b"", status=204), "aia_status", "status 204"),
        (page(b"", status=304), "aia_status", "status 304"),
        (page(b"", status=503), "aia_status", "status 503"),
        (pages.encoded(gzip.compress(bytes(10_000_000)), "gzip"), "aia_encoded", "(gzip)"),
        (pages.endless(bytes(65536)), "aia_too_large", "more than 1,048,576 bytes"),
        (
            pages.endless(b"10000\r\n" + bytes(65536) + b"\r\n", b"Transfer-Encoding: chunked\r\n"),
            "aia_too_large",
            "more than 1,048,576 bytes",
        ),
        (pages.endless(b"X-Long: " + b"x" * 999 + b"\r\n"), "aia_too_large", "more than"),
        (pages.endless(b"x" * 65536, b"X-Long: "), "aia_broken", "no proper HTTP"),
        (pages.redirect("file:///etc/passwd"), "aia_scheme", "the scheme file"),
        (pages.redirect("ldap://127.0.0.1/cn=ca"), "aia_scheme", "the scheme ldap"),
        (pages.redirect("http://127.0.0.1:port/"), "aia_malformed", "not a URL"),
        (pages.redirect("http://169.254.169.254/latest"), "aia_denied", "cloud metadata"),
        (pages.redirect("http://[::1]/ca"), "aia_denied", "loopback"),
        (pages.redirect("http://user:secret@127.0.0.1/"), "aia_malformed", "not a URL"),
        (pages.redirect("/ca"), "aia_redirects", "redirects more than 3 times"),
    ],
)
async def test_what_a_bad_server_answers_is_a_problem_and_nothing_more(
    aia: AiaServer, answer: Script, code: str, words: str
) -> None:
    aia.pages["/ca"] = answer

    completion = await complete(leaf_naming(make_root(), aia.url("/ca")))

    assert completion.found == ()
    assert codes(completion) == [(code, "warning")]
    assert words in completion.problems[0].message
    assert completion.problems[0].remedy
    assert len(aia.requests) <= 4


async def test_a_redirect_is_followed_without_reading_its_body(aia: AiaServer) -> None:
    root = make_root()
    aia.pages["/ca"] = pages.endless(bytes(65536), b"Location: /root.cer\r\n", b"301 Moved")
    aia.pages["/root.cer"] = page(root.der)

    completion = await complete(leaf_naming(root, aia.url("/ca")))

    assert completion == Completion(((read(root), Source("aia", aia.url("/ca"))),))


async def test_the_request_asks_for_no_encoding_and_tells_nothing(aia: AiaServer) -> None:
    await complete(leaf_naming(make_root(), aia.url("/ca")))
    assert aia.headers["accept-encoding"] == "identity"
    assert set(aia.headers) == {"host", "accept", "accept-encoding", "connection", "user-agent"}


async def test_loopback_is_denied_unless_allowed(aia: AiaServer) -> None:
    completion = await complete(leaf_naming(make_root(), aia.url("/ca")), egress=Egress())
    assert codes(completion) == [("aia_denied", "warning")]
    assert aia.requests == []


async def test_proxies_of_the_environment_are_not_used(
    aia: AiaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with aia_server() as proxy:
        for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(variable, proxy.url(""))
        root = make_root()
        aia.pages["/ca"] = page(root.der)
        assert found(await complete(leaf_naming(root, aia.url("/ca")))) == [read(root)]
        assert proxy.requests == []


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("ldap:///CN=Issuing,CN=AIA,DC=corp,DC=example?cACertificate?base", "aia_directory"),
        ("LDAP://dc01.corp.example/CN=Issuing", "aia_directory"),
        ("file:///etc/ssl/certs/ca.pem", "aia_scheme"),
        ("ftp://ftp.example.test/ca.cer", "aia_scheme"),
        ("http://user:secret@127.0.0.1/ca.cer", "aia_malformed"),
        ("http://127.0.0.1/" + "a" * 3000, "aia_malformed"),
        ("http://no-such-host.invalid/ca.cer", "aia_unresolvable"),
        ("http://127.0.0.1:1/ca.cer", "aia_unreachable"),
    ],
)
async def test_a_url_that_cannot_be_used_is_a_problem_and_nothing_more(url: str, code: str) -> None:
    completion = await complete(leaf_naming(make_root("Corp Root"), url))
    assert completion.found == ()
    assert codes(completion) == [(code, "warning")]


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("//127.0.0.1/ca.cer", "scheme"),
        ("ca.cer", "scheme"),
        ("", "scheme"),
        ("http://", "malformed"),
        ("http:///ca.cer", "malformed"),
        ("http://[::1", "malformed"),
        ("http://127.0.0.1:99999/", "malformed"),
        ("http://a b/", "malformed"),
        ("http://a\r\nHost: b/", "malformed"),
        ("http://\udc80/", "malformed"),
    ],
)
async def test_text_that_is_no_url_is_refused(url: str, code: str) -> None:
    with pytest.raises(DownloadError) as caught:
        await IssuerFinder(LOOPBACK).fetch(url)
    assert caught.value.code == code
    assert caught.value.message.isprintable()


async def test_a_directory_url_says_whom_to_ask_for_which_certificate() -> None:
    leaf = leaf_naming(make_root("Corp Root"), "ldap:///CN=Corp%20Root,CN=AIA")
    (problem,) = (await complete(leaf)).problems
    assert "names an entry of a directory" in problem.message
    assert 'the certificate of "Corp Root" as Base64 PEM' in problem.remedy


async def test_https_is_verified() -> None:
    authority = make_root()
    async with aia_server([authority.leaf("127.0.0.1"), authority]) as aia:
        completion = await complete(leaf_naming(make_root(), aia.url("/ca")))
    assert codes(completion) == [("aia_tls", "warning")]
    assert aia.requests == []


async def test_a_private_key_is_not_used(aia: AiaServer) -> None:
    root = make_root()
    aia.pages["/pem"] = page(root.key_pem + root.pem)
    archive = pkcs12.serialize_key_and_certificates(
        b"ca", rsa_key(), None, [root.certificate], BestAvailableEncryption(b"changeit")
    )
    aia.pages["/p12"] = page(archive)
    completion = await complete(leaf_naming(root, aia.url("/pem"), aia.url("/p12")))
    assert completion.found == ()
    assert codes(completion) == [("aia_private_key", "warning")] * 2


async def test_a_certificate_that_names_itself_is_not_climbed_for_ever(aia: AiaServer) -> None:
    root = make_root()
    issuing = root.intermediate("Issuing CA", ca_issuers=[aia.url("/issuing.cer")])
    aia.pages["/issuing.cer"] = page(issuing.der)

    completion = await complete(leaf_naming(issuing, aia.url("/issuing.cer")))

    assert found(completion) == [read(issuing)]
    assert codes(completion) == [("aia_not_issuer", "warning")]
    assert aia.requests == ["/issuing.cer"]


async def test_cross_certificates_in_a_loop_end(aia: AiaServer) -> None:
    a, b = make_root("A"), make_root("B")
    a_by_b = b.intermediate("A", key=a.key, ca_issuers=[aia.url("/b-by-a.cer")])
    b_by_a = a.intermediate("B", key=b.key, ca_issuers=[aia.url("/a-by-b.cer")])
    aia.pages["/a-by-b.cer"] = page(a_by_b.der)
    aia.pages["/b-by-a.cer"] = page(b_by_a.der)

    completion = await complete(leaf_naming(a, aia.url("/a-by-b.cer")))

    assert found(completion) == [read(a_by_b), read(b_by_a)]
    assert completion.problems == ()


async def test_a_tower_of_issuers_is_climbed_only_so_high(aia: AiaServer) -> None:
    tower = [make_root()]
    for floor in range(1, 6):
        url = aia.url(f"/{floor}.cer")
        aia.pages[f"/{floor}.cer"] = page(tower[-1].der)
        tower.append(tower[-1].intermediate(f"Floor {floor}", ca_issuers=[url]))
    aia.pages["/top.cer"] = page(tower[-1].der)
    leaf = leaf_naming(tower[-1], aia.url("/top.cer"))

    assert len(found(await complete(leaf))) == 6
    low = await complete(leaf, limits=replace(LIMITS, depth=3))
    assert len(found(low)) == 3
    assert codes(low) == [("aia_depth", "warning")]


async def test_urls_are_bounded_for_one_certificate_and_in_all(aia: AiaServer) -> None:
    root = make_root()
    leaf = leaf_naming(root, *(aia.url(f"/{n}") for n in range(50)))
    completion = await complete(leaf)
    assert len(aia.requests) == LIMITS.urls_per_certificate
    assert codes(completion)[0] == ("aia_urls", "warning")
    assert "42 were left out" in completion.problems[0].message

    aia.requests.clear()
    issuing = root.intermediate("Issuing CA", ca_issuers=[aia.url(f"/{n}") for n in range(8)])
    aia.pages["/issuing.cer"] = page(issuing.der)
    await complete(leaf_naming(issuing, aia.url("/issuing.cer")), limits=replace(LIMITS, urls=5))
    assert len(aia.requests) == 5


async def test_a_url_named_often_is_downloaded_once(aia: AiaServer) -> None:
    root = make_root()
    issuing = root.intermediate("Issuing CA", ca_issuers=[aia.url("/all.p7c")])
    aia.pages["/all.p7c"] = page(p7(issuing, root))
    leaf = leaf_naming(issuing, *[aia.url("/all.p7c")] * 3)
    assert set(found(await complete(leaf))) == {read(issuing), read(root)}
    assert aia.requests == ["/all.p7c"]


async def test_certificates_are_bounded_and_the_issuer_is_among_them(aia: AiaServer) -> None:
    root = make_root()
    crowd = [make_root(f"Nobody {n}") for n in range(20)]
    aia.pages["/all.p7c"] = page(p7(*crowd, root))
    limits = replace(LIMITS, certificates=5)

    completion = await complete(leaf_naming(root, aia.url("/all.p7c")), limits=limits)

    assert len(completion.found) == 5
    assert found(completion)[0] == read(root)
    assert codes(completion) == [("aia_certificates", "warning")]


async def test_signature_checks_are_bounded(aia: AiaServer) -> None:
    root = make_root()
    namesakes = [make_root() for _ in range(20)]
    aia.pages["/all.p7c"] = page(p7(*namesakes))
    limits = replace(LIMITS, signatures=10)
    completion = await complete(leaf_naming(root, aia.url("/all.p7c")), limits=limits)
    assert ("aia_signatures", "warning") in codes(completion)


async def test_a_server_that_stalls_is_given_up(aia: AiaServer) -> None:
    asked = asyncio.Event()
    aia.pages["/ca"] = pages.silent(asked)
    limits = replace(LIMITS, download=DownloadLimits(seconds=1))
    completion = await complete(leaf_naming(make_root(), aia.url("/ca")), limits=limits)
    assert asked.is_set()
    assert codes(completion) == [("aia_timeout", "warning")]


async def test_when_time_is_up_what_came_in_time_is_kept(aia: AiaServer) -> None:
    root = make_root()
    aia.pages["/root.cer"] = page(root.der)
    aia.pages["/slow.cer"] = pages.silent(asyncio.Event())
    leaf = leaf_naming(root, aia.url("/slow.cer"), aia.url("/root.cer"))
    completion = await complete(leaf, limits=replace(LIMITS, seconds=2))
    assert found(completion) == [read(root)]
    assert codes(completion) == [("aia_total_timeout", "warning")]


async def test_chains_that_lack_the_same_issuer_share_one_download(aia: AiaServer) -> None:
    root = make_root()
    asked, release = asyncio.Event(), asyncio.Event()
    aia.pages["/root.cer"] = pages.held(asked, release, page(root.der))
    leaves = [read(root.leaf(f"{n}.test", ca_issuers=[aia.url("/root.cer")])) for n in range(10)]
    finder = IssuerFinder(LOOPBACK)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(finder.complete(leaf)) for leaf in leaves]
        await asked.wait()
        release.set()
    assert all(found(task.result()) == [read(root)] for task in tasks)
    assert aia.requests == ["/root.cer"]
