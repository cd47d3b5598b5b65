"""``whichroot explain`` as its user runs it: a process of its own, real TLS servers with --host."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID
from pydantic import TypeAdapter

from bot.commands.explain import Explained
from tests.support.authority import Issued, make_root, rsa_key
from tests.support.program import started, whichroot
from tests.support.servers import (
    Server,
    alert,
    answering,
    closing,
    raw_server,
    resetting,
    saying,
    server_context,
    tls_server,
    until_closed,
)

HOST = "dc01.corp.example"
NOW = datetime.now(UTC).replace(microsecond=0)
ROOT = make_root("Corp Root CA")
ISSUING = ROOT.intermediate("Corp Issuing CA")
LEAF = ISSUING.leaf(HOST)
BUILDING = (
    "PKIX path building failed: sun.security.provider.certpath.SunCertPathBuilderException: "
    "unable to find valid certification path to requested target"
)
VALIDATION = "PKIX path validation failed: java.security.cert.CertPathValidatorException: "


async def explain(
    *arguments: str, stdin: bytes = b"", company: Path | None = None
) -> tuple[int, str, str]:
    """The exit code, standard output and standard error."""
    settings = {"WHICHROOT_COMPANY_ROOTS": str(company)} if company else {}
    run = await whichroot("explain", *arguments, stdin=stdin, **settings)
    return run.code, run.output, run.errors


@pytest.fixture
def company(tmp_path: Path) -> Path:
    folder = tmp_path / "company"
    folder.mkdir()
    (folder / "root.pem").write_bytes(ROOT.pem)
    return folder


async def now(
    text: str, server: AbstractAsyncContextManager[Server], company: Path, *arguments: str
) -> dict[str, Any]:
    """What ``--host`` adds, with the server behind the name; the text form must hold the same."""
    async with server as listening:
        where = ["--host", f"{HOST}:636", "--connect", listening.address, *arguments]
        code, output, errors = await explain("--json", *where, text, company=company)
        assert (code, errors) == (0, "")
        answer: dict[str, Any] = json.loads(output)
    assert answer["report"]["target"]["host"] == HOST
    found: dict[str, Any] = answer["now"]
    assert (found["host"], found["port"]) == (HOST, 636)
    assert found["answers"]
    return found


def file(tmp_path: Path, issued: Issued) -> str:
    path = tmp_path / "installed.pem"
    path.write_bytes(issued.pem)
    return str(path)


def fingerprint(issued: Issued) -> str:
    return issued.certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def dated(begin: int, end: int, issuer: Issued = ISSUING) -> Issued:
    return issuer.leaf(
        HOST, not_before=NOW + timedelta(days=begin), not_after=NOW + timedelta(days=end)
    )


async def test_an_unknown_issuer_names_the_root_to_install(company: Path) -> None:
    found = await now(BUILDING, tls_server([LEAF, ISSUING]), company)
    said = " ".join(found["answers"])
    assert found["cause_present"] is None
    assert 'To be installed: "CN=Corp Root CA"' in said
    assert fingerprint(ROOT) in said
    assert "With this installed Java 11, 17, 21 and 25 accept the server." in said
    assert "keytool -list -v" in said


async def test_a_missing_intermediate_is_the_cause_of_an_unknown_issuer(
    company: Path, tmp_path: Path
) -> None:
    (company / "issuing.pem").write_bytes(ISSUING.pem)
    found = await now(BUILDING, tls_server([LEAF]), company, "--installed", file(tmp_path, ROOT))
    said = " ".join(found["answers"])
    assert found["cause_present"] is True
    assert "Corp Issuing CA" in said
    assert fingerprint(ISSUING) in said


async def test_an_unrelated_certificate_is_installed(company: Path, tmp_path: Path) -> None:
    installed = file(tmp_path, make_root("Another Root"))
    found = await now(BUILDING, tls_server([LEAF, ISSUING]), company, "--installed", installed)
    assert found["cause_present"] is True
    assert any("Another Root" in said and "no part in" in said for said in found["answers"])
    assert any(fingerprint(ROOT) in said for said in found["answers"])


async def test_a_root_of_the_same_name_is_installed(company: Path, tmp_path: Path) -> None:
    installed = file(tmp_path, make_root("Corp Root CA"))
    server = [LEAF, ISSUING]
    text = VALIDATION + "Path does not chain with any of the trust anchors"
    found = await now(text, tls_server(server), company, "--installed", installed)
    assert found["cause_present"] is True
    assert any("another key" in said for said in found["answers"])
    other = await now(BUILDING, tls_server(server), company, "--installed", installed)
    assert other["cause_present"] is None
    assert any("another error than this one" in said for said in other["answers"])


async def test_what_is_installed_suffices(company: Path, tmp_path: Path) -> None:
    installed = file(tmp_path, ROOT)
    found = await now(BUILDING, tls_server([LEAF, ISSUING]), company, "--installed", installed)
    assert found["cause_present"] is False
    assert any("uses another truststore" in said for said in found["answers"])


async def test_an_earlier_certificate_of_the_server_is_installed(
    company: Path, tmp_path: Path
) -> None:
    installed = file(tmp_path, ISSUING.leaf(HOST))
    found = await now(BUILDING, tls_server([LEAF, ISSUING]), company, "--installed", installed)
    assert found["cause_present"] is True
    assert any("an earlier certificate of this server" in said for said in found["answers"])


async def test_a_root_that_nobody_has_is_asked_for(tmp_path: Path) -> None:
    async with tls_server([LEAF, ISSUING]) as server:
        arguments = ["--host", f"{HOST}:636", "--connect", server.address, BUILDING]
        code, output, _ = await explain(*arguments)
    assert code == 0
    assert "could not be found" in output
    assert "base64 encoded PEM" in output


@pytest.mark.parametrize(
    ("leaf", "issuing", "words"),
    [
        ((-9, -2), (-9, 90), f'"CN={HOST}" is served and expired on'),
        ((-1, 9), (-90, -3), '"CN=Corp Issuing CA" is served and expired on'),
        ((2, 9), (-9, 90), f'"CN={HOST}" is served and not valid before'),
    ],
)
async def test_the_certificate_outside_its_validity_is_named(
    company: Path, leaf: tuple[int, int], issuing: tuple[int, int], words: str
) -> None:
    begin, end = (NOW + timedelta(days=days) for days in issuing)
    authority = ROOT.intermediate("Corp Issuing CA", not_before=begin, not_after=end)
    server = tls_server([dated(*leaf, authority), authority])
    found = await now(VALIDATION + "validity check failed", server, company)
    assert found["cause_present"] is True
    assert words in found["answers"][0]


async def test_the_expired_certificate_of_the_error_is_recognised(company: Path) -> None:
    expired = dated(-9, -2)
    end = expired.certificate.not_valid_after_utc
    text = f"CertificateExpiredException: NotAfter: {end:%a %b %d %H:%M:%S} CET {end:%Y}"
    found = await now(text, tls_server([expired, ISSUING]), company)
    assert f'The error is about "CN={HOST}".' in found["answers"]
    renewed = await now(text, tls_server([LEAF, ISSUING]), company)
    assert renewed["cause_present"] is False
    assert "is not served now" in renewed["answers"][0]
    assert "renewed since" in renewed["answers"][1]


async def test_the_names_that_would_work_are_listed(company: Path) -> None:
    text = "No subject alternative DNS name matching corp.example found."
    found = await now(text, tls_server([LEAF, ISSUING]), company)
    assert found["cause_present"] is True
    assert f'is for "{HOST}": "corp.example" is not among these' in found["answers"][0]
    both = ISSUING.leaf("dc02.corp.example", names=[HOST, "corp.example"])
    exchanged = await now(text, tls_server([both, ISSUING]), company)
    assert exchanged["cause_present"] is False
    assert '"corp.example" is among these' in exchanged["answers"][0]


async def test_an_address_needs_a_name_of_the_certificate(company: Path) -> None:
    text = "No subject alternative names matching IP address 10.0.0.1 found"
    found = await now(text, tls_server([LEAF, ISSUING]), company)
    assert found["cause_present"] is True
    assert f'is for "{HOST}": "10.0.0.1" is not among these' in found["answers"][0]


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
@pytest.mark.parametrize(
    "text", ["Received fatal alert: certificate_required", "Received fatal alert: bad_certificate"]
)
async def test_the_cas_of_accepted_client_certificates_are_named(
    company: Path, version: str, text: str
) -> None:
    context = server_context(
        [LEAF, ISSUING], versions=[version], client_cas=[make_root("Partner CA")]
    )
    found = await now(text, tls_server(context), company)
    assert found["cause_present"] is True
    said = " ".join(found["answers"])
    assert "127.0.0.1 demands a client certificate." in said
    assert 'issued by "CN=Partner CA"' in said


async def test_a_server_that_asks_for_no_client_certificate(company: Path) -> None:
    text = "Received fatal alert: certificate_required"
    found = await now(text, tls_server([LEAF, ISSUING]), company)
    assert found["cause_present"] is False
    assert found["answers"] == ["The server asks for no client certificate now."]


@contextlib.asynccontextmanager
async def unused_port() -> AsyncIterator[Server]:
    """A port where nothing listens any more."""
    async with raw_server(until_closed) as server:
        pass
    yield server


def weak() -> AbstractAsyncContextManager[Server]:
    root = make_root("RSA Root", key=rsa_key())
    return tls_server([root.leaf(HOST, weak_digest="md5", key=rsa_key(2048, 1))])


def only_rsa() -> AbstractAsyncContextManager[Server]:
    leaf = make_root("RSA Root", key=rsa_key()).leaf(HOST, key=rsa_key(2048, 1))
    return tls_server(server_context([leaf], versions=["TLSv1.2"], ciphers="AES128-GCM-SHA256"))


@pytest.mark.parametrize(
    ("text", "server", "words"),
    [
        (
            "Extended key usage does not permit use for TLS server authentication",
            lambda: tls_server(
                [ISSUING.leaf(HOST, extended_key_usage=[ExtendedKeyUsageOID.CLIENT_AUTH]), ISSUING]
            ),
            "server",
        ),
        ("Algorithm constraints check failed on disabled algorithm: MD5", weak, "MD5withRSA"),
        ("Received fatal alert: handshake_failure", only_rsa, "TLS_RSA"),
        (
            "Received fatal alert: handshake_failure",
            lambda: raw_server(answering(alert(40))),
            "handshake_failure",
        ),
        (
            "Received fatal alert: protocol_version",
            lambda: tls_server(server_context([LEAF, ISSUING], versions=["TLSv1"])),
            "TLSv1",
        ),
        (
            "Received fatal alert: unrecognized_name",
            lambda: raw_server(answering(alert(112))),
            f'does not know the name "{HOST}"',
        ),
        (
            "Unsupported or unrecognized SSL message",
            lambda: raw_server(saying(b"220 mail ESMTP\r\n")),
            "TLS",
        ),
        (
            "Remote host terminated the handshake",
            lambda: raw_server(closing),
            "closes the connection",
        ),
        ("java.net.SocketException: Connection reset", lambda: raw_server(resetting), "reset"),
        ("java.net.ConnectException: Connection refused", unused_port, "127.0.0.1"),
        ("javax.net.ssl.SSLHandshakeException", lambda: tls_server([dated(-9, -2)]), "valid until"),
    ],
)
async def test_the_cause_is_seen_at_the_server(
    company: Path, text: str, server: Any, words: str
) -> None:
    found = await now(text, server(), company)
    assert found["cause_present"] is True
    assert words in " ".join(found["answers"])


@pytest.mark.parametrize(
    ("text", "present", "words"),
    [
        ("Extended key usage does not permit use for TLS server", False, "mended since"),
        ("Received fatal alert: protocol_version", None, "negotiates TLSv1.3"),
        ("java.net.ConnectException: Connection refused", False, "look between the client and"),
        ("java.net.SocketTimeoutException: connect timed out", False, "look between the client"),
        ("AcceptSecurityContext error, data 52e", None, "Nothing that the server presents"),
    ],
)
async def test_a_sound_server_shows_no_cause(
    company: Path, text: str, present: bool | None, words: str
) -> None:
    found = await now(text, tls_server([LEAF, ISSUING]), company)
    assert found["cause_present"] is present
    assert words in " ".join(found["answers"])


async def test_what_else_is_wrong_is_told_besides(company: Path) -> None:
    server = tls_server([ISSUING.leaf("other.example"), ISSUING])
    found = await now(BUILDING, server, company)
    assert any('"other.example"' in said for said in found["besides"])


async def test_a_host_without_a_port_is_asked_at_the_port_of_the_error() -> None:
    async with tls_server([LEAF, ISSUING]) as server:
        text = f"simple bind failed: 127.0.0.1:{server.port} [Root exception is {BUILDING}]"
        code, output, _ = await explain(*("--json", "--host", "127.0.0.1", text))
    assert code == 0
    assert json.loads(output)["now"]["port"] == server.port


async def test_a_server_that_cannot_be_reached_from_here_gives_the_command_to_run_there() -> None:
    async with unused_port() as server:
        arguments = ["--host", f"{HOST}:636", "--connect", server.address, BUILDING]
        code, output, _ = await explain(*arguments)
    assert code == 0
    assert "From here the server shows no certificate." in output
    assert "openssl s_client -connect" in output


async def test_the_text_form_says_what_the_json_says(company: Path) -> None:
    async with tls_server([dated(-9, -2), ISSUING]) as server:
        arguments = ["--host", f"{HOST}:636", "--connect", server.address]
        text = VALIDATION + "validity check failed"
        _, output, _ = await explain(*arguments, text, company=company)
        _, as_json, _ = await explain("--json", *arguments, text, company=company)
    answer = json.loads(as_json)
    assert f"Cause:  {answer['cause']}" in output
    assert f"Remedy: {answer['remedy']}" in output
    assert "No change to the truststore helps." in output
    assert f"{HOST}:636 now: the cause is there." in output
    for sentence in answer["now"]["answers"]:
        assert sentence in output


async def test_the_json_keeps_its_schema(company: Path) -> None:
    _, output, _ = await explain("--json-schema")
    schema = json.loads(output)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert all("description" in found for found in schema["properties"].values())
    outputs = [
        (await explain("--json", text))[1]
        for text in ("hello", BUILDING, f"{BUILDING}\nConnection refused")
    ]
    async with tls_server([LEAF, ISSUING]) as server:
        where = ["--host", f"{HOST}:636", "--connect", server.address]
        _, output, _ = await explain("--json", *where, BUILDING)
    reader = TypeAdapter(Explained)
    for printed in (*outputs, output):
        reader.validate_json(printed)
        answer = json.loads(printed)
        assert set(answer) == set(schema["properties"])
        for other in answer["also"]:
            assert set(other) == set(schema["$defs"]["Known"]["properties"])
        if answer["now"]:
            assert set(answer["now"]) == set(schema["$defs"]["Now"]["properties"])


@pytest.mark.parametrize(
    ("arguments", "stdin", "code"),
    [
        ([BUILDING], b"", 0),
        (["PKIX", "path", "building", "failed"], b"", 0),
        (["-"], BUILDING.encode(), 0),
        (["-"], BUILDING.encode("utf-16"), 0),
        (["-"], b"\xff\xff" + BUILDING.encode(), 0),
        (["hello"], b"", 1),
        (["-"], b"hello\n", 1),
        (["-"], b"", 2),
        (["-"], b" \n\n", 2),
        ([" "], b"", 2),
        ([], b"", 2),
        (["--host", "not a host!", BUILDING], b"", 2),
        (["--host", HOST, "--installed", "missing.pem", BUILDING], b"", 2),
        (["--nonsense", BUILDING], b"", 2),
    ],
)
async def test_the_exit_code_tells_whether_the_error_is_known(
    arguments: list[str], stdin: bytes, code: int
) -> None:
    exit_code, output, errors = await explain(*arguments, stdin=stdin)
    assert exit_code == code
    assert bool(output) == (code < 2)
    assert bool(errors) == (code == 2)
    assert "Traceback" not in errors


async def test_a_huge_log_is_searched_to_its_end() -> None:
    noise = b"2026-11-24 05:16:11,201 INFO all is well\n\tat java.base/java.lang.Thread.run\n"
    log = noise * 50_000 + f"ERROR {BUILDING}\n".encode() + noise * 50_000
    code, output, _ = await explain("--json", "-", stdin=log)
    assert code == 0
    assert json.loads(output)["code"] == "issuer_unknown"


async def test_a_huge_line_is_read_in_part() -> None:
    code, output, _ = await explain("--json", "-", stdin=BUILDING.encode() + b" x" * 2_000_000)
    assert code == 0
    assert json.loads(output)["code"] == "issuer_unknown"


async def test_a_file_name_in_place_of_the_text_is_noticed(tmp_path: Path) -> None:
    log = tmp_path / "connector.log"
    log.write_text(BUILDING)
    code, output, _ = await explain(str(log))
    assert code == 1
    assert f"whichroot explain - < {log}" in output


@pytest.mark.parametrize("arguments", [[], ["--json"]])
@pytest.mark.parametrize(
    "text",
    [
        "ldap://cn=admin:SeSaM@h.example/ said: unknown",
        f"{BUILDING} javax.net.ssl.trustStorePassword=SeSaM",
        "unknown error with password=SeSaM",
        "-----BEGIN PRIVATE KEY-----\nSeSaM\n-----END PRIVATE KEY-----\nConnection refused",
    ],
)
async def test_secrets_are_not_shown(arguments: list[str], text: str) -> None:
    _, output, errors = await explain(*arguments, text)
    assert "SeSaM" not in output + errors


async def test_control_characters_are_shown_not_obeyed() -> None:
    _, output, _ = await explain("\x1b[31mred\u202e hello\x07")
    assert "\\x1b" in output
    assert all(character.isprintable() or character == "\n" for character in output)


async def test_an_interrupt_ends_the_look_at_the_server_at_once() -> None:
    connected = asyncio.Event()

    async def noting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        await until_closed(reader, writer)

    async with (
        raw_server(noting) as server,
        started("explain", "--host", server.address, BUILDING) as process,
    ):
        await asyncio.wait_for(connected.wait(), 120)
        process.send_signal(signal.SIGINT)
        output, errors = await asyncio.wait_for(process.communicate(), 120)
    assert (process.returncode, output, errors) == (130, b"", b"")


async def test_files_and_addresses_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    locked = tmp_path / "trust.p12"
    locked.write_bytes(
        pkcs12.serialize_java_truststore(
            [pkcs12.PKCS12Certificate(ROOT.certificate, b"root")], BestAvailableEncryption(b"x")
        )
    )
    for arguments, words in (
        (["--installed", str(locked)], ["--installed", "trust.p12", "WHICHROOT_PASSWORD"]),
        (["--connect", "https://"], ["--connect: "]),
    ):
        code, output, errors = await explain("--host", HOST, *arguments, BUILDING)
        assert (code, output) == (2, "")
        assert all(word in errors for word in words), errors
