"""The main job, run as its user runs it: a process of its own against real TLS servers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.support.authority import make_root
from tests.support.program import whichroot
from tests.support.servers import (
    answering,
    closing,
    raw_server,
    recorded_flight,
    saying,
    server_context,
    tls_server,
)

HOST = "dc01.corp.example"


async def check(port: int, *arguments: str, **environment: Any) -> tuple[int, dict[str, Any]]:
    """The exit code and the report on `HOST`, which the server on ``port`` plays."""
    where = (f"{HOST}:636", "--connect", f"127.0.0.1:{port}")
    run = await whichroot("check", "--json", *where, *arguments, **environment)
    return run.code, run.json


async def test_a_private_root_of_the_company_is_validated(tmp_path: Path) -> None:
    root = make_root("Corp Root CA")
    issuing = root.intermediate("Corp Issuing CA")
    (tmp_path / "root.pem").write_bytes(root.pem)
    async with tls_server([issuing.leaf(HOST), issuing]) as server:
        code, report = await check(server.port, WHICHROOT_COMPANY_ROOTS=str(tmp_path))
    assert code == 0
    assert report["verdict"] == "validated"
    assert report["recommended"]["option"] == "root"
    assert report["recommended"]["certificates"][0]["pem"].encode() == root.pem
    assert all(p["accepted"] for p in report["recommended"]["predictions"].values())


async def test_a_root_that_only_the_server_sends_is_unproven() -> None:
    root = make_root("Corp Root CA")
    async with tls_server([root.leaf(HOST), root]) as server:
        code, report = await check(server.port)
    assert (code, report["verdict"]) == (1, "unproven")
    assert "Corp Root CA" in report["request_text"]


async def test_a_root_that_nobody_has_is_asked_for() -> None:
    issuing = make_root("Corp Root CA").intermediate("Corp Issuing CA")
    async with tls_server([issuing.leaf(HOST), issuing]) as server:
        code, report = await check(server.port)
    assert (code, report["verdict"]) == (1, "not_found")
    assert "CN=Corp Root CA" in report["missing"]["subject"]
    assert "base64 encoded PEM" in report["request_text"]


async def test_loopback_is_refused_unless_it_is_allowed() -> None:
    run = await whichroot("check", "--json", "127.0.0.1:636", WHICHROOT_EGRESS_ALLOW="")
    assert (run.code, run.json["verdict"], run.json["command"]) == (1, "refused", None)
    run = await whichroot("check", "127.0.0.1:636", WHICHROOT_EGRESS_ALLOW="")
    assert run.code == 1
    assert run.output.startswith("REFUSED  127.0.0.1:636\n")


async def test_several_hosts_give_a_line_each() -> None:
    run = await whichroot("check", "127.0.0.1:1", "not a host", WHICHROOT_EGRESS_ALLOW="")
    assert run.code == 1
    assert [line["verdict"] for line in run.lines] == ["refused", "refused"]


async def test_a_password_in_a_target_that_is_refused_is_not_shown() -> None:
    secret = "https://user:s3cret@host:99999/x"
    for arguments, code in (["--json", secret], 1), ([secret], 2), ([secret, secret], 1):
        run = await whichroot("check", *arguments)
        assert run.code == code
        assert "s3cret" not in run.output + run.errors


async def test_a_server_that_nothing_reaches_comes_with_the_command_to_run_elsewhere() -> None:
    # Nothing listens on port 1.
    run = await whichroot("check", "--json", "127.0.0.1:1")
    assert (run.code, run.json["verdict"]) == (1, "unreachable")
    fetch, again = run.json["command"].splitlines()
    assert fetch.startswith("openssl s_client -connect 127.0.0.1:1 -noservername -showcerts")
    assert again == "whichroot check --chain chain.txt 127.0.0.1:1"
    assert "refuses the connection" in run.json["summary"]


async def test_a_plaintext_server_is_said_to_be_one() -> None:
    async with raw_server(answering(b"HTTP/1.1 400 Bad Request\r\n\r\n", then=closing)) as server:
        code, report = await check(server.port)
        run = await whichroot("check", f"127.0.0.1:{server.port}")
    assert (code, report["verdict"]) == (1, "unreachable")
    assert "The server was reached" in report["summary"]
    assert "does not speak TLS but HTTP" in report["summary"]
    assert report["command"] is None
    assert run.output.startswith(f"NO CERTIFICATE  127.0.0.1:{server.port}\n")


async def test_a_directory_that_refuses_starttls_is_said_to() -> None:
    refusal = bytes.fromhex("300c02010178070a01340400040 0".replace(" ", ""))
    async with raw_server(saying(b"", refusal)) as server:
        code, report = await check(server.port, "--protocol", "ldap")
    assert (code, report["verdict"], report["command"]) == (1, "unreachable", None)
    assert "The server was reached" in report["summary"]
    assert report["target"]["protocol"] == "ldap"


async def test_where_to_connect_is_written_with_brackets_for_ipv6() -> None:
    run = await whichroot("check", "--json", HOST, "--connect", "[::1]:1")
    assert run.json["target"]["connect"] == "[::1]:1"
    assert "-connect [::1]:1 " in run.json["command"]
    run = await whichroot("check", "--json", f"{HOST}:1", "--connect", "::1")
    assert run.json["target"]["connect"] == "::1"


async def test_the_time_to_check_for_can_be_named(tmp_path: Path) -> None:
    root = make_root("Corp Root CA")
    (tmp_path / "root.pem").write_bytes(root.pem)
    leaf = root.leaf(HOST, not_before=datetime(2020, 1, 1, tzinfo=UTC))
    later = datetime.now(UTC) + timedelta(days=200)
    async with tls_server([leaf]) as server:
        settings = {"WHICHROOT_COMPANY_ROOTS": str(tmp_path)}
        code, report = await check(server.port, "--at", f"{later:%Y-%m-%dT%H:%M:%SZ}", **settings)
        assert (code, report["verdict"]) == (1, "not_found")
        assert report["at"] == f"{later:%Y-%m-%dT%H:%M:%SZ}"
        assert "(expired " in report["summary"]
        code, report = await check(server.port, "--at", "2020-06-01", **settings)
        assert report["at"] == "2020-06-01T00:00:00Z"
        assert report["recommended"]["certificates"][0]["days_left"] > 365 * 10


async def test_a_server_that_wants_a_client_certificate_is_validated_with_a_warning(
    tmp_path: Path,
) -> None:
    root = make_root("Corp Root CA")
    (tmp_path / "root.pem").write_bytes(root.pem)
    async with tls_server(server_context([root.leaf(HOST)], client_cas=[root])) as server:
        code, report = await check(server.port, WHICHROOT_COMPANY_ROOTS=str(tmp_path))
    assert (code, report["verdict"]) == (0, "validated")
    presented = report["presented"][0]
    assert presented["client_certificate"] == {"required": True, "authorities": ["CN=Corp Root CA"]}
    assert "still will not connect" in report["summary"]


async def test_a_chain_with_a_certificate_that_cannot_be_read_is_never_validated(
    tmp_path: Path,
) -> None:
    root = make_root("Corp Root CA")
    (tmp_path / "root.pem").write_bytes(root.pem)
    flight = recorded_flight([root.leaf(HOST).der, b"\x30\x03\x02\x01\x00"])
    async with raw_server(answering(flight)) as server:
        code, report = await check(server.port, WHICHROOT_COMPANY_ROOTS=str(tmp_path))
    assert (code, report["verdict"], report["recommended"]) == (1, "not_found", None)
    assert "unreadable_certificate" in [finding["code"] for finding in report["findings"]]
