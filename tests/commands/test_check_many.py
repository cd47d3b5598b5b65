"""Many hosts at once: as they come, as they finish, and when the run is cut short."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path

import pytest

from tests.support.authority import make_root
from tests.support.program import Terminal, started, whichroot
from tests.support.servers import closing, raw_server, tls_server, until_closed

#: Long enough for a start on a busy machine, and far below any timeout of the program.
PATIENCE = 20.0


async def test_a_result_is_printed_while_the_next_line_is_still_awaited() -> None:
    async with raw_server(closing) as server, started("check", "--file", "-") as process:
        assert process.stdin
        assert process.stdout
        for _ in range(2):
            process.stdin.write(f"{server.address}\n".encode())
            line = await asyncio.wait_for(process.stdout.readline(), PATIENCE)
            assert json.loads(line)["target"]["port"] == server.port
        process.stdin.close()
        assert await asyncio.wait_for(process.wait(), PATIENCE) == 1


async def test_a_slow_host_does_not_hold_up_a_quick_one() -> None:
    async with (
        raw_server(until_closed) as slow,
        raw_server(closing) as quick,
        started("check", slow.address, quick.address) as process,
    ):
        assert process.stdout
        line = await asyncio.wait_for(process.stdout.readline(), PATIENCE)
        assert json.loads(line)["target"]["port"] == quick.port
        assert process.returncode is None


async def test_no_more_hosts_are_looked_at_at_once_than_was_said() -> None:
    async with (
        raw_server(until_closed) as slow,
        raw_server(closing) as quick,
        started(
            *("check", "--concurrency", "1", slow.address, quick.address),
            WHICHROOT_HANDSHAKE_TIMEOUT="1",
        ) as process,
    ):
        assert process.stdout
        ports = [
            json.loads(await asyncio.wait_for(process.stdout.readline(), PATIENCE))["target"][
                "port"
            ]
            for _ in range(2)
        ]
        assert ports == [slow.port, quick.port]


FILES = {
    "line ends of Windows": b"127.0.0.1:1\r\n127.0.0.1:2\r\n",
    "line ends of old Macs": b"127.0.0.1:1\r127.0.0.1:2",
    "a byte order mark": b"\xef\xbb\xbf127.0.0.1:1\n127.0.0.1:2",
    "UTF-16 of PowerShell": "﻿127.0.0.1:1\r\n127.0.0.1:2\r\n".encode("utf-16-le"),
    "UTF-16, the other way round": "﻿127.0.0.1:1\n127.0.0.1:2".encode("utf-16-be"),
    "empty lines": b"\n\n127.0.0.1:1\n  \n\t\n127.0.0.1:2\n\n",
    "comments": b"# servers\n127.0.0.1:1 # one\n  # 127.0.0.1:3\n127.0.0.1:2\t# two",
    "spaces": b"   127.0.0.1:1  \n\t127.0.0.1:2",
}


@pytest.mark.parametrize("content", FILES.values(), ids=FILES)
@pytest.mark.parametrize("how", ["file", "standard input"])
async def test_hosts_are_read_from(content: bytes, how: str, tmp_path: Path) -> None:
    (tmp_path / "hosts").write_bytes(content)
    if how == "file":
        run = await whichroot("check", "--file", str(tmp_path / "hosts"), WHICHROOT_EGRESS_ALLOW="")
    else:
        run = await whichroot("check", "--file", "-", stdin=content, WHICHROOT_EGRESS_ALLOW="")
    assert sorted(line["target"]["input"] for line in run.lines) == ["127.0.0.1:1", "127.0.0.1:2"]
    assert run.code == 1


async def test_every_line_has_its_report_duplicates_and_bad_ones_too() -> None:
    hosts = [b"127.0.0.1:1", b"127.0.0.1:1", b"not a host", b"caf\xe9", b"x" * 100_000]
    run = await whichroot(
        "check", "--file", "-", stdin=b"\n".join(hosts), WHICHROOT_EGRESS_ALLOW=""
    )
    inputs = sorted(line["target"]["input"] for line in run.lines)
    assert inputs[:4] == ["127.0.0.1:1", "127.0.0.1:1", "caf\ufffd", "not a host"]
    assert inputs[4].startswith("xxx")
    assert len(inputs[4]) < 5000
    assert {line["verdict"] for line in run.lines} == {"refused"}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "names no server"),
        (b"# nothing\n\r\n", "names no server"),
        (b"\x00\x01\x02\x03" * 100, "is not text"),
        (b"\x7fELF\x02\x01\x01\x00", "is not text"),
        (b"-----BEGIN CERTIFICATE-----\nMII\n", "holds certificates or keys"),
        (b"-----BEGIN PRIVATE KEY-----\nMII\n", "holds certificates or keys"),
    ],
)
async def test_a_file_without_hosts_is_bad_usage(content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "hosts").write_bytes(content)
    run = await whichroot("check", "--file", str(tmp_path / "hosts"))
    assert (run.code, run.output) == (2, "")
    assert "hosts”" in run.errors
    assert says in run.errors
    assert "MII" not in run.errors
    run = await whichroot("check", "--file", "-", stdin=content)
    assert (run.code, run.output) == (2, "")
    assert "Standard input" in run.errors


@pytest.mark.parametrize(
    ("name", "says"), [("missing.txt", "No such file"), (".", "Is a directory"), ("a\0b", "name")]
)
async def test_a_file_that_cannot_be_read_is_bad_usage(name: str, says: str) -> None:
    if "\0" in name:
        # No process can be given such an argument.
        from bot.commands.streams import InputError, open_input

        with pytest.raises(InputError, match=says), open_input(name):
            pass
        return
    run = await whichroot("check", "--file", name)
    assert (run.code, run.output) == (2, "")
    assert says in run.errors
    assert f"“{name}”" in run.errors


async def test_the_exit_code_is_zero_when_every_host_is_validated(tmp_path: Path) -> None:
    root = make_root()
    (tmp_path / "root.pem").write_bytes(root.pem)
    async with tls_server([root.leaf("127.0.0.1")]) as server:
        hosts = f"{server.address}\n{server.address}\n".encode()
        settings = {"WHICHROOT_COMPANY_ROOTS": str(tmp_path)}
        run = await whichroot("check", "--file", "-", stdin=hosts, **settings)
        assert [line["verdict"] for line in run.lines] == ["validated", "validated"]
        assert run.code == 0
        hosts += b"nothing at all\n"
        run = await whichroot("check", "--file", "-", stdin=hosts, **settings)
        assert run.code == 1


@pytest.fixture
async def terminal() -> Terminal:
    return Terminal()


async def test_a_terminal_shows_progress_out_of_all_hosts_of_a_file(
    terminal: Terminal, tmp_path: Path
) -> None:
    (tmp_path / "hosts").write_bytes(b"127.0.0.1:1\n# no host\n\nnot a host\n")
    arguments = ("check", "127.0.0.1:3", "--file", str(tmp_path / "hosts"))
    try:
        async with started(
            *arguments, stderr=terminal.descriptor, WHICHROOT_EGRESS_ALLOW=""
        ) as process:
            output, _ = await process.communicate()
        assert len(output.splitlines()) == 3
        assert "3/3" in terminal.text
    finally:
        terminal.close()


async def test_progress_of_a_pipe_has_no_total(terminal: Terminal) -> None:
    try:
        async with started(
            *("check", "--file", "-"), stderr=terminal.descriptor, WHICHROOT_EGRESS_ALLOW=""
        ) as process:
            await process.communicate(b"127.0.0.1:1\nnot a host\n")
        assert "2/?" in terminal.text
    finally:
        terminal.close()


async def test_results_and_progress_share_one_terminal(terminal: Terminal) -> None:
    try:
        async with started(
            *("check", "127.0.0.1:1", "127.0.0.1:2"),
            stdout=terminal.descriptor,
            stderr=terminal.descriptor,
            WHICHROOT_EGRESS_ALLOW="",
        ) as process:
            await process.communicate()
        # A line of JSON begins at the left margin, not behind the bar.
        starts = [line for line in terminal.text.splitlines() if '{"target"' in line]
        assert len(starts) == 2
        assert all("Checking" not in line for line in starts)
        assert "2/2" in terminal.text
    finally:
        terminal.close()


async def test_without_a_terminal_there_is_no_progress() -> None:
    run = await whichroot("check", "127.0.0.1:1", "127.0.0.1:2", WHICHROOT_EGRESS_ALLOW="")
    assert run.errors == ""


@pytest.mark.parametrize("many", [False, True])
async def test_an_interrupt_ends_the_run_at_once(many: bool) -> None:
    all_connected = asyncio.Event()

    async def noting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if server.connections == len(hosts):
            all_connected.set()
        await until_closed(reader, writer)

    async with raw_server(noting) as server:
        hosts = [server.address, server.address] if many else [server.address]
        async with started("check", *hosts) as process:
            await asyncio.wait_for(all_connected.wait(), PATIENCE)
            process.send_signal(signal.SIGINT)
            output, errors = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert (process.returncode, output, errors) == (130, b"", b"")


async def test_an_interrupt_ends_the_wait_for_hosts() -> None:
    async with raw_server(closing) as server, started("check", "--file", "-") as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(f"{server.address}\n".encode())
        await asyncio.wait_for(process.stdout.readline(), PATIENCE)
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), PATIENCE) == 130
        assert process.stderr
        assert await process.stderr.read() == b""


async def test_a_reader_that_has_had_enough_ends_the_run_quietly() -> None:
    async with started("check", "--file", "-", WHICHROOT_EGRESS_ALLOW="") as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdin.write(b"127.0.0.1:1\n")
        await asyncio.wait_for(process.stdout.readline(), PATIENCE)
        # A stream reader has no public way to go away.
        process.stdout._transport.close()  # type: ignore[attr-defined]
        process.stdin.write(b"127.0.0.1:2\n" * 100)
        process.stdin.close()
        assert await asyncio.wait_for(process.wait(), PATIENCE) == 1
        assert await process.stderr.read() == b""
