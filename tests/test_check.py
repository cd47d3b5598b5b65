"""The main job, run as its user runs it: a process of its own against real TLS servers."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from tests.support.authority import make_root
from tests.support.servers import answering, raw_server, recorded_flight, tls_server

HOST = "dc01.corp.example"


async def whichroot(*arguments: str, **environment: str) -> tuple[int, str]:
    """The exit code and the standard output."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **environment},
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


async def check(port: int, *arguments: str, **environment: str) -> tuple[int, dict[str, Any]]:
    code, output = await whichroot(
        "check",
        "--json",
        f"{HOST}:636",
        "--connect",
        f"127.0.0.1:{port}",
        *arguments,
        WHICHROOT_EGRESS_ALLOW="127.0.0.0/8",
        **environment,
    )
    return code, json.loads(output)


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
    code, output = await whichroot("check", "--json", "127.0.0.1:636", WHICHROOT_EGRESS_ALLOW="")
    assert code == 1
    assert json.loads(output)["verdict"] == "refused"


async def test_several_hosts_give_a_line_each() -> None:
    code, output = await whichroot("check", "127.0.0.1:1", "not a host", WHICHROOT_EGRESS_ALLOW="")
    assert code == 1
    lines = [json.loads(line) for line in output.splitlines()]
    assert [line["verdict"] for line in lines] == ["refused", "refused"]


async def test_a_chain_from_a_file_gives_the_same_report(tmp_path: Path) -> None:
    root = make_root("Corp Root CA")
    (tmp_path / "chain.pem").write_bytes(root.leaf(HOST).pem + root.pem)
    code, output = await whichroot(
        "check", "--json", "--chain", str(tmp_path / "chain.pem"), f"{HOST}:636"
    )
    assert code == 1
    assert json.loads(output)["verdict"] == "unproven"


async def test_errors_are_explained() -> None:
    text = "PKIX path building failed: unable to find valid certification path to requested target"
    code, output = await whichroot("explain", "--json", text)
    assert code == 0
    assert json.loads(output)["code"] == "issuer_unknown"
    code, _ = await whichroot("explain", "nothing of the kind")
    assert code == 1


async def test_a_password_in_a_target_that_is_refused_is_not_shown() -> None:
    secret = "https://user:s3cret@host:99999/x"
    for arguments in (["--json", secret], [secret], [secret, secret]):
        code, output = await whichroot("check", *arguments)
        assert code == 1
        assert "s3cret" not in output


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
